//! A broker is about to stop: its leaderships move to other brokers first.
//!
//! Pure. Partitions with one replica stay where they are. Kafka: `doControlledShutdown`.

use crate::base::{BrokerId, TopicPartition};
use crate::controller::controller_state::ControllerState;
use crate::controller::election::Election;
use crate::controller::facts::Facts;
use crate::controller::reply::ControllerReply;
use crate::controller::state::Replica;
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;

/// The epoch in a request of a broker that sent none.
const UNKNOWN_BROKER_EPOCH: i64 = -1;

/// Moves the leaderships of a broker away.
#[derive(Debug)]
pub struct ControlledShutdown {
    /// The broker.
    pub broker: BrokerId,
    /// The broker epoch in the request; -1 where there is none.
    pub broker_epoch: i64,
    /// Receives the partitions that the broker still leads.
    pub reply: ControllerReply<Result<Vec<TopicPartition>, ErrorCode>>,
}

impl ControlledShutdown {
    fn refusal(&self, context: &StepContext) -> Option<ErrorCode> {
        match context.state.broker(self.broker) {
            // Kafka looks the epoch up before it checks whether the request has one.
            None if self.broker_epoch != UNKNOWN_BROKER_EPOCH => Some(ErrorCode::UnknownServerError),
            None => Some(ErrorCode::BrokerNotAvailable),
            Some(known) if self.broker_epoch != UNKNOWN_BROKER_EPOCH && self.broker_epoch < known.epoch => {
                Some(ErrorCode::StaleBrokerEpoch)
            }
            Some(_) => None,
        }
    }

    /// The partitions that can be moved, as (led by the broker, followed by it).
    fn partitions(&self, context: &StepContext) -> (Vec<TopicPartition>, Vec<TopicPartition>) {
        let mut replicated = context.state.partitions_with_leaders();
        replicated.retain(|partition| {
            let replicas = context.state.replicas(partition);
            replicas.len() > 1 && replicas.contains(&self.broker)
        });
        replicated.into_iter().partition(|partition| context.state.leader(partition) == self.broker)
    }
}

impl Step for ControlledShutdown {
    fn controller_state(&self) -> ControllerState {
        ControllerState::ControlledShutdown
    }

    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        if let Some(code) = self.refusal(context) {
            context.log(
                Severity::Info,
                format!("Refusing controlled shutdown of broker {}: {code:?}", self.broker),
            );
            context.reply(&self.reply, Err(code));
            return Vec::new();
        }
        context.log(Severity::Info, format!("Shutting down broker {}", self.broker));
        context.state.shutting_down.insert(self.broker);
        let (led, followed) = self.partitions(context);
        let replicas: Vec<_> = followed
            .iter()
            .map(|partition| Replica { partition: partition.clone(), broker: self.broker })
            .collect();
        if !led.is_empty() {
            context.enqueue(MovePartitions::online(led, Election::ControlledShutdown));
        }
        context.enqueue(StopFollowing { broker: self.broker, partitions: followed });
        context.enqueue(MoveReplicas::to(ReplicaState::Offline, replicas));
        context.enqueue(ReplyStillLed { broker: self.broker, reply: self.reply.clone() });
        Vec::new()
    }
}

/// Stops the broker's followers before their leaders are notified, so that they do not rejoin the ISR.
#[derive(Debug)]
struct StopFollowing {
    broker: BrokerId,
    partitions: Vec<TopicPartition>,
}

impl Step for StopFollowing {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        for partition in self.partitions.drain(..) {
            context.outbox.stop_replica(&context.state, self.broker, &partition, false);
        }
        context.send_requests();
        Vec::new()
    }
}

/// Replies with the partitions that the broker still leads.
#[derive(Debug)]
struct ReplyStillLed {
    broker: BrokerId,
    reply: ControllerReply<Result<Vec<TopicPartition>, ErrorCode>>,
}

impl Step for ReplyStillLed {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let left = context.state.partitions_led_by(self.broker);
        context.reply(&self.reply, Ok(left));
        Vec::new()
    }
}
