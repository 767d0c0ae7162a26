//! Log directories failed: brokers say that they did by a notification, and which replicas by their answers.
//!
//! Pure. Kafka: `processLogDirEventNotification`, `processLeaderAndIsrResponseReceived`.

use std::collections::BTreeSet;

use crate::base::{BrokerId, TopicPartition};
use crate::controller::facts::{Facts, Question};
use crate::controller::machine::{Desk, Severity, Step};
use crate::controller::state::Replica;
use crate::controller::transitions::ReplicaState;
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::broker_change::BecameOffline;
use super::move_replicas::MoveReplicas;

/// Brokers lost log directories: all their replicas are told their state again, and the answers say which are lost.
#[derive(Debug)]
pub(super) struct Notified;

impl Step for Notified {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::LogDirEvents]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        if facts.log_dir_events.is_empty() {
            return Vec::new();
        }
        let (names, brokers): (Vec<_>, Vec<_>) = facts.log_dir_events.into_iter().unzip();
        let (brokers, unknown): (BTreeSet<BrokerId>, BTreeSet<BrokerId>) =
            brokers.into_iter().flatten().partition(|id| desk.state.broker(*id).is_some());
        if !unknown.is_empty() {
            let text =
                format!("Ignoring log directory failures of brokers that are not registered: {unknown:?}");
            desk.note(Severity::Warn, text);
        }
        let brokers: Vec<_> = brokers.into_iter().collect();
        desk.note(Severity::Info, format!("Handling log directory failure for brokers {brokers:?}"));
        let replicas = desk.state.replicas_on(&brokers);
        desk.then(MoveReplicas::to(ReplicaState::Online, replicas));
        desk.then(Forget(names));
        Vec::new()
    }
}

/// Removes notifications that were handled.
#[derive(Debug)]
struct Forget(Vec<String>);

impl Step for Forget {
    fn decide(&mut self, _: &mut Desk, _: Facts) -> Vec<Write> {
        self.0.drain(..).map(Write::DeleteLogDirEvent).collect()
    }
}

/// A broker answered LeaderAndIsr: what it could not open counts as offline, what it could as online again.
#[derive(Debug)]
pub(super) struct Answered {
    /// The broker.
    pub broker: BrokerId,
    /// The error of the whole request.
    pub error: ErrorCode,
    /// The error of each partition.
    pub partitions: Vec<(TopicPartition, ErrorCode)>,
}

impl Step for Answered {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let broker = self.broker;
        if self.error != ErrorCode::None {
            let text =
                format!("Received error {:?} in LeaderAndIsr response from broker {broker}", self.error);
            desk.note(Severity::Error, text);
            return Vec::new();
        }
        let known = desk.state.offline_dirs.entry(broker).or_default();
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
            desk.state.offline_dirs.remove(&broker);
        }
        if !lost.is_empty() {
            desk.note(Severity::Info, format!("Mark {} replicas on broker {broker} as offline", lost.len()));
            desk.then(BecameOffline(lost));
        }
        Vec::new()
    }
}
