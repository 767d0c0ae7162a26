//! `/admin/preferred_replica_election`: partitions whose preferred replica is to be elected.
//!
//! Pure.

use serde_json::{Value, json};

use super::{ZnodeError, bytes, partitions};
use crate::base::TopicPartition;

/// Its path.
pub const PATH: &str = "/admin/preferred_replica_election";

/// Its data.
pub fn encode(wanted: &[TopicPartition]) -> Vec<u8> {
    let entries = wanted.iter().map(|at| json!({"topic": &*at.topic, "partition": at.partition}));
    bytes(&json!({"version": 1, "partitions": Value::Array(entries.collect())}))
}

/// The partitions it names.
///
/// # Errors
/// [`ZnodeError`] where the data is none.
pub fn decode(data: &[u8]) -> Result<Vec<TopicPartition>, ZnodeError> {
    Ok(partitions(data)?.into_iter().map(|(partition, _)| partition).collect())
}
