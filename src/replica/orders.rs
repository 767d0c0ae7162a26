//! The controller's LeaderAndIsr and StopReplica, decoded from any of their versions.

use super::controller_epoch::RequestEpochs;
use super::machine::LeadershipState;
use crate::base::{LeaderEpoch, TopicPartition};

/// LeaderAndIsr: the partitions to lead and to follow.
#[derive(Clone, Debug)]
#[doc(alias = "LeaderAndIsrRequest")]
pub struct LeaderAndIsrOrder {
    /// The epochs of the controller and of the broker that the request is meant for.
    pub epochs: RequestEpochs,
    /// The partitions.
    pub partitions: Vec<PartitionOrder>,
}

/// Leads or follows one partition.
#[derive(Clone, Debug)]
pub struct PartitionOrder {
    /// The partition.
    pub partition: TopicPartition,
    /// Its leader, in-sync replicas and replicas.
    pub state: LeadershipState,
    /// Whether the partition has just been created, so that its log may be created though a directory is
    /// offline.
    pub is_new: bool,
    /// The reassignment in progress.
    pub reassignment: Reassigned,
}

/// The replicas that a reassignment adds and removes; both empty without a reassignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reassigned {
    /// Replicas being added.
    pub adding: usize,
    /// Replicas being removed.
    pub removing: usize,
}

/// StopReplica: the replicas to stop.
#[derive(Clone, Debug)]
#[doc(alias = "StopReplicaRequest")]
pub struct StopReplicaOrder {
    /// The epochs of the controller and of the broker that the request is meant for.
    pub epochs: RequestEpochs,
    /// The replicas, each partition once.
    pub replicas: Vec<ReplicaStop>,
}

/// Stops one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStop {
    /// The partition.
    pub partition: TopicPartition,
    /// The leader epoch of the request. -1: the request has none (before v3); -2: the topic is being deleted.
    pub leader_epoch: LeaderEpoch,
    /// Whether the replica's log is deleted.
    pub log: StoppedLog,
}

/// Whether the log of a stopped replica is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedLog {
    /// It stays.
    Kept,
    /// It is deleted.
    Deleted,
}

/// The outcome of a request for each partition, in the order of the request.
pub type OrderOutcomes = Vec<(TopicPartition, Result<(), crate::wire::error_code::ErrorCode>)>;
