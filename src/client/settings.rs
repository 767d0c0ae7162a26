//! The settings of admins, producers and consumers, read from properties with the keys of Kafka's clients.
//!
//! Pure. Keys that Kafka knows and this client has no use for are accepted; all others are listed as ignored,
//! so that the program can log them. Kafka: `CommonClientConfigs`.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use super::by_znode::ZooKeeperOptions;
use super::cluster::{ClientDnsLookup, ClusterOptions};
use super::error::ClientError;
use super::security::ClientSecurity;
use crate::base::SecurityProtocol;
use crate::config::Properties;
use crate::security::jaas::{login_of, module_of_setting};
use crate::security::sasl::SaslMechanism;
use crate::wire::compression::Compression;

mod admin;
mod consumer;
mod producer;
#[cfg(test)]
mod tests;

pub use admin::{AdminSettings, read_admin};
pub use consumer::{ConsumerSettings, OffsetReset};
pub use producer::ProducerSettings;

/// Keys of Kafka's clients that are accepted without effect: what they tune does not exist in this client.
const WITHOUT_EFFECT: &[&str] =
    &["key.deserializer", "key.serializer", "value.deserializer", "value.serializer"];

/// Keys whose missing effect matters to a program: they are reported as ignored.
const NOT_YET: &[&str] = &["interceptor.classes"];

/// A property that has no effect.
#[derive(Clone, PartialEq, Eq)]
pub struct IgnoredSetting {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether Kafka's clients know the key, and this client does not support it.
    pub known: bool,
}

/// Without the value: a key that this client does not know may be that of a password.
impl fmt::Debug for IgnoredSetting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, known, .. } = self;
        out.debug_struct("IgnoredSetting").field("key", key).field("known", known).finish_non_exhaustive()
    }
}

fn bad(key: &'static str, value: &str, reason: &str) -> ClientError {
    ClientError::BadSetting { key, value: value.to_owned(), reason: reason.to_owned() }
}

