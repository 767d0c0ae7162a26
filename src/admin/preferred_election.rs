//! Elections of preferred replicas asked for by znode, which the controller holds.
//!
//! Kafka: `KafkaZkClient.createPreferredReplicaElection`, `getPreferredReplicaElection`.

use super::AdminError;
use crate::base::TopicPartition;
use crate::zk::znode::preferred_election;
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// Asks the controller to elect the preferred replicas of these partitions.
///
/// # Errors
/// Failures of ZooKeeper; `AdminOperationException` where an election is in progress, which names its partitions.
pub async fn request(zk: &ZooKeeper, partitions: &[TopicPartition]) -> Result<(), AdminError> {
    let data = preferred_election::encode(partitions);
    match zk.create_recursive(preferred_election::PATH, &data, CreateMode::Persistent).await {
        Ok(_) => Ok(()),
        Err(ZkError::NodeExists) => {
            let found = in_progress(zk).await?;
            let list = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            Err(AdminError::operation(format!(
                "Preferred replica leader election currently in progress for {list}. Aborting operation"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

async fn in_progress(zk: &ZooKeeper) -> Result<Vec<TopicPartition>, AdminError> {
    let Some((data, _)) = zk.get(preferred_election::PATH).await? else { return Ok(Vec::new()) };
    Ok(preferred_election::decode(&data).unwrap_or_default())
}
