//! What a step writes to ZooKeeper, and the outcome of each write.
//!
//! Pure. `commit` writes. All writes but those of `/feature` succeed only if `/controller_epoch` still has
//! the version that this controller wrote, so that a controller that was replaced changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::features::FinalizedFeatures;
use crate::base::{Assignment, BrokerId, TopicPartition};

use super::state::Leadership;

/// One change of one znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Creates `/brokers/topics/T/partitions`.
    CreatePartitionsDir(Arc<str>),
    /// Creates `/brokers/topics/T/partitions/P`.
    CreatePartitionDir(TopicPartition),
    /// Creates a partition's state znode.
    CreateState(TopicPartition, Leadership),
    /// Writes a partition's state over the version that its leadership names.
    SetState(TopicPartition, Leadership),
    /// Writes a topic's whole assignment, whatever the version.
    SetAssignments(Arc<str>, BTreeMap<i32, Assignment>),
    /// Deletes a znode of a topic's tree.
    Delete(String),
    /// Deletes `/config/topics/T`.
    DeleteTopicConfig(Arc<str>),
    /// Deletes `/admin/delete_topics/T`.
    DeleteTopicDeletion(Arc<str>),
    /// Deletes this child of `/isr_change_notification`.
    DeleteIsrNotification(String),
    /// Deletes this child of `/log_dir_event_notification`.
    DeleteLogDirEvent(String),
    /// Writes what remains of `/admin/reassign_partitions`.
    SetReassignment(BTreeMap<TopicPartition, Vec<BrokerId>>),
    /// Deletes `/admin/reassign_partitions`.
    DeleteReassignment,
    /// Deletes `/admin/preferred_replica_election`.
    DeletePreferredElection,
    /// Creates `/feature` (not guarded).
    CreateFeature {
        /// Whether finalized features are enabled.
        enabled: bool,
    },
    /// Writes `/feature` (not guarded).
    SetFeature {
        /// Whether finalized features are enabled.
        enabled: bool,
        /// The finalized features.
        features: FinalizedFeatures,
    },
}

/// The outcome of one write. If the controller moved or the session ended, the whole event ends instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written; the znode's version now (0 for one just created or deleted).
    Ok(i32),
    /// The znode has another version: another session wrote it since it was read.
    BadVersion,
    /// There is no such znode, or no parent for it.
    NoNode,
    /// It exists already.
    NodeExists,
    /// It has children.
    NotEmpty,
    /// The data have so many bytes, more than ZooKeeper accepts; nothing was sent.
    TooLarge(usize),
    /// Refused for another reason.
    Failed,
}
