//! Everything that can happen to an active controller.
//!
//! Pure. Closed: what is not listed here cannot change the controller's mind. Events of znodes only say that something
//! changed; the steps read what it is now. Kafka's `ControllerEvent`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Assignment, BrokerId, LeaderAndIsr, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// Whom an answer is for: the driver keeps the waiting side.
pub type Ticket = u64;

/// Who asked for a leader election (Kafka's `ElectionTrigger`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElectionTrigger {
    /// `/admin/preferred_replica_election` appeared.
    Znode,
    /// The periodic check of leader imbalance.
    Auto,
    /// An ElectLeaders request.
    Admin(Ticket),
}

/// Which leader is wanted (Kafka's `ElectionType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionKind {
    /// The first assigned replica.
    Preferred,
    /// Any replica that lives, in sync or not.
    Unclean,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Leaders are to be elected; None stands for what `/admin/preferred_replica_election` names.
    ElectLeaders {
        /// The partitions.
        partitions: Option<Vec<TopicPartition>>,
        /// Which leader is wanted.
        kind: ElectionKind,
        /// Who asked.
        trigger: ElectionTrigger,
    },
    /// `/admin/reassign_partitions` appeared or was rewritten.
    ReassignmentRequested,
    /// Partitions are to get other replicas (AlterPartitionReassignments, KIP-455).
    AlterReassignments {
        /// The replicas wanted; None takes back what is on its way.
        wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
        /// Who waits for [`Answer::AlterReassignments`].
        ticket: Ticket,
    },
    /// Somebody asks what is on its way (ListPartitionReassignments).
    ListReassignments {
        /// The partitions asked about; None for all.
        partitions: Option<Vec<TopicPartition>>,
        /// Who waits for [`Answer::Reassignments`].
        ticket: Ticket,
    },
    /// The state of a partition that is being reassigned was rewritten by its leader (before 2.7-IV2).
    IsrChanged(TopicPartition),
    /// It is time to look at leader imbalance.
    CheckImbalance,
    /// Unclean election was enabled: for one topic, or None for all.
    UncleanEnabled(Option<Arc<str>>),
    /// A broker wants to stop and hands its leaderships over.
    ControlledShutdown {
        /// The broker.
        broker: BrokerId,
        /// Its epoch; -1 where the request had none.
        broker_epoch: i64,
        /// Who waits for [`Answer::ControlledShutdown`].
        ticket: Ticket,
    },
    /// A leader wants its partitions' in-sync replicas changed (AlterIsr, KIP-497).
    AlterIsr {
        /// The leader's broker.
        broker: BrokerId,
        /// Its epoch.
        broker_epoch: i64,
        /// The leadership wanted of each partition, over the version it names.
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
        /// Who waits for [`Answer::AlterIsr`].
        ticket: Ticket,
    },
    /// A broker answered LeaderAndIsr.
    LeaderAndIsrAnswered {
        /// The broker.
        broker: BrokerId,
        /// The error of the whole request.
        error: ErrorCode,
        /// The error of each partition.
        partitions: Vec<(TopicPartition, ErrorCode)>,
    },
    /// A broker answered UpdateMetadata.
    UpdateMetadataAnswered {
        /// The broker.
        broker: BrokerId,
        /// The error.
        error: ErrorCode,
    },
    /// A broker answered the part of StopReplica that deletes.
    DeletionAnswered {
        /// The broker.
        broker: BrokerId,
        /// The error of the whole request.
        error: ErrorCode,
        /// The error of each partition whose log was to be deleted.
        partitions: Vec<(TopicPartition, ErrorCode)>,
    },
}

/// An error with the text that goes with it (Kafka's `ApiError`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: ErrorCode,
    /// The text; None stands for the code's own.
    pub message: Option<String>,
}

impl Refusal {
    /// A refusal with the code's own text.
    pub fn of(code: ErrorCode) -> Self {
        Self { code, message: None }
    }

    /// What is said of it: its own text, or the code's.
    pub fn text(self) -> Option<String> {
        let Self { code, message } = self;
        message.or_else(|| Some(code.message().to_owned()))
    }

    /// A refusal with a text.
    pub fn because(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }
}

/// The outcome of a request, per partition.
pub type PerPartition<T> = BTreeMap<TopicPartition, Result<T, Refusal>>;

/// What somebody who waits is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The partitions the broker still leads; empty means it may stop.
    ControlledShutdown(Result<Vec<TopicPartition>, ErrorCode>),
    /// The new leader of each partition.
    ElectLeaders(PerPartition<BrokerId>),
    /// Which reassignments have begun.
    AlterReassignments(PerPartition<()>),
    /// The assignment of each partition that is on its way.
    Reassignments(BTreeMap<TopicPartition, Assignment>),
    /// The leadership of each partition as it is now.
    AlterIsr(Result<BTreeMap<TopicPartition, Result<LeaderAndIsr, ErrorCode>>, ErrorCode>),
}
