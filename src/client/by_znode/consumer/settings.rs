//! The settings of a consumer that follows the znodes, with the keys of Kafka 0.8 to 1.1.
//!
//! Pure. Kafka: `kafka.consumer.ConsumerConfig`, `ZKConfig`, `VerifiableProperties`.

use std::time::Duration;

use super::assignment::ZookeeperAssignmentStrategy;
use super::offset_store::OffsetStorage;
use crate::client::by_znode::ZooKeeperOptions;
use crate::client::cluster::ClusterOptions;
use crate::client::settings::{ConsumerSettings, OffsetReset};
use crate::config::Properties;

/// Keys of old that tune what does not exist in this client.
const WITHOUT_EFFECT: [&str; 9] = [
    "socket.receive.buffer.bytes",
    "num.consumer.fetchers",
    "queued.max.message.chunks",
    "refresh.leader.backoff.ms",
    "offsets.channel.backoff.ms",
    "offsets.channel.socket.timeout.ms",
    "offsets.commit.max.retries",
    "mirror.topics.whitelist",
    "mirror.topics.blacklist",
];

/// A setting that such a consumer cannot have. Kafka's texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegacyConfigError {
    /// A required key is missing.
    #[error("requirement failed: Missing required property '{0}'")]
    Missing(&'static str),
    /// A value is no number.
    #[error("For input string: \"{0}\"")]
    NotANumber(String),
    /// A number cannot be that low.
    #[error("requirement failed: {0} has value {1} which is not in the range ({2},2147483647).")]
    OutOfRange(&'static str, i32, i32),
    /// A value is neither true nor false.
    #[error(
        "requirement failed: Unacceptable value for property '{0}', boolean values must be either 'true' or 'false"
    )]
    NotABoolean(&'static str),
    /// A value is none of those that there are, or has a character that it must not have.
    #[error("{0}")]
    Invalid(String),
}

/// How a consumer that follows the znodes works.
#[derive(Clone, Debug)]
pub struct ZookeeperConsumerSettings {
    /// The ensemble (`zookeeper.connect`).
    pub zookeeper: ZooKeeperOptions,
    /// The group (`group.id`).
    pub group_id: String,
    /// The consumer's part of its id (`consumer.id`); None for one of its own.
    pub consumer_id: Option<String>,
    /// How it names itself to brokers (`client.id`); the group's name, if it is not given.
    pub client_id: String,
    /// Whether offsets are committed by themselves (`auto.commit.enable`).
    pub auto_commit: bool,
    /// How often they are (`auto.commit.interval.ms`).
    pub auto_commit_interval: Duration,
    /// Where they are kept (`offsets.storage`, `dual.commit.enabled`).
    pub offset_storage: OffsetStorage,
    /// Where it begins without an offset, or with one that is out of range (`auto.offset.reset`: smallest or largest).
    pub offset_reset: OffsetReset,
    /// How often partitions are claimed in vain before a rebalance fails (`rebalance.max.retries`).
    pub rebalance_max_retries: u32,
    /// The wait between these tries (`rebalance.backoff.ms`).
    pub rebalance_backoff: Duration,
    /// How partitions are divided (`partition.assignment.strategy`).
    pub assignment_strategy: ZookeeperAssignmentStrategy,
    /// Whether filters leave Kafka's own topics out (`exclude.internal.topics`).
    pub exclude_internal_topics: bool,
    /// How long an application waits for a record before it gives up (`consumer.timeout.ms`); None for ever. The
    /// consumer itself takes no notice of it.
    pub timeout: Option<Duration>,
    /// How it fetches.
    pub fetch: ConsumerSettings,
    /// Keys that no such consumer knows.
    pub unknown: Vec<String>,
}

