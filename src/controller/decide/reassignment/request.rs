//! AlterPartitionReassignments and ListPartitionReassignments (KIP-455): what is wanted is checked, begun and answered.
//!
//! Pure. Kafka: `processApiPartitionReassignment`, `validateReplicas`, `maybeTriggerPartitionReassignment`,
//! `processListPartitionReassignments`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Assignment, BrokerId, TopicPartition};
use crate::controller::decide::assignments::has_duplicates;
use crate::controller::event::{Answer, PerPartition, Refusal, Ticket};
use crate::controller::facts::Facts;
use crate::controller::machine::{Desk, Effect, Step};
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::listed::{Done, TakeOffList};
use super::progress::Begin;

/// AlterPartitionReassignments: the replicas wanted of each partition; None takes a reassignment back.
#[derive(Debug)]
pub(in crate::controller::decide) struct Requested {
    /// What is wanted.
    pub wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
    /// Who waits.
    pub ticket: Ticket,
}

impl Step for Requested {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let (mut answer, mut begun) = (PerPartition::new(), BTreeMap::new());
        for (partition, target) in std::mem::take(&mut self.wanted) {
            match towards(desk, &partition, target) {
                Ok(assignment) => drop(begun.insert(partition, assignment)),
                Err(refusal) => drop(answer.insert(partition, Err(refusal))),
            }
        }
        // The latest wish holds, by whichever road it came.
        desk.then(TakeOffList(Done::Named(begun.keys().cloned().collect())));
        answer.extend(trigger(desk, begun));
        desk.then(AnswerRequest { answer, ticket: self.ticket });
        Vec::new()
    }
}

/// The assignment on the way to a target, or back to the origin for None.
fn towards(
    desk: &Desk,
    partition: &TopicPartition,
    target: Option<Vec<BrokerId>>,
) -> Result<Assignment, Refusal> {
    let current = desk.state.assignment(partition);
    let Some(target) = target else {
        return if current.is_being_reassigned() {
            Ok(current.reassign_to(&current.origin()))
        } else {
            Err(Refusal::of(ErrorCode::NoReassignmentInProgress))
        };
    };
    let assignment = current.reassign_to(&target);
    match invalid_list(&target).or_else(|| not_alive(desk, &assignment)) {
        Some(refusal) => Err(refusal),
        None => Ok(assignment),
    }
}

fn refused(text: String) -> Option<Refusal> {
    Some(Refusal::because(ErrorCode::InvalidReplicaAssignment, text))
}

fn listed<'a>(ids: impl IntoIterator<Item = &'a BrokerId>) -> String {
    ids.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why a list of broker ids cannot be a partition's replicas, whoever lives.
pub(super) fn invalid_list(target: &[BrokerId]) -> Option<Refusal> {
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
pub(super) fn not_alive(desk: &Desk, assignment: &Assignment) -> Option<Refusal> {
    let live = desk.state.live_broker_ids();
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
pub(super) fn trigger(desk: &mut Desk, wanted: BTreeMap<TopicPartition, Assignment>) -> PerPartition<()> {
    let mut outcomes = PerPartition::new();
    for (partition, assignment) in wanted {
        let exists = !desk.state.replicas(&partition).is_empty();
        if !exists || desk.state.is_queued_for_deletion(&partition.topic) {
            let refusal =
                Refusal::because(ErrorCode::UnknownTopicOrPartition, "The partition does not exist.");
            outcomes.insert(partition, Err(refusal));
            continue;
        }
        desk.then(Begin { partition: partition.clone(), assignment });
        outcomes.insert(partition, Ok(()));
    }
    outcomes
}

/// Answers which reassignments have begun.
#[derive(Debug)]
struct AnswerRequest {
    answer: PerPartition<()>,
    ticket: Ticket,
}

impl Step for AnswerRequest {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let mut answer = std::mem::take(&mut self.answer);
        for (partition, outcome) in &mut answer {
            if outcome.is_ok() && desk.failed_reassignments.contains(partition) {
                *outcome = Err(Refusal::of(ErrorCode::UnknownServerError));
            }
        }
        desk.effect(Effect::Answer(self.ticket, Answer::AlterReassignments(answer)));
        Vec::new()
    }
}

/// ListPartitionReassignments: of these partitions, or of all, those on their way.
#[derive(Debug)]
pub(in crate::controller::decide) struct List {
    /// The partitions asked about; None for all.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Who waits.
    pub ticket: Ticket,
}

impl Step for List {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let asked = self.partitions.take();
        let asked: BTreeSet<_> = asked.map_or_else(|| desk.state.reassigning.clone(), BTreeSet::from_iter);
        let on_their_way = asked.into_iter().filter_map(|partition| {
            let assignment = desk.state.assignment(&partition);
            assignment.is_being_reassigned().then_some((partition, assignment))
        });
        let answer = Answer::Reassignments(on_their_way.collect());
        desk.effect(Effect::Answer(self.ticket, answer));
        Vec::new()
    }
}
