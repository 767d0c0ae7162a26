//! A partition as the JSON of `--output json` names it.
//!
//! Pure.

use serde::Serialize;

use crate::base::TopicPartition;

/// A partition, by the name of its topic and its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct NamedPartition {
    topic: String,
    partition: i32,
}

impl From<&TopicPartition> for NamedPartition {
    fn from(id: &TopicPartition) -> Self {
        Self { topic: id.topic.to_string(), partition: id.partition }
    }
}
