//! `/admin/reassign_partitions`: partitions that are to get other replicas (the way before KIP-455).
//!
//! Pure.

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, ids, object, others, partitions};
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

/// The partitions it names, each with its target replicas. A field that Kafka does not know, such as the
/// `log_dirs` of the tool's own files, makes the data invalid, as in Kafka: the request asks for more than
/// would be done.
///
/// # Errors
/// [`ZnodeError`] where the data is none.
pub fn decode(data: &[u8]) -> Result<Vec<(TopicPartition, Vec<BrokerId>)>, ZnodeError> {
    without_others(&object(data)?, &["version", "partitions"])?;
    let entries = partitions(data)?.into_iter();
    let decoded = entries.map(|(at, entry)| {
        without_others(&entry, &["topic", "partition", "replicas"])?;
        Ok((at, ids(entry.get("replicas").unwrap_or(&Value::Null))?))
    });
    decoded.collect()
}

fn without_others(object: &Map<String, Value>, known: &[&str]) -> Result<(), ZnodeError> {
    match others(object, known).keys().next() {
        Some(key) => Err(ZnodeError(format!("Unrecognized field {key:?}"))),
        None => Ok(()),
    }
}
