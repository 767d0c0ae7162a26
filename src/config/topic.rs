//! Every config of a topic (Kafka's `LogConfig`): the table, and a topic's own values over the broker's.
//!
//! Pure.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::rows::{ConfigError, config};
use super::version::KafkaVersion;

config! {
    /// The settings of a topic, every key with the value in force.
    TopicConfig;

    /// What happens to old segments: delete, compact, or both.
    cleanup_policy: Vec<String> = "cleanup.policy",
        default: "delete", list_of: &["compact", "delete"],
        importance: Medium, broker_key: "log.cleanup.policy";
    /// The codec that the topic is kept in; 'producer' keeps what the producer chose, 'uncompressed' none.
    compression_type: String = "compression.type",
        default: "producer", one_of: &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
        importance: Medium, broker_key: "compression.type";
    /// How long a compacted log keeps the mark of a deleted key, in milliseconds.
    delete_retention_ms: i64 = "delete.retention.ms",
        default: "86400000", at_least: 0,
        importance: Medium, broker_key: "log.cleaner.delete.retention.ms";
    /// How long a deleted segment's files stay on disk, in milliseconds.
    file_delete_delay_ms: i64 = "file.delete.delay.ms",
        default: "60000", at_least: 0, importance: Medium, broker_key: "log.segment.delete.delay.ms";
    /// After how many records a partition is forced to disk; replication is the better protection.
    flush_messages: i64 = "flush.messages",
        default: "9223372036854775807", at_least: 0, importance: Medium, broker_key: "log.flush.interval.messages";
    /// After how long at most a record is forced to disk, in milliseconds.
    flush_ms: i64 = "flush.ms",
        default: "9223372036854775807", at_least: 0, importance: Medium, broker_key: "log.flush.interval.ms";
    /// The replicas whose fetching is throttled: partition:broker pairs, or * for all.
    follower_replication_throttled_replicas: Vec<String> = "follower.replication.throttled.replicas",
        default: "", check: ThrottledReplicas,
        importance: Medium, broker_key: "follower.replication.throttled.replicas";
    /// After how many bytes of records an entry is added to the offset index.
    index_interval_bytes: i32 = "index.interval.bytes",
        default: "4096", at_least: 0, importance: Medium, broker_key: "log.index.interval.bytes";
    /// The replicas whose sending to followers is throttled: partition:broker pairs, or * for all.
    leader_replication_throttled_replicas: Vec<String> = "leader.replication.throttled.replicas",
        default: "", check: ThrottledReplicas,
        importance: Medium, broker_key: "leader.replication.throttled.replicas";
    /// After how long at most a record is compacted, in milliseconds.
    max_compaction_lag_ms: i64 = "max.compaction.lag.ms",
        default: "9223372036854775807", at_least: 1,
        importance: Medium, broker_key: "log.cleaner.max.compaction.lag.ms";
    /// The largest batch of records that is accepted, in bytes.
    max_message_bytes: i32 = "max.message.bytes",
        default: "1048588", at_least: 0, importance: Medium, broker_key: "message.max.bytes";
    /// Whether records are converted for consumers that know only older formats; otherwise those get an error.
    message_downconversion_enable: bool = "message.downconversion.enable",
        default: "true", importance: Low, broker_key: "log.message.downconversion.enable";
    /// The message format that brokers append with, named by a Kafka version.
    message_format_version: KafkaVersion = "message.format.version",
        default: "2.7-IV2", check: Version, importance: Medium, broker_key: "log.message.format.version";
    /// How far a record's own timestamp may be from the broker's clock, in milliseconds; without effect with LogAppendTime.
    message_timestamp_difference_max_ms: i64 = "message.timestamp.difference.max.ms",
        default: "9223372036854775807", at_least: 0,
        importance: Medium, broker_key: "log.message.timestamp.difference.max.ms";
    /// Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).
    message_timestamp_type: String = "message.timestamp.type",
        default: "CreateTime", one_of: &["CreateTime", "LogAppendTime"],
        importance: Medium, broker_key: "log.message.timestamp.type";
    /// The share of the log that must be uncompacted before it is compacted, from 0 to 1.
    min_cleanable_dirty_ratio: f64 = "min.cleanable.dirty.ratio",
        default: "0.5", between: [0, 1],
        importance: Medium, broker_key: "log.cleaner.min.cleanable.ratio";
    /// How long at least a record stays uncompacted, in milliseconds.
    min_compaction_lag_ms: i64 = "min.compaction.lag.ms",
        default: "0", at_least: 0,
        importance: Medium, broker_key: "log.cleaner.min.compaction.lag.ms";
    /// How many replicas must have a record before a produce with acks=all is acknowledged.
    min_insync_replicas: i32 = "min.insync.replicas",
        default: "1", at_least: 1, importance: Medium, broker_key: "min.insync.replicas";
    /// Whether a new segment's file is made at its full size.
    preallocate: bool = "preallocate", default: "false", importance: Medium, broker_key: "log.preallocate";
    /// How large a partition may grow before old segments are deleted, in bytes; -1 for no limit.
    retention_bytes: i64 = "retention.bytes", default: "-1", importance: Medium, broker_key: "log.retention.bytes";
    /// How long records are kept, in milliseconds; -1 for ever.
    retention_ms: i64 = "retention.ms",
        default: "604800000", at_least: -1, importance: Medium, broker_key: "log.retention.ms";
    /// How large a segment may grow, in bytes.
    segment_bytes: i32 = "segment.bytes",
        default: "1073741824", at_least: 14, importance: Medium, broker_key: "log.segment.bytes";
    /// How large an index may grow, in bytes.
    segment_index_bytes: i32 = "segment.index.bytes",
        default: "10485760", at_least: 0, importance: Medium, broker_key: "log.index.size.max.bytes";
    /// The most that is randomly taken off segment.ms, in milliseconds.
    segment_jitter_ms: i64 = "segment.jitter.ms",
        default: "0", at_least: 0, importance: Medium, broker_key: "log.roll.jitter.ms";
    /// After how long a new segment is begun even where it is not full, in milliseconds.
    segment_ms: i64 = "segment.ms", default: "604800000", at_least: 1, importance: Medium, broker_key: "log.roll.ms";
    /// Whether a replica that was not in sync may lead where no other is left, at the price of records.
    unclean_leader_election_enable: bool = "unclean.leader.election.enable",
        default: "false", importance: Medium, broker_key: "unclean.leader.election.enable";
}

