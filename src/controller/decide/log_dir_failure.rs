//! Log directories failed: brokers write a notification, and name the replicas in their answers to
//! LeaderAndIsr.
//!
//! Pure. Kafka: `processLogDirEventNotification`, `processLeaderAndIsrResponseReceived`.

use std::collections::BTreeSet;

use crate::base::BrokerId;
use crate::controller::event::PartitionErrors;
use crate::controller::facts::{Facts, Question};
use crate::controller::state::Replica;
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::broker_change::BecameOffline;
use super::move_replicas::MoveReplicas;

/// Log directories of brokers failed: all their replicas get LeaderAndIsr again, and the answers name the
/// replicas that are lost.
#[derive(Debug)]
pub(super) struct LogDirNotified;

impl Step for LogDirNotified {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::LogDirEvents]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        if facts.log_dir_events.is_empty() {
            return Vec::new();
        }
        let (names, brokers): (Vec<_>, Vec<_>) = facts.log_dir_events.into_iter().unzip();
        let (brokers, unknown): (BTreeSet<BrokerId>, BTreeSet<BrokerId>) =
            brokers.into_iter().flatten().partition(|id| context.state.broker(*id).is_some());
        if !unknown.is_empty() {
            let text =
                format!("Ignoring log directory failures of brokers that are not registered: {unknown:?}");
            context.log(Severity::Warn, text);
        }
        let brokers: Vec<_> = brokers.into_iter().collect();
        context.log(Severity::Info, format!("Handling log directory failure for brokers {brokers:?}"));
        let replicas = context.state.replicas_on(&brokers);
        context.enqueue(MoveReplicas::to(ReplicaState::Online, replicas));
        context.enqueue(DeleteLogDirEvents(names));
        Vec::new()
    }
}

/// Deletes notifications that were handled.
#[derive(Debug)]
struct DeleteLogDirEvents(Vec<String>);

impl Step for DeleteLogDirEvents {
    fn decide(&mut self, _: &mut StepContext, _: Facts) -> Vec<Write> {
        self.0.drain(..).map(Write::DeleteLogDirEvent).collect()
    }
}

/// A broker answered LeaderAndIsr: a replica that it could not open is offline, the others are online again.
#[derive(Debug)]
pub(super) struct LeaderAndIsrResponseReceived {
    /// The broker.
    pub broker: BrokerId,
    /// The error of the whole request.
    pub error: ErrorCode,
    /// The error of each partition.
    pub partitions: PartitionErrors,
}

impl Step for LeaderAndIsrResponseReceived {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let broker = self.broker;
        if self.error != ErrorCode::None {
            let text =
                format!("Received error {:?} in LeaderAndIsr response from broker {broker}", self.error);
            context.log(Severity::Error, text);
            return Vec::new();
        }
        let known = context.state.offline_dirs.entry(broker).or_default();
        let mut lost = Vec::new();
        for (partition, error) in self.partitions.drain(..) {
            match error {
                ErrorCode::KafkaStorageError if known.insert(partition.clone()) => {
                    lost.push(Replica { partition, broker })
                }
                ErrorCode::None => {
                    known.remove(&partition);
                }
                _ => {}
            }
        }
        if known.is_empty() {
            context.state.offline_dirs.remove(&broker);
        }
        if !lost.is_empty() {
            context
                .log(Severity::Info, format!("Mark {} replicas on broker {broker} as offline", lost.len()));
            context.enqueue(BecameOffline(lost));
        }
        Vec::new()
    }
}
