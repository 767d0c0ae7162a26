//! Steps that only tell brokers something.
//!
//! Pure. They read nothing and write nothing.

use crate::base::{BrokerId, TopicPartition};
use crate::controller::facts::Facts;
use crate::controller::machine::{Desk, Step};
use crate::controller::writes::Write;

/// Whom an UpdateMetadata is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Every registered broker.
    All,
    /// These.
    Brokers(Vec<BrokerId>),
}

/// Sends what the steps before it put into the outbox.
#[derive(Debug)]
pub(super) struct Send;

impl Step for Send {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        desk.send();
        Vec::new()
    }
}

/// Sends the live brokers and the metadata of some partitions (Kafka's `sendUpdateMetadataRequest`).
#[derive(Debug)]
pub(super) struct UpdateMetadata {
    /// Who is told.
    pub to: Audience,
    /// The partitions; none to tell of brokers alone.
    pub partitions: Vec<TopicPartition>,
}

impl Step for UpdateMetadata {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let Desk { state, outbox, .. } = desk;
        match &self.to {
            Audience::All => outbox.metadata_for_all(state, &self.partitions),
            Audience::Brokers(brokers) => outbox.metadata(state, brokers, &self.partitions),
        }
        desk.send();
        Vec::new()
    }
}
