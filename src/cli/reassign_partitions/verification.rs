//! How far reassignments are, as `--verify` prints it.
//!
//! Pure. Kafka: `PartitionReassignmentState`, `LogDirMoveState`, `partitionReassignmentStatesToString`,
//! `replicaMoveStatesToString`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::joined;
use crate::base::{BrokerId, TopicPartition};
use crate::client::admin::{ReplicaLogDirInfo, TopicPartitionReplica};

/// The state of a partition that is to have other replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartitionReassignmentState {
    topic: String,
    partition: i32,
    state: ReassignmentProgress,
    replicas: Vec<BrokerId>,
    target_replicas: Vec<BrokerId>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum ReassignmentProgress {
    /// A reassignment is in progress, to these replicas or to others.
    InProgress,
    /// The partition has the replicas that it is to have.
    Complete,
    /// It has others, and no reassignment is in progress.
    NotActive,
}

impl PartitionReassignmentState {
    /// The state of a partition that has these replicas, none where it does not exist.
    pub fn new(
        id: &TopicPartition,
        replicas: Vec<BrokerId>,
        target_replicas: Vec<BrokerId>,
        is_in_progress: bool,
    ) -> Self {
        let state = match (is_in_progress, replicas == target_replicas) {
            (true, _) => ReassignmentProgress::InProgress,
            (false, true) => ReassignmentProgress::Complete,
            (false, false) => ReassignmentProgress::NotActive,
        };
        let topic = id.topic.to_string();
        Self { topic, partition: id.partition, state, replicas, target_replicas }
    }

    fn line(&self) -> String {
        let id = format!("{}-{}", self.topic, self.partition);
        match self.state {
            ReassignmentProgress::InProgress => {
                format!("Reassignment of partition {id} is still in progress.")
            }
            ReassignmentProgress::Complete => format!("Reassignment of partition {id} is complete."),
            ReassignmentProgress::NotActive => format!(
                "There is no active reassignment of partition {id}, but replica set is {} rather than {}.",
                joined(&self.replicas),
                joined(&self.target_replicas)
            ),
        }
    }
}

