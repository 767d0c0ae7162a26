//! A controller's write as ZooKeeper takes it: a multi that first checks the version of `/controller_epoch`;
//! and what the answer to it means.
//!
//! Pure. `commit` sends. Kafka: `KafkaZkClient.retryRequestsUntilConnected` with an expected controller epoch.

use serde_json::{Map, Value};

use super::writes::{Outcome, Write};
use crate::zk::znode::config_entity::{self, EntityType};
use crate::zk::znode::feature::{self, FeatureZNode};
use crate::zk::znode::partition_state::{self, PartitionStateZNode};
use crate::zk::znode::topic::{self, TopicZNode};
use crate::zk::znode::{
    controller_epoch, delete_topic, isr_change, log_dir_event, preferred_election, reassign_partitions,
};
use crate::zk::{CreateMode, MultiError, Op, OpResult, ZkError};

/// Why nothing more may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Another controller was elected.
    Moved,
    /// The session has ended, or ZooKeeper failed.
    Failed(ZkError),
}

impl From<ZkError> for Stopped {
    fn from(error: ZkError) -> Self {
        Self::Failed(error)
    }
}

/// The operations of a write: the check of the controller's epoch (`/feature` is not guarded), then the write. `others`
/// are the fields that a newer version wrote beside a partition's state or a topic's assignment: they are written back.
pub fn operations(write: &Write, epoch_version: i32, others: Map<String, Value>) -> Vec<Op> {
    let op = match write {
        Write::CreateFeature { enabled } => {
            let data = FeatureZNode { enabled: *enabled, ..FeatureZNode::default() }.encode();
            return vec![create(feature::PATH, data)];
        }
        Write::SetFeature { enabled, features } => {
            let data = FeatureZNode { enabled: *enabled, features: features.clone() }.encode();
            return vec![set(feature::PATH, data, None)];
        }
        Write::CreatePartitionsDir(topic) => create(&partition_state::parent(topic), Vec::new()),
        Write::CreatePartitionDir(partition) => {
            create(&partition_state::partition_path(partition), Vec::new())
        }
        Write::CreateState(partition, made) => {
            let state = PartitionStateZNode::new(made.leader_and_isr.clone(), made.controller_epoch);
            create(&partition_state::path(partition), state.encode())
        }
        Write::SetState(partition, next) => {
            let state = PartitionStateZNode::new(next.leader_and_isr.clone(), next.controller_epoch);
            let state = PartitionStateZNode { others, ..state };
            set(&partition_state::path(partition), state.encode(), Some(next.leader_and_isr.zk_version))
        }
        Write::SetAssignments(name, partitions) => {
            set(&topic::path(name), TopicZNode { partitions: partitions.clone(), others }.encode(), None)
        }
        Write::Delete(path) => delete(path),
        Write::DeleteTopicConfig(topic) => delete(&config_entity::path(EntityType::Topics, topic)),
        Write::DeleteTopicDeletion(topic) => delete(&delete_topic::path(topic)),
        Write::DeleteIsrNotification(name) => delete(&format!("{}/{name}", isr_change::PARENT)),
        Write::DeleteLogDirEvent(name) => delete(&format!("{}/{name}", log_dir_event::PARENT)),
        Write::SetReassignment(left) => {
            let left: Vec<_> =
                left.iter().map(|(partition, replicas)| (partition.clone(), replicas.clone())).collect();
            set(reassign_partitions::PATH, reassign_partitions::encode(&left), None)
        }
        Write::DeleteReassignment => delete(reassign_partitions::PATH),
        Write::DeletePreferredElection => delete(preferred_election::PATH),
    };
    vec![Op::Check { path: controller_epoch::PATH.to_owned(), version: epoch_version }, op]
}

/// What came of a write whose operations went to ZooKeeper by themselves.
///
/// # Errors
/// [`Stopped`]: this broker is no longer the controller, or may not be.
pub fn outcome(result: Result<Vec<OpResult>, MultiError>, write: &Write) -> Result<Outcome, Stopped> {
    let guarded = !matches!(write, Write::CreateFeature { .. } | Write::SetFeature { .. });
    match result {
        Ok(results) => Ok(written(results.last())),
        // The first operation is the check of the controller's epoch.
        Err(MultiError { index: Some(0), .. }) if guarded => Err(Stopped::Moved),
        // Neither a session that is over nor a server that does not answer is what this write is about.
        Err(MultiError {
            source: source @ (ZkError::SessionExpired | ZkError::Closed | ZkError::ConnectTimeout),
            ..
        }) => Err(Stopped::Failed(source)),
        Err(MultiError { source, .. }) => Ok(match source {
            ZkError::BadVersion => Outcome::BadVersion,
            ZkError::NoNode => Outcome::NoNode,
            ZkError::NodeExists => Outcome::NodeExists,
            ZkError::NotEmpty => Outcome::NotEmpty,
            ZkError::TooLarge(bytes) => Outcome::TooLarge(bytes),
            _ => Outcome::Failed,
        }),
    }
}

/// What came of a write of which ZooKeeper gave this result.
pub(super) fn written(result: Option<&OpResult>) -> Outcome {
    match result {
        Some(OpResult::Set { version }) => Outcome::Ok(*version),
        _ => Outcome::Ok(0),
    }
}

fn create(path: &str, data: Vec<u8>) -> Op {
    Op::Create { path: path.to_owned(), data, mode: CreateMode::Persistent }
}

fn set(path: &str, data: Vec<u8>, version: Option<i32>) -> Op {
    Op::Set { path: path.to_owned(), data, version }
}

fn delete(path: &str) -> Op {
    Op::Delete { path: path.to_owned(), version: None }
}

#[cfg(test)]
mod tests;
