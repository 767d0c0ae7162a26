//! `/isr_change_notification/isr_change_NNNNNNNNNN`: partitions whose leader changed their ISR itself (before 2.7).
//!
//! Pure.

use serde_json::{Value, json};

use super::{ZnodeError, bytes, partitions};
use crate::base::TopicPartition;

/// The parent of all notifications.
pub const PARENT: &str = "/isr_change_notification";
/// The prefix of a notification's name.
pub const PREFIX: &str = "isr_change_";

/// The path a notification is created at, to which ZooKeeper appends ten digits.
pub fn sequential_path() -> String {
    format!("{PARENT}/{PREFIX}")
}

/// Its data.
pub fn encode(changed: &[TopicPartition]) -> Vec<u8> {
    let entries = changed.iter().map(|at| json!({"topic": &*at.topic, "partition": at.partition}));
    bytes(&json!({"version": 1, "partitions": Value::Array(entries.collect())}))
}

/// The partitions it names.
///
/// # Errors
/// [`ZnodeError`] where the data is none.
pub fn decode(data: &[u8]) -> Result<Vec<TopicPartition>, ZnodeError> {
    Ok(partitions(data)?.into_iter().map(|(partition, _)| partition).collect())
}
