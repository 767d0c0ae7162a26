//! The settings of a consumer. Pure. Kafka: `ConsumerConfig`.

use std::sync::Arc;
use std::time::Duration;

use super::{IgnoredSetting, Keys, bad};
use crate::client::cluster::ClusterOptions;
use crate::client::consumer::GroupRebalanceConfig;
use crate::client::consumer::{
    ConsumerInterceptor, ConsumerPartitionAssignor, CooperativeStickyAssignor, RangeAssignor,
    RoundRobinAssignor, StickyAssignor,
};
use crate::client::error::ClientError;
use crate::config::Properties;

/// Where a consumer begins when the position in a partition is unknown or out of range.
#[doc(alias = "OffsetResetStrategy")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// At its start.
    Earliest,
    /// At its end.
    Latest,
    /// Nowhere: the position is an error.
    None,
}

/// The isolation levels, and whether each leaves out records of open and aborted transactions.
const ISOLATION_LEVELS: [(&str, bool); 2] = [("read_committed", true), ("read_uncommitted", false)];

const RESETS: [(&str, OffsetReset); 3] =
    [("latest", OffsetReset::Latest), ("earliest", OffsetReset::Earliest), ("none", OffsetReset::None)];

/// How a consumer works. `..ConsumerSettings::new(servers)` is Kafka's default for the rest.
#[doc(alias = "ConsumerConfig")]
#[derive(Clone, Debug)]
pub struct ConsumerSettings {
    /// How it reaches the cluster. Without a `client.id` its name is `consumer-GROUP-NUMBER`.
    pub cluster: ClusterOptions,
    /// The group that it joins and commits for (`group.id`); None for a consumer on its own.
    pub group_id: Option<String>,
    /// The id of a static member (`group.instance.id`, KIP-345).
    pub group_instance_id: Option<String>,
    /// The group removes a member of which it has not heard for so long (`session.timeout.ms`).
    pub session_timeout: Duration,
    /// How often a member sends a heartbeat (`heartbeat.interval.ms`); shorter than the session timeout.
    pub heartbeat_interval: Duration,
    /// A member leaves its group if the application does not poll for so long (`max.poll.interval.ms`).
    pub max_poll_interval: Duration,
    /// How many records a poll returns at most (`max.poll.records`); at least 1.
    pub max_poll_records: usize,
    /// Whether positions are committed by themselves (`enable.auto.commit`); never without a group.
    pub enable_auto_commit: bool,
    /// How often they are (`auto.commit.interval.ms`).
    pub auto_commit_interval: Duration,
    /// Bytes that a fetch waits for (`fetch.min.bytes`).
    pub fetch_min_bytes: i32,
    /// Bytes that a fetch may bring, and how many may be buffered before no more is fetched ahead (`fetch.max.bytes`).
    pub fetch_max_bytes: i32,
    /// Bytes that a fetch may bring of one partition (`max.partition.fetch.bytes`).
    pub max_partition_fetch_bytes: i32,
    /// How long a fetch waits for its bytes (`fetch.max.wait.ms`).
    pub fetch_max_wait: Duration,
    /// Whether records of open and aborted transactions are left out (`isolation.level`).
    pub read_committed: bool,
    /// Where it begins (`auto.offset.reset`).
    pub offset_reset: OffsetReset,
    /// Whether the checksums of batches are checked (`check.crcs`).
    pub check_crcs: bool,
    /// The rack of the client, whose replicas it may read from (`client.rack`, KIP-392); empty for none.
    pub client_rack: String,
    /// Whether a subscription by pattern leaves Kafka's own topics out (`exclude.internal.topics`).
    pub exclude_internal_topics: bool,
    /// How the leader of the group assigns partitions (`partition.assignment.strategy`), the preferred one first.
    pub assignors: Vec<Arc<dyn ConsumerPartitionAssignor>>,
    /// See the records returned and the offsets committed, each after the one before it.
    pub interceptors: Vec<Arc<dyn ConsumerInterceptor>>,
    /// Properties that have no effect.
    pub ignored: Vec<IgnoredSetting>,
}

