//! Identifiers and positions, in Kafka's own terms.
//!
//! Pure.

use std::fmt;
use std::sync::Arc;

/// A broker's id: the name of its znode under `/brokers/ids`; -1 where there is none.
pub type BrokerId = i32;
/// A record's position in its partition, from 0; -1 where it is not known.
pub type Offset = i64;
/// How often a partition's leadership has changed, from 0; -1 where it is not known.
pub type LeaderEpoch = i32;
/// The id of an idempotent or transactional producer, from 0; -1 where there is none.
pub type ProducerId = i64;
/// How often a producer id was taken over, from 0; -1 where there is none.
pub type ProducerEpoch = i16;
/// Milliseconds: since the Unix epoch for timestamps, else a duration.
pub type Millis = i64;

/// A partition of a topic; printed as Kafka prints it, `topic-0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.topic, self.partition)
    }
}
