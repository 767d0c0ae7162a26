//! The settings of the authorizer, which stand among those of the broker and are read by the authorizer alone.
//!
//! Pure. Kafka: `AclAuthorizer.configure`.

use std::collections::HashSet;

use super::super::principal::KafkaPrincipal;
use crate::config::authorizer::{ALLOW_EVERYONE_IF_NO_ACL_FOUND, CLASSES, PREFIX, SUPER_USERS};
use crate::config::{BrokerConfig, ConfigError, KafkaVersion, Properties};

/// By which of its names the authorizer is asked for. The older one logs and answers a little differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizerClass {
    /// `kafka.security.authorizer.AclAuthorizer`.
    Acl,
    /// `kafka.security.auth.SimpleAclAuthorizer`.
    Simple,
}

impl AuthorizerClass {
    /// The class of this name; None for another one, which cannot be loaded.
    pub fn from_name(name: &str) -> Option<Self> {
        let [acl, simple] = CLASSES;
        match name {
            _ if name == acl => Some(Self::Acl),
            _ if name == simple => Some(Self::Simple),
            _ => None,
        }
    }
}

/// The settings of an authorizer.
#[derive(Clone, Debug)]
pub struct AclAuthorizerSettings {
    /// Its class.
    pub class: AuthorizerClass,
    /// `super.users`: the principals that may do everything.
    pub super_users: HashSet<KafkaPrincipal>,
    /// `allow.everyone.if.no.acl.found`: whether a resource is open to all callers until an ACL is about it.
    pub allow_everyone_if_no_acl_found: bool,
    /// Whether patterns of prefixes may be created, by `inter.broker.protocol.version`.
    pub prefixes_allowed: bool,
    /// Where its ACLs lie.
    pub zookeeper: AuthorizerZooKeeper,
}

/// Where the ACLs of an authorizer lie, and how it connects to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizerZooKeeper {
    /// The ensemble: `authorizer.zookeeper.url`, or else the broker's.
    pub connect: String,
    /// How long a session lasts, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long the first connection may take, in milliseconds.
    pub connection_timeout_ms: i32,
    /// How many requests may be sent and not yet answered.
    pub max_in_flight_requests: i32,
    /// Whether any of these is a setting of the authorizer's own.
    pub is_own: bool,
}

const URL: &str = "zookeeper.url";
const SESSION_TIMEOUT: &str = "zookeeper.session.timeout.ms";
const CONNECTION_TIMEOUT: &str = "zookeeper.connection.timeout.ms";
const MAX_IN_FLIGHT: &str = "zookeeper.max.in.flight.requests";

impl AclAuthorizerSettings {
    /// The settings of an authorizer of this class in a broker's properties.
    ///
    /// # Errors
    /// [`ConfigError`] of the first value that is wrong, in Java's words.
    pub fn read(
        class: AuthorizerClass,
        properties: &Properties,
        config: &BrokerConfig,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            class,
            super_users: super_users(properties.get(SUPER_USERS).unwrap_or_default())?,
            allow_everyone_if_no_acl_found: boolean(properties.get(ALLOW_EVERYONE_IF_NO_ACL_FOUND))?,
            prefixes_allowed: config.inter_broker_protocol_version.at_least(KafkaVersion::V2_0_IV1),
            zookeeper: AuthorizerZooKeeper::read(properties, config)?,
        })
    }
}

impl AuthorizerZooKeeper {
    fn read(properties: &Properties, config: &BrokerConfig) -> Result<Self, ConfigError> {
        let own = |key: &str| properties.get(&format!("{PREFIX}{key}"));
        let number = |key: &str, default| match own(key) {
            Some(text) => text.parse().map_err(|_| unreadable(text)),
            None => Ok(default),
        };
        let is_own =
            [URL, SESSION_TIMEOUT, CONNECTION_TIMEOUT, MAX_IN_FLIGHT].iter().any(|it| own(it).is_some());
        Ok(Self {
            connect: own(URL).unwrap_or(&config.zookeeper_connect).to_owned(),
            session_timeout_ms: number(SESSION_TIMEOUT, config.zookeeper_session_timeout_ms)?,
            connection_timeout_ms: number(CONNECTION_TIMEOUT, config.zookeeper_connection_timeout_ms())?,
            max_in_flight_requests: number(MAX_IN_FLIGHT, config.zookeeper_max_in_flight_requests)?,
            is_own,
        })
    }
}

/// The principals of a list that semicolons part; names of certificates have commas in them.
fn super_users(list: &str) -> Result<HashSet<KafkaPrincipal>, ConfigError> {
    if list.is_empty() {
        return Ok(HashSet::new());
    }
    let users = list.trim_end_matches(';').split(';').map(str::trim);
    users.map(|user| user.parse().map_err(|it| ConfigError::Illegal(format!("{it}")))).collect()
}

fn boolean(text: Option<&str>) -> Result<bool, ConfigError> {
    match text {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(unreadable(text)),
    }
}

fn unreadable(text: &str) -> ConfigError {
    ConfigError::Illegal(format!("For input string: \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AclAuthorizerSettings, ConfigError> {
        let connect = [("zookeeper.connect", "zk:2181")];
        let properties: Properties = connect.iter().chain(pairs).copied().collect();
        let config = BrokerConfig::parse(&properties)?;
        AclAuthorizerSettings::read(AuthorizerClass::Acl, &properties, &config)
    }

    #[test]
    fn super_users_are_parted_by_semicolons() {
        let settings = read(&[(SUPER_USERS, "User:CN=a,O=b; User:c;")]).unwrap();
        let expected = ["CN=a,O=b", "c"].map(KafkaPrincipal::user);
        assert_eq!(settings.super_users, HashSet::from(expected));
        assert!(read(&[]).unwrap().super_users.is_empty());
        let error = read(&[(SUPER_USERS, "User:a;b")]).unwrap_err();
        assert_eq!(error.to_string(), "expected a string in format principalType:principalName but got b");
    }

    #[test]
    fn the_ensemble_is_the_brokers_unless_the_authorizer_has_its_own() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.zookeeper.connect, "zk:2181");
        assert!(settings.prefixes_allowed && !settings.allow_everyone_if_no_acl_found);
        let settings = read(&[
            ("authorizer.zookeeper.url", "acls:2181/x"),
            ("authorizer.zookeeper.session.timeout.ms", "7"),
            (ALLOW_EVERYONE_IF_NO_ACL_FOUND, "True"),
            ("inter.broker.protocol.version", "1.1"),
        ]);
        let settings = settings.unwrap();
        assert_eq!((&*settings.zookeeper.connect, settings.zookeeper.session_timeout_ms), ("acls:2181/x", 7));
        assert!(!settings.prefixes_allowed && settings.allow_everyone_if_no_acl_found);
        assert!(read(&[(ALLOW_EVERYONE_IF_NO_ACL_FOUND, "maybe")]).is_err());
        assert!(read(&[("authorizer.zookeeper.max.in.flight.requests", "many")]).is_err());
    }

    #[test]
    fn the_class_has_two_names() {
        let class = |name| AuthorizerClass::from_name(name);
        assert_eq!(class("kafka.security.authorizer.AclAuthorizer"), Some(AuthorizerClass::Acl));
        assert_eq!(class("kafka.security.auth.SimpleAclAuthorizer"), Some(AuthorizerClass::Simple));
        assert_eq!(class("com.example.Authorizer"), None);
    }
}