impl TopicConfig {
    /// These settings with a topic's own values over them.
    ///
    /// # Errors
    /// [`ConfigError::UnknownTopicConfig`] for a key that does not exist, [`ConfigError::Invalid`] for a value it cannot
    /// have, [`ConfigError::Conflict`] of two lags that contradict each other.
    pub fn with_overrides(&self, overrides: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        Self::check_names(overrides.keys().map(String::as_str))?;
        for (key, value) in overrides {
            config.set(key, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// These settings with the valid ones of a topic's own values: a value that is no longer valid, e.g.
    /// written by another version, must not keep a broker from serving the topic. The keys left out are
    /// returned too.
    pub fn with_valid_overrides(&self, overrides: &BTreeMap<String, String>) -> (Self, Vec<ConfigError>) {
        let mut config = self.clone();
        let refused = overrides.iter().filter_map(|(key, value)| match config.set(key, value) {
            Ok(true) => None,
            Ok(false) => Some(ConfigError::UnknownTopicConfig(key.clone())),
            Err(error) => Some(error),
        });
        let refused = refused.collect();
        (config, refused)
    }

    /// Whether every one of these is a topic's key.
    ///
    /// # Errors [`ConfigError::UnknownTopicConfig`] of the first key that is not a topic's.
    pub fn check_names<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
        match names.find(|name| Self::row(name).is_none()) {
            Some(name) => Err(ConfigError::UnknownTopicConfig(name.to_owned())),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.min_compaction_lag_ms > self.max_compaction_lag_ms {
            return Err(ConfigError::Conflict(format!(
                "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
                self.min_compaction_lag_ms, self.max_compaction_lag_ms
            )));
        }
        Ok(())
    }
}
