//! What the controller does about each event, as steps.
//!
//! One file an event, and five that events share: moves of partitions and of replicas, elections, what is sent, what of a
//! topic's znode is taken up.
//! Pure. A step sees the cluster's picture and the facts it asked for, nothing else.

pub(in crate::controller) mod assignments;
mod broker_change;
mod controlled_shutdown;
mod elect;
mod isr_change;
mod log_dir_failure;
mod move_partitions;
mod move_replicas;
mod partition_change;
mod preferred_leader;
mod reassignment;
mod startup;
mod tell;
mod topic_change;
mod topic_deletion;
mod unclean_leader;

use super::event::{ElectionTrigger, Event};
use super::machine::{Desk, Severity};
use crate::wire::error_code::ErrorCode;

/// Leaves the first step of an event's handling on the desk.
pub(super) fn begin(desk: &mut Desk, event: Event) {
    match event {
        Event::Elected => desk.then(startup::Begin),
        Event::BrokersChanged => desk.then(broker_change::BrokersChanged),
        Event::BrokerChanged(broker) => desk.then(broker_change::BrokerChanged(broker)),
        Event::TopicsChanged => desk.then(topic_change::TopicsChanged),
        Event::TopicChanged(topic) => desk.then(partition_change::TopicChanged::new(topic)),
        Event::TopicDeletionsChanged => desk.then(topic_deletion::DeletionsChanged),
        Event::IsrNotified => desk.then(isr_change::Notified),
        Event::LogDirNotified => desk.then(log_dir_failure::Notified),
        Event::ElectLeaders { partitions, kind, trigger } => {
            desk.then(preferred_leader::ElectLeaders { partitions, kind, trigger });
        }
        Event::ReassignmentRequested => desk.then(reassignment::FromZnode { elected: false }),
        Event::AlterReassignments { wanted, ticket } => {
            desk.then(reassignment::Requested { wanted, ticket });
        }
        Event::ListReassignments { partitions, ticket } => {
            desk.then(reassignment::List { partitions, ticket });
        }
        Event::IsrChanged(partition) => desk.then(reassignment::MaybeComplete(partition)),
        Event::CheckImbalance => desk.then(preferred_leader::CheckImbalance),
        Event::UncleanEnabled(topic) => desk.then(unclean_leader::TriggerOnline { topic }),
        Event::ControlledShutdown { broker, broker_epoch, ticket } => {
            desk.then(controlled_shutdown::ControlledShutdown { broker, broker_epoch, ticket });
        }
        Event::AlterIsr { broker, broker_epoch, wanted, ticket } => {
            desk.then(isr_change::AlterIsr::new(broker, broker_epoch, wanted, ticket));
        }
        Event::LeaderAndIsrAnswered { broker, error, partitions } => {
            desk.then(log_dir_failure::Answered { broker, error, partitions });
        }
        Event::UpdateMetadataAnswered { broker, error } => {
            if error != ErrorCode::None {
                let text =
                    format!("Received error {error:?} in UpdateMetadata response from broker {broker}");
                desk.note(Severity::Error, text);
            }
        }
        Event::DeletionAnswered { broker, error, partitions } => {
            desk.then(topic_deletion::Answered { broker, error, partitions });
        }
    }
}

impl ElectionTrigger {
    /// Whether somebody waits for the outcome, who may ask for an unclean leader.
    fn is_admin(&self) -> bool {
        matches!(self, Self::Admin(_))
    }
}
