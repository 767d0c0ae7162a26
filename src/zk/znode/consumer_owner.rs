//! `/consumers/GROUP/owners/TOPIC/PARTITION`: which thread of a ZooKeeper consumer reads a partition, ephemeral.
//!
//! Pure. Written by Kafka's consumers before 2.0 (`ZookeeperConsumerConnector`).

use super::ZnodeError;

/// The path of a partition's owner in a group.
pub fn path(group: &str, topic: &str, partition: i32) -> String {
    format!("/consumers/{group}/owners/{topic}/{partition}")
}

/// Its data: `CONSUMER-THREAD`.
pub fn encode(thread: &str) -> Vec<u8> {
    thread.as_bytes().to_vec()
}

/// The thread it names.
///
/// # Errors
/// [`ZnodeError`] where it is no text.
pub fn decode(data: &[u8]) -> Result<String, ZnodeError> {
    String::from_utf8(data.to_vec()).map_err(|error| ZnodeError(error.to_string()))
}
