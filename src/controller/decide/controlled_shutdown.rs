//! A broker wants to stop: what it leads goes to others first.
//!
//! Pure. Partitions with one replica stay where they are. Kafka: `doControlledShutdown`.

use crate::base::{BrokerId, TopicPartition};
use crate::controller::election::Election;
use crate::controller::event::{Answer, Ticket};
use crate::controller::facts::Facts;
use crate::controller::machine::{Desk, Effect, Severity, Step};
use crate::controller::state::Replica;
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;

/// What stands for the epoch of a broker that sent none.
const UNKNOWN_BROKER_EPOCH: i64 = -1;

/// Moves the leaderships of a broker away.
#[derive(Debug)]
pub(super) struct ControlledShutdown {
    /// The broker.
    pub broker: BrokerId,
    /// Its epoch, as its request says.
    pub broker_epoch: i64,
    /// Who waits.
    pub ticket: Ticket,
}

impl ControlledShutdown {
    fn refusal(&self, desk: &Desk) -> Option<ErrorCode> {
        match desk.state.broker(self.broker) {
            // Kafka looks the epoch up before it looks whether there is one.
            None if self.broker_epoch != UNKNOWN_BROKER_EPOCH => Some(ErrorCode::UnknownServerError),
            None => Some(ErrorCode::BrokerNotAvailable),
            Some(known) if self.broker_epoch != UNKNOWN_BROKER_EPOCH && self.broker_epoch < known.epoch => {
                Some(ErrorCode::StaleBrokerEpoch)
            }
            Some(_) => None,
        }
    }

    /// The partitions that can be moved, as (led by the broker, followed by it).
    fn partitions(&self, desk: &Desk) -> (Vec<TopicPartition>, Vec<TopicPartition>) {
        let mut held = desk.state.partitions_with_leaders();
        held.retain(|partition| {
            let replicas = desk.state.replicas(partition);
            replicas.len() > 1 && replicas.contains(&self.broker)
        });
        held.into_iter().partition(|partition| desk.state.leader(partition) == self.broker)
    }
}

impl Step for ControlledShutdown {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        if let Some(code) = self.refusal(desk) {
            desk.note(
                Severity::Info,
                format!("Refusing controlled shutdown of broker {}: {code:?}", self.broker),
            );
            desk.effect(Effect::Answer(self.ticket, Answer::ControlledShutdown(Err(code))));
            return Vec::new();
        }
        desk.note(Severity::Info, format!("Shutting down broker {}", self.broker));
        desk.state.shutting_down.insert(self.broker);
        let (led, followed) = self.partitions(desk);
        let replicas: Vec<_> = followed
            .iter()
            .map(|partition| Replica { partition: partition.clone(), broker: self.broker })
            .collect();
        if !led.is_empty() {
            desk.then(MovePartitions::online(led, Election::ControlledShutdown));
        }
        desk.then(StopFollowing { broker: self.broker, partitions: followed });
        desk.then(MoveReplicas::to(ReplicaState::Offline, replicas));
        desk.then(AnswerShutdown { broker: self.broker, ticket: self.ticket });
        Vec::new()
    }
}

/// Stops the broker's followers before their leaders learn of it, so that they do not rejoin.
#[derive(Debug)]
struct StopFollowing {
    broker: BrokerId,
    partitions: Vec<TopicPartition>,
}

impl Step for StopFollowing {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        for partition in self.partitions.drain(..) {
            desk.outbox.stop_replica(&desk.state, self.broker, &partition, false);
        }
        desk.send();
        Vec::new()
    }
}

/// Says what the broker still leads.
#[derive(Debug)]
struct AnswerShutdown {
    broker: BrokerId,
    ticket: Ticket,
}

impl Step for AnswerShutdown {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let left = desk.state.partitions_led_by(self.broker);
        desk.effect(Effect::Answer(self.ticket, Answer::ControlledShutdown(Ok(left))));
        Vec::new()
    }
}
