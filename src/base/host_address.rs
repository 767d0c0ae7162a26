//! Addresses as Java prints them.

use std::net::IpAddr;

/// An address as `InetAddress.getHostAddress` prints it: of version 6 without leaving out zeros.
pub fn host_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|part| format!("{part:x}")).join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_printed_as_java_prints_them() {
        let printed = |address: &str| host_address(address.parse().unwrap());
        assert_eq!(printed("127.0.0.1"), "127.0.0.1");
        assert_eq!(printed("::1"), "0:0:0:0:0:0:0:1");
        assert_eq!(printed("fe80::ab"), "fe80:0:0:0:0:0:0:ab");
        assert_eq!(printed("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