impl ZookeeperConsumerSettings {
    /// Kafka's defaults for a group.
    pub fn new(connect: &str, group_id: &str) -> Self {
        let timeout = Duration::from_secs(6);
        let zookeeper = ZooKeeperOptions {
            session_timeout: timeout,
            connection_timeout: timeout,
            ..ZooKeeperOptions::new(connect)
        };
        Self {
            fetch: ConsumerSettings {
                cluster: ClusterOptions {
                    zookeeper: Some(zookeeper.clone()),
                    allow_auto_create_topics: false,
                    ..ClusterOptions::new("", group_id)
                },
                fetch_max_wait: Duration::from_millis(100),
                ..ConsumerSettings::new("")
            },
            zookeeper,
            group_id: group_id.to_owned(),
            consumer_id: None,
            client_id: group_id.to_owned(),
            auto_commit: true,
            auto_commit_interval: Duration::from_secs(60),
            offset_storage: OffsetStorage::ZooKeeper,
            offset_reset: OffsetReset::Latest,
            rebalance_max_retries: 4,
            rebalance_backoff: Duration::from_secs(2),
            assignment_strategy: ZookeeperAssignmentStrategy::Range,
            exclude_internal_topics: true,
            timeout: None,
            unknown: Vec::new(),
        }
    }

    /// The settings of these properties, Kafka's defaults for the rest.
    ///
    /// # Errors
    /// [`LegacyConfigError`].
    pub fn read(properties: &Properties) -> Result<Self, LegacyConfigError> {
        let mut keys = LegacyKeys { properties, used: WITHOUT_EFFECT.to_vec() };
        let connect = keys.required("zookeeper.connect")?;
        let session_timeout = keys.millis("zookeeper.session.timeout.ms", 6000)?;
        let connection_timeout = keys.millis("zookeeper.connection.timeout.ms", as_i32(session_timeout))?;
        let group_id = legal("group.id", keys.required("group.id")?)?;
        let client_id = legal("client.id", keys.text("client.id").unwrap_or(group_id))?;
        let mut read = Self {
            consumer_id: keys.text("consumer.id").map(str::to_owned),
            client_id: client_id.to_owned(),
            ..Self::new(connect, group_id)
        };
        read.zookeeper.session_timeout = session_timeout;
        read.zookeeper.connection_timeout = connection_timeout;
        read.read_fetching(&mut keys)?;
        read.auto_commit = keys.boolean("auto.commit.enable", true)?;
        read.auto_commit_interval = keys.millis("auto.commit.interval.ms", 60_000)?;
        read.rebalance_max_retries = keys.int("rebalance.max.retries", 4, 0)?.unsigned_abs();
        let backoff = as_i32(keys.millis("zookeeper.sync.time.ms", 2000)?);
        read.rebalance_backoff = keys.millis("rebalance.backoff.ms", backoff)?;
        read.read_offsets(&mut keys)?;
        read.assignment_strategy = match keys.text("partition.assignment.strategy").unwrap_or("range") {
            "range" => ZookeeperAssignmentStrategy::Range,
            "roundrobin" => ZookeeperAssignmentStrategy::RoundRobin,
            other => {
                return Err(wrong(
                    other,
                    "partition.assignment.strategy",
                    "consumer config",
                    "'range' and 'roundrobin'",
                ));
            }
        };
        read.exclude_internal_topics = keys.boolean("exclude.internal.topics", true)?;
        let timeout = keys.int("consumer.timeout.ms", -1, i32::MIN)?;
        read.timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
        read.unknown = keys.unknown();
        Ok(read)
    }

