//! What a step needs from ZooKeeper before it decides, and what was read.
//!
//! Pure. `gather` reads; a step only names what it needs. A znode that cannot be decoded counts as absent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::features::FinalizedFeatures;
use crate::base::{Assignment, Broker, BrokerId, TopicPartition};

use super::state::Leadership;

/// Something to be read from ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Every registration under `/brokers/ids`.
    Brokers,
    /// The registration of one broker.
    Broker(BrokerId),
    /// The children of `/brokers/topics`.
    Topics,
    /// The assignments in the znodes of these topics.
    Assignments(Vec<Arc<str>>),
    /// The state znodes of these partitions.
    States(Vec<TopicPartition>),
    /// The numbers under `/brokers/topics/T/partitions`.
    PartitionDirs(Arc<str>),
    /// Every path below and including `/brokers/topics/T`.
    TopicTree(Arc<str>),
    /// Whether the config of these topics allows an unclean election.
    UncleanElection(Vec<Arc<str>>),
    /// The children of `/admin/delete_topics`.
    TopicDeletions,
    /// The znodes under `/isr_change_notification`, decoded.
    IsrNotifications,
    /// The znodes under `/log_dir_event_notification`, decoded.
    LogDirEvents,
    /// `/admin/reassign_partitions`.
    Reassignment,
    /// `/admin/preferred_replica_election`.
    PreferredElection,
    /// `/feature`.
    Feature,
}

/// A topic's znode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicFacts {
    /// Its version.
    pub version: i32,
    /// The assignment of each partition.
    pub partitions: BTreeMap<i32, Assignment>,
}

/// `/feature`, as far as the controller uses it (KIP-584).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureFacts {
    /// Whether finalized features are enabled.
    pub enabled: bool,
    /// The finalized features.
    pub features: FinalizedFeatures,
    /// The znode's version.
    pub version: i32,
}

/// The answers to a step's questions; a question that was not asked has an empty answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Answers [`Question::Brokers`] and [`Question::Broker`].
    pub brokers: Vec<Broker>,
    /// Answers [`Question::Topics`].
    pub topics: BTreeSet<Arc<str>>,
    /// Answers [`Question::Assignments`]; a topic without a znode is not in it.
    pub assignments: BTreeMap<Arc<str>, TopicFacts>,
    /// Answers [`Question::States`]; a partition without a state is not in it.
    pub states: BTreeMap<TopicPartition, Leadership>,
    /// Answers [`Question::PartitionDirs`].
    pub partition_dirs: BTreeSet<i32>,
    /// Answers [`Question::TopicTree`]: parents after their children, as they are to be deleted.
    pub topic_tree: Vec<String>,
    /// Answers [`Question::UncleanElection`]; a topic whose config cannot be read has the broker's default.
    pub unclean: BTreeMap<Arc<str>, bool>,
    /// Answers [`Question::TopicDeletions`].
    pub topic_deletions: BTreeSet<Arc<str>>,
    /// Answers [`Question::IsrNotifications`]: the znode's name and the partitions it names.
    pub isr_notifications: Vec<(String, Vec<TopicPartition>)>,
    /// Answers [`Question::LogDirEvents`]: the znode's name and the broker it names.
    pub log_dir_events: Vec<(String, Option<BrokerId>)>,
    /// Answers [`Question::Reassignment`]: target replicas; None where there is no such znode.
    pub reassignment: Option<BTreeMap<TopicPartition, Vec<BrokerId>>>,
    /// Answers [`Question::PreferredElection`]; None where there is no such znode.
    pub preferred_election: Option<BTreeSet<TopicPartition>>,
    /// Answers [`Question::Feature`]; None where there is no such znode.
    pub feature: Option<FeatureFacts>,
}
