//! What the controller orders, decoded from whichever version of LeaderAndIsr or StopReplica brought it.

use super::controller_epoch::RequestEpochs;
use super::machine::LeadershipState;
use crate::base::{LeaderEpoch, TopicPartition};

/// The order to lead and to follow partitions.
#[derive(Clone, Debug)]
#[doc(alias = "LeaderAndIsrRequest")]
pub struct LeaderAndIsrOrder {
    /// The epochs of the controller and of the broker that the order is meant for.
    pub epochs: RequestEpochs,
    /// The partitions.
    pub partitions: Vec<PartitionOrder>,
}

/// The order to lead or to follow one partition.
#[derive(Clone, Debug)]
pub struct PartitionOrder {
    /// The partition.
    pub partition: TopicPartition,
    /// Its leader, in-sync replicas and replicas.
    pub state: LeadershipState,
    /// Whether the partition has just been created, so that its log may be made though a directory is offline.
    pub is_new: bool,
    /// The reassignment under way.
    pub reassignment: Reassigned,
}

/// How many replicas a reassignment adds and removes; none of both where none is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reassigned {
    /// Replicas being added.
    pub adding: usize,
    /// Replicas being removed.
    pub removing: usize,
}

/// The order to stop replicas.
#[derive(Clone, Debug)]
#[doc(alias = "StopReplicaRequest")]
pub struct StopReplicaOrder {
    /// The epochs of the controller and of the broker that the order is meant for.
    pub epochs: RequestEpochs,
    /// The replicas, each partition once.
    pub replicas: Vec<ReplicaStop>,
}

/// The order to stop one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStop {
    /// The partition.
    pub partition: TopicPartition,
    /// The leader epoch of the order. -1: the request has none (before v3); -2: the topic is being deleted.
    pub leader_epoch: LeaderEpoch,
    /// What becomes of the replica's log.
    pub log: StoppedLog,
}

/// What becomes of the log of a replica that is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedLog {
    /// It stays.
    Kept,
    /// It is deleted.
    Deleted,
}

/// How an order fared for each partition, in the order of the request.
pub type OrderOutcomes = Vec<(TopicPartition, Result<(), crate::wire::error_code::ErrorCode>)>;
