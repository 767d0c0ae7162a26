//! The connect string: servers parted by commas, and behind them the chroot.
//!
//! Pure. It is read, and refused in the same words, as by ZooKeeper's own client of that time: a port that is no number
//! ends a start at once, and an address that merely cannot be resolved is waited for. ZooKeeper:
//! `ConnectStringParser`, `NetUtils`, `PathUtils`.

mod chroot;

use std::fmt;

pub use chroot::ChrootError;

/// The port of a server that is named without one.
const DEFAULT_PORT: u16 = 2181;

/// Why a connect string is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectStringError {
    /// It names no server.
    #[error("A HostProvider may not be empty!")]
    NoServers,
    /// What stands behind the last colon of a server is no number.
    #[error("For input string: \"{0}\"")]
    PortNotANumber(String),
    /// The port is no port.
    #[error("port out of range:{0}")]
    PortOutOfRange(i32),
    /// A server begins with a bracket that is not closed.
    #[error("{0} starts with '[' but has no matching ']'")]
    BracketNotClosed(String),
    /// The brackets of a server hold nothing.
    #[error(" is empty.")]
    BracketsEmpty,
    /// Something other than a colon stands behind the brackets.
    #[error("{0} does not have : after ]")]
    NoColonAfterBrackets(String),
    /// Nothing stands behind the colon behind the brackets.
    #[error("{0} doesn't have a port after colon.")]
    NoPortAfterBrackets(String),
    /// The chroot is no path.
    #[error(transparent)]
    Chroot(#[from] ChrootError),
}

/// A server of the ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZkServer {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
}

impl fmt::Display for ZkServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(out, "[{host}]:{port}") } else { write!(out, "{host}:{port}") }
    }
}

/// What a connect string names.
#[derive(Debug, PartialEq, Eq)]
#[doc(alias = "ConnectStringParser")]
pub(super) struct ConnectString {
    /// At least one.
    pub servers: Vec<ZkServer>,
    /// A path, or nothing for the root.
    pub chroot: String,
}

impl ConnectString {
    /// Reads `host:port[,host:port...][/chroot]`. A server without a port listens on 2181.
    ///
    /// # Errors
    /// The first reason against it.
    pub(super) fn parse(text: &str) -> Result<Self, ConnectStringError> {
        let (servers, chroot) = text.split_at(text.find('/').unwrap_or(text.len()));
        let named = servers.split(',').map(str::trim).filter(|server| !server.is_empty());
        let servers = named.map(server).collect::<Result<Vec<_>, _>>()?;
        if servers.is_empty() {
            return Err(ConnectStringError::NoServers);
        }
        Ok(Self { servers, chroot: chroot::check(chroot)?.to_owned() })
    }
}

fn server(text: &str) -> Result<ZkServer, ConnectStringError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => bracketed(text, rest)?,
        None => match text.rsplit_once(':') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(DEFAULT_PORT), port_of)?;
    // Java takes an empty host for the loopback address.
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(ZkServer { host: host.to_owned(), port })
}

/// The parts of an address in brackets; `rest` is the text behind the first one.
fn bracketed<'a>(text: &str, rest: &'a str) -> Result<(&'a str, Option<&'a str>), ConnectStringError> {
    let (host, after) =
        rest.rsplit_once(']').ok_or_else(|| ConnectStringError::BracketNotClosed(text.to_owned()))?;
    if host.is_empty() {
        return Err(ConnectStringError::BracketsEmpty);
    }
    match after.strip_prefix(':') {
        None if after.is_empty() => Ok((host, None)),
        None => Err(ConnectStringError::NoColonAfterBrackets(text.to_owned())),
        Some("") => Err(ConnectStringError::NoPortAfterBrackets(text.to_owned())),
        port => Ok((host, port)),
    }
}

fn port_of(text: &str) -> Result<u16, ConnectStringError> {
    let number: i32 = text.parse().map_err(|_| ConnectStringError::PortNotANumber(text.to_owned()))?;
    u16::try_from(number).map_err(|_| ConnectStringError::PortOutOfRange(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The servers and the chroot that a connect string names.
    fn read(text: &str) -> (Vec<String>, String) {
        let ConnectString { servers, chroot } = ConnectString::parse(text).unwrap();
        (servers.iter().map(ZkServer::to_string).collect(), chroot)
    }

    #[test]
    fn servers_are_read_as_java_reads_them() {
        for (text, servers) in [
            ("a:1,b:2", &["a:1", "b:2"][..]),
            ("a", &["a:2181"]),
            ("a:", &["a:2181"]),
            (":1", &["localhost:1"]),
            (" a:1 , b:2 ", &["a:1", "b:2"]),
            (",a:1,,b:2,", &["a:1", "b:2"]),
            ("a:+1,a:0", &["a:1", "a:0"]),
            ("[::1]:1", &["[::1]:1"]),
            ("[::1]", &["[::1]:2181"]),
            ("::1:1", &["[::1]:1"]),
            // Addresses that cannot be resolved: they are waited for.
            ("::1", &["[:]:1"]),
            ("a:1:3", &["[a:1]:3"]),
            ("no such host:1", &["no such host:1"]),
        ] {
            assert_eq!(read(text).0, servers, "{text}");
        }
        assert_eq!(read("a:1/k/a.b"), (vec!["a:1".to_owned()], "/k/a.b".to_owned()));
        assert_eq!(read("a:1/a,b:2/a").1, "/a,b:2/a");
        assert_eq!(read("a:1/").1, "");
    }

    #[test]
    fn what_java_refuses_is_refused_in_its_words() {
        for (text, reason) in [
            ("", "A HostProvider may not be empty!"),
            (",", "A HostProvider may not be empty!"),
            ("/chroot", "A HostProvider may not be empty!"),
            ("a:port", "For input string: \"port\""),
            ("a:1x", "For input string: \"1x\""),
            ("a: 1", "For input string: \" 1\""),
            ("a:99999999999", "For input string: \"99999999999\""),
            ("a:1,b:port", "For input string: \"port\""),
            ("[::1]:port", "For input string: \"port\""),
            ("a:-1", "port out of range:-1"),
            ("a:70000", "port out of range:70000"),
            ("[::1", "[::1 starts with '[' but has no matching ']'"),
            ("[]:1", " is empty."),
            ("[::1]x:1", "[::1]x:1 does not have : after ]"),
            ("[::1]:", "[::1]: doesn't have a port after colon."),
            ("a:1/k/", "Path must not end with / character"),
        ] {
            assert_eq!(ConnectString::parse(text).unwrap_err().to_string(), reason, "{text}");
        }
    }
}
