//! The states a partition and a replica can be in, and the valid moves between them.
//!
//! Pure. It knows no cluster and changes nothing. Kafka's `PartitionState` and `ReplicaState`.

use std::fmt;

/// The state of a partition in the controller (Kafka's `PartitionState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "PartitionStateMachine")]
pub enum PartitionState {
    /// Never created, or deleted again.
    #[default]
    NonExistent,
    /// Replicas are assigned; it never had a leader.
    New,
    /// It has a leader.
    Online,
    /// It had a leader that is gone.
    Offline,
}

impl PartitionState {
    /// Whether a partition in the state `from` may be moved to this one.
    pub fn may_follow(self, from: Self) -> bool {
        match self {
            Self::New => from == Self::NonExistent,
            Self::Online | Self::Offline => matches!(from, Self::New | Self::Online | Self::Offline),
            Self::NonExistent => from == Self::Offline,
        }
    }
}

impl fmt::Display for PartitionState {
    /// Kafka's name of the state.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self:?}Partition")
    }
}

/// The state of a replica (Kafka's `ReplicaState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "ReplicaStateMachine")]
pub enum ReplicaState {
    /// Never created, or deleted again.
    #[default]
    NonExistent,
    /// Created; it can only become a follower.
    New,
    /// Part of the assignment, on a live broker.
    Online,
    /// Its broker or its log directory is gone, or it got StopReplica.
    Offline,
    /// It was sent StopReplica that deletes its log, and has not answered yet.
    DeletionStarted,
    /// Its log is deleted.
    DeletionSuccessful,
    /// Its log cannot be deleted now: its broker is gone, or the broker answered with an error.
    DeletionIneligible,
}

impl ReplicaState {
    /// Whether a replica in the state `from` may be moved to this one.
    pub fn may_follow(self, from: Self) -> bool {
        use ReplicaState::{
            DeletionIneligible, DeletionStarted, DeletionSuccessful, New, NonExistent, Offline, Online,
        };
        match self {
            New => from == NonExistent,
            Online | Offline => matches!(from, New | Online | Offline | DeletionIneligible),
            DeletionStarted => from == Offline,
            DeletionSuccessful => from == DeletionStarted,
            DeletionIneligible => matches!(from, Offline | DeletionStarted),
            NonExistent => from == DeletionSuccessful,
        }
    }
}

impl fmt::Display for ReplicaState {
    /// Kafka's name of the state.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonExistent | Self::New | Self::Online | Self::Offline => write!(out, "{self:?}Replica"),
            _ => write!(out, "Replica{self:?}"),
        }
    }
}
