//! Everything that can happen to an active controller (Kafka's `ControllerEvent`). Pure.
//!
//! Closed: only the events listed here make the controller act. An event of a znode only means that it
//! changed; the steps read its present content.

use std::sync::Arc;

use super::step::Step;
use crate::base::{BrokerId, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// Something that happened.
#[derive(Debug)]
#[doc(alias = "ControllerEvent")]
pub enum Event {
    /// This broker was elected: read everything, and begin.
    Elected,
    /// The children of `/brokers/ids` changed.
    BrokersChanged,
    /// A registration under `/brokers/ids` was rewritten.
    BrokerChanged(BrokerId),
    /// The children of `/brokers/topics` changed.
    TopicsChanged,
    /// A topic's znode was rewritten.
    TopicChanged(Arc<str>),
    /// The children of `/admin/delete_topics` changed.
    TopicDeletionsChanged,
    /// The children of `/isr_change_notification` changed.
    IsrNotified,
    /// The children of `/log_dir_event_notification` changed.
    LogDirNotified,
    /// `/admin/preferred_replica_election` appeared.
    PreferredElectionRequested,
    /// `/admin/reassign_partitions` appeared or was rewritten.
    ReassignmentRequested,
    /// The state of a partition that is being reassigned was rewritten by its leader (before 2.7-IV2).
    IsrChanged(TopicPartition),
    /// It is time to look at leader imbalance.
    CheckImbalance,
    /// Unclean election was enabled: for one topic, or None for all.
    UncleanEnabled(Option<Arc<str>>),
    /// A request of a broker or a tool: the step that handles it and replies ([`super::requests`] has them
    /// all).
    Request(Box<dyn Step>),
    /// A step that an earlier event postponed.
    PutOff(Box<dyn Step>),
    /// A broker answered a request of the controller.
    Response(ControlResponse),
}

impl Event {
    /// [`Event::Request`].
    pub fn request(step: impl Step + 'static) -> Self {
        Self::Request(Box::new(step))
    }
}

/// The error that a broker answered for each partition of a request.
pub type PartitionErrors = Vec<(TopicPartition, ErrorCode)>;

/// A broker's answer to a request of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlResponse {
    /// To LeaderAndIsr.
    LeaderAndIsr {
        /// The broker.
        broker: BrokerId,
        /// The error of the whole request.
        error: ErrorCode,
        /// The error of each partition.
        partitions: PartitionErrors,
    },
    /// To UpdateMetadata.
    UpdateMetadata {
        /// The broker.
        broker: BrokerId,
        /// The error.
        error: ErrorCode,
    },
    /// To a StopReplica that deletes logs.
    StopReplica {
        /// The broker.
        broker: BrokerId,
        /// The error of the whole request.
        error: ErrorCode,
        /// The error of each partition whose log was to be deleted.
        partitions: PartitionErrors,
    },
}
