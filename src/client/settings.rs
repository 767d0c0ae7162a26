//! The settings of admins, producers and consumers, read from properties with the keys of Kafka's clients.
//!
//! Pure. Keys that Kafka knows and this client has no use for are accepted; all others are listed as ignored,
//! so that the program can log them. Kafka: `AdminClientConfig`, `ProducerConfig`, `ConsumerConfig`.

use std::time::Duration;

use super::cluster::ClusterOptions;
use super::error::ClientError;
use crate::config::Properties;
use crate::wire::compression::Compression;

/// Keys of Kafka's clients that are accepted without effect: what they tune does not exist in this client.
const WITHOUT_EFFECT: &[&str] = &[
    "allow.auto.create.topics",
    "auto.commit.interval.ms",
    "check.crcs",
    "client.dns.lookup",
    "client.rack",
    "connections.max.idle.ms",
    "enable.auto.commit",
    "exclude.internal.topics",
    "group.id",
    "group.instance.id",
    "heartbeat.interval.ms",
    "key.deserializer",
    "key.serializer",
    "max.poll.interval.ms",
    "max.poll.records",
    "metadata.max.age.ms",
    "metadata.max.idle.ms",
    "partition.assignment.strategy",
    "receive.buffer.bytes",
    "security.protocol",
    "send.buffer.bytes",
    "session.timeout.ms",
    "value.deserializer",
    "value.serializer",
];

/// Keys whose missing effect matters to a program: they are reported as ignored.
const NOT_YET: &[&str] =
    &["interceptor.classes", "partitioner.class", "transactional.id", "transaction.timeout.ms"];

/// A property that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredSetting {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether Kafka's clients know the key, and this client does not support it.
    pub known: bool,
}

/// How a producer works.
#[derive(Clone, Debug)]
pub struct ProducerSettings {
    /// How it reaches the cluster.
    pub cluster: ClusterOptions,
    /// How many replicas must have a batch: 0, 1, or -1 for all in sync (`acks`).
    pub acks: i16,
    /// The codec of batches (`compression.type`).
    pub compression: Compression,
    /// Bytes after which a batch is full (`batch.size`).
    pub batch_size: usize,
    /// How long a batch waits for more (`linger.ms`).
    pub linger: Duration,
    /// Bytes that may wait to be sent (`buffer.memory`).
    pub buffer_memory: usize,
    /// The largest request, and so the largest record, in bytes (`max.request.size`).
    pub max_request_size: usize,
    /// The most a record may take from being handed over to its answer (`delivery.timeout.ms`).
    pub delivery_timeout: Duration,
    /// The most that handing over may wait for metadata or memory (`max.block.ms`).
    pub max_block: Duration,
    /// How often a batch is sent again (`retries`).
    pub retries: u32,
    /// Whether batches have sequence numbers, so that each is written once (`enable.idempotence`); needs
    /// acks=all.
    pub idempotent: bool,
    /// Properties that have no effect.
    pub ignored: Vec<IgnoredSetting>,
}

impl ProducerSettings {
    /// The settings of these properties, Kafka's defaults for the rest.
    ///
    /// # Errors
    /// [`ClientError::BadSetting`].
    pub fn read(properties: &Properties) -> Result<Self, ClientError> {
        let mut keys = Keys { properties, used: Vec::new() };
        let idempotent =
            keys.text("enable.idempotence").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let mut settings = Self {
            ignored: Vec::new(),
            cluster: keys.cluster("producer-1")?,
            idempotent,
            acks: match keys.text("acks").unwrap_or(if idempotent { "all" } else { "1" }) {
                "0" | "1" if idempotent => {
                    return Err(ClientError::Unsafe(
                        "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.",
                    ));
                }
                "all" | "-1" => -1,
                "0" => 0,
                "1" => 1,
                other => return Err(bad("acks", other, "String must be one of: all, -1, 0, 1")),
            },
            compression: keys.compression()?,
            batch_size: keys.number("batch.size", 16384)?,
            linger: keys.millis("linger.ms", 0)?,
            buffer_memory: keys.number("buffer.memory", 33_554_432)?,
            max_request_size: keys.number("max.request.size", 1_048_576)?,
            delivery_timeout: keys.millis("delivery.timeout.ms", 120_000)?,
            max_block: keys.millis("max.block.ms", 60_000)?,
            retries: keys.number("retries", i32::MAX as u32)?,
        };
        settings.ignored = keys.ignored();
        Ok(settings)
    }
}

/// How an admin works.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// How it reaches the cluster.
    pub cluster: ClusterOptions,
    /// Properties that have no effect.
    pub ignored: Vec<IgnoredSetting>,
}

