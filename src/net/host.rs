//! This machine's canonical name, which a broker advertises where its config names no host.
//!
//! It is found as Java's `InetAddress.getLocalHost().getCanonicalHostName()` does: the first address of the
//! machine's own name, and the name of this address if that resolves back to the address.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};

/// A name that has no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: {0}: {1}")]
pub struct UnknownHost(String, String);

/// The machine's own name, as it was given one.
pub fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The canonical name of this machine, or its address if the address has no name. Blocks as long as name
/// servers take.
///
/// # Errors
/// [`UnknownHost`] where the machine's own name has no address.
pub fn canonical_name() -> Result<String, UnknownHost> {
    let own = own_name();
    let addresses = |name: &str| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect());
    canonical(&own, addresses, |address| Ok(dns_lookup::lookup_addr(&address)?))
}

fn canonical(
    own: &str,
    addresses: impl Fn(&str) -> io::Result<Vec<IpAddr>>,
    name: impl Fn(IpAddr) -> io::Result<String>,
) -> Result<String, UnknownHost> {
    let unknown = |reason: String| UnknownHost(own.to_owned(), reason);
    let found = addresses(own).map_err(|error| unknown(reason(&error)))?;
    // Java prefers IPv4.
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    let address = *first.ok_or_else(|| unknown("Name or service not known".to_owned()))?;
    let leads_back = |name: &String| addresses(name).is_ok_and(|found| found.contains(&address));
    Ok(name(address).ok().filter(leads_back).unwrap_or_else(|| address.to_string()))
}

/// Why a name was not found, in the C library's words.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
