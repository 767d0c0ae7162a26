//! What a step wants written to ZooKeeper, and what came of it.
//!
//! Pure. `commit` writes. All writes but those of `/feature` go only if `/controller_epoch` still has the version
//! this controller gave it, so that a controller that was replaced changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Assignment, BrokerId, TopicPartition};

use super::state::Leadership;

/// One change of one znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Makes `/brokers/topics/T/partitions`.
    CreatePartitionsDir(Arc<str>),
    /// Makes `/brokers/topics/T/partitions/P`.
    CreatePartitionDir(TopicPartition),
    /// Makes a partition's state znode.
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
    /// Makes `/feature` (not guarded).
    CreateFeature {
        /// Whether finalized features are enabled.
        enabled: bool,
    },
    /// Writes `/feature` (not guarded).
    SetFeature {
        /// Whether finalized features are enabled.
        enabled: bool,
        /// Finalized features by name: (min, max) version level.
        features: BTreeMap<String, (i16, i16)>,
    },
}

/// What came of one write. That the controller moved, or the session ended, is no outcome: it ends the whole event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written; the znode's version now (0 for one just made or deleted).
    Ok(i32),
    /// Somebody else wrote the znode since it was read.
    BadVersion,
    /// There is no such znode, or no parent for it.
    NoNode,
    /// It exists already.
    NodeExists,
    /// It has children.
    NotEmpty,
    /// So many bytes are more than ZooKeeper takes; nothing was sent.
    TooLarge(usize),
    /// Refused for another reason.
    Failed,
}