/// The settings of an admin of the cluster at these bootstrap servers; `client_id` is its default.
///
/// # Errors
/// [`ClientError::BadSetting`].
pub fn read_admin(
    properties: &Properties,
    servers: &str,
    client_id: &str,
) -> Result<AdminSettings, ClientError> {
    let mut keys = Keys { properties, used: Vec::new() };
    let cluster = ClusterOptions { bootstrap: servers.to_owned(), ..keys.cluster(client_id)? };
    Ok(AdminSettings { cluster, ignored: keys.ignored() })
}

/// Where a consumer begins when the position in a partition is unknown or out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// At its start.
    Earliest,
    /// At its end.
    Latest,
    /// Nowhere: the position is an error.
    None,
}

/// How a consumer works.
#[derive(Clone, Debug)]
pub struct ConsumerSettings {
    /// How it reaches the cluster.
    pub cluster: ClusterOptions,
    /// Bytes that a fetch waits for (`fetch.min.bytes`).
    pub fetch_min_bytes: i32,
    /// Bytes that a fetch may bring (`fetch.max.bytes`).
    pub fetch_max_bytes: i32,
    /// Bytes that a fetch may bring of one partition (`max.partition.fetch.bytes`).
    pub max_partition_fetch_bytes: i32,
    /// How long a fetch waits for its bytes (`fetch.max.wait.ms`).
    pub fetch_max_wait: Duration,
    /// Whether records of open and aborted transactions are left out (`isolation.level`).
    pub read_committed: bool,
    /// Where it begins (`auto.offset.reset`).
    pub offset_reset: OffsetReset,
    /// Properties that have no effect.
    pub ignored: Vec<IgnoredSetting>,
}

impl ConsumerSettings {
    /// The settings of these properties, Kafka's defaults for the rest.
    ///
    /// # Errors
    /// [`ClientError::BadSetting`].
    pub fn read(properties: &Properties) -> Result<Self, ClientError> {
        let mut keys = Keys { properties, used: Vec::new() };
        let mut settings = Self {
            ignored: Vec::new(),
            cluster: keys.cluster("consumer-1")?,
            fetch_min_bytes: keys.number("fetch.min.bytes", 1)?,
            fetch_max_bytes: keys.number("fetch.max.bytes", 52_428_800)?,
            max_partition_fetch_bytes: keys.number("max.partition.fetch.bytes", 1_048_576)?,
            fetch_max_wait: keys.millis("fetch.max.wait.ms", 500)?,
            read_committed: match keys.text("isolation.level").unwrap_or("read_uncommitted") {
                "read_committed" => true,
                "read_uncommitted" => false,
                other => {
                    let reason = "String must be one of: read_committed, read_uncommitted";
                    return Err(bad("isolation.level", other, reason));
                }
            },
            offset_reset: match keys.text("auto.offset.reset").unwrap_or("latest") {
                "earliest" => OffsetReset::Earliest,
                "latest" => OffsetReset::Latest,
                "none" => OffsetReset::None,
                other => {
                    return Err(bad(
                        "auto.offset.reset",
                        other,
                        "String must be one of: latest, earliest, none",
                    ));
                }
            },
        };
        settings.ignored = keys.ignored();
        Ok(settings)
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

    fn number<T: std::str::FromStr>(&mut self, key: &'static str, default: T) -> Result<T, ClientError> {
        match self.text(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| bad(key, text, "Not a number of the right range")),
        }
    }

    fn millis(&mut self, key: &'static str, default: u64) -> Result<Duration, ClientError> {
        Ok(Duration::from_millis(self.number(key, default)?))
    }

    fn compression(&mut self) -> Result<Compression, ClientError> {
        let name = self.text("compression.type").unwrap_or("none");
        Compression::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
            .ok_or_else(|| ClientError::UnknownCompression(name.to_owned()))
    }

    fn cluster(&mut self, client_id: &str) -> Result<ClusterOptions, ClientError> {
        let bootstrap = self.text("bootstrap.servers").unwrap_or_default();
        let client_id = self.text("client.id").unwrap_or(client_id);
        let defaults = ClusterOptions::new(bootstrap, client_id);
        Ok(ClusterOptions {
            request_timeout: self.millis("request.timeout.ms", 30_000)?,
            api_timeout: self.millis("default.api.timeout.ms", 60_000)?,
            retry_backoff: self.millis("retry.backoff.ms", 100)?,
            reconnect_backoff: self.millis("reconnect.backoff.ms", 50)?,
            reconnect_backoff_max: self.millis("reconnect.backoff.max.ms", 1000)?,
            connection_setup_timeout: self.millis("socket.connection.setup.timeout.ms", 10_000)?,
            max_in_flight: self.number("max.in.flight.requests.per.connection", 5)?.max(1),
            ..defaults
        })
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
