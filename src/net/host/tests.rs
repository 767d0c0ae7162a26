use std::collections::BTreeMap;

use super::*;

/// What is found in a network with the given names and addresses.
fn find(own: &str, names: &[(&str, &[&str])], addresses: &[(&str, &str)]) -> Result<String, UnknownHost> {
    let names: BTreeMap<_, _> = names.iter().copied().collect();
    let addresses: BTreeMap<_, _> = addresses.iter().copied().collect();
    let none = || io::Error::other("failed to lookup address information: Name or service not known");
    canonical(
        own,
        |name| {
            let found = names.get(name).ok_or_else(none)?;
            Ok(found.iter().map(|address| address.parse().unwrap()).collect())
        },
        |address| addresses.get(&*address.to_string()).map(|name| (*name).to_owned()).ok_or_else(none),
    )
}

#[test]
fn the_name_is_the_one_that_the_first_address_has() {
    let names: &[(&str, &[&str])] =
        &[("kafka1", &["fd00::1", "10.0.0.1", "10.0.0.2"]), ("kafka1.example.com", &["10.0.0.1"])];
    let found = find("kafka1", names, &[("10.0.0.1", "kafka1.example.com"), ("fd00::1", "six")]);
    assert_eq!(found.unwrap(), "kafka1.example.com");
}

#[test]
fn an_address_without_a_name_that_leads_back_stands_for_itself() {
    let names: &[(&str, &[&str])] = &[("kafka1", &["10.0.0.1"]), ("other", &["10.0.0.9"])];
    assert_eq!(find("kafka1", names, &[]).unwrap(), "10.0.0.1");
    assert_eq!(find("kafka1", names, &[("10.0.0.1", "other")]).unwrap(), "10.0.0.1");
    assert_eq!(find("kafka1", names, &[("10.0.0.1", "gone")]).unwrap(), "10.0.0.1");
}

#[test]
fn a_name_without_an_address_is_unknown() {
    let unknown = find("kafka1", &[], &[]).unwrap_err();
    assert_eq!(unknown.to_string(), "kafka1: kafka1: Name or service not known");
    assert!(find("kafka1", &[("kafka1", &[])], &[]).is_err());
}
