//! Settings that ask for features that are not built and must not be ignored silently: encryption,
//! authentication, and Java classes that refuse requests of clients. Pure.
//!
//! A broker or a tool with such a setting refuses to start; a running broker refuses the change. The default
//! value of a setting asks for nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::broker::BrokerConfig;
use super::properties::Properties;
use super::rows::{ConfigError, ConfigRow, Support};

/// What is not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Feature {
    Tls,
    Sasl,
    ZnodeAcls,
    Policies,
}

impl Feature {
    const EVERY: [Self; 4] = [Self::Tls, Self::Sasl, Self::ZnodeAcls, Self::Policies];

    /// Why a broker or a tool does not start with it.
    fn sentence(self) -> &'static str {
        match self {
            Self::Tls => "TLS is not built yet: connections would not be encrypted as these settings ask",
            Self::Sasl => {
                "This part of SASL is not built yet: nobody would be authenticated as these settings ask"
            }
            Self::ZnodeAcls => {
                "ACLs of znodes are not built yet: everybody could change what lies in ZooKeeper, whatever these settings ask"
            }
            Self::Policies => {
                "Java classes cannot be loaded: requests would not be judged as these settings ask"
            }
        }
    }
}

/// Refuses a broker's properties that ask for what is not built; the message names all of their keys.
///
/// # Errors
/// [`ConfigError::Combination`].
pub fn check_broker(properties: &Properties) -> Result<(), ConfigError> {
    check(properties, of_broker)
}

/// Refuses a client's properties that ask for what is not built; the message names all of their keys.
///
/// # Errors
/// [`ConfigError::Combination`].
pub fn check_client(properties: &Properties) -> Result<(), ConfigError> {
    check(properties, of_client)
}

/// Refuses Java's options, as `KAFKA_OPTS` holds them, that ask for what is not built.
///
/// # Errors
/// [`ConfigError::Combination`].
pub fn check_java_options(options: &str) -> Result<(), ConfigError> {
    let set = options.split_whitespace().filter_map(|option| option.strip_prefix("-D")?.split_once('='));
    check(&set.collect(), of_java)
}

/// The keys of an entity's own configs that have no effect yet and differ from their default.
pub fn without_effect(
    own: &BTreeMap<String, String>,
    row: impl Fn(&str) -> Option<&'static ConfigRow>,
) -> Vec<&str> {
    let has_none = |key: &str, value: &str| {
        row(key).is_some_and(|row| row.support == Support::NotYet && row.default_text() != Some(value.trim()))
    };
    own.iter().filter(|(key, value)| has_none(key, value)).map(|(key, _)| key.as_str()).collect()
}

fn check(
    properties: &Properties,
    asks_for: impl Fn(&str, &str) -> Option<Feature>,
) -> Result<(), ConfigError> {
    // An empty value asks for nothing.
    let given = properties.iter().filter(|(_, value)| !value.trim().is_empty());
    let asked: Vec<_> = given.filter_map(|(key, value)| Some((asks_for(key, value)?, key))).collect();
    let sentences = Feature::EVERY.into_iter().filter_map(|feature| {
        let keys: Vec<_> = asked.iter().filter(|(asked, _)| *asked == feature).map(|(_, key)| *key).collect();
        (!keys.is_empty()).then(|| format!("{}: {}.", feature.sentence(), keys.join(", ")))
    });
    let sentences: Vec<_> = sentences.collect();
    if sentences.is_empty() { Ok(()) } else { Err(ConfigError::Combination(sentences.join(" "))) }
}

