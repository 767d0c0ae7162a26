//! What the controller is doing, by which its time is measured (Kafka's `ControllerState`).
//!
//! Pure.

use super::event::{ControlResponse, Event};

/// What the controller is doing: the number is `ControllerState`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControllerState {
    /// It waits for events.
    Idle = 0,
    /// It was elected.
    ControllerChange = 1,
    /// Brokers came, went or changed.
    BrokerChange = 2,
    /// Topics or partitions came.
    TopicChange = 3,
    /// Topics are deleted.
    TopicDeletion = 4,
    /// Partitions are reassigned.
    AlterPartitionReassignment = 5,
    /// The preferred replicas are to lead.
    AutoLeaderBalance = 6,
    /// Elections were asked for.
    ManualLeaderBalance = 7,
    /// A broker stops.
    ControlledShutdown = 8,
    /// ISRs changed.
    IsrChange = 9,
    /// A broker has answered LeaderAndIsr.
    LeaderAndIsrResponseReceived = 10,
    /// A log directory failed.
    LogDirChange = 11,
    /// Unclean elections were allowed for all topics.
    UncleanLeaderElectionEnable = 13,
    /// Unclean elections were allowed for a topic.
    TopicUncleanLeaderElectionEnable = 14,
    /// Reassignments were asked for.
    ListPartitionReassignment = 15,
    /// Features are updated.
    UpdateFeatures = 17,
}

impl ControllerState {
    /// The state in which an event is handled.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::Elected => Self::ControllerChange,
            Event::BrokersChanged | Event::BrokerChanged(_) => Self::BrokerChange,
            Event::TopicsChanged | Event::TopicChanged(_) => Self::TopicChange,
            Event::TopicDeletionsChanged | Event::Response(ControlResponse::StopReplica { .. }) => {
                Self::TopicDeletion
            }
            Event::IsrNotified => Self::IsrChange,
            Event::LogDirNotified => Self::LogDirChange,
            Event::PreferredElectionRequested => Self::ManualLeaderBalance,
            Event::ReassignmentRequested | Event::IsrChanged(_) => Self::AlterPartitionReassignment,
            Event::CheckImbalance => Self::AutoLeaderBalance,
            Event::UncleanEnabled(None) => Self::UncleanLeaderElectionEnable,
            Event::UncleanEnabled(Some(_)) => Self::TopicUncleanLeaderElectionEnable,
            Event::Request(step) => step.controller_state(),
            Event::Response(ControlResponse::LeaderAndIsr { .. }) => Self::LeaderAndIsrResponseReceived,
            Event::Response(ControlResponse::UpdateMetadata { .. }) | Event::PutOff(_) => Self::Idle,
        }
    }
}
