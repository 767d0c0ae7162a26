//! Offsets in ZooKeeper, where OffsetCommit and OffsetFetch of version 0 keep them.
//!
//! Kafka: `KafkaZkClient.setOrCreateConsumerOffset`, `getConsumerOffset`.

use crate::base::{Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::zk::znode::consumer_offset;
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// Keeps the offset of a group in a partition.
///
/// # Errors
/// What is answered where ZooKeeper refuses it or cannot be reached.
pub(super) async fn set(
    zk: &ZooKeeper,
    group: &str,
    id: &TopicPartition,
    offset: Offset,
) -> Result<(), ErrorCode> {
    let path = consumer_offset::path(group, &id.topic, id.partition);
    let data = consumer_offset::encode(offset);
    match zk.set(&path, &data, None).await {
        Ok(_) => Ok(()),
        Err(ZkError::NoNode) => {
            let created = zk.create_recursive(&path, &data, CreateMode::Persistent).await;
            created.map(|_| ()).map_err(|_| ErrorCode::UnknownServerError)
        }
        Err(_) => Err(ErrorCode::UnknownServerError),
    }
}

/// The offset of a group in a partition; None where there is none.
///
/// # Errors
/// What is answered where it cannot be read.
pub(super) async fn get(
    zk: &ZooKeeper,
    group: &str,
    id: &TopicPartition,
) -> Result<Option<Offset>, ErrorCode> {
    let path = consumer_offset::path(group, &id.topic, id.partition);
    match zk.get(&path).await {
        Ok(Some((data, _))) => {
            consumer_offset::decode(&data).map(Some).map_err(|_| ErrorCode::UnknownServerError)
        }
        Ok(None) => Ok(None),
        Err(_) => Err(ErrorCode::UnknownServerError),
    }
}
