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
    cleanup_policy: Vec<String> = "cleanup.policy", Is("delete"), ListOf(&["compact", "delete"]), List, Medium, ClusterWide, Some("log.cleanup.policy"), NotYet;
    /// The codec that the topic is kept in; 'producer' keeps what the producer chose, 'uncompressed' none.
    compression_type: String = "compression.type", Is("producer"), OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), String, Medium, ClusterWide, Some("compression.type"), Heeded;
    /// How long a compacted log keeps the mark of a deleted key, in milliseconds.
    delete_retention_ms: i64 = "delete.retention.ms", Is("86400000"), AtLeast(0), Long, Medium, ClusterWide, Some("log.cleaner.delete.retention.ms"), NotYet;
    /// How long a deleted segment's files stay on disk, in milliseconds.
    file_delete_delay_ms: i64 = "file.delete.delay.ms", Is("60000"), AtLeast(0), Long, Medium, ClusterWide, Some("log.segment.delete.delay.ms"), Heeded;
    /// After how many records a partition is forced to disk; replication is the better protection.
    flush_messages: i64 = "flush.messages", Is("9223372036854775807"), AtLeast(0), Long, Medium, ClusterWide, Some("log.flush.interval.messages"), Heeded;
    /// After how long at most a record is forced to disk, in milliseconds.
    flush_ms: i64 = "flush.ms", Is("9223372036854775807"), AtLeast(0), Long, Medium, ClusterWide, Some("log.flush.interval.ms"), Heeded;
    /// The replicas whose fetching is throttled: partition:broker pairs, or * for all.
    follower_replication_throttled_replicas: Vec<String> = "follower.replication.throttled.replicas", Is(""), ThrottledReplicas, List, Medium, ClusterWide, Some("follower.replication.throttled.replicas"), Heeded;
    /// After how many bytes of records an entry is added to the offset index.
    index_interval_bytes: i32 = "index.interval.bytes", Is("4096"), AtLeast(0), Int, Medium, ClusterWide, Some("log.index.interval.bytes"), Heeded;
    /// The replicas whose sending to followers is throttled: partition:broker pairs, or * for all.
    leader_replication_throttled_replicas: Vec<String> = "leader.replication.throttled.replicas", Is(""), ThrottledReplicas, List, Medium, ClusterWide, Some("leader.replication.throttled.replicas"), Heeded;
    /// After how long at most a record is compacted, in milliseconds.
    max_compaction_lag_ms: i64 = "max.compaction.lag.ms", Is("9223372036854775807"), AtLeast(1), Long, Medium, ClusterWide, Some("log.cleaner.max.compaction.lag.ms"), NotYet;
    /// The largest batch of records that is accepted, in bytes.
    max_message_bytes: i32 = "max.message.bytes", Is("1048588"), AtLeast(0), Int, Medium, ClusterWide, Some("message.max.bytes"), Heeded;
    /// Whether records are converted for consumers that know only older formats; otherwise those get an error.
    message_downconversion_enable: bool = "message.downconversion.enable", Is("true"), Any, Boolean, Low, ClusterWide, Some("log.message.downconversion.enable"), Heeded;
    /// The message format that brokers append with, named by a Kafka version.
    message_format_version: KafkaVersion = "message.format.version", Is("2.7-IV2"), Version, String, Medium, ClusterWide, Some("log.message.format.version"), Heeded;
    /// How far a record's own timestamp may be from the broker's clock, in milliseconds; not heeded with LogAppendTime.
    message_timestamp_difference_max_ms: i64 = "message.timestamp.difference.max.ms", Is("9223372036854775807"), AtLeast(0), Long, Medium, ClusterWide, Some("log.message.timestamp.difference.max.ms"), Heeded;
    /// Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).
    message_timestamp_type: String = "message.timestamp.type", Is("CreateTime"), OneOf(&["CreateTime", "LogAppendTime"]), String, Medium, ClusterWide, Some("log.message.timestamp.type"), Heeded;
    /// The share of the log that must be uncompacted before it is compacted, from 0 to 1.
    min_cleanable_dirty_ratio: f64 = "min.cleanable.dirty.ratio", Is("0.5"), Between(0, 1), Double, Medium, ClusterWide, Some("log.cleaner.min.cleanable.ratio"), NotYet;
    /// How long at least a record stays uncompacted, in milliseconds.
    min_compaction_lag_ms: i64 = "min.compaction.lag.ms", Is("0"), AtLeast(0), Long, Medium, ClusterWide, Some("log.cleaner.min.compaction.lag.ms"), NotYet;
    /// How many replicas must have a record before a producer with acks=all is told so.
    min_insync_replicas: i32 = "min.insync.replicas", Is("1"), AtLeast(1), Int, Medium, ClusterWide, Some("min.insync.replicas"), Heeded;
    /// Whether a new segment's file is made at its full size.
    preallocate: bool = "preallocate", Is("false"), Any, Boolean, Medium, ClusterWide, Some("log.preallocate"), Heeded;
    /// How large a partition may grow before old segments are deleted, in bytes; -1 for no limit.
    retention_bytes: i64 = "retention.bytes", Is("-1"), Any, Long, Medium, ClusterWide, Some("log.retention.bytes"), Heeded;
    /// How long records are kept, in milliseconds; -1 for ever.
    retention_ms: i64 = "retention.ms", Is("604800000"), AtLeast(-1), Long, Medium, ClusterWide, Some("log.retention.ms"), Heeded;
    /// How large a segment may grow, in bytes.
    segment_bytes: i32 = "segment.bytes", Is("1073741824"), AtLeast(14), Int, Medium, ClusterWide, Some("log.segment.bytes"), Heeded;
    /// How large an index may grow, in bytes.
    segment_index_bytes: i32 = "segment.index.bytes", Is("10485760"), AtLeast(0), Int, Medium, ClusterWide, Some("log.index.size.max.bytes"), Heeded;
    /// The most that is randomly taken off segment.ms, in milliseconds.
    segment_jitter_ms: i64 = "segment.jitter.ms", Is("0"), AtLeast(0), Long, Medium, ClusterWide, Some("log.roll.jitter.ms"), Heeded;
    /// After how long a new segment is begun even where it is not full, in milliseconds.
    segment_ms: i64 = "segment.ms", Is("604800000"), AtLeast(1), Long, Medium, ClusterWide, Some("log.roll.ms"), Heeded;
    /// Whether a replica that was not in sync may lead where no other is left, at the price of records.
    unclean_leader_election_enable: bool = "unclean.leader.election.enable", Is("false"), Any, Boolean, Medium, ClusterWide, Some("unclean.leader.election.enable"), Heeded;
}

impl TopicConfig {
    /// These settings with a topic's own values over them.
    ///
    /// # Errors
    /// [`ConfigError::UnknownTopicConfig`] for a key that does not exist, [`ConfigError::Invalid`] for a value it cannot
    /// have, [`ConfigError::Invalid`] of two lags that contradict each other.
    pub fn with_overrides(&self, overrides: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        Self::check_names(overrides.keys().map(String::as_str))?;
        for (key, value) in overrides {
            config.set(key, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// These settings with those of a topic's own values that are valid: a value that no longer is, e.g. written by
    /// another version, must not keep a broker from serving the topic. The keys left out are returned too.
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
    /// # Errors
    /// [`ConfigError::UnknownTopicConfig`] of the first that is none.
    pub fn check_names<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
        match names.find(|name| Self::row(name).is_none()) {
            Some(name) => Err(ConfigError::UnknownTopicConfig(name.to_owned())),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.min_compaction_lag_ms > self.max_compaction_lag_ms {
            return Err(ConfigError::Combination(format!(
                "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
                self.min_compaction_lag_ms, self.max_compaction_lag_ms
            )));
        }
        Ok(())
    }
}
