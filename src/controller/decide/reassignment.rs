//! Partitions get other replicas: asked for by AlterPartitionReassignments or `/admin/reassign_partitions`, taken up again
//! by a new controller or when a broker comes, and finished once all of the target are in sync (KIP-455).
//!
//! Pure. First the topic's znode says where from and where to (U); then the new replicas follow (A); once they are in sync
//! the leader moves if it must, the others are stopped and deleted, and the znode says the target alone (B). Kafka:
//! `onPartitionReassignment` and its neighbours in `KafkaController`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Assignment, BrokerId, LeaderAndIsr, TopicPartition};
use crate::controller::election::Election;
use crate::controller::event::{Answer, Event, PerPartition, Refusal, Ticket};
use crate::controller::facts::{Facts, Question};
use crate::controller::machine::{Desk, Effect, Severity, Step, Watched};
use crate::controller::state::{Leadership, Replica};
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;
use super::tell::{Audience, UpdateMetadata};
use super::topic_deletion;

/// AlterPartitionReassignments: the replicas wanted of each partition; None takes a reassignment back.
#[derive(Debug)]
pub(super) struct Requested {
    /// What is wanted.
    pub wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
    /// Who waits.
    pub ticket: Ticket,
}

impl Step for Requested {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let (mut answer, mut begun) = (PerPartition::new(), BTreeMap::new());
        for (partition, target) in std::mem::take(&mut self.wanted) {
            if let Some(refusal) = target.as_ref().and_then(|it| invalid(desk, &partition, it)) {
                answer.insert(partition, Err(refusal));
                continue;
            }
            match towards(desk, &partition, target) {
                Some(assignment) => drop(begun.insert(partition, assignment)),
                None => {
                    answer.insert(partition, Err(Refusal::of(ErrorCode::NoReassignmentInProgress)));
                }
            }
        }
        // The latest wish holds, by whichever road it came.
        desk.then(TakeOffList(Done::Named(begun.keys().cloned().collect())));
        answer.extend(trigger(desk, begun));
        desk.then(AnswerRequest { answer, ticket: self.ticket });
        Vec::new()
    }
}

/// Why replicas cannot be a partition's.
fn invalid(desk: &Desk, partition: &TopicPartition, target: &[BrokerId]) -> Option<Refusal> {
    let refused = |text: String| Some(Refusal::because(ErrorCode::InvalidReplicaAssignment, text));
    let list = |ids: &[BrokerId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let distinct: BTreeSet<_> = target.iter().collect();
    if target.is_empty() {
        return refused("Empty replica list specified in partition reassignment.".to_owned());
    }
    if distinct.len() != target.len() {
        let ids = list(target);
        return refused(format!(
            "Duplicate replica ids in partition reassignment replica list: ArrayBuffer({ids})"
        ));
    }
    if target.iter().any(|id| *id < 0) {
        return refused(format!("Invalid broker id in replica list: ArrayBuffer({})", list(target)));
    }
    let adding = desk.state.assignment(partition).reassign_to(target).adding;
    let live = desk.state.live_broker_ids();
    if adding.iter().all(|id| live.contains(id)) {
        return None;
    }
    let live: Vec<_> = live.into_iter().collect();
    refused(format!(
        "Replica assignment has brokers that are not alive. Replica list: ArrayBuffer({}), live broker list: Set({})",
        list(&adding),
        list(&live)
    ))
}

/// The assignment on the way to a target, or back; None where there is nothing to take back.
fn towards(desk: &Desk, partition: &TopicPartition, target: Option<Vec<BrokerId>>) -> Option<Assignment> {
    let current = desk.state.assignment(partition);
    match target {
        Some(target) => Some(current.reassign_to(&target)),
        None if current.is_being_reassigned() => Some(current.reassign_to(&current.origin())),
        None => None,
    }
}

/// Begins those reassignments that can be; how each fared.
fn trigger(desk: &mut Desk, wanted: BTreeMap<TopicPartition, Assignment>) -> PerPartition<()> {
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

/// Tells who asked which reassignments have begun.
#[derive(Debug)]
struct AnswerRequest {
    answer: PerPartition<()>,
    ticket: Ticket,
}

impl Step for AnswerRequest {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let answer = Answer::AlterReassignments(std::mem::take(&mut self.answer));
        desk.effect(Effect::Answer(self.ticket, answer));
        Vec::new()
    }
}

/// ListPartitionReassignments: of these partitions, or of all, those on their way.
#[derive(Debug)]
pub(super) struct List {
    /// The partitions asked about; None for all.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Who waits.
    pub ticket: Ticket,
}

impl Step for List {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let asked = self.partitions.take();
        let asked = asked.unwrap_or_else(|| desk.state.reassigning.iter().cloned().collect());
        let on_their_way = asked.into_iter().filter_map(|partition| {
            let assignment = desk.state.assignment(&partition);
            assignment.is_being_reassigned().then_some((partition, assignment))
        });
        let answer = Answer::Reassignments(on_their_way.collect());
        desk.effect(Effect::Answer(self.ticket, answer));
        Vec::new()
    }
}