impl ConsumerSettings {
    /// Kafka's defaults for a consumer at these bootstrap servers.
    pub fn new(bootstrap: &str) -> Self {
        Self {
            cluster: ClusterOptions::new(bootstrap, ""),
            group_id: None,
            group_instance_id: None,
            session_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            max_poll_records: 500,
            enable_auto_commit: false,
            auto_commit_interval: Duration::from_secs(5),
            fetch_min_bytes: 1,
            fetch_max_bytes: 50 << 20,
            max_partition_fetch_bytes: 1 << 20,
            fetch_max_wait: Duration::from_millis(500),
            read_committed: false,
            offset_reset: OffsetReset::Latest,
            check_crcs: true,
            client_rack: String::new(),
            exclude_internal_topics: true,
            assignors: vec![Arc::new(RangeAssignor)],
            interceptors: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Kafka's defaults for a member of a group, whose positions are committed by themselves.
    pub fn in_group(bootstrap: &str, group_id: &str) -> Self {
        Self { group_id: Some(group_id.to_owned()), enable_auto_commit: true, ..Self::new(bootstrap) }
    }

    /// The settings of these properties, Kafka's defaults for the rest.
    ///
    /// # Errors
    /// [`ClientError::BadSetting`], [`ClientError::Unsafe`] for settings that exclude each other.
    pub fn read(properties: &Properties) -> Result<Self, ClientError> {
        let mut keys = Keys { properties, used: Vec::new() };
        let group_id = keys.text("group.id").map(str::to_owned);
        Ok(Self {
            cluster: keys.cluster("")?,
            group_instance_id: keys.text("group.instance.id").map(str::to_owned),
            session_timeout: millis(&mut keys, "session.timeout.ms", 10_000, i32::MIN)?,
            heartbeat_interval: millis(&mut keys, "heartbeat.interval.ms", 3_000, i32::MIN)?,
            max_poll_interval: millis(&mut keys, "max.poll.interval.ms", 300_000, 1)?,
            max_poll_records: usize::try_from(keys.int("max.poll.records", 500, 1)?).unwrap_or(1),
            enable_auto_commit: auto_commit(&mut keys, group_id.is_some())?,
            auto_commit_interval: millis(&mut keys, "auto.commit.interval.ms", 5_000, 0)?,
            fetch_min_bytes: keys.int("fetch.min.bytes", 1, 0)?,
            fetch_max_bytes: keys.int("fetch.max.bytes", 50 << 20, 0)?,
            max_partition_fetch_bytes: keys.int("max.partition.fetch.bytes", 1 << 20, 0)?,
            fetch_max_wait: millis(&mut keys, "fetch.max.wait.ms", 500, 0)?,
            read_committed: keys.choice("isolation.level", &ISOLATION_LEVELS)?.unwrap_or(false),
            offset_reset: keys.choice("auto.offset.reset", &RESETS)?.unwrap_or(OffsetReset::Latest),
            check_crcs: keys.boolean("check.crcs", true)?,
            client_rack: keys.text("client.rack").unwrap_or_default().to_owned(),
            assignors: assignors(&mut keys)?,
            exclude_internal_topics: keys.boolean("exclude.internal.topics", true)?,
            ignored: keys.ignored(),
            group_id,
            ..Self::new("")
        })
    }

    /// How the consumer takes part in its group, if it has one.
    pub(in crate::client) fn group(&self) -> Option<GroupRebalanceConfig> {
        Some(GroupRebalanceConfig {
            group_instance_id: self.group_instance_id.clone(),
            session_timeout: self.session_timeout,
            heartbeat_interval: self.heartbeat_interval,
            max_poll_interval: self.max_poll_interval,
            allow_auto_create_topics: self.cluster.allow_auto_create_topics,
            ..GroupRebalanceConfig::new(self.group_id.as_deref()?)
        })
    }
}

/// Milliseconds that Kafka has as a number of 32 bits, at least `least`.
fn millis(keys: &mut Keys<'_>, key: &'static str, default: i32, least: i32) -> Result<Duration, ClientError> {
    let millis = keys.int(key, default, least)?;
    Ok(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// Positions are committed by themselves if the consumer has a group and does not refuse it.
fn auto_commit(keys: &mut Keys<'_>, has_group: bool) -> Result<bool, ClientError> {
    let enabled = keys.boolean("enable.auto.commit", has_group)?;
    if enabled && !has_group {
        return Err(ClientError::Unsafe(
            "enable.auto.commit cannot be set to true when default group id (null) is used.",
        ));
    }
    Ok(enabled)
}

/// The assignors of these names of Kafka's classes.
fn assignors(keys: &mut Keys<'_>) -> Result<Vec<Arc<dyn ConsumerPartitionAssignor>>, ClientError> {
    const KEY: &str = "partition.assignment.strategy";
    let Some(names) = keys.text(KEY) else { return Ok(vec![Arc::new(RangeAssignor)]) };
    let assignor = |name: &str| -> Result<Arc<dyn ConsumerPartitionAssignor>, ClientError> {
        match name.trim_start_matches("org.apache.kafka.clients.consumer.") {
            "RangeAssignor" => Ok(Arc::new(RangeAssignor)),
            "RoundRobinAssignor" => Ok(Arc::new(RoundRobinAssignor)),
            "StickyAssignor" => Ok(Arc::new(StickyAssignor)),
            "CooperativeStickyAssignor" => Ok(Arc::new(CooperativeStickyAssignor)),
            _ => Err(bad(KEY, name, &format!("Class {name} could not be found."))),
        }
    };
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(assignor).collect()
}

#[cfg(test)]
mod tests;
