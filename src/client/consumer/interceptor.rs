//! Code of the application that sees what a consumer returns and commits. Kafka: `ConsumerInterceptor`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::records::ConsumerRecords;
use crate::base::TopicPartition;
use crate::client::offsets::OffsetAndMetadata;

/// Sees the records that a consumer returns and the offsets that it has committed. Its methods must not block.
pub trait ConsumerInterceptor: Debug + Send + Sync {
    /// The records of a poll, just before it returns them; returns those that it is to return. The positions are behind
    /// all of them either way.
    fn on_consume(&self, records: ConsumerRecords) -> ConsumerRecords {
        records
    }

    /// Offsets were committed.
    fn on_commit(&self, offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>) {
        let _ = offsets;
    }

    /// The consumer is closed.
    fn close(&self) {}
}
