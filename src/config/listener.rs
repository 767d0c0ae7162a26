//! Listeners as settings write them: `NAME://host:port`, security protocols by name, `listener.name.*` prefixes.
//!
//! Pure.

use std::collections::BTreeMap;

use super::rows::ConfigError;
use crate::base::{Endpoint, SecurityProtocol};

/// The security protocol of each listener name.
pub type Protocols = BTreeMap<String, SecurityProtocol>;

/// Whether a key holds for one listener only, or belongs to a plugin of Kafka's that has keys of its own.
pub fn is_prefixed(key: &str) -> bool {
    key.starts_with("listener.name.")
}

/// The key that `listener.name.NAME.KEY` sets for one listener; None of any other key.
pub fn own_key(key: &str) -> Option<&str> {
    let (_, own) = key.strip_prefix("listener.name.")?.split_once('.')?;
    Some(own)
}

/// Whether a key of a single listener may change while the listener is open: its limits and its stores.
pub fn is_live(key: &str) -> bool {
    LIMITS.contains(&key) || STORES.contains(&key)
}

/// The limits of a single listener (`SocketServer.ListenerReconfigurableConfigs`).
pub const LIMITS: [&str; 2] = ["max.connection.creation.rate", "max.connections"];

/// The keys of stores and their secrets (`SslConfigs.RECONFIGURABLE_CONFIGS`).
pub const STORES: [&str; 10] = [
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// A listener's name as it is compared: upper case (`ListenerName.normalised`).
pub fn normalised(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// The security protocol that the value of `key` names.
///
/// # Errors
/// [`ConfigError::Combination`] where there is none of that name.
pub fn protocol(name: &str, key: &str) -> Result<SecurityProtocol, ConfigError> {
    name.parse()
        .map_err(|_| ConfigError::Combination(format!("Invalid security protocol `{name}` defined in {key}")))
}

/// `listener.security.protocol.map` as name → protocol.
///
/// # Errors
/// [`ConfigError`] where it is no list of pairs or names a protocol that does not exist.
pub fn protocols(text: &str) -> Result<Protocols, ConfigError> {
    let key = "listener.security.protocol.map";
    parse_map(key, text)?
        .into_iter()
        .map(|(name, value)| Ok((normalised(&name), protocol(&value, key)?)))
        .collect()
}

/// A value of `name:value` pairs parted by commas; the value is what follows the last colon.
///
/// # Errors
/// [`ConfigError::Illegal`] where a pair has no colon.
pub fn parse_map(key: &str, text: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| match pair.rsplit_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            // As Java's substring complains of a colon that is not there.
            None => Err(ConfigError::Illegal(format!(
                "Error parsing configuration property '{key}': begin 0, end -1, length {}",
                pair.encode_utf16().count()
            ))),
        })
        .collect()
}

/// The ports of several listeners of one broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerPorts {
    /// Each listener binds a port of its own.
    Distinct,
    /// Listeners may share a port, as advertised ones behind one proxy do.
    Shared,
}

/// Why one element of a list of listeners is no endpoint.
#[derive(Debug, thiserror::Error)]
enum EndpointError {
    #[error("Unable to parse {0} to a broker endpoint")]
    Unparsable(String),
    #[error("port out of range:{0}")]
    PortOutOfRange(i32),
    #[error("No security protocol defined for listener {0}")]
    NoProtocol(String),
}

/// A list of listeners whose names all differ; port 0 stands for any free one.
///
/// # Errors
/// [`ConfigError::Illegal`] or [`ConfigError::Requirement`] with Kafka's message.
pub fn parse_list(
    text: &str,
    protocols: &Protocols,
    ports: ListenerPorts,
) -> Result<Vec<Endpoint>, ConfigError> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let endpoints = items
        .map(|item| parse_endpoint(item, protocols))
        .collect::<Result<Vec<_>, EndpointError>>()
        .map_err(|reason| {
            ConfigError::Illegal(format!("Error creating broker listeners from '{text}': {reason}"))
        })?;
    for (at, endpoint) in endpoints.iter().enumerate() {
        let others = &endpoints[..at];
        if others.iter().any(|other| other.listener == endpoint.listener) {
            return Err(ConfigError::Requirement(format!(
                "Each listener must have a different name, listeners: {text}"
            )));
        }
        let is_shared = endpoint.port != 0 && others.iter().any(|other| other.port == endpoint.port);
        if ports == ListenerPorts::Distinct && is_shared {
            return Err(ConfigError::Requirement(format!(
                "Each listener must have a different port, listeners: {text}"
            )));
        }
    }
    Ok(endpoints)
}

/// One `NAME://host:port`; the host may be empty, or an IPv6 address in brackets.
fn parse_endpoint(text: &str, protocols: &Protocols) -> Result<Endpoint, EndpointError> {
    let unparsable = || EndpointError::Unparsable(text.to_owned());
    let (name, address) = text.split_once("://").ok_or_else(unparsable)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(unparsable)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_host_letter = |letter: char| letter.is_ascii_alphanumeric() || "-%._:".contains(letter);
    if !host.chars().all(is_host_letter) {
        return Err(unparsable());
    }
    let port: i32 = port.parse().map_err(|_| unparsable())?;
    if port > 65_535 {
        return Err(EndpointError::PortOutOfRange(port));
    }
    let listener = normalised(name);
    let Some(&protocol) = protocols.get(&listener) else { return Err(EndpointError::NoProtocol(listener)) };
    Ok(Endpoint { listener, protocol, host: host.to_owned(), port })
}
