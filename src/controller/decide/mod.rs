//! The handling of each event, as steps.
//!
//! One file an event, and five that events share: moves of partitions and of replicas, elections, requests to
//! brokers, assignments of a topic's znode. Pure. A step sees only the cluster's state and the facts it asked
//! for.

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
mod send;
mod topic_change;
mod topic_deletion;
mod unclean_leader;
mod update_features;

use super::election::ElectionKind;
use super::event::{ControlResponse, Event};
use super::step::{Severity, StepContext};
use crate::wire::error_code::ErrorCode;

pub use controlled_shutdown::ControlledShutdown;
pub use isr_change::{AlterIsr, Leaderships};
pub use preferred_leader::{ElectLeaders, ElectionTrigger};
pub use reassignment::{AlterReassignments, ListReassignments};
pub use update_features::{FeatureChange, UpdateFeatures, UpdatedFeatures};

/// Enqueues the first step of an event's handling.
pub(super) fn begin(context: &mut StepContext, event: Event) {
    match event {
        Event::Elected => context.enqueue(startup::Failover),
        Event::BrokersChanged => context.enqueue(broker_change::BrokersChanged),
        Event::BrokerChanged(broker) => context.enqueue(broker_change::BrokerChanged(broker)),
        Event::TopicsChanged => context.enqueue(topic_change::TopicsChanged),
        Event::TopicChanged(topic) => context.enqueue(partition_change::TopicChanged::new(topic)),
        Event::TopicDeletionsChanged => context.enqueue(topic_deletion::DeletionsChanged),
        Event::IsrNotified => context.enqueue(isr_change::IsrNotified),
        Event::LogDirNotified => context.enqueue(log_dir_failure::LogDirNotified),
        Event::PreferredElectionRequested => context.enqueue(ElectLeaders {
            partitions: None,
            kind: ElectionKind::Preferred,
            trigger: ElectionTrigger::Znode,
        }),
        Event::ReassignmentRequested => context.enqueue(reassignment::FromZnode { elected: false }),
        Event::IsrChanged(partition) => context.enqueue(reassignment::MaybeComplete(partition)),
        Event::CheckImbalance => context.enqueue(preferred_leader::CheckImbalance),
        Event::UncleanEnabled(topic) => context.enqueue(unclean_leader::TriggerOnline { topic }),
        Event::Request(step) | Event::PutOff(step) => context.enqueue_boxed(step),
        Event::Response(response) => receive(context, response),
    }
}

/// Enqueues the first step for a broker's answer.
fn receive(context: &mut StepContext, response: ControlResponse) {
    match response {
        ControlResponse::LeaderAndIsr { broker, error, partitions } => {
            context.enqueue(log_dir_failure::LeaderAndIsrResponseReceived { broker, error, partitions });
        }
        ControlResponse::UpdateMetadata { error: ErrorCode::None, .. } => {}
        ControlResponse::UpdateMetadata { broker, error } => {
            let text = format!("Received error {error:?} in UpdateMetadata response from broker {broker}");
            context.log(Severity::Error, text);
        }
        ControlResponse::StopReplica { broker, error, partitions } => {
            context.enqueue(topic_deletion::StopReplicaResponseReceived { broker, error, partitions });
        }
    }
}
