//! The cluster at one moment, and what one request of the controller changes in it.
//!
//! Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Broker, BrokerId, LeaderAndIsr, TopicPartition};

/// A partition as it is described to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The leader (-1: none), its epoch, the in-sync replicas, and the version of the state's znode.
    pub leadership: LeaderAndIsr,
    /// All replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The replicas that cannot serve, a subset of `replicas`.
    pub offline_replicas: Vec<BrokerId>,
    /// The epoch of the controller that decided the leadership.
    pub controller_epoch: i32,
}

/// A topic's partitions by number.
pub type TopicMetadata = BTreeMap<i32, PartitionMetadata>;

/// What a request of the controller changes (UpdateMetadata). The live brokers are complete; the partitions are only
/// those that changed.
#[derive(Clone, Debug, Default)]
pub struct MetadataUpdate {
    /// The controller; None while there is none.
    pub controller: Option<BrokerId>,
    /// All live brokers.
    pub live_brokers: Vec<Broker>,
    /// The partitions that changed, in the order of the request.
    pub partitions: Vec<(TopicPartition, PartitionUpdate)>,
}

/// The new state of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionUpdate {
    /// It exists, with this state.
    Present(PartitionMetadata),
    /// It is being deleted.
    Deleted,
}

/// The cluster at one moment.
#[derive(Clone, Debug, Default)]
pub struct MetadataSnapshot {
    /// The controller.
    pub controller: Option<BrokerId>,
    /// By name; a topic without partitions is not kept.
    topics: BTreeMap<Arc<str>, Arc<TopicMetadata>>,
    /// The live brokers.
    brokers: BTreeMap<BrokerId, Broker>,
}

impl MetadataSnapshot {
    /// A topic's partitions; None for an unknown topic.
    pub fn topic(&self, name: &str) -> Option<&TopicMetadata> {
        self.topics.get(name).map(|topic| &**topic)
    }

    /// All topics by name.
    pub fn topics(&self) -> impl Iterator<Item = (&str, &TopicMetadata)> {
        self.topics.iter().map(|(name, topic)| (&**name, &**topic))
    }

    /// A partition; None for an unknown one.
    pub fn partition(&self, id: &TopicPartition) -> Option<&PartitionMetadata> {
        self.topic(&id.topic)?.get(&id.partition)
    }

    /// A live broker; None for one that is not live.
    pub fn live_broker(&self, id: BrokerId) -> Option<&Broker> {
        self.brokers.get(&id)
    }

    /// All live brokers by id.
    pub fn live_brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values()
    }

    /// The snapshot after an update.
    pub(super) fn updated(&self, update: MetadataUpdate) -> Self {
        let mut next = Self {
            controller: update.controller,
            topics: self.topics.clone(),
            brokers: update.live_brokers.into_iter().map(|broker| (broker.id, broker)).collect(),
        };
        for (id, partition) in update.partitions {
            match partition {
                PartitionUpdate::Present(metadata) => {
                    let topic = next.topics.entry(id.topic).or_default();
                    Arc::make_mut(topic).insert(id.partition, metadata);
                }
                PartitionUpdate::Deleted => next.remove(&id),
            }
        }
        next
    }

    fn remove(&mut self, id: &TopicPartition) {
        if let Some(topic) = self.topics.get_mut(&id.topic) {
            Arc::make_mut(topic).remove(&id.partition);
            if topic.is_empty() {
                self.topics.remove(&id.topic);
            }
        }
    }
}
