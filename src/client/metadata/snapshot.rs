//! A cluster as metadata describes it at one moment: brokers, topics, partitions.
//!
//! Pure. A snapshot never changes; a later answer makes a new one, which shares what stayed the same. Kafka:
//! `Cluster`, `Node`, `PartitionInfo`, the clients' `MetadataCache`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::{BrokerId, LeaderEpoch};
use crate::client::address::ServerAddress;
use crate::wire::error_code::ErrorCode;

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "Node")]
pub struct ClusterNode {
    /// Its id.
    pub id: BrokerId,
    /// Where it listens.
    pub address: ServerAddress,
    /// Its rack, where its config names one (`broker.rack`).
    pub rack: Option<Arc<str>>,
}

/// Prints as Kafka's `Node`.
impl fmt::Display for ClusterNode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, address, rack } = self;
        write!(out, "{address} (id: {id} rack: {})", rack.as_deref().unwrap_or("null"))
    }
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its number, from 0.
    pub partition: i32,
    /// The broker that leads it; None where no replica does.
    pub leader: Option<BrokerId>,
    /// The leader epoch; None where the broker that answered knows none.
    pub leader_epoch: Option<LeaderEpoch>,
    /// All replicas, the preferred leader first.
    pub replicas: Arc<[BrokerId]>,
    /// The replicas in sync.
    pub in_sync_replicas: Arc<[BrokerId]>,
    /// The replicas that are not alive.
    pub offline_replicas: Arc<[BrokerId]>,
}

/// A topic and its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is one of Kafka's own.
    pub is_internal: bool,
    /// Invariant: sorted by number, each number once.
    pub(super) partitions: Vec<PartitionInfo>,
}

impl TopicInfo {
    /// Its partitions, in the order of their numbers.
    pub fn partitions(&self) -> &[PartitionInfo] {
        &self.partitions
    }

    /// The partition of this number.
    pub fn partition(&self, number: i32) -> Option<&PartitionInfo> {
        let at = self.partitions.binary_search_by_key(&number, |it| it.partition).ok()?;
        self.partitions.get(at)
    }
}

/// A cluster at one moment, as far as a client has asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "Cluster")]
#[doc(alias = "MetadataCache")]
pub struct ClusterSnapshot {
    /// How many answers have made up this state; grows with each.
    pub version: u64,
    /// The cluster's id; None where the brokers are older than 0.10.1.
    pub cluster_id: Option<Arc<str>>,
    /// The controller, if there is one.
    pub controller: Option<BrokerId>,
    /// The live brokers.
    pub brokers: BTreeMap<BrokerId, Arc<ClusterNode>>,
    /// The topics that exist, of those asked for.
    pub topics: BTreeMap<Arc<str>, Arc<TopicInfo>>,
    /// Why a topic that was asked for is not among `topics`, or has partitions without a leader.
    pub topic_errors: BTreeMap<Arc<str>, ErrorCode>,
}

impl ClusterSnapshot {
    /// The partitions of a topic, in the order of their numbers; None where the topic is not known.
    pub fn partitions_of(&self, topic: &str) -> Option<&[PartitionInfo]> {
        self.topics.get(topic).map(|it| it.partitions())
    }

    /// A partition; None where it is not known.
    pub fn partition(&self, topic: &str, number: i32) -> Option<&PartitionInfo> {
        self.topics.get(topic)?.partition(number)
    }

    /// The broker of this id, if it is alive.
    pub fn broker(&self, id: BrokerId) -> Option<&ClusterNode> {
        self.brokers.get(&id).map(|it| &**it)
    }
}
