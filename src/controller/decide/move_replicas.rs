//! Moves replicas from state to state, and removes those that went offline from the in-sync replicas (Kafka's
//! `ZkReplicaStateMachine`).
//!
//! Pure. Replicas are moved broker by broker; the requests are sent once, at the end.

use std::collections::BTreeMap;

use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::controller::facts::{Facts, Question};
use crate::controller::state::{Leadership, Replica};
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::{Outcome, Write};

use super::send;

/// Moves replicas to a state; an invalid move is logged and left out.
#[derive(Debug)]
#[doc(alias = "ZkReplicaStateMachine")]
pub(super) struct MoveReplicas {
    /// The replicas.
    pub replicas: Vec<Replica>,
    /// The new state.
    pub to: ReplicaState,
}

impl MoveReplicas {
    /// Moves `replicas` to `to`.
    pub fn to(to: ReplicaState, replicas: Vec<Replica>) -> Self {
        Self { replicas, to }
    }
}

impl Step for MoveReplicas {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        if self.replicas.is_empty() {
            return Vec::new();
        }
        let mut by_broker: BTreeMap<BrokerId, Vec<Replica>> = BTreeMap::new();
        for replica in std::mem::take(&mut self.replicas) {
            by_broker.entry(replica.broker).or_default().push(replica);
        }
        for (broker, replicas) in by_broker {
            if self.to == ReplicaState::Offline {
                context.enqueue(TakeOffline { broker, replicas });
            } else {
                for replica in legal(context, replicas, self.to) {
                    move_one(context, &replica, self.to);
                }
            }
        }
        context.enqueue(send::SendRequests);
        Vec::new()
    }
}

/// The replicas that may be moved to `to`; the others are logged.
fn legal(context: &mut StepContext, replicas: Vec<Replica>, to: ReplicaState) -> Vec<Replica> {
    let (legal, illegal) = replicas
        .into_iter()
        .partition::<Vec<_>, _>(|replica| to.may_follow(context.state.replica_state(replica)));
    for replica in illegal {
        failed(context, &replica, to, "this move is not legal");
    }
    legal
}

fn failed(context: &mut StepContext, replica: &Replica, to: ReplicaState, reason: &str) {
    let from = context.state.replica_state(replica);
    let (id, epoch) = (context.settings.broker, context.state.controller_epoch);
    let Replica { partition, broker } = replica;
    let text = format!(
        "Controller {id} epoch {epoch} initiated state change of replica {broker} for partition {partition} from {from} to {to} failed: {reason}"
    );
    context.log(Severity::Error, text);
}

/// A move without a write: all but the one to [`ReplicaState::Offline`].
fn move_one(context: &mut StepContext, replica: &Replica, to: ReplicaState) {
    let Replica { partition, broker } = replica;
    match to {
        ReplicaState::New if context.state.leadership(partition).is_some() => {
            if context.state.leader(partition) == *broker {
                failed(context, replica, to, "it is being requested to become leader");
                return;
            }
            context.outbox.leader_and_isr(&context.state, &[*broker], partition, true);
        }
        ReplicaState::Online => {
            if context.state.replica_state(replica) != ReplicaState::New {
                context.outbox.leader_and_isr(&context.state, &[*broker], partition, false);
            } else if !context.state.replicas(partition).contains(broker) {
                let mut assignment = context.state.assignment(partition);
                assignment.replicas.push(*broker);
                context.state.set_assignment(partition, assignment);
            }
        }
        ReplicaState::DeletionStarted => {
            context.outbox.stop_replica(&context.state, *broker, partition, true)
        }
        ReplicaState::NonExistent => {
            let assignment = context.state.assignment(partition).without(*broker);
            context.state.set_assignment(partition, assignment);
        }
        _ => {}
    }
    context.state.set_replica_state(replica, to);
}

/// Stops the replicas of one broker, and removes them from the in-sync replicas.
#[derive(Debug)]
struct TakeOffline {
    broker: BrokerId,
    replicas: Vec<Replica>,
}

impl Step for TakeOffline {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let replicas = legal(context, std::mem::take(&mut self.replicas), ReplicaState::Offline);
        let mut led = Vec::new();
        for replica in replicas {
            context.outbox.stop_replica(&context.state, self.broker, &replica.partition, false);
            if context.state.leadership(&replica.partition).is_some() {
                led.push(replica.partition);
            } else {
                context.outbox.metadata_for_all(&context.state, std::slice::from_ref(&replica.partition));
                context.state.set_replica_state(&replica, ReplicaState::Offline);
            }
        }
        if !led.is_empty() {
            context.enqueue(RemoveFromIsr {
                broker: self.broker,
                partitions: led,
                reread: !context.settings.alter_isr,
                written: Vec::new(),
            });
        }
        Vec::new()
    }
}