/// `/admin/reassign_partitions` appeared, or is looked at by a new controller, which also takes up what is on its way.
#[derive(Debug)]
pub(super) struct FromZnode {
    /// Whether this controller has just been elected.
    pub elected: bool,
}

impl Step for FromZnode {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::Reassignment]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let wanted = facts.reassignment.unwrap_or_default();
        let mut begun = BTreeMap::new();
        for (partition, target) in wanted {
            if let Some(assignment) = towards(desk, &partition, Some(target)) {
                begun.insert(partition, assignment);
            }
        }
        let outcomes = trigger(desk, begun);
        let (taken, failed): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(_, outcome)| outcome.is_ok());
        if !failed.is_empty() {
            let failed: BTreeSet<_> = failed.into_iter().map(|(partition, _)| partition).collect();
            desk.note(
                Severity::Warn,
                format!("Failed reassignment through zk of partitions that do not exist: {}", names(&failed)),
            );
            desk.then(TakeOffList(Done::Named(failed)));
        }
        if self.elected {
            let taken: BTreeSet<_> = taken.into_iter().map(|(partition, _)| partition).collect();
            let mut others = desk.state.reassigning.clone();
            others.retain(|partition| !taken.contains(partition));
            resume(desk, others);
        }
        Vec::new()
    }
}

fn names(partitions: &BTreeSet<TopicPartition>) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Goes on with reassignments as they stand.
fn resume(desk: &mut Desk, partitions: BTreeSet<TopicPartition>) {
    for partition in partitions {
        let assignment = desk.state.assignment(&partition);
        desk.then(Begin { partition, assignment });
    }
}

/// Goes on with the reassignments to brokers that have come.
pub(super) fn resume_on(desk: &mut Desk, joined: &[BrokerId]) {
    let mut waiting = desk.state.reassigning.clone();
    waiting
        .retain(|partition| desk.state.assignment(partition).target().iter().any(|id| joined.contains(id)));
    resume(desk, waiting);
}

/// Writes where a partition is to go, if that is new, and takes the first steps there.
#[derive(Debug)]
struct Begin {
    partition: TopicPartition,
    assignment: Assignment,
}

impl Step for Begin {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        topic_deletion::halt(
            desk,
            BTreeSet::from([self.partition.topic.clone()]),
            "topic reassignment in progress",
        );
        if desk.state.assignment(&self.partition) == self.assignment {
            return Vec::new();
        }
        vec![set_assignments(desk, &self.partition, &self.assignment)]
    }

    fn apply(&mut self, desk: &mut Desk, outcomes: &[Outcome]) {
        let Self { partition, assignment } = self;
        match outcomes {
            [] => {}
            [Outcome::Ok(version)] => {
                desk.state.topic_mut(&partition.topic).znode_version = *version;
                let before = desk.state.assignment(partition).replicas;
                desk.state.set_assignment(partition, assignment.clone());
                // What an earlier reassignment was adding may be of no use any more.
                let unneeded = before.into_iter().filter(|id| !assignment.replicas.contains(id));
                stop(desk, partition, &unneeded.collect::<Vec<_>>());
            }
            failed => {
                let text = format!("Error completing reassignment of partition {partition}: {failed:?}");
                desk.note(Severity::Error, text);
                return;
            }
        }
        desk.state.reassigning.insert(partition.clone());
        if !desk.settings.alter_isr {
            desk.effect(Effect::Watch(Watched::State(partition.clone())));
        }
        desk.then(Proceed(partition.clone()));
    }
}