/// The lines about partitions.
pub(super) fn partitions_text(states: &BTreeMap<TopicPartition, PartitionReassignmentState>) -> String {
    let heading = "Status of partition reassignment:".to_owned();
    std::iter::once(heading)
        .chain(states.values().map(PartitionReassignmentState::line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The state of a replica that is to be in a certain directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogDirMoveState {
    topic: String,
    partition: i32,
    broker: BrokerId,
    target_log_dir: String,
    /// Where it is; None where the broker has no such replica in a live directory.
    log_dir: Option<String>,
    /// Where it is being moved to.
    future_log_dir: Option<String>,
    state: LogDirProgress,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum LogDirProgress {
    /// The broker has no such replica in a live directory.
    Missing,
    /// The replica is being moved to the directory.
    InProgress,
    /// The replica is being moved to another directory.
    Elsewhere,
    /// The replica is in another directory, and is not being moved.
    NotActive,
    /// The replica is in the directory.
    Complete,
}

impl LogDirMoveState {
    /// The state of a replica that the broker describes so.
    pub fn new(replica: &TopicPartitionReplica, target_log_dir: String, found: ReplicaLogDirInfo) -> Self {
        let ReplicaLogDirInfo { current_replica_log_dir, future_replica_log_dir, .. } = found;
        let state = match (&current_replica_log_dir, &future_replica_log_dir) {
            (None, _) => LogDirProgress::Missing,
            (_, Some(future)) if *future == target_log_dir => LogDirProgress::InProgress,
            (_, Some(_)) => LogDirProgress::Elsewhere,
            (Some(current), None) if *current == target_log_dir => LogDirProgress::Complete,
            (Some(_), None) => LogDirProgress::NotActive,
        };
        Self {
            topic: replica.partition.topic.to_string(),
            partition: replica.partition.partition,
            broker: replica.broker,
            target_log_dir,
            log_dir: current_replica_log_dir,
            future_log_dir: future_replica_log_dir,
            state,
        }
    }

    /// Whether the move is over, at its target or not.
    pub fn is_done(&self) -> bool {
        matches!(self.state, LogDirProgress::NotActive | LogDirProgress::Complete)
    }

    /// The directory that it is being moved from, while it is.
    pub fn moving_from(&self) -> Option<&str> {
        let is_moving = matches!(self.state, LogDirProgress::InProgress | LogDirProgress::Elsewhere);
        self.log_dir.as_deref().filter(|_| is_moving)
    }

    fn line(&self) -> String {
        let (id, broker) = (format!("{}-{}", self.topic, self.partition), self.broker);
        let target = &self.target_log_dir;
        match self.state {
            LogDirProgress::Missing => format!(
                "Partition {id} is not found in any live log dir on broker {broker}. There is likely an offline log \
                 directory on the broker."
            ),
            LogDirProgress::InProgress => {
                format!("Reassignment of replica {id}-{broker} is still in progress.")
            }
            LogDirProgress::Elsewhere => format!(
                "Partition {id} on broker {broker} is being moved to log dir {} instead of {target}.",
                self.future_log_dir.as_deref().unwrap_or_default()
            ),
            LogDirProgress::NotActive => format!(
                "Partition {id} on broker {broker} is not being moved from log dir {} to {target}.",
                self.log_dir.as_deref().unwrap_or_default()
            ),
            LogDirProgress::Complete => {
                format!("Reassignment of replica {id}-{broker} completed successfully.")
            }
        }
    }
}

/// The lines about replicas; empty where there are none.
pub(super) fn replicas_text(states: &BTreeMap<TopicPartitionReplica, LogDirMoveState>) -> String {
    states.values().map(LogDirMoveState::line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(replicas: &[i32], target: &[i32], is_in_progress: bool) -> String {
        let id = TopicPartition::new("t", 3);
        PartitionReassignmentState::new(&id, replicas.to_vec(), target.to_vec(), is_in_progress).line()
    }

    #[test]
    fn a_partition_is_done_when_nothing_is_in_progress() {
        assert_eq!(line(&[1, 2], &[1, 2], false), "Reassignment of partition t-3 is complete.");
        assert_eq!(line(&[1, 2], &[1, 2], true), "Reassignment of partition t-3 is still in progress.");
        assert_eq!(
            line(&[2, 1], &[1, 2], false),
            "There is no active reassignment of partition t-3, but replica set is 2,1 rather than 1,2."
        );
        assert_eq!(
            line(&[], &[1], false),
            "There is no active reassignment of partition t-3, but replica set is  rather than 1."
        );
    }

    fn replica(current: Option<&str>, future: Option<&str>) -> LogDirMoveState {
        let replica = TopicPartitionReplica { broker: 1, partition: TopicPartition::new("t", 3) };
        let info = ReplicaLogDirInfo {
            current_replica_log_dir: current.map(str::to_owned),
            future_replica_log_dir: future.map(str::to_owned),
            ..Default::default()
        };
        LogDirMoveState::new(&replica, "/b".to_owned(), info)
    }

    #[test]
    fn a_replica_is_done_when_it_is_not_being_moved() {
        let of = |current, future| {
            let state = replica(current, future);
            (state.line(), state.is_done(), state.moving_from().map(str::to_owned))
        };
        let from_a = || Some("/a".to_owned());
        assert_eq!(
            of(Some("/b"), None),
            ("Reassignment of replica t-3-1 completed successfully.".to_owned(), true, None)
        );
        assert_eq!(
            of(Some("/a"), None),
            ("Partition t-3 on broker 1 is not being moved from log dir /a to /b.".to_owned(), true, None)
        );
        assert_eq!(
            of(Some("/a"), Some("/b")),
            ("Reassignment of replica t-3-1 is still in progress.".to_owned(), false, from_a())
        );
        assert_eq!(
            of(Some("/a"), Some("/c")),
            (
                "Partition t-3 on broker 1 is being moved to log dir /c instead of /b.".to_owned(),
                false,
                from_a()
            )
        );
        assert_eq!(
            of(None, None),
            (
                "Partition t-3 is not found in any live log dir on broker 1. There is likely an offline log directory on the \
                 broker."
                    .to_owned(),
                false,
                None
            )
        );
    }
}