/// Properties, and which of their keys were read.
struct Keys<'a> {
    properties: &'a Properties,
    used: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.used.push(key);
        self.properties.get(key).map(str::trim)
    }

    /// A number of 32 bits, at least `least`.
    fn int(&mut self, key: &'static str, default: i32, least: i32) -> Result<i32, ClientError> {
        self.at_least(key, default, least, "INT")
    }

    /// A number of 64 bits, at least `least`.
    fn long(&mut self, key: &'static str, default: i64, least: i64) -> Result<i64, ClientError> {
        self.at_least(key, default, least, "LONG")
    }

    fn at_least<T: FromStr + PartialOrd + Display>(
        &mut self,
        key: &'static str,
        default: T,
        least: T,
        kind: &str,
    ) -> Result<T, ClientError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        let number: T = text.parse().map_err(|_| bad(key, text, &format!("Not a number of type {kind}")))?;
        if number < least {
            return Err(bad(key, text, &format!("Value must be at least {least}")));
        }
        Ok(number)
    }

    /// A size of a socket's buffer: None for -1 or where nothing is given.
    fn buffer(&mut self, key: &'static str) -> Result<Option<u32>, ClientError> {
        Ok(u32::try_from(self.int(key, -1, -1)?).ok())
    }

    /// Milliseconds that Kafka has as a number of 32 bits, not negative.
    fn int_millis(&mut self, key: &'static str, default: i32) -> Result<Duration, ClientError> {
        Ok(Duration::from_millis(self.int(key, default, 0)?.unsigned_abs().into()))
    }

    /// Milliseconds that Kafka has as a number of 64 bits, not negative.
    fn long_millis(&mut self, key: &'static str, default: i64) -> Result<Duration, ClientError> {
        Ok(Duration::from_millis(self.long(key, default, 0)?.unsigned_abs()))
    }

    /// Whether something is done: `true` or `false`, in any case.
    fn boolean(&mut self, key: &'static str, default: bool) -> Result<bool, ClientError> {
        match self.text(key) {
            None => Ok(default),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(bad(key, text, "Expected value to be either true or false")),
        }
    }

    /// One of several values, by their names; None where nothing is given.
    fn choice<T: Copy>(&mut self, key: &'static str, values: &[(&str, T)]) -> Result<Option<T>, ClientError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let found = values.iter().find(|(name, _)| *name == text);
        let names = || values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let found = found.ok_or_else(|| bad(key, text, &format!("String must be one of: {}", names())))?;
        Ok(Some(found.1))
    }

    fn compression(&mut self) -> Result<Compression, ClientError> {
        let name = self.text("compression.type").unwrap_or("none");
        Compression::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
            .ok_or_else(|| ClientError::UnknownCompression(name.to_owned()))
    }

    /// How a client reaches its cluster; `client_id` is its default, empty for one that is numbered.
    ///
    /// # Errors
    /// [`ClientError::BadSetting`].
    fn cluster(&mut self, client_id: &str) -> Result<ClusterOptions, ClientError> {
        let bootstrap = self.text("bootstrap.servers").unwrap_or_default();
        let client_id = self.text("client.id").unwrap_or(client_id);
        let defaults = ClusterOptions::new(bootstrap, client_id);
        let reconnect_backoff = self.long_millis("reconnect.backoff.ms", 50)?;
        // As in Kafka: without a longest wait, a wait that was set does not grow.
        let grows = self.properties.get("reconnect.backoff.ms").is_none();
        let longest =
            if grows { 1000 } else { i64::try_from(reconnect_backoff.as_millis()).unwrap_or(i64::MAX) };
        let lookups = ClientDnsLookup::ALL.map(|lookup| (lookup.name(), lookup));
        Ok(ClusterOptions {
            request_timeout: self.int_millis("request.timeout.ms", 30_000)?,
            api_timeout: self.int_millis("default.api.timeout.ms", 60_000)?,
            retry_backoff: self.long_millis("retry.backoff.ms", 100)?,
            reconnect_backoff,
            reconnect_backoff_max: self.long_millis("reconnect.backoff.max.ms", longest)?,
            connection_setup_timeout: self.long_millis("socket.connection.setup.timeout.ms", 10_000)?,
            connection_setup_timeout_max: self
                .long_millis("socket.connection.setup.timeout.max.ms", 127_000)?,
            connections_max_idle: self.idle_limit()?,
            max_in_flight: self.int("max.in.flight.requests.per.connection", 5, 1)?.unsigned_abs() as usize,
            metadata_max_age: self.long_millis("metadata.max.age.ms", 300_000)?,
            metadata_max_idle: self.metadata_idle()?,
            allow_auto_create_topics: self.boolean("allow.auto.create.topics", true)?,
            dns_lookup: self.choice("client.dns.lookup", &lookups)?.unwrap_or_default(),
            send_buffer: self.buffer("send.buffer.bytes")?,
            receive_buffer: self.buffer("receive.buffer.bytes")?,
            zookeeper: self.zookeeper()?,
            security: self.security()?,
            ..defaults
        })
    }

    /// How connections are secured.
    fn security(&mut self) -> Result<ClientSecurity, ClientError> {
        let key = "security.protocol";
        let Some(text) = self.text(key) else { return Ok(ClientSecurity::Plaintext) };
        match text.parse() {
            Ok(SecurityProtocol::Plaintext) => return Ok(ClientSecurity::Plaintext),
            Ok(SecurityProtocol::SaslPlaintext) => {}
            Ok(SecurityProtocol::Ssl | SecurityProtocol::SaslSsl) => {
                return Err(bad(key, text, "Only PLAINTEXT and SASL_PLAINTEXT are supported"));
            }
            Err(unknown) => return Err(bad(key, text, &unknown.to_string())),
        }
        let key = "sasl.mechanism";
        let name = self.text(key).unwrap_or("GSSAPI");
        let mechanism = SaslMechanism::of_name(name)
            .ok_or_else(|| bad(key, name, "Only PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are supported"))?;
        match self.text("sasl.jaas.config") {
            None => Ok(ClientSecurity::SaslOfJavaOptions(mechanism)),
            Some(text) => Ok(ClientSecurity::Sasl(login_of(mechanism, &[module_of_setting(text)?])?)),
        }
    }

    /// The ensemble that a client follows, where one is given.
    fn zookeeper(&mut self) -> Result<Option<ZooKeeperOptions>, ClientError> {
        let session_timeout = self.int_millis("zookeeper.session.timeout.ms", 18_000)?;
        let connection_timeout = self.int_millis("zookeeper.connection.timeout.ms", 18_000)?;
        let connect = self.text("zookeeper.connect").map(ZooKeeperOptions::new);
        Ok(connect.map(|options| ZooKeeperOptions { session_timeout, connection_timeout, ..options }))
    }

    /// Kafka's clients never close unused connections where the limit is negative.
    fn idle_limit(&mut self) -> Result<Duration, ClientError> {
        let millis = self.long("connections.max.idle.ms", 540_000, i64::MIN)?;
        Ok(u64::try_from(millis).map_or(Duration::MAX, Duration::from_millis))
    }

    fn metadata_idle(&mut self) -> Result<Duration, ClientError> {
        Ok(Duration::from_millis(self.long("metadata.max.idle.ms", 300_000, 5000)?.unsigned_abs()))
    }

    /// The properties that were not read, except those that are accepted without effect.
    fn ignored(&self) -> Vec<IgnoredSetting> {
        let unread = self.properties.iter().filter(|(key, _)| !self.used.contains(key));
        let ignored = unread.filter(|(key, _)| !WITHOUT_EFFECT.contains(key));
        ignored
            .map(|(key, value)| IgnoredSetting {
                key: key.to_owned(),
                value: value.to_owned(),
                known: NOT_YET.contains(&key),
            })
            .collect()
    }
}