/// The topic's assignments, with one of them changed.
fn set_assignments(desk: &Desk, partition: &TopicPartition, assignment: &Assignment) -> Write {
    let known = desk.state.topic(&partition.topic);
    let mut all: BTreeMap<i32, Assignment> = known
        .map(|topic| topic.partitions.iter().map(|(at, it)| (*at, it.assignment.clone())).collect())
        .unwrap_or_default();
    all.insert(partition.partition, assignment.clone());
    Write::SetAssignments(partition.topic.clone(), all)
}

/// Stops replicas, and has their logs deleted.
fn stop(desk: &mut Desk, partition: &TopicPartition, brokers: &[BrokerId]) {
    if brokers.is_empty() {
        return;
    }
    let replicas: Vec<_> =
        brokers.iter().map(|&broker| Replica { partition: partition.clone(), broker }).collect();
    let way = [
        ReplicaState::Offline,
        ReplicaState::DeletionStarted,
        // Whether the log could be deleted is not waited for.
        ReplicaState::DeletionSuccessful,
        ReplicaState::NonExistent,
    ];
    for state in way {
        desk.then(MoveReplicas::to(state, replicas.clone()));
    }
}

/// An ISR has changed: where that was awaited, the reassignment goes on.
#[derive(Debug)]
pub(super) struct MaybeComplete(pub TopicPartition);

impl Step for MaybeComplete {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::States(vec![self.0.clone()])]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let assignment = desk.state.assignment(&self.0);
        if desk.state.reassigning.contains(&self.0) && is_complete(&assignment, &self.0, &facts) {
            desk.then(Begin { partition: self.0.clone(), assignment });
        }
        Vec::new()
    }
}

/// Whether all of the target are in sync, as the state znode has it.
fn is_complete(assignment: &Assignment, partition: &TopicPartition, facts: &Facts) -> bool {
    let in_sync = |isr: &[BrokerId]| assignment.target().iter().all(|id| isr.contains(id));
    !assignment.is_being_reassigned()
        || facts.states.get(partition).is_some_and(|known| in_sync(&known.leader_and_isr.isr))
}

/// Lets the new replicas follow, or finishes.
#[derive(Debug)]
struct Proceed(TopicPartition);

impl Step for Proceed {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::States(vec![self.0.clone()])]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let partition = self.0.clone();
        let assignment = desk.state.assignment(&partition);
        let replica = |broker: &BrokerId| Replica { partition: partition.clone(), broker: *broker };
        if !is_complete(&assignment, &partition, &facts) {
            desk.then(RaiseEpoch::of(&partition));
            for broker in &assignment.adding {
                desk.then(MoveReplicas::to(ReplicaState::New, vec![replica(broker)]));
            }
            return Vec::new();
        }
        let added = assignment.adding.iter().map(replica).collect();
        desk.then(MoveReplicas::to(ReplicaState::Online, added));
        desk.then(MoveLeader { partition, target: assignment.target(), removing: assignment.removing });
        Vec::new()
    }
}

/// Writes the leadership anew with a higher epoch, so that every replica heeds what it is told.
#[derive(Debug)]
struct RaiseEpoch {
    partition: TopicPartition,
    written: Option<LeaderAndIsr>,
}

impl RaiseEpoch {
    fn of(partition: &TopicPartition) -> Self {
        Self { partition: partition.clone(), written: None }
    }

    fn failed(&self, desk: &mut Desk, reason: &str) {
        let text = format!(
            "Failed to send LeaderAndIsr request to leader for partition being reassigned {}: {reason}",
            self.partition
        );
        desk.note(Severity::Error, text);
    }
}

