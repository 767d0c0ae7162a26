//! What a command of `kafka-reassign-partitions.sh` has found and done, as text and as the JSON of `--output json`.
//!
//! Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::{ReassignmentJson, ReassignmentPlan, joined};
use super::proposal::PartitionAssignment;
use super::throttles::MoveMap;
use super::verification::{LogDirMoveState, PartitionReassignmentState};
use crate::base::{BrokerId, TopicPartition};
use crate::cli::named_partition::NamedPartition;
use crate::client::admin::{PartitionReassignment, TopicPartitionReplica};

/// The assignment that is proposed, and the one that there is.
#[derive(Debug, Serialize)]
pub(super) struct Proposal {
    pub current: ReassignmentJson,
    pub proposed: ReassignmentJson,
}

impl Proposal {
    pub fn text(&self) -> String {
        format!(
            "Current partition replica assignment\n{}\n\nProposed partition reassignment configuration\n{}",
            self.current.text(),
            self.proposed.text()
        )
    }
}

/// The assignment before an execution, to be kept for a way back.
pub(super) fn current_text(current: &PartitionAssignment) -> String {
    format!(
        "Current partition replica assignment\n\n{}\n\nSave this to use as the --reassignment-json-file option during \
         rollback",
        ReassignmentJson::of(current).text()
    )
}

/// The reassignments that have begun.
pub(super) fn started_text(plan: &ReassignmentPlan) -> String {
    let mut partitions: Vec<_> = plan.partitions.iter().map(|it| &it.partition).collect();
    partitions.sort();
    let plural = if partitions.len() == 1 { "" } else { "s" };
    format!("Successfully started partition reassignment{plural} for {}", joined(&partitions))
}

/// The throttles that were removed.
#[derive(Debug, Serialize)]
pub(super) struct ClearedThrottles {
    pub brokers: Vec<BrokerId>,
    pub topics: Vec<String>,
}

impl ClearedThrottles {
    pub fn brokers_text(&self) -> String {
        let plural = if self.brokers.len() == 1 { "" } else { "s" };
        format!("Clearing broker-level throttles on broker{plural} {}", joined(&self.brokers))
    }

    pub fn topics_text(&self) -> String {
        let plural = if self.topics.len() == 1 { "" } else { "s" };
        format!("Clearing topic-level throttles on topic{plural} {}", joined(&self.topics))
    }
}

/// The states of `--verify`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verification {
    partitions: Vec<PartitionReassignmentState>,
    replicas: Vec<LogDirMoveState>,
    cleared_throttles: Option<ClearedThrottles>,
}

impl Verification {
    pub fn new(
        partitions: impl IntoIterator<Item = PartitionReassignmentState>,
        replicas: impl IntoIterator<Item = LogDirMoveState>,
        cleared_throttles: Option<ClearedThrottles>,
    ) -> Self {
        let (partitions, replicas) = (partitions.into_iter().collect(), replicas.into_iter().collect());
        Self { partitions, replicas, cleared_throttles }
    }
}

/// A replica and a directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplicaMove {
    topic: String,
    partition: i32,
    broker: BrokerId,
    log_dir: String,
}

fn replica_moves(moves: &BTreeMap<TopicPartitionReplica, String>) -> Vec<ReplicaMove> {
    let one = |(replica, dir): (&TopicPartitionReplica, &String)| ReplicaMove {
        topic: replica.partition.topic.to_string(),
        partition: replica.partition.partition,
        broker: replica.broker,
        log_dir: dir.clone(),
    };
    moves.iter().map(one).collect()
}

/// A partition that is reassigned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BegunReassignment {
    topic: String,
    partition: i32,
    /// None where the partition does not exist.
    replicas: Option<Vec<BrokerId>>,
    target_replicas: Vec<BrokerId>,
}

