//! Moves replicas from state to state, and takes those that went offline out of the in-sync replicas
//! (Kafka's `ZkReplicaStateMachine`).
//!
//! Pure. Replicas are moved broker by broker; what the brokers are told goes out once, at the end.

use std::collections::BTreeMap;

use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::controller::facts::{Facts, Question};
use crate::controller::machine::{Desk, Severity, Step};
use crate::controller::state::{Leadership, Replica};
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::{Outcome, Write};

use super::tell;

/// Moves replicas to a state, those that may; the others are noted and left.
#[derive(Debug)]
pub(super) struct MoveReplicas {
    /// The replicas.
    pub replicas: Vec<Replica>,
    /// Where to.
    pub to: ReplicaState,
}

impl MoveReplicas {
    /// Moves `replicas` to `to`.
    pub fn to(to: ReplicaState, replicas: Vec<Replica>) -> Self {
        Self { replicas, to }
    }
}

impl Step for MoveReplicas {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        if self.replicas.is_empty() {
            return Vec::new();
        }
        let mut by_broker: BTreeMap<BrokerId, Vec<Replica>> = BTreeMap::new();
        for replica in std::mem::take(&mut self.replicas) {
            by_broker.entry(replica.broker).or_default().push(replica);
        }
        for (broker, replicas) in by_broker {
            if self.to == ReplicaState::Offline {
                desk.then(TakeOffline { broker, replicas });
            } else {
                for replica in legal(desk, replicas, self.to) {
                    move_one(desk, &replica, self.to);
                }
            }
        }
        desk.then(tell::Send);
        Vec::new()
    }
}

/// The replicas that may be moved to `to`; the others are noted.
fn legal(desk: &mut Desk, replicas: Vec<Replica>, to: ReplicaState) -> Vec<Replica> {
    let (legal, illegal) = replicas
        .into_iter()
        .partition::<Vec<_>, _>(|replica| to.may_follow(desk.state.replica_state(replica)));
    for replica in illegal {
        failed(desk, &replica, to, "this move is not legal");
    }
    legal
}

fn failed(desk: &mut Desk, replica: &Replica, to: ReplicaState, reason: &str) {
    let from = desk.state.replica_state(replica);
    let (id, epoch) = (desk.settings.broker, desk.state.controller_epoch);
    let Replica { partition, broker } = replica;
    let text = format!(
        "Controller {id} epoch {epoch} initiated state change of replica {broker} for partition {partition} from {from} to {to} failed: {reason}"
    );
    desk.note(Severity::Error, text);
}

/// A move that needs nothing written: all but the one to [`ReplicaState::Offline`].
fn move_one(desk: &mut Desk, replica: &Replica, to: ReplicaState) {
    let Replica { partition, broker } = replica;
    match to {
        ReplicaState::New if desk.state.leadership(partition).is_some() => {
            if desk.state.leader(partition) == *broker {
                failed(desk, replica, to, "it is being requested to become leader");
                return;
            }
            desk.outbox.leader_and_isr(&desk.state, &[*broker], partition, true);
        }
        ReplicaState::Online => {
            if desk.state.replica_state(replica) != ReplicaState::New {
                desk.outbox.leader_and_isr(&desk.state, &[*broker], partition, false);
            } else if !desk.state.replicas(partition).contains(broker) {
                let mut assignment = desk.state.assignment(partition);
                assignment.replicas.push(*broker);
                desk.state.set_assignment(partition, assignment);
            }
        }
        ReplicaState::DeletionStarted => desk.outbox.stop_replica(&desk.state, *broker, partition, true),
        ReplicaState::NonExistent => {
            let assignment = desk.state.assignment(partition).without(*broker);
            desk.state.set_assignment(partition, assignment);
        }
        _ => {}
    }
    desk.state.set_replica_state(replica, to);
}

/// Stops the replicas of one broker, and takes them out of the in-sync replicas.
#[derive(Debug)]
struct TakeOffline {
    broker: BrokerId,
    replicas: Vec<Replica>,
}

impl Step for TakeOffline {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let replicas = legal(desk, std::mem::take(&mut self.replicas), ReplicaState::Offline);
        let mut led = Vec::new();
        for replica in replicas {
            desk.outbox.stop_replica(&desk.state, self.broker, &replica.partition, false);
            if desk.state.leadership(&replica.partition).is_some() {
                led.push(replica.partition);
            } else {
                desk.outbox.metadata_for_all(&desk.state, std::slice::from_ref(&replica.partition));
                desk.state.set_replica_state(&replica, ReplicaState::Offline);
            }
        }
        if !led.is_empty() {
            desk.then(RemoveFromIsr {
                broker: self.broker,
                partitions: led,
                reread: !desk.settings.alter_isr,
                written: Vec::new(),
            });
        }
        Vec::new()
    }
}

