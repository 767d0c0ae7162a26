//! `/admin/reassign_partitions`: partitions that are to get other replicas (the way before KIP-455) ★.

use serde_json::{Value, json};

use super::{ZnodeError, bytes, ids, partitions};
use crate::base::{BrokerId, TopicPartition};

/// Its path.
pub const PATH: &str = "/admin/reassign_partitions";

/// Its data.
pub fn encode(wanted: &[(TopicPartition, Vec<BrokerId>)]) -> Vec<u8> {
    let entries = wanted
        .iter()
        .map(|(at, replicas)| json!({"topic": &*at.topic, "partition": at.partition, "replicas": replicas}));
    bytes(&json!({"version": 1, "partitions": Value::Array(entries.collect())}))
}

/// The partitions it names, each with the replicas it is to get.
///
/// # Errors
/// [`ZnodeError`] where the data is none.
pub fn decode(data: &[u8]) -> Result<Vec<(TopicPartition, Vec<BrokerId>)>, ZnodeError> {
    let entries = partitions(data)?.into_iter();
    entries.map(|(at, entry)| Ok((at, ids(entry.get("replicas").unwrap_or(&Value::Null))?))).collect()
}
