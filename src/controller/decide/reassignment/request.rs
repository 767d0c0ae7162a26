//! AlterPartitionReassignments and ListPartitionReassignments (KIP-455): targets are checked, begun and
//! answered.
//!
//! Pure. Kafka: `processApiPartitionReassignment`, `validateReplicas`, `maybeTriggerPartitionReassignment`,
//! `processListPartitionReassignments`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Assignment, BrokerId, TopicPartition};
use crate::controller::controller_state::ControllerState;
use crate::controller::decide::assignments::has_duplicates;
use crate::controller::facts::Facts;
use crate::controller::reply::{ApiError, ControllerReply, PerPartition};
use crate::controller::step::{Step, StepContext};
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::listed::{Done, TakeOffList};
use super::progress::BeginReassignment;

/// AlterPartitionReassignments: the target replicas of each partition; None cancels a reassignment.
#[derive(Debug)]
pub struct AlterReassignments {
    /// The target replicas; None cancels the reassignment in progress.
    pub wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
    /// Receives the outcome of each partition.
    pub reply: ControllerReply<PerPartition<()>>,
}

impl Step for AlterReassignments {
    fn controller_state(&self) -> ControllerState {
        ControllerState::AlterPartitionReassignment
    }

    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let (mut outcomes, mut begun) = (PerPartition::new(), BTreeMap::new());
        for (partition, target) in std::mem::take(&mut self.wanted) {
            match towards(context, &partition, target) {
                Ok(assignment) => drop(begun.insert(partition, assignment)),
                Err(refusal) => drop(outcomes.insert(partition, Err(refusal))),
            }
        }
        // The latest request counts, whether it came by this API or by the znode.
        context.enqueue(TakeOffList(Done::Named(begun.keys().cloned().collect())));
        outcomes.extend(trigger(context, begun));
        context.enqueue(ReplyBegun { outcomes, reply: self.reply.clone() });
        Vec::new()
    }
}

/// The assignment on the way to a target, or back to the origin for None.
fn towards(
    context: &StepContext,
    partition: &TopicPartition,
    target: Option<Vec<BrokerId>>,
) -> Result<Assignment, ApiError> {
    let current = context.state.assignment(partition);
    let Some(target) = target else {
        return if current.is_being_reassigned() {
            Ok(current.reassign_to(&current.origin()))
        } else {
            Err(ApiError::of(ErrorCode::NoReassignmentInProgress))
        };
    };
    let assignment = current.reassign_to(&target);
    match invalid_list(&target).or_else(|| not_alive(context, &assignment)) {
        Some(refusal) => Err(refusal),
        None => Ok(assignment),
    }
}

fn refused(text: String) -> Option<ApiError> {
    Some(ApiError::because(ErrorCode::InvalidReplicaAssignment, text))
}

fn listed<'a>(ids: impl IntoIterator<Item = &'a BrokerId>) -> String {
    ids.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why a list of broker ids cannot be a partition's replicas, whichever brokers are alive.
pub(super) fn invalid_list(target: &[BrokerId]) -> Option<ApiError> {
    if target.is_empty() {
        return refused("Empty replica list specified in partition reassignment.".to_owned());
    }
    let ids = listed(target);
    if has_duplicates(target) {
        return refused(format!(
            "Duplicate replica ids in partition reassignment replica list: ArrayBuffer({ids})"
        ));
    }
    if target.iter().any(|id| *id < 0) {
        return refused(format!("Invalid broker id in replica list: ArrayBuffer({ids})"));
    }
    None
}

/// Why an assignment cannot be begun: a broker that it adds is not alive.
pub(super) fn not_alive(context: &StepContext, assignment: &Assignment) -> Option<ApiError> {
    let live = context.state.live_broker_ids();
    if assignment.adding.iter().all(|id| live.contains(id)) {
        return None;
    }
    refused(format!(
        "Replica assignment has brokers that are not alive. Replica list: ArrayBuffer({}), live broker list: Set({})",
        listed(&assignment.adding),
        listed(&live)
    ))
}

/// Begins those reassignments that can be; the others are refused.
pub(super) fn trigger(
    context: &mut StepContext,
    wanted: BTreeMap<TopicPartition, Assignment>,
) -> PerPartition<()> {
    let mut outcomes = PerPartition::new();
    for (partition, assignment) in wanted {
        let exists = !context.state.replicas(&partition).is_empty();
        if !exists || context.state.is_queued_for_deletion(&partition.topic) {
            let refusal =
                ApiError::because(ErrorCode::UnknownTopicOrPartition, "The partition does not exist.");
            outcomes.insert(partition, Err(refusal));
            continue;
        }
        context.enqueue(BeginReassignment { partition: partition.clone(), assignment });
        outcomes.insert(partition, Ok(()));
    }
    outcomes
}

/// Replies with the outcome of each partition.
#[derive(Debug)]
struct ReplyBegun {
    outcomes: PerPartition<()>,
    reply: ControllerReply<PerPartition<()>>,
}

impl Step for ReplyBegun {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        for (partition, outcome) in &mut outcomes {
            if outcome.is_ok() && context.failed_reassignments.contains(partition) {
                *outcome = Err(ApiError::of(ErrorCode::UnknownServerError));
            }
        }
        context.reply(&self.reply, outcomes);
        Vec::new()
    }
}

/// ListPartitionReassignments: the assignments of those partitions that are being reassigned.
#[derive(Debug)]
pub struct ListReassignments {
    /// The partitions asked about; None for all.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Receives the assignments.
    pub reply: ControllerReply<BTreeMap<TopicPartition, Assignment>>,
}

impl Step for ListReassignments {
    fn controller_state(&self) -> ControllerState {
        ControllerState::ListPartitionReassignment
    }

    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let asked = self.partitions.take();
        let asked: BTreeSet<_> = asked.map_or_else(|| context.state.reassigning.clone(), BTreeSet::from_iter);
        let found = asked.into_iter().filter_map(|partition| {
            let assignment = context.state.assignment(&partition);
            assignment.is_being_reassigned().then_some((partition, assignment))
        });
        let found = found.collect();
        context.reply(&self.reply, found);
        Vec::new()
    }
}
