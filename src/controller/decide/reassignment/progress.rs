//! A reassignment's phases. U: the topic's znode names the origin and the target. A: the new replicas follow.
//! B: once they are in sync the leader moves if it must, the other replicas are stopped and deleted, and the
//! znode names the target alone.
//!
//! Pure. A phase whose leader epoch could not be raised ends there: the reassignment stays in ZooKeeper and
//! continues with the next change of the ISR, the next broker that comes, or the next controller. Kafka:
//! `onPartitionReassignment`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Assignment, BrokerId, LeaderAndIsr, LeaderEpoch, TopicPartition};
use crate::controller::election::Election;
use crate::controller::facts::{Facts, Question};
use crate::controller::state::{Leadership, Replica};
use crate::controller::step::{Effect, Severity, Step, StepContext, Watched};
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::{Outcome, Write};

use super::is_complete;
use super::listed::{Done, TakeOffList};
use crate::controller::decide::move_partitions::MovePartitions;
use crate::controller::decide::move_replicas::MoveReplicas;
use crate::controller::decide::send::{Recipients, SendUpdateMetadata};
use crate::controller::decide::topic_deletion;

/// Writes the target of a partition, if it is new, and takes the first steps of the reassignment.
#[derive(Debug)]
pub(super) struct BeginReassignment {
    /// The partition.
    pub partition: TopicPartition,
    /// The origin and the target.
    pub assignment: Assignment,
}

impl Step for BeginReassignment {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        topic_deletion::halt(
            context,
            BTreeSet::from([self.partition.topic.clone()]),
            "topic reassignment in progress",
        );
        if context.state.assignment(&self.partition) == self.assignment {
            return Vec::new();
        }
        vec![set_assignments(context, &self.partition, &self.assignment)]
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let Self { partition, assignment } = self;
        match outcomes {
            [] => {}
            [Outcome::Ok(version)] => {
                context.state.topic_mut(&partition.topic).znode_version = *version;
                let before = context.state.assignment(partition).replicas;
                context.state.set_assignment(partition, assignment.clone());
                // Replicas that an earlier reassignment was adding may be unnecessary now.
                let unneeded = before.into_iter().filter(|id| !assignment.replicas.contains(id));
                stop(context, partition, &unneeded.collect::<Vec<_>>());
            }
            failed => return unfinished(context, partition, &format!("{failed:?}")),
        }
        context.state.reassigning.insert(partition.clone());
        if !context.settings.alter_isr {
            context.effect(Effect::Watch(Watched::State(partition.clone())));
        }
        context.enqueue(Proceed(partition.clone()));
    }
}

/// Logs that a reassignment stops, and keeps the reason for the reply.
fn unfinished(context: &mut StepContext, partition: &TopicPartition, reason: &str) {
    context.log(Severity::Error, format!("Error completing reassignment of partition {partition}: {reason}"));
    context.failed_reassignments.insert(partition.clone());
}

/// The leader epoch of a partition as it is known.
fn known_epoch(context: &StepContext, partition: &TopicPartition) -> LeaderEpoch {
    context
        .state
        .leadership(partition)
        .map_or(LeaderAndIsr::NO_EPOCH, |known| known.leader_and_isr.leader_epoch)
}

/// The topic's assignments, with one of them changed.
fn set_assignments(context: &StepContext, partition: &TopicPartition, assignment: &Assignment) -> Write {
    let known = context.state.topic(&partition.topic);
    let mut all: BTreeMap<i32, Assignment> = known
        .map(|topic| topic.partitions.iter().map(|(at, it)| (*at, it.assignment.clone())).collect())
        .unwrap_or_default();
    all.insert(partition.partition, assignment.clone());
    Write::SetAssignments(partition.topic.clone(), all)
}

/// Stops replicas, and has their logs deleted.
fn stop(context: &mut StepContext, partition: &TopicPartition, brokers: &[BrokerId]) {
    if brokers.is_empty() {
        return;
    }
    let replicas: Vec<_> =
        brokers.iter().map(|&broker| Replica { partition: partition.clone(), broker }).collect();
    let way = [
        ReplicaState::Offline,
        ReplicaState::DeletionStarted,
        // The controller does not wait for the deletion of the log.
        ReplicaState::DeletionSuccessful,
        ReplicaState::NonExistent,
    ];
    for state in way {
        context.enqueue(MoveReplicas::to(state, replicas.clone()));
    }
}

/// Lets the new replicas follow, or completes the reassignment.
#[derive(Debug)]
struct Proceed(TopicPartition);

impl Step for Proceed {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::States(vec![self.0.clone()])]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let partition = self.0.clone();
        let assignment = context.state.assignment(&partition);
        let replica = |broker: &BrokerId| Replica { partition: partition.clone(), broker: *broker };
        if !is_complete(&assignment, &partition, &facts) {
            let above = known_epoch(context, &partition);
            context.enqueue(RaiseEpoch::of(&partition));
            context.enqueue(StartNew { partition, above });
            return Vec::new();
        }
        let added = assignment.adding.iter().map(replica).collect();
        context.enqueue(MoveReplicas::to(ReplicaState::Online, added));
        context.enqueue(MoveLeader { partition, assignment });
        Vec::new()
    }
}

/// Creates the replicas that are added, once the leader epoch is higher than before.
#[derive(Debug)]
struct StartNew {
    partition: TopicPartition,
    above: LeaderEpoch,
}

