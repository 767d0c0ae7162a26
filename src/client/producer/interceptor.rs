//! Code of the application that sees every record before it is sent and after it is answered.
//!
//! Kafka: `ProducerInterceptor`, `ProducerInterceptors`.

use std::fmt::Debug;

use super::record::{ProducerRecord, RecordMetadata};
use crate::base::Millis;
use crate::client::error::ClientError;

/// Sees every record of a producer. Its methods are called by the producer's own tasks and must not block.
pub trait ProducerInterceptor: Debug + Send + Sync {
    /// The record that is sent in the place of this one, before a partition is chosen.
    fn on_send(&self, record: ProducerRecord) -> ProducerRecord {
        record
    }

    /// A record was written, or has failed. `topic` is its topic.
    fn on_acknowledgement(&self, topic: &str, outcome: Result<&RecordMetadata, &ClientError>) {
        let _ = (topic, outcome);
    }
}

/// What is kept of a record until it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterceptedRecord {
    pub(super) timestamp: Millis,
    /// -1 without a key.
    pub(super) key_size: i32,
    /// -1 without a value.
    pub(super) value_size: i32,
}

impl InterceptedRecord {
    pub(super) fn of(record: &ProducerRecord, now: Millis) -> Self {
        let size = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(-1, |bytes| bytes.len() as i32);
        Self {
            timestamp: record.timestamp.unwrap_or(now),
            key_size: size(&record.key),
            value_size: size(&record.value),
        }
    }
}
