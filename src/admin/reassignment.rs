//! Reassignments asked for by znode, the way before KIP-455: one at a time, which the controller carries out.
//!
//! Kafka: `KafkaZkClient.getPartitionReassignment`, `createPartitionReassignment`.

use super::AdminError;
use crate::base::{BrokerId, TopicPartition};
use crate::zk::znode::reassign_partitions;
use crate::zk::{CreateMode, ZooKeeper};

/// The partitions that are being reassigned by znode, each with its target replicas; none if the znode cannot be read.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn in_progress(zk: &ZooKeeper) -> Result<Vec<(TopicPartition, Vec<BrokerId>)>, AdminError> {
    let Some((data, _)) = zk.get(reassign_partitions::PATH).await? else { return Ok(Vec::new()) };
    Ok(reassign_partitions::decode(&data).unwrap_or_else(|error| {
        log::warn!(target: "kafka.zk.KafkaZkClient", "Ignoring partition reassignment due to invalid json: {error}");
        Vec::new()
    }))
}

/// Whether a reassignment by znode is in progress.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn is_in_progress(zk: &ZooKeeper) -> Result<bool, AdminError> {
    Ok(zk.exists(reassign_partitions::PATH).await?.is_some())
}

/// Asks the controller to reassign these partitions.
///
/// # Errors
/// Failures of ZooKeeper: that another reassignment is in progress, among others.
pub async fn request(zk: &ZooKeeper, targets: &[(TopicPartition, Vec<BrokerId>)]) -> Result<(), AdminError> {
    let data = reassign_partitions::encode(targets);
    zk.create_recursive(reassign_partitions::PATH, &data, CreateMode::Persistent).await?;
    Ok(())
}
