//! Writes what a step decided: each write a multi that first checks the version of `/controller_epoch`, so that a
//! controller that was replaced changes nothing.

use std::collections::BTreeMap;

use super::writes::{Outcome, Write};
use crate::base::TopicPartition;
use crate::zk::znode::config_entity::{self, Kind};
use crate::zk::znode::feature::{self, Feature};
use crate::zk::znode::partition_state::{self, PartitionState};
use crate::zk::znode::topic::{self, Topic};
use crate::zk::znode::{
    controller_epoch, delete_topic, isr_change, log_dir_event, preferred_election, reassign_partitions,
};
use crate::zk::{CreateMode, MultiError, Op, OpResult, ZkError, ZooKeeper};

/// Why nothing more may be written.
#[derive(Debug)]
pub(super) enum Stopped {
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

/// Writes in this order, all in one go over the wire; what came of each.
///
/// # Errors
/// [`Stopped`]: this broker is no longer the controller, or may not be.
pub(super) async fn commit(
    zk: &ZooKeeper,
    epoch_version: i32,
    writes: Vec<Write>,
) -> Result<Vec<Outcome>, Stopped> {
    let held = held_states(zk, &writes).await?;
    let mut multis = Vec::with_capacity(writes.len());
    for write in &writes {
        multis.push(operations(zk, epoch_version, write, &held).await?);
    }
    let results = zk.multi_many(&multis).await;
    let mut outcomes = results
        .into_iter()
        .zip(&writes)
        .map(|(result, write)| outcome(result, write))
        .collect::<Result<Vec<_>, _>>()?;
    // A lost connection may have overtaken a parent with its child; the parent is there now.
    for (at, write) in writes.iter().enumerate() {
        if outcomes[at] == Outcome::NoNode
            && matches!(write, Write::CreatePartitionDir(_) | Write::CreateState(..))
        {
            outcomes[at] = outcome(zk.multi(&multis[at]).await, write)?;
        }
    }
    Ok(outcomes)
}

/// The states about to be written over, read in one go.
async fn held_states(
    zk: &ZooKeeper,
    writes: &[Write],
) -> Result<BTreeMap<TopicPartition, PartitionState>, ZkError> {
    let partitions: Vec<_> = writes
        .iter()
        .filter_map(|write| match write {
            Write::SetState(partition, _) => Some(partition.clone()),
            _ => None,
        })
        .collect();
    let paths: Vec<_> = partitions.iter().map(partition_state::path).collect();
    let found = zk.get_many(&paths).await?;
    let decoded = partitions.into_iter().zip(found).filter_map(|(partition, found)| {
        let (data, stat) = found?;
        Some((partition, PartitionState::decode(&data, stat.version).ok()?))
    });
    Ok(decoded.collect())
}

async fn operations(
    zk: &ZooKeeper,
    epoch_version: i32,
    write: &Write,
    held: &BTreeMap<TopicPartition, PartitionState>,
) -> Result<Vec<Op>, ZkError> {
    let check = Op::Check { path: controller_epoch::PATH.to_owned(), version: epoch_version };
    let op = match write {
        Write::CreateFeature { enabled } => {
            let data = Feature { enabled: *enabled, ..Feature::default() }.encode();
            return Ok(vec![create(feature::PATH, data)]);
        }
        Write::SetFeature { enabled, features } => {
            let data = Feature { enabled: *enabled, features: features.clone() }.encode();
            return Ok(vec![set(feature::PATH, data, None)]);
        }
        Write::CreatePartitionsDir(topic) => create(&partition_state::parent(topic), Vec::new()),
        Write::CreatePartitionDir(partition) => {
            create(&partition_state::partition_path(partition), Vec::new())
        }
        Write::CreateState(partition, made) => {
            let state = PartitionState::new(made.leader_and_isr.clone(), made.controller_epoch);
            create(&partition_state::path(partition), state.encode())
        }
        Write::SetState(partition, next) => {
            let path = partition_state::path(partition);
            let mut state = PartitionState::new(next.leader_and_isr.clone(), next.controller_epoch);
            // What a newer version wrote beside the state is written back.
            if let Some(held) = held.get(partition) {
                state.others = held.others.clone();
            }
            set(&path, state.encode(), Some(next.leader_and_isr.zk_version))
        }
        Write::SetAssignments(name, partitions) => {
            let path = topic::path(name);
            let held =
                zk.get(&path).await?.and_then(|(data, _)| Topic::decode(&data).ok()).unwrap_or_default();
            set(&path, Topic { partitions: partitions.clone(), ..held }.encode(), None)
        }
        Write::Delete(path) => delete(path),
        Write::DeleteTopicConfig(topic) => delete(&config_entity::path(Kind::Topics, topic)),
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
    Ok(vec![check, op])
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

fn outcome(result: Result<Vec<OpResult>, MultiError>, write: &Write) -> Result<Outcome, Stopped> {
    let guarded = !matches!(write, Write::CreateFeature { .. } | Write::SetFeature { .. });
    match result {
        Ok(results) => Ok(match results.last() {
            Some(OpResult::Set { version }) => Outcome::Ok(*version),
            _ => Outcome::Ok(0),
        }),
        // The first operation is the check of the controller's epoch.
        Err(MultiError { index: Some(0), .. }) if guarded => Err(Stopped::Moved),
        Err(MultiError { index: None, source }) => Err(Stopped::Failed(source)),
        Err(MultiError { source, .. }) => Ok(match source {
            ZkError::BadVersion => Outcome::BadVersion,
            ZkError::NoNode => Outcome::NoNode,
            ZkError::NodeExists => Outcome::NodeExists,
            ZkError::NotEmpty => Outcome::NotEmpty,
            _ => Outcome::Failed(-1),
        }),
    }
}