impl Step for StartNew {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        if known_epoch(context, &self.partition) <= self.above {
            unfinished(context, &self.partition, "the leader epoch could not be raised");
            return Vec::new();
        }
        for broker in context.state.assignment(&self.partition).adding {
            let replica = Replica { partition: self.partition.clone(), broker };
            context.enqueue(MoveReplicas::to(ReplicaState::New, vec![replica]));
        }
        Vec::new()
    }
}

/// Writes the leadership again with a higher epoch, so that every replica accepts the LeaderAndIsr that
/// follows.
#[derive(Debug)]
struct RaiseEpoch {
    partition: TopicPartition,
    written: Option<LeaderAndIsr>,
}

impl RaiseEpoch {
    fn of(partition: &TopicPartition) -> Self {
        Self { partition: partition.clone(), written: None }
    }

    fn failed(&self, context: &mut StepContext, reason: &str) {
        let text = format!(
            "Failed to send LeaderAndIsr request to leader for partition being reassigned {}: {reason}",
            self.partition
        );
        context.log(Severity::Error, text);
    }
}

impl Step for RaiseEpoch {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::States(vec![self.partition.clone()])]
    }

    fn decide(&mut self, context: &mut StepContext, mut facts: Facts) -> Vec<Write> {
        let controller_epoch = context.state.controller_epoch;
        let Some(current) = facts.states.remove(&self.partition) else {
            self.failed(context, "leaderAndIsr path is empty");
            return Vec::new();
        };
        if current.controller_epoch > controller_epoch {
            self.failed(context, "its state was written by another controller");
            return Vec::new();
        }
        let LeaderAndIsr { leader, ref isr, .. } = current.leader_and_isr;
        let leader_and_isr = current.leader_and_isr.followed_by(leader, isr.clone());
        self.written = Some(leader_and_isr.clone());
        vec![Write::SetState(self.partition.clone(), Leadership { leader_and_isr, controller_epoch })]
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let (Some(written), [outcome]) = (self.written.take(), outcomes) else { return };
        match outcome {
            Outcome::Ok(version) => {
                let leader_and_isr = written.at_version(*version);
                let controller_epoch = context.state.controller_epoch;
                context
                    .state
                    .set_leadership(&self.partition, Leadership { leader_and_isr, controller_epoch });
                let assignment = context.state.assignment(&self.partition);
                let StepContext { state, outbox, .. } = context;
                outbox.leader_and_isr(state, &assignment.origin(), &self.partition, false);
                // New replicas may be created although a directory is offline, in which they cannot lie.
                outbox.leader_and_isr(state, &assignment.adding, &self.partition, true);
                context.send_requests();
            }
            Outcome::BadVersion => context.enqueue(Self::of(&self.partition)),
            other => self.failed(context, &format!("{other:?}")),
        }
    }
}

/// All target replicas are in sync: the leader moves if it is none of them.
#[derive(Debug)]
struct MoveLeader {
    partition: TopicPartition,
    assignment: Assignment,
}

impl Step for MoveLeader {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let Self { partition, assignment } = self;
        let (target, above) = (assignment.target(), known_epoch(context, partition));
        context.state.set_assignment(partition, Assignment::new(target.clone()));
        let leader = context.state.leader(partition);
        if target.contains(&leader) && context.state.is_online(leader, partition) {
            context.enqueue(RaiseEpoch::of(partition));
        } else {
            context.enqueue(MovePartitions::online(vec![partition.clone()], Election::Reassignment));
        }
        let (partition, assignment) = (partition.clone(), std::mem::take(assignment));
        context.enqueue(RemoveOld { partition, assignment, above });
        Vec::new()
    }
}

/// The replicas outside the target are deleted once one of the target leads in a higher epoch. Before that,
/// one of them may be the only leader.
#[derive(Debug)]
struct RemoveOld {
    partition: TopicPartition,
    /// The leadership before the leader was to move.
    assignment: Assignment,
    above: LeaderEpoch,
}

impl Step for RemoveOld {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let Self { partition, assignment, above } = self;
        let target = assignment.target();
        if known_epoch(context, partition) <= *above || !target.contains(&context.state.leader(partition)) {
            unfinished(context, partition, "none of the target could be made the leader in a higher epoch");
            context.state.set_assignment(partition, std::mem::take(assignment));
            return Vec::new();
        }
        stop(context, partition, &assignment.removing);
        context.enqueue(Finish { partition: partition.clone(), target });
        Vec::new()
    }
}

/// Writes the target as the whole assignment, and sends it to the brokers.
#[derive(Debug)]
struct Finish {
    partition: TopicPartition,
    target: Vec<BrokerId>,
}

impl Step for Finish {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        vec![set_assignments(context, &self.partition, &Assignment::new(self.target.clone()))]
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let Self { partition, target } = self;
        match outcomes {
            [Outcome::Ok(version)] => context.state.topic_mut(&partition.topic).znode_version = *version,
            failed => return unfinished(context, partition, &format!("{failed:?}")),
        }
        context.state.reassigning.remove(partition);
        if !context.settings.alter_isr {
            context.effect(Effect::Unwatch(Watched::State(partition.clone())));
        }
        context.enqueue(TakeOffList(Done::Reached(partition.clone(), std::mem::take(target))));
        context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions: vec![partition.clone()] });
        context.enqueue(topic_deletion::ResumeFor(BTreeSet::from([partition.topic.clone()])));
    }
}
