//! The configs of clients and users below `/config/clients` and `/config/users`: quotas, and beside those of a user its
//! SCRAM credentials (`DynamicConfig.Client`, `DynamicConfig.User`).
//!
//! Pure.

use super::layers::OwnConfigs;
use super::rows::{ConfigError, config};
use crate::base::jvm_order;

config! {
    /// How much a client or a user may do; each quota is unlimited where it is not set.
    QuotaOverrides;

    /// The most bytes a second that may be fetched.
    consumer_byte_rate: i64 = "consumer_byte_rate",
        default: "9223372036854775807", importance: Medium, dynamic: ClusterWide;
    /// The most partitions a second that may be created and deleted (KIP-599).
    controller_mutation_rate: f64 = "controller_mutation_rate",
        default: "2147483647", importance: Medium, dynamic: ClusterWide;
    /// The most bytes a second that may be produced.
    producer_byte_rate: i64 = "producer_byte_rate",
        default: "9223372036854775807", importance: Medium, dynamic: ClusterWide;
    /// The most time of request threads, in percent of one thread.
    request_percentage: f64 = "request_percentage",
        default: "2147483647", importance: Medium, dynamic: ClusterWide;
}

/// The keys of a user's SCRAM credentials.
const CREDENTIALS: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// Which keys an entity of quotas may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaKeys {
    /// Quotas alone: a client id, a client id of a user, all users without quotas of their own.
    Client,
    /// Quotas and credentials: a user.
    User,
}

/// Checks the configs of a client or a user.
///
/// # Errors
/// [`ConfigError::Requirement`] of the keys that it cannot have, [`ConfigError::Invalid`] of a value that is no number.
pub fn check(keys: QuotaKeys, own: &OwnConfigs) -> Result<(), ConfigError> {
    let is_known = |key: &str| {
        QuotaOverrides::row(key).is_some() || (keys == QuotaKeys::User && CREDENTIALS.contains(&key))
    };
    let unknown =
        own.keys().filter(|key| !is_known(key)).map(|key| (jvm_order::hash_code(key), key.as_str()));
    let unknown = jvm_order::scala_mutable_set(unknown.collect());
    if !unknown.is_empty() {
        let sentence = format!("Unknown Dynamic Configuration: HashSet({}).", unknown.join(", "));
        return Err(ConfigError::Requirement(sentence));
    }
    let mut quotas = QuotaOverrides::default();
    // In the order in which Kafka reads them, as the first wrong value is the one that is named.
    let order =
        ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];
    order.into_iter().try_for_each(|key| match own.get(key) {
        Some(value) => quotas.set(key, value).map(drop),
        None => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(keys: QuotaKeys, own: &[(&str, &str)]) -> Option<String> {
        let own = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        check(keys, &own).err().map(|error| error.to_string())
    }

    #[test]
    fn a_client_has_quotas_and_a_user_credentials_too() {
        let quotas = [("producer_byte_rate", "5"), ("request_percentage", "12.5")];
        assert_eq!(refusal(QuotaKeys::Client, &quotas), None);
        let credential = [("SCRAM-SHA-256", "salt=…")];
        assert_eq!(refusal(QuotaKeys::User, &credential), None);
        assert_eq!(
            refusal(QuotaKeys::Client, &credential).unwrap(),
            "requirement failed: Unknown Dynamic Configuration: HashSet(SCRAM-SHA-256)."
        );
    }

    #[test]
    fn the_first_value_that_is_no_number_is_named() {
        let own = [("consumer_byte_rate", "1.5"), ("producer_byte_rate", "abc"), ("request_percentage", "x")];
        let text = "Invalid value abc for configuration producer_byte_rate: Not a number of type LONG";
        assert_eq!(refusal(QuotaKeys::Client, &own).unwrap(), text);
        let text = "Invalid value x for configuration request_percentage: Not a number of type DOUBLE";
        assert_eq!(refusal(QuotaKeys::User, &own[2..]).unwrap(), text);
    }
}
