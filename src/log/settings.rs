//! What a topic's config means to its log, worked out once when it changes.
//!
//! Kafka: the derived values of `LogConfig`.

use std::sync::Arc;

use super::segment::SegmentOptions;
use super::validate::target_codec;
use crate::base::Millis;
use crate::config::layers::OwnConfigs;
use crate::config::topic::TopicConfig;
use crate::wire::batch::TimestampType;
use crate::wire::compression::Compression;

/// How a log is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The config that they come from.
    pub config: Arc<TopicConfig>,
    /// The values of the config that are the topic's own, as they lie in ZooKeeper; the others are the broker's
    /// defaults.
    pub own: Arc<OwnConfigs>,
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// `segment.ms`.
    pub segment_ms: Millis,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: Millis,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u64,
    /// `flush.messages`.
    pub flush_messages: i64,
    /// `flush.ms`.
    pub flush_ms: Millis,
    /// `retention.bytes`; -1 for any amount.
    pub retention_bytes: i64,
    /// `retention.ms`; -1 for ever.
    pub retention_ms: Millis,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: Millis,
    /// Whether `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// Whether `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: Millis,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: Millis,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_ratio: f64,
    /// `delete.retention.ms`.
    pub delete_retention_ms: Millis,
    /// `max.message.bytes`.
    pub max_message_bytes: usize,
    /// `compression.type`; None keeps the producer's.
    pub compression: Option<Compression>,
    /// `preallocate`.
    pub preallocate: bool,
    /// The batch format of `message.format.version`: 0, 1 or 2.
    pub magic: i8,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.difference.max.ms`.
    pub timestamp_difference_max_ms: Millis,
}

impl Settings {
    /// The settings of a topic with these values of its own over the broker's defaults. Invalid values are
    /// left out, and logged.
    pub fn of(defaults: &TopicConfig, own: OwnConfigs) -> Self {
        let (config, refused) = defaults.with_valid_overrides(&own);
        for error in refused {
            log::warn!(target: "kafka.log.LogConfig", "A topic's config is ignored: {error}");
        }
        Self { own: Arc::new(own), ..config.into() }
    }

    /// How long a segment stays active: less for a compacted log that must be cleaned in time.
    pub fn max_segment_ms(&self) -> Millis {
        if self.compact && self.max_compaction_lag_ms > 0 {
            self.segment_ms.min(self.max_compaction_lag_ms)
        } else {
            self.segment_ms
        }
    }

    /// The options of a segment made or opened at `now`, with a jitter of its own.
    pub fn segment_options(&self, now: Millis) -> SegmentOptions {
        let most = self.segment_jitter_ms.min(self.segment_ms);
        SegmentOptions {
            max_index_bytes: self.segment_index_bytes,
            index_interval: self.index_interval_bytes,
            roll_jitter: if most > 0 { fastrand::i64(0..most) } else { 0 },
            preallocate: if self.preallocate { self.segment_bytes } else { 0 },
            now,
        }
    }
}

impl From<TopicConfig> for Settings {
    fn from(config: TopicConfig) -> Self {
        let cleaned_by = |policy: &str| config.cleanup_policy.iter().any(|named| named == policy);
        // Validated as not negative when the config was read.
        let size = |bytes: i32| u64::from(bytes.max(0).unsigned_abs());
        Self {
            segment_bytes: size(config.segment_bytes),
            segment_ms: config.segment_ms,
            segment_jitter_ms: config.segment_jitter_ms,
            segment_index_bytes: size(config.segment_index_bytes),
            index_interval_bytes: size(config.index_interval_bytes),
            flush_messages: config.flush_messages,
            flush_ms: config.flush_ms,
            retention_bytes: config.retention_bytes,
            retention_ms: config.retention_ms,
            file_delete_delay_ms: config.file_delete_delay_ms,
            compact: cleaned_by("compact"),
            delete: cleaned_by("delete"),
            min_compaction_lag_ms: config.min_compaction_lag_ms,
            max_compaction_lag_ms: config.max_compaction_lag_ms,
            min_cleanable_ratio: config.min_cleanable_dirty_ratio,
            delete_retention_ms: config.delete_retention_ms,
            max_message_bytes: size(config.max_message_bytes) as usize,
            compression: match config.compression_type.as_str() {
                "producer" => None,
                name => Some(target_codec(name, Compression::None)),
            },
            preallocate: config.preallocate,
            magic: config.message_format_version.magic(),
            timestamp_type: match config.message_timestamp_type.as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_difference_max_ms: config.message_timestamp_difference_max_ms,
            config: Arc::new(config),
            own: Arc::default(),
        }
    }
}

impl Default for Settings {
    /// Those of 2.7.2's defaults.
    fn default() -> Self {
        TopicConfig::default().into()
    }
}

#[cfg(test)]
mod tests;