    fn read_fetching(&mut self, keys: &mut LegacyKeys<'_>) -> Result<(), LegacyConfigError> {
        let socket_timeout = keys.millis("socket.timeout.ms", 30_000)?;
        let fetch = &mut self.fetch;
        fetch.max_partition_fetch_bytes = keys.int("fetch.message.max.bytes", 1 << 20, 0)?;
        fetch.fetch_min_bytes = keys.int("fetch.min.bytes", 1, 0)?;
        fetch.fetch_max_bytes = keys.int("fetch.max.bytes", 50 << 20, 0)?;
        fetch.fetch_max_wait = keys.millis("fetch.wait.max.ms", 100)?;
        if fetch.fetch_max_wait > socket_timeout {
            return Err(LegacyConfigError::Invalid(
                "requirement failed: socket.timeout.ms should always be at least fetch.wait.max.ms to prevent unnecessary socket timeouts"
                    .to_owned(),
            ));
        }
        fetch.cluster.request_timeout = socket_timeout;
        fetch.cluster.client_id = self.client_id.clone();
        fetch.cluster.zookeeper = Some(self.zookeeper.clone());
        Ok(())
    }

    fn read_offsets(&mut self, keys: &mut LegacyKeys<'_>) -> Result<(), LegacyConfigError> {
        self.offset_reset = match keys.text("auto.offset.reset").unwrap_or("largest") {
            "smallest" => OffsetReset::Earliest,
            "largest" => OffsetReset::Latest,
            other => return Err(wrong(other, "auto.offset.reset", "ConsumerConfig", "smallest and largest")),
        };
        self.fetch.offset_reset = self.offset_reset;
        let storage = keys.text("offsets.storage").unwrap_or("zookeeper").to_lowercase();
        self.offset_storage = match storage.as_str() {
            "zookeeper" => {
                keys.boolean("dual.commit.enabled", false)?;
                OffsetStorage::ZooKeeper
            }
            "kafka" if keys.boolean("dual.commit.enabled", true)? => OffsetStorage::Both,
            "kafka" => OffsetStorage::Kafka,
            other => {
                return Err(wrong(other, "offsets.storage", "consumer config", "'zookeeper' and 'kafka'"));
            }
        };
        Ok(())
    }
}

/// Properties, and which of their keys were read.
struct LegacyKeys<'a> {
    properties: &'a Properties,
    used: Vec<&'static str>,
}

impl<'a> LegacyKeys<'a> {
    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.used.push(key);
        self.properties.get(key)
    }

    fn required(&mut self, key: &'static str) -> Result<&'a str, LegacyConfigError> {
        self.text(key).ok_or(LegacyConfigError::Missing(key))
    }

    fn int(&mut self, key: &'static str, default: i32, least: i32) -> Result<i32, LegacyConfigError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        let number = text.trim().parse().map_err(|_| LegacyConfigError::NotANumber(text.to_owned()))?;
        if number < least { Err(LegacyConfigError::OutOfRange(key, number, least)) } else { Ok(number) }
    }

    fn millis(&mut self, key: &'static str, default: i32) -> Result<Duration, LegacyConfigError> {
        Ok(Duration::from_millis(self.int(key, default, 0)?.unsigned_abs().into()))
    }

    fn boolean(&mut self, key: &'static str, default: bool) -> Result<bool, LegacyConfigError> {
        match self.text(key) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(LegacyConfigError::NotABoolean(key)),
        }
    }

    fn unknown(&self) -> Vec<String> {
        let keys = self.properties.iter().map(|(key, _)| key);
        let unknown = keys.filter(|key| !self.used.contains(key) && !key.starts_with("external"));
        let mut unknown: Vec<_> = unknown.map(str::to_owned).collect();
        unknown.sort();
        unknown
    }
}

fn as_i32(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// A name of the characters that Kafka allows in it.
fn legal<'a>(key: &str, value: &'a str) -> Result<&'a str, LegacyConfigError> {
    if value.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-')) {
        return Ok(value);
    }
    Err(LegacyConfigError::Invalid(format!(
        "{key} {value} is illegal, contains a character other than ASCII alphanumerics, '.', '_' and '-'"
    )))
}

fn wrong(value: &str, key: &str, config: &str, valid: &str) -> LegacyConfigError {
    LegacyConfigError::Invalid(format!("Wrong value {value} of {key} in {config}; Valid values are {valid}"))
}

#[cfg(test)]
mod tests;
