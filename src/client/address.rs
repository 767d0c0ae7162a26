//! Addresses of servers: the list of `bootstrap.servers`, and which of their names can be looked up.
//!
//! Kafka: `ClientUtils.parseAndValidateAddresses`.

use std::fmt;
use std::io;
use std::net::IpAddr;

use super::cluster::ClientDnsLookup;
use super::error::ClientError;
use super::events::{ClientEvent, EventSink};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerAddress {
    /// A host name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl ServerAddress {
    /// The addresses of a `bootstrap.servers`: `host:port` or `[v6]:port` with commas between them; a scheme before an
    /// address is allowed.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`] of the first entry that is no address, or of an empty list.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, ClientError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let addresses = entries.map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() { Err(ClientError::BadAddress(list.to_owned())) } else { Ok(addresses) }
    }

    fn parse(entry: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::BadAddress(entry.to_owned());
        let bare = entry.rsplit_once("://").map_or(entry, |(_, rest)| rest);
        let (host, port) = bare.rsplit_once(':').ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match port.parse() {
            Ok(port) if !host.is_empty() => Ok(Self { host: host.to_owned(), port }),
            _ => Err(bad()),
        }
    }

    /// The first IP address that the host's name stands for; None where it cannot be looked up.
    pub(super) async fn look_up(&self) -> Option<IpAddr> {
        self.addresses().await.ok()?.into_iter().next()
    }

    /// The IP addresses to connect to, in their order: the first one, or all of its kind (IPv4 or IPv6).
    ///
    /// # Errors
    /// The name cannot be looked up.
    pub(super) async fn resolve(&self, lookup: ClientDnsLookup) -> Result<Vec<IpAddr>, ClientError> {
        let mut found = self.addresses().await.map_err(|error| ClientError::of_peer(error.into()))?;
        match lookup {
            ClientDnsLookup::Default => found.truncate(1),
            ClientDnsLookup::UseAllDnsIps | ClientDnsLookup::ResolveCanonicalBootstrapServersOnly => {
                let first = found.first().map(IpAddr::is_ipv4);
                found.retain(|address| Some(address.is_ipv4()) == first);
            }
        }
        Ok(found)
    }

    async fn addresses(&self) -> io::Result<Vec<IpAddr>> {
        let mut all = Vec::new();
        for found in tokio::net::lookup_host((self.host.as_str(), self.port)).await? {
            if !all.contains(&found.ip()) {
                all.push(found.ip());
            }
        }
        Ok(all)
    }

    /// This server by the canonical name of each of its addresses; none where it cannot be looked up.
    async fn canonical(&self) -> Vec<Self> {
        let addresses = self.addresses().await.unwrap_or_default();
        let named = addresses.into_iter().map(|address| async move {
            // The resolver of the system blocks. An address without a name stands for itself.
            let named = tokio::task::spawn_blocking(move || dns_lookup::lookup_addr(&address)).await;
            named.ok().and_then(Result::ok).unwrap_or_else(|| address.to_string())
        });
        let names = futures_util::future::join_all(named).await;
        names.into_iter().map(|host| Self { host, port: self.port }).collect()
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

/// The servers whose names can be looked up, by their canonical names where that is asked for; each of the others is
/// reported as an event.
///
/// # Errors
/// [`ClientError::NoneResolvable`].
pub(super) async fn resolvable(
    servers: Vec<ServerAddress>,
    lookup: ClientDnsLookup,
    events: &EventSink,
) -> Result<Vec<ServerAddress>, ClientError> {
    let mut found = Vec::new();
    for server in servers {
        if lookup == ClientDnsLookup::ResolveCanonicalBootstrapServersOnly {
            let named = server.canonical().await;
            if !named.is_empty() {
                found.extend(named);
                continue;
            }
        }
        if server.look_up().await.is_some() {
            found.push(server);
        } else {
            events.report(&ClientEvent::Unresolvable(server));
        }
    }
    if found.is_empty() { Err(ClientError::NoneResolvable) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_hosts_and_ports() {
        let found = ServerAddress::parse_list("a:1, PLAINTEXT://b:2,[::1]:3").unwrap();
        let address = |host: &str, port| ServerAddress { host: host.to_owned(), port };
        assert_eq!(found, [address("a", 1), address("b", 2), address("::1", 3)]);
        for bad in ["", "a", "a:", ":1", "a:99999"] {
            assert!(matches!(ServerAddress::parse_list(bad), Err(ClientError::BadAddress(_))), "{bad}");
        }
    }
}
