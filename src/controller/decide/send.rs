//! Steps that only send requests to brokers.
//!
//! Pure. They read nothing and write nothing.

use crate::base::{BrokerId, TopicPartition};
use crate::controller::facts::Facts;
use crate::controller::step::{Step, StepContext};
use crate::controller::writes::Write;

/// The brokers that get an UpdateMetadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipients {
    /// Every registered broker.
    All,
    /// The brokers of these ids.
    Brokers(Vec<BrokerId>),
}

/// Sends what the steps before it put into the outbox.
#[derive(Debug)]
pub(super) struct SendRequests;

impl Step for SendRequests {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        context.send_requests();
        Vec::new()
    }
}

/// Sends the live brokers and the metadata of some partitions (Kafka's `sendUpdateMetadataRequest`).
#[derive(Debug)]
pub(super) struct SendUpdateMetadata {
    /// The brokers that get it.
    pub to: Recipients,
    /// The partitions; none to send the live brokers alone.
    pub partitions: Vec<TopicPartition>,
}

impl Step for SendUpdateMetadata {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let StepContext { state, outbox, .. } = context;
        match &self.to {
            Recipients::All => outbox.metadata_for_all(state, &self.partitions),
            Recipients::Brokers(brokers) => outbox.metadata(state, brokers, &self.partitions),
        }
        context.send_requests();
        Vec::new()
    }
}
