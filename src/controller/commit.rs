//! Writes what a step decided: each write in a multi that first checks the version of `/controller_epoch`, so that a
//! controller that was replaced changes nothing.
//!
//! A few writes have a multi each, as in Kafka. Many partitions' are put together, since what costs ZooKeeper is the
//! transaction; where one of them cannot be written, those with it are written again one by one.

use std::ops::Range;

use super::gather::Others;
use super::writes::{Outcome, Write};
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

/// From so many writes on, those of partitions share their multis.
const MANY: usize = 64;
/// How many share one: a few tens of kilobytes.
const TOGETHER: usize = 100;

/// Writes in this order, all in one go over the wire; what came of each.
///
/// # Errors
/// [`Stopped`]: this broker is no longer the controller, or may not be.
pub(super) async fn commit(
    zk: &ZooKeeper,
    epoch_version: i32,
    others: &Others,
    writes: Vec<Write>,
) -> Result<Vec<Outcome>, Stopped> {
    let mut singles = Vec::with_capacity(writes.len());
    for write in &writes {
        singles.push(operations(zk, epoch_version, write, others).await?);
    }
    let runs = runs(&writes);
    let multis: Vec<_> = runs.iter().map(|run| together(&singles[run.clone()])).collect();
    let results = zk.multi_many(&multis).await;
    let mut outcomes = vec![Outcome::NoNode; writes.len()];
    let mut apart = Vec::new();
    for (run, result) in runs.into_iter().zip(results) {
        match result {
            Ok(results) if run.len() > 1 => {
                // The first result is the check's.
                for (at, result) in run.zip(results.into_iter().skip(1)) {
                    outcomes[at] = written(Some(&result));
                }
            }
            Err(MultiError { index: Some(index), .. }) if run.len() > 1 && index > 0 => apart.extend(run),
            result => outcomes[run.start] = outcome(result, &writes[run.start])?,
        }
    }
    let multis: Vec<_> = apart.iter().map(|at| singles[*at].clone()).collect();
    for (at, result) in apart.into_iter().zip(zk.multi_many(&multis).await) {
        outcomes[at] = outcome(result, &writes[at])?;
    }
    // A lost connection may have overtaken a parent with its child; the parent is there now.
    for (at, write) in writes.iter().enumerate() {
        if outcomes[at] == Outcome::NoNode
            && matches!(write, Write::CreatePartitionDir(_) | Write::CreateState(..))
        {
            outcomes[at] = outcome(zk.multi(&singles[at]).await, write)?;
        }
    }
    Ok(outcomes)
}

/// Which writes, one after the other, go into one multi.
fn runs(writes: &[Write]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        let joins = |run: &&mut Range<usize>| {
            let alike = std::mem::discriminant(&writes[run.start]) == std::mem::discriminant(write);
            writes.len() >= MANY && is_of_partition(write) && alike && run.len() < TOGETHER
        };
        match runs.last_mut().filter(joins) {
            Some(run) => run.end = at + 1,
            None => runs.push(at..at + 1),
        }
    }
    runs
}

fn is_of_partition(write: &Write) -> bool {
    matches!(write, Write::CreatePartitionDir(_) | Write::CreateState(..) | Write::SetState(..))
}

/// One multi of several, with the first's check of the controller's epoch.
fn together(multis: &[Vec<Op>]) -> Vec<Op> {
    let (first, rest) = (multis.first(), multis.iter().skip(1));
    first.into_iter().flatten().chain(rest.flat_map(|multi| multi.iter().skip(1))).cloned().collect()
}

async fn operations(
    zk: &ZooKeeper,
    epoch_version: i32,
    write: &Write,
    others: &Others,
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
            if let Some(others) = others.get(partition) {
                state.others = others.clone();
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

fn written(result: Option<&OpResult>) -> Outcome {
    match result {
        Some(OpResult::Set { version }) => Outcome::Ok(*version),
        _ => Outcome::Ok(0),
    }
}

fn outcome(result: Result<Vec<OpResult>, MultiError>, write: &Write) -> Result<Outcome, Stopped> {
    let guarded = !matches!(write, Write::CreateFeature { .. } | Write::SetFeature { .. });
    match result {
        Ok(results) => Ok(written(results.last())),
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

#[cfg(test)]
mod tests;