/// Takes one broker out of the in-sync replicas of partitions; where it led, nobody leads then.
/// The last one in sync stays: it alone may lead again without loss.
#[derive(Debug)]
struct RemoveFromIsr {
    broker: BrokerId,
    partitions: Vec<TopicPartition>,
    /// Whether the states are read: where leaders write them themselves, or what is known may be old.
    reread: bool,
    written: Vec<(TopicPartition, LeaderAndIsr)>,
}

impl RemoveFromIsr {
    /// What is to be written over `current`; None where the broker is not in sync anyway.
    fn without_broker(&self, current: &LeaderAndIsr) -> Option<LeaderAndIsr> {
        if !current.isr.contains(&self.broker) {
            return None;
        }
        let leader = if current.leader == self.broker { LeaderAndIsr::NO_LEADER } else { current.leader };
        let others: Vec<_> = current.isr.iter().copied().filter(|&id| id != self.broker).collect();
        let isr = if others.is_empty() { current.isr.clone() } else { others };
        Some(current.followed_by(leader, isr))
    }

    /// The replica is out of sync now: the cluster's picture, the other replicas and the brokers' metadata follow.
    fn removed(&self, desk: &mut Desk, partition: &TopicPartition, leader_and_isr: LeaderAndIsr) {
        let controller_epoch = desk.state.controller_epoch;
        desk.state.set_leadership(partition, Leadership { leader_and_isr, controller_epoch });
        if !desk.state.is_queued_for_deletion(&partition.topic) {
            let others: Vec<_> =
                desk.state.replicas(partition).iter().copied().filter(|&id| id != self.broker).collect();
            desk.outbox.leader_and_isr(&desk.state, &others, partition, false);
        }
        let replica = Replica { partition: partition.clone(), broker: self.broker };
        desk.state.set_replica_state(&replica, ReplicaState::Offline);
    }

    /// Removes the broker from what is read then.
    fn again(&self, desk: &mut Desk, partitions: Vec<TopicPartition>) {
        if !partitions.is_empty() {
            desk.then(Self { broker: self.broker, partitions, reread: true, written: Vec::new() });
        }
    }

    fn failed(&self, desk: &mut Desk, partition: &TopicPartition, reason: &str) {
        let replica = Replica { partition: partition.clone(), broker: self.broker };
        failed(desk, &replica, ReplicaState::Offline, reason);
    }
}

impl Step for RemoveFromIsr {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        if self.reread { vec![Question::States(self.partitions.clone())] } else { Vec::new() }
    }

    fn decide(&mut self, desk: &mut Desk, mut facts: Facts) -> Vec<Write> {
        let controller_epoch = desk.state.controller_epoch;
        let mut unsure = Vec::new();
        for partition in std::mem::take(&mut self.partitions) {
            let known = || desk.state.leadership(&partition).cloned();
            let Some(read) = (if self.reread { facts.states.remove(&partition) } else { known() }) else {
                if !desk.state.is_queued_for_deletion(&partition.topic) {
                    self.failed(desk, &partition, "the leader and isr path in zookeeper is empty");
                }
                continue;
            };
            if read.controller_epoch > controller_epoch {
                let reason = format!(
                    "its state was written by another controller with epoch {}",
                    read.controller_epoch
                );
                self.failed(desk, &partition, &reason);
                continue;
            }
            match self.without_broker(&read.leader_and_isr) {
                Some(next) => self.written.push((partition, next)),
                // A leader of an older inter-broker protocol may have taken the broker in without saying so yet. A write
                // would tell; where none is called for, ZooKeeper is asked.
                None if !self.reread => unsure.push(partition),
                None => self.removed(desk, &partition, read.leader_and_isr),
            }
        }
        self.again(desk, unsure);
        let leadership = |next: &LeaderAndIsr| Leadership { leader_and_isr: next.clone(), controller_epoch };
        self.written
            .iter()
            .map(|(partition, next)| Write::SetState(partition.clone(), leadership(next)))
            .collect()
    }

    fn apply(&mut self, desk: &mut Desk, outcomes: &[Outcome]) {
        let mut again = Vec::new();
        for ((partition, next), outcome) in std::mem::take(&mut self.written).into_iter().zip(outcomes) {
            match outcome {
                Outcome::Ok(version) => self.removed(desk, &partition, next.at_version(*version)),
                Outcome::BadVersion => again.push(partition),
                Outcome::NoNode if !self.reread => again.push(partition),
                other => self.failed(desk, &partition, &format!("{other:?}")),
            }
        }
        self.again(desk, again);
    }
}