fn of_broker(key: &str, value: &str) -> Option<Feature> {
    let value = value.trim();
    let base = key.strip_prefix("listener.name.").and_then(|key| key.split_once('.'));
    if let Some((_, base)) = base {
        return of_listener(base, value);
    }
    let feature = match key {
        "authorizer.class.name" if super::authorizer::CLASSES.contains(&value) => return None,
        "principal.builder.class" if value == DEFAULT_PRINCIPAL_BUILDER => return None,
        "authorizer.class.name" | "principal.builder.class" => Feature::Policies,
        "zookeeper.set.acl" => Feature::ZnodeAcls,
        "alter.config.policy.class.name" | "create.topic.policy.class.name" => Feature::Policies,
        "client.quota.callback.class" => Feature::Policies,
        "delegation.token.master.key" => Feature::Sasl,
        "sasl.enabled.mechanisms" => return of_mechanisms(value),
        "sasl.mechanism.inter.broker.protocol" if BUILT_MECHANISMS.contains(&value) => return None,
        "security.providers" => Feature::Tls,
        "zookeeper.clientCnxnSocket" => match value {
            "org.apache.zookeeper.ClientCnxnSocketNIO" => return None,
            _ => Feature::Tls,
        },
        "security.inter.broker.protocol" => of_protocol(value)?,
        "listener.security.protocol.map" => return of_protocol_map(value),
        _ => of_prefix(key.strip_prefix("zookeeper.").unwrap_or(key))?,
    };
    (!is_default(key, value)).then_some(feature)
}

const STORE_PASSWORDS: [&str; 3] = ["ssl.key.password", "ssl.keystore.password", "ssl.truststore.password"];

/// Kafka's default builder. It treats a connection without authentication as this broker does.
pub(super) const DEFAULT_PRINCIPAL_BUILDER: &str =
    "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder";

/// A setting of one listener, which may stand behind the name of a SASL mechanism.
fn of_listener(base: &str, value: &str) -> Option<Feature> {
    match base.split_once(".sasl.") {
        // A password asks for nothing by itself: the store that it opens is another setting.
        _ if STORE_PASSWORDS.contains(&base) => None,
        Some((_, of_mechanism)) => of_broker(&format!("sasl.{of_mechanism}"), value),
        None => of_broker(base, value),
    }
}

/// A map may hold its default pairs, which belong to every listener without TLS and SASL.
fn of_protocol_map(value: &str) -> Option<Feature> {
    let pairs = value.split(',').filter_map(|pair| pair.trim().rsplit_once(':'));
    pairs.filter(|(name, protocol)| name.trim() != protocol.trim()).find_map(|(_, it)| of_protocol(it.trim()))
}

fn of_protocol(name: &str) -> Option<Feature> {
    match name {
        "SSL" => Some(Feature::Tls),
        "SASL_SSL" => Some(Feature::Tls),
        // A name that does not exist is refused where the setting is read.
        _ => None,
    }
}

/// The mechanisms of SASL that are built.
const BUILT_MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// A list of mechanisms; GSSAPI alone is what every broker has by default.
fn of_mechanisms(value: &str) -> Option<Feature> {
    let mut names = value.split(',').map(str::trim);
    let asks_for_others = value != "GSSAPI" && !names.all(|name| BUILT_MECHANISMS.contains(&name));
    asks_for_others.then_some(Feature::Sasl)
}

/// What keys that begin alike ask for.
fn of_prefix(key: &str) -> Option<Feature> {
    match key.strip_prefix("sasl.") {
        Some(sasl) if sasl.ends_with(".class") => Some(Feature::Policies),
        // A broker's has no effect without a prefix, in Kafka neither.
        Some("jaas.config") => None,
        Some(_) => Some(Feature::Sasl),
        None => key.starts_with("ssl.").then_some(Feature::Tls),
    }
}

fn of_client(key: &str, value: &str) -> Option<Feature> {
    let value = value.trim();
    let feature = match key {
        "security.protocol" => return of_protocol(value),
        "security.providers" => Feature::Tls,
        "sasl.mechanism" => return of_mechanisms(value),
        _ => of_prefix(key)?,
    };
    (!is_default(key, value)).then_some(feature)
}

fn of_java(name: &str, value: &str) -> Option<Feature> {
    match name {
        "zookeeper.client.secure" if value.eq_ignore_ascii_case("true") => Some(Feature::Tls),
        _ => None,
    }
}

/// Whether a key of a broker has its default value.
fn is_default(key: &str, value: &str) -> bool {
    let mut config = BrokerConfig::default();
    let default = config.get(key);
    // A value that cannot be read is refused where it is parsed.
    matches!(config.set(key, value), Ok(true)) && config.get(key) == default && default.is_some()
}