/// Removes one broker from the in-sync replicas of partitions; where it led, the partition has no leader
/// then. The last replica in sync stays in the ISR: only this one can lead again without loss.
#[derive(Debug)]
struct RemoveFromIsr {
    broker: BrokerId,
    partitions: Vec<TopicPartition>,
    /// Whether the states are read: if leaders write them themselves, or if the known states may be old.
    reread: bool,
    written: Vec<(TopicPartition, LeaderAndIsr)>,
}

impl RemoveFromIsr {
    /// What is to be written over `current`; None if the broker is not in sync anyway.
    fn without_broker(&self, current: &LeaderAndIsr) -> Option<LeaderAndIsr> {
        if !current.isr.contains(&self.broker) {
            return None;
        }
        let leader = if current.leader == self.broker { LeaderAndIsr::NO_LEADER } else { current.leader };
        let others: Vec<_> = current.isr.iter().copied().filter(|&id| id != self.broker).collect();
        let isr = if others.is_empty() { current.isr.clone() } else { others };
        Some(current.followed_by(leader, isr))
    }

    /// The replica is out of sync now: the controller's state, the other replicas and the brokers' metadata
    /// are updated.
    fn removed(&self, context: &mut StepContext, partition: &TopicPartition, leader_and_isr: LeaderAndIsr) {
        let controller_epoch = context.state.controller_epoch;
        context.state.set_leadership(partition, Leadership { leader_and_isr, controller_epoch });
        if !context.state.is_queued_for_deletion(&partition.topic) {
            let others: Vec<_> =
                context.state.replicas(partition).iter().copied().filter(|&id| id != self.broker).collect();
            context.outbox.leader_and_isr(&context.state, &others, partition, false);
        }
        let replica = Replica { partition: partition.clone(), broker: self.broker };
        context.state.set_replica_state(&replica, ReplicaState::Offline);
    }

    /// Removes the broker from the ISR that is read then.
    fn again(&self, context: &mut StepContext, partitions: Vec<TopicPartition>) {
        if !partitions.is_empty() {
            context.enqueue(Self { broker: self.broker, partitions, reread: true, written: Vec::new() });
        }
    }

    fn failed(&self, context: &mut StepContext, partition: &TopicPartition, reason: &str) {
        let replica = Replica { partition: partition.clone(), broker: self.broker };
        failed(context, &replica, ReplicaState::Offline, reason);
    }
}

impl Step for RemoveFromIsr {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        if self.reread { vec![Question::States(self.partitions.clone())] } else { Vec::new() }
    }

    fn decide(&mut self, context: &mut StepContext, mut facts: Facts) -> Vec<Write> {
        let controller_epoch = context.state.controller_epoch;
        let mut unsure = Vec::new();
        for partition in std::mem::take(&mut self.partitions) {
            let known = || context.state.leadership(&partition).cloned();
            let Some(read) = (if self.reread { facts.states.remove(&partition) } else { known() }) else {
                if !context.state.is_queued_for_deletion(&partition.topic) {
                    self.failed(context, &partition, "the leader and isr path in zookeeper is empty");
                }
                continue;
            };
            if read.controller_epoch > controller_epoch {
                let reason = format!(
                    "its state was written by another controller with epoch {}",
                    read.controller_epoch
                );
                self.failed(context, &partition, &reason);
                continue;
            }
            match self.without_broker(&read.leader_and_isr) {
                Some(next) => self.written.push((partition, next)),
                // A leader of an older inter-broker protocol may have added the broker to the ISR without a
                // notification yet. A write would fail on the version; if there is nothing to write, the
                // state is read.
                None if !self.reread => unsure.push(partition),
                None => self.removed(context, &partition, read.leader_and_isr),
            }
        }
        self.again(context, unsure);
        let leadership = |next: &LeaderAndIsr| Leadership { leader_and_isr: next.clone(), controller_epoch };
        self.written
            .iter()
            .map(|(partition, next)| Write::SetState(partition.clone(), leadership(next)))
            .collect()
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let mut again = Vec::new();
        for ((partition, next), outcome) in std::mem::take(&mut self.written).into_iter().zip(outcomes) {
            match outcome {
                Outcome::Ok(version) => self.removed(context, &partition, next.at_version(*version)),
                Outcome::BadVersion => again.push(partition),
                Outcome::NoNode if !self.reread => again.push(partition),
                other => self.failed(context, &partition, &format!("{other:?}")),
            }
        }
        self.again(context, again);
    }
}