impl Step for RaiseEpoch {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::States(vec![self.partition.clone()])]
    }

    fn decide(&mut self, desk: &mut Desk, mut facts: Facts) -> Vec<Write> {
        let controller_epoch = desk.state.controller_epoch;
        let Some(held) = facts.states.remove(&self.partition) else {
            self.failed(desk, "leaderAndIsr path is empty");
            return Vec::new();
        };
        if held.controller_epoch > controller_epoch {
            self.failed(desk, "its state was written by another controller");
            return Vec::new();
        }
        let LeaderAndIsr { leader, ref isr, .. } = held.leader_and_isr;
        let leader_and_isr = held.leader_and_isr.followed_by(leader, isr.clone());
        self.written = Some(leader_and_isr.clone());
        vec![Write::SetState(self.partition.clone(), Leadership { leader_and_isr, controller_epoch })]
    }

    fn apply(&mut self, desk: &mut Desk, outcomes: &[Outcome]) {
        let (Some(written), [outcome]) = (self.written.take(), outcomes) else { return };
        match outcome {
            Outcome::Ok(version) => {
                let leader_and_isr = written.at_version(*version);
                let controller_epoch = desk.state.controller_epoch;
                desk.state.set_leadership(&self.partition, Leadership { leader_and_isr, controller_epoch });
                let assignment = desk.state.assignment(&self.partition);
                let Desk { state, outbox, .. } = desk;
                outbox.leader_and_isr(state, &assignment.origin(), &self.partition, false);
                // New replicas may be made although a directory is offline, in which they cannot lie.
                outbox.leader_and_isr(state, &assignment.adding, &self.partition, true);
                desk.send();
            }
            Outcome::BadVersion => desk.then(Self::of(&self.partition)),
            other => self.failed(desk, &format!("{other:?}")),
        }
    }
}

/// All of the target are in sync: the leader moves where it is none of them, and what is left goes.
#[derive(Debug)]
struct MoveLeader {
    partition: TopicPartition,
    target: Vec<BrokerId>,
    removing: Vec<BrokerId>,
}

impl Step for MoveLeader {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let partition = &self.partition;
        desk.state.set_assignment(partition, Assignment::new(self.target.clone()));
        let leader = desk.state.leader(partition);
        if self.target.contains(&leader) && desk.state.is_online(leader, partition) {
            desk.then(RaiseEpoch::of(partition));
        } else {
            desk.then(MovePartitions::online(vec![partition.clone()], Election::Reassignment));
        }
        stop(desk, partition, &self.removing);
        desk.then(Finish { partition: partition.clone(), target: std::mem::take(&mut self.target) });
        Vec::new()
    }
}

/// Writes that the target is all there is, and tells.
#[derive(Debug)]
struct Finish {
    partition: TopicPartition,
    target: Vec<BrokerId>,
}

impl Step for Finish {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        vec![set_assignments(desk, &self.partition, &Assignment::new(self.target.clone()))]
    }

    fn apply(&mut self, desk: &mut Desk, outcomes: &[Outcome]) {
        let Self { partition, target } = self;
        match outcomes {
            [Outcome::Ok(version)] => desk.state.topic_mut(&partition.topic).znode_version = *version,
            failed => {
                let text = format!("Error completing reassignment of partition {partition}: {failed:?}");
                desk.note(Severity::Error, text);
                return;
            }
        }
        desk.state.reassigning.remove(partition);
        if !desk.settings.alter_isr {
            desk.effect(Effect::Unwatch(Watched::State(partition.clone())));
        }
        desk.then(TakeOffList(Done::Reached(partition.clone(), std::mem::take(target))));
        desk.then(UpdateMetadata { to: Audience::All, partitions: vec![partition.clone()] });
        desk.then(topic_deletion::ResumeFor(BTreeSet::from([partition.topic.clone()])));
    }
}

/// What is no longer to be listed in `/admin/reassign_partitions`.
#[derive(Debug)]
enum Done {
    /// These partitions.
    Named(BTreeSet<TopicPartition>),
    /// This partition, where these replicas were wanted.
    Reached(TopicPartition, Vec<BrokerId>),
}

/// Takes partitions off `/admin/reassign_partitions`, and deletes it with the last of them.
#[derive(Debug)]
struct TakeOffList(Done);

impl Step for TakeOffList {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::Reassignment]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let Some(mut listed) = facts.reassignment else { return Vec::new() };
        listed.retain(|partition, replicas| match &self.0 {
            Done::Named(named) => !named.contains(partition),
            Done::Reached(reached, target) => reached != partition || replicas != target,
        });
        if listed.is_empty() {
            // Whatever is written there next is new.
            desk.effect(Effect::Again(Event::ReassignmentRequested));
            return vec![Write::DeleteReassignment];
        }
        vec![Write::SetReassignment(listed)]
    }
}