impl BegunReassignment {
    fn dry_run_line(&self) -> String {
        let Self { topic, partition, replicas, target_replicas } = self;
        let now = replicas.as_deref().unwrap_or_default();
        let without = |these: &[BrokerId], others: &[BrokerId]| {
            let left: Vec<_> = these.iter().filter(|id| !others.contains(id)).copied().collect();
            if left.is_empty() { "none".to_owned() } else { joined(&left) }
        };
        format!(
            "{topic}-{partition} would move from {} to {}: adding {}, removing {}.",
            if now.is_empty() { "nowhere".to_owned() } else { joined(now) },
            joined(target_replicas),
            without(target_replicas, now),
            without(now, target_replicas)
        )
    }
}

/// What `--execute` has begun, or would begin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Execution {
    dry_run: bool,
    /// The assignment before it.
    current: ReassignmentJson,
    partitions: Vec<BegunReassignment>,
    replicas: Vec<ReplicaMove>,
    /// Bytes a second between brokers; None where no throttle is set.
    inter_broker_throttle: Option<u64>,
    throttled_brokers: Vec<BrokerId>,
    throttled_topics: Vec<String>,
    /// Bytes a second between directories.
    log_dir_throttle: Option<u64>,
}

impl Execution {
    pub fn new(plan: &ReassignmentPlan, current: &PartitionAssignment, dry_run: bool) -> Self {
        let mut targets: Vec<_> = plan.partitions.iter().collect();
        targets.sort_by_key(|it| &it.partition);
        let partitions = targets.into_iter().map(|it| BegunReassignment {
            topic: it.partition.topic.to_string(),
            partition: it.partition.partition,
            replicas: current.get(&it.partition).cloned(),
            target_replicas: it.replicas.clone(),
        });
        Self {
            dry_run,
            current: ReassignmentJson::of(current),
            partitions: partitions.collect(),
            replicas: replica_moves(&plan.log_dirs),
            inter_broker_throttle: None,
            throttled_brokers: Vec::new(),
            throttled_topics: Vec::new(),
            log_dir_throttle: None,
        }
    }

    /// With these throttles: between the brokers of the moves, and between directories.
    pub fn throttled(mut self, inter_broker: Option<(u64, &MoveMap)>, log_dir: Option<u64>) -> Self {
        if let Some((rate, moves)) = inter_broker {
            self.inter_broker_throttle = Some(rate);
            self.throttled_brokers = moves.brokers().into_iter().collect();
            self.throttled_topics = moves.topic_throttles().into_keys().collect();
        }
        self.log_dir_throttle = log_dir;
        self
    }

    /// What would be done.
    pub fn dry_run_text(&self) -> String {
        let mut lines = vec!["Dry run: nothing was changed.".to_owned()];
        lines.extend(self.partitions.iter().map(BegunReassignment::dry_run_line));
        lines.extend(self.replicas.iter().map(|it| {
            let ReplicaMove { topic, partition, broker, log_dir } = it;
            format!("{topic}-{partition}-{broker} would move to the log directory {log_dir}.")
        }));
        if let Some(rate) = self.inter_broker_throttle {
            let (brokers, topics) = (joined(&self.throttled_brokers), joined(&self.throttled_topics));
            lines.push(format!(
                "The inter-broker throttle limit would be set to {rate} B/s, for brokers {brokers} and topics {topics}."
            ));
        }
        if let Some(rate) = self.log_dir_throttle {
            lines.push(format!("The replica-alter-dir throttle limit would be set to {rate} B/s."));
        }
        lines.join("\n")
    }
}

/// What `--cancel` has cancelled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancellation {
    cancelled_partitions: Vec<NamedPartition>,
    /// The replicas that stay in these directories.
    cancelled_replicas: Vec<ReplicaMove>,
    cleared_throttles: Option<ClearedThrottles>,
}

