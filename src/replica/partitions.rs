//! The map of this broker's partitions, and which of them are online.
//!
//! Kafka: `ReplicaManager.allPartitions`, `HostedPartition`, `getPartitionOrException`.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::broker_topic_stats::BrokerTopicStats;
use super::partition::Partition;
use super::role_feed::RoleFeed;
use crate::base::{BrokerId, Millis, TopicPartition};
use crate::metadata::MetadataCache;
use crate::wire::error_code::ErrorCode;

/// A partition of which this broker is, or was, a replica.
#[derive(Clone, Debug)]
pub(super) enum HostedPartition {
    /// It is online.
    Online(Arc<Partition>),
    /// Its log directory has failed.
    Offline,
}

/// How many partitions a broker hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartitionCounts {
    /// All of them.
    pub all: usize,
    /// Those whose log directories have failed.
    pub offline: usize,
}

/// All partitions of this broker. Its lock is the outermost of a partition's locks: none is taken before it, and it is
/// never held while another is.
#[derive(Debug)]
#[doc(alias = "allPartitions")]
pub struct Partitions {
    me: BrokerId,
    /// `replica.lag.time.max.ms`.
    lag_max: Millis,
    map: RwLock<HashMap<TopicPartition, HostedPartition>>,
    metadata: Arc<MetadataCache>,
    roles: Arc<RoleFeed>,
    stats: Arc<BrokerTopicStats>,
}

impl Partitions {
    /// No partitions yet; `lag_max` is `replica.lag.time.max.ms`.
    pub(super) fn new(me: BrokerId, lag_max: Millis, metadata: Arc<MetadataCache>) -> Self {
        Self { me, lag_max, map: RwLock::default(), metadata, roles: Arc::default(), stats: Arc::default() }
    }

    /// Counts what is appended and read.
    pub fn stats(&self) -> &Arc<BrokerTopicStats> {
        &self.stats
    }

    /// The changes of the partitions' roles.
    pub fn roles(&self) -> &RoleFeed {
        &self.roles
    }

    /// The partition, if this broker hosts it and it is online.
    ///
    /// # Errors KAFKA_STORAGE_ERROR: its log directory has failed. NOT_LEADER_OR_FOLLOWER: only other brokers
    /// have replicas of it. UNKNOWN_TOPIC_OR_PARTITION: the metadata cache does not know it.
    pub fn partition(&self, id: &TopicPartition) -> Result<Arc<Partition>, ErrorCode> {
        match self.map.read().get(id) {
            Some(HostedPartition::Online(partition)) => return Ok(partition.clone()),
            Some(HostedPartition::Offline) => return Err(ErrorCode::KafkaStorageError),
            None => {}
        }
        match self.metadata.snapshot().partition(id) {
            Some(_) => Err(ErrorCode::NotLeaderOrFollower),
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    /// What this broker hosts of a partition; None if it has no replica.
    pub(super) fn hosted(&self, id: &TopicPartition) -> Option<HostedPartition> {
        self.map.read().get(id).cloned()
    }

    /// All partitions that are online.
    pub fn online(&self) -> Vec<Arc<Partition>> {
        let map = self.map.read();
        let online = map.values().filter_map(|hosted| match hosted {
            HostedPartition::Online(partition) => Some(partition.clone()),
            HostedPartition::Offline => None,
        });
        online.collect()
    }

    /// How many there are.
    pub(super) fn counts(&self) -> PartitionCounts {
        let map = self.map.read();
        let offline = map.values().filter(|hosted| matches!(hosted, HostedPartition::Offline)).count();
        PartitionCounts { all: map.len(), offline }
    }

    /// The partition, created if this broker does not host it yet.
    ///
    /// # Errors
    /// KAFKA_STORAGE_ERROR: its log directory has failed.
    pub(super) fn get_or_create(&self, id: &TopicPartition) -> Result<Arc<Partition>, ErrorCode> {
        let stats = self.stats.topic(&id.topic);
        let create = || {
            let partition = Partition::new(id.clone(), self.me, self.lag_max, self.roles.clone(), stats);
            HostedPartition::Online(Arc::new(partition))
        };
        match self.map.write().entry(id.clone()).or_insert_with(create) {
            HostedPartition::Online(partition) => Ok(partition.clone()),
            HostedPartition::Offline => Err(ErrorCode::KafkaStorageError),
        }
    }

    /// Marks a partition as offline; returns it if it was online until now.
    pub(super) fn mark_offline(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        match self.map.write().insert(id, HostedPartition::Offline) {
            Some(HostedPartition::Online(partition)) => Some(partition),
            Some(HostedPartition::Offline) | None => None,
        }
    }

    /// Removes a partition.
    pub(super) fn remove(&self, id: &TopicPartition) {
        self.map.write().remove(id);
    }
}