impl Cancellation {
    pub fn new(
        partitions: &[TopicPartition],
        moves: &BTreeMap<TopicPartitionReplica, String>,
        cleared_throttles: Option<ClearedThrottles>,
    ) -> Self {
        let cancelled_partitions = partitions.iter().map(NamedPartition::from).collect();
        Self { cancelled_partitions, cancelled_replicas: replica_moves(moves), cleared_throttles }
    }
}

/// The reassignments in progress.
#[derive(Debug, Serialize)]
pub(super) struct ReassignmentList {
    reassignments: Vec<ListedReassignment>,
}

/// One of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedReassignment {
    topic: String,
    partition: i32,
    replicas: Vec<BrokerId>,
    adding_replicas: Vec<BrokerId>,
    removing_replicas: Vec<BrokerId>,
}

impl ReassignmentList {
    pub fn new(found: BTreeMap<TopicPartition, PartitionReassignment>) -> Self {
        let listed = found.into_iter().map(|(id, it)| ListedReassignment {
            topic: id.topic.to_string(),
            partition: id.partition,
            replicas: it.replicas,
            adding_replicas: it.adding_replicas,
            removing_replicas: it.removing_replicas,
        });
        Self { reassignments: listed.collect() }
    }

    pub fn text(&self) -> String {
        if self.reassignments.is_empty() {
            return "No partition reassignments found.".to_owned();
        }
        let some = |name: &str, ids: &[BrokerId]| {
            if ids.is_empty() { String::new() } else { format!(" {name}: {}.", joined(ids)) }
        };
        let line = |it: &ListedReassignment| {
            let ListedReassignment { topic, partition, replicas, adding_replicas, removing_replicas } = it;
            let (adding, removing) = (some("adding", adding_replicas), some("removing", removing_replicas));
            format!("{topic}-{partition}: replicas: {}.{adding}{removing}", joined(replicas))
        };
        let lines: Vec<_> = self.reassignments.iter().map(line).collect();
        format!("Current partition reassignments:\n{}", lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::TargetReplicas;
    use super::*;

    fn id(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition::new(topic, partition)
    }

    #[test]
    fn reassignments_in_progress_are_listed_with_what_they_add_and_remove() {
        let of = |adding: &[i32], removing: &[i32]| PartitionReassignment {
            replicas: vec![3, 1, 2],
            adding_replicas: adding.to_vec(),
            removing_replicas: removing.to_vec(),
        };
        let found = BTreeMap::from([(id("t", 10), of(&[1], &[2])), (id("t", 9), of(&[], &[]))]);
        assert_eq!(
            ReassignmentList::new(found).text(),
            "Current partition reassignments:\nt-9: replicas: 3,1,2.\nt-10: replicas: 3,1,2. adding: 1. removing: 2."
        );
        assert_eq!(ReassignmentList::new(BTreeMap::new()).text(), "No partition reassignments found.");
    }

    #[test]
    fn a_dry_run_says_what_would_be_added_and_removed() {
        let target =
            |topic, replicas: &[i32]| TargetReplicas { partition: id(topic, 0), replicas: replicas.to_vec() };
        let moved = TopicPartitionReplica { broker: 1, partition: id("u", 0) };
        let plan = ReassignmentPlan {
            partitions: vec![target("u", &[1]), target("t", &[2, 3])],
            log_dirs: BTreeMap::from([(moved, "/d".to_owned())]),
        };
        let current = BTreeMap::from([(id("t", 0), vec![1, 2]), (id("u", 0), vec![1])]);
        let moves = MoveMap::proposed(&BTreeMap::new(), &plan.partitions, &current);
        let execution = Execution::new(&plan, &current, true).throttled(Some((9, &moves)), None);
        assert_eq!(
            execution.dry_run_text(),
            "Dry run: nothing was changed.\nt-0 would move from 1,2 to 2,3: adding 3, removing 1.\n\
             u-0 would move from 1 to 1: adding none, removing none.\nu-0-1 would move to the log directory /d.\n\
             The inter-broker throttle limit would be set to 9 B/s, for brokers 1,2,3 and topics t,u."
        );
    }
}
