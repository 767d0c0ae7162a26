//! A cluster as a client knows it: brokers, leaders, coordinators.
//!
//! Pure. It holds the content of the last answers, without what calls have found to be wrong since. A partition's
//! leader epoch never goes back (KIP-320). Kafka: `Metadata`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::address::ServerAddress;
use crate::base::{BrokerId, LeaderEpoch, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};

mod snapshot;
pub(super) mod updates;

pub use snapshot::{ClusterNode, ClusterSnapshot, PartitionInfo, TopicInfo};
pub use updates::FollowedTopics;

/// The first version of Metadata whose leader epochs can be relied on: before it, the epochs of a partition that is
/// being reassigned may be old ones (KAFKA-9212).
pub(super) const RELIABLE_EPOCHS_FROM: i16 = 9;

/// How many answers in a row with an older leader epoch are not believed. One that comes more often than any broker
/// lags behind is that of a topic that was deleted and created again between two answers (Kafka's client never
/// believes it, KAFKA-12257).
const OLDER_ANSWERS: u32 = 8;

/// What a coordinator coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum CoordinatorKind {
    /// A consumer group, by its id.
    Group = 0,
    /// A transactional producer, by its transactional id.
    Transaction = 1,
}

/// The destination of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Any broker.
    Any,
    /// The broker of this id.
    Broker(BrokerId),
    /// The controller.
    Controller,
    /// The leader of a partition.
    Leader(TopicPartition),
    /// The broker that coordinates a group or a transactional id.
    Coordinator(CoordinatorKind, Arc<str>),
}

/// A partition's leader and the epoch of its leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLeader {
    /// The broker that leads.
    pub broker: BrokerId,
    /// The leader epoch; -1 where the broker that answered knows none.
    pub epoch: LeaderEpoch,
}

/// What must be looked up before a request can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The brokers and the controller.
    Brokers,
    /// The leaders of a topic.
    Topic(Arc<str>),
    /// A coordinator.
    Coordinator(CoordinatorKind, Arc<str>),
}

/// A partition's newest leader epoch.
#[derive(Clone, Copy, Debug)]
struct SeenEpoch {
    epoch: LeaderEpoch,
    /// How many answers in a row had an older one.
    older_answers: u32,
}

impl SeenEpoch {
    fn of(epoch: LeaderEpoch) -> Self {
        Self { epoch, older_answers: 0 }
    }
}

/// What a client knows of its cluster.
#[derive(Debug, Default)]
#[doc(alias = "Metadata")]
pub(super) struct ClientMetadata {
    snapshot: Arc<ClusterSnapshot>,
    /// The leaders of the snapshot, without those that were forgotten since.
    leaders: HashMap<TopicPartition, PartitionLeader>,
    /// The newest leader epoch that was heard of, in metadata or in another answer. Invariant: an epoch only grows, and
    /// is dropped with its topic.
    seen_epochs: HashMap<TopicPartition, SeenEpoch>,
    coordinators: HashMap<(CoordinatorKind, Arc<str>), BrokerId>,
    /// The addresses of brokers that an answer about a coordinator has named since the last metadata, and that metadata
    /// does not have.
    coordinator_addresses: BTreeMap<BrokerId, ServerAddress>,
}

impl ClientMetadata {
    /// The cluster as the answers describe it.
    pub(super) fn snapshot(&self) -> &Arc<ClusterSnapshot> {
        &self.snapshot
    }

    /// The address of a target's broker; None for [`Target::Any`].
    ///
    /// # Errors What must be looked up first.
    pub(super) fn address(&self, target: &Target) -> Result<Option<&ServerAddress>, Missing> {
        let broker = match target {
            Target::Any => return Ok(None),
            Target::Broker(id) => *id,
            Target::Controller => self.snapshot.controller.ok_or(Missing::Brokers)?,
            Target::Leader(partition) => {
                self.leader(partition).ok_or_else(|| Missing::Topic(partition.topic.clone()))?.broker
            }
            Target::Coordinator(kind, key) => {
                let known = self.coordinators.get(&(*kind, key.clone()));
                // A coordinator that metadata no longer has was moved to another broker, or soon will be.
                let address = known.and_then(|broker| self.broker_address(*broker));
                return address.map(Some).ok_or_else(|| Missing::Coordinator(*kind, key.clone()));
            }
        };
        self.broker_address(broker).map(Some).ok_or(Missing::Brokers)
    }

    fn broker_address(&self, id: BrokerId) -> Option<&ServerAddress> {
        let newer = self.coordinator_addresses.get(&id);
        newer.or_else(|| self.snapshot.brokers.get(&id).map(|node| &node.address))
    }

    /// The leader of a partition.
    pub(super) fn leader(&self, partition: &TopicPartition) -> Option<PartitionLeader> {
        self.leaders.get(partition).copied()
    }

    /// The brokers' addresses, in the order of their ids.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &ServerAddress> {
        let named = self.snapshot.brokers.iter().map(|(id, node)| (*id, &node.address));
        let others = self.coordinator_addresses.iter().map(|(id, address)| (*id, address));
        let all: BTreeMap<BrokerId, &ServerAddress> = named.chain(others).collect();
        all.into_values()
    }

    /// The id of the broker at an address.
    pub(super) fn broker_at(&self, address: &ServerAddress) -> Option<BrokerId> {
        let named = self.snapshot.brokers.values().find(|node| node.address == *address).map(|node| node.id);
        named.or_else(|| {
            self.coordinator_addresses.iter().find(|(_, known)| *known == address).map(|(id, _)| *id)
        })
    }

    /// The leader of each partition of a topic, None where there is none; None where the topic is not known.
    pub(super) fn leaders_of(&self, topic: &str) -> Option<Vec<Option<PartitionLeader>>> {
        let topic = self.snapshot.topics.get(topic)?;
        let id = |partition| TopicPartition { topic: topic.name.clone(), partition };
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        (count > 0).then(|| (0..count).map(|partition| self.leader(&id(partition))).collect())
    }

    /// Applies an answer of this version of Metadata. Topics that it does not name stay as they were, unless it is
    /// about all topics.
    pub(super) fn apply(&mut self, answer: &MetadataResponse, version: i16, about: AnswerScope) {
        let mut next = ClusterSnapshot { version: self.snapshot.version + 1, ..(*self.snapshot).clone() };
        if let Some(id) = &answer.cluster_id {
            next.cluster_id = Some(id.as_str().into());
        }
        next.controller = Some(answer.controller_id).filter(|id| *id >= 0);
        next.brokers = answer.brokers.iter().filter_map(node).map(|node| (node.id, Arc::new(node))).collect();
        self.coordinator_addresses.clear();
        if about == AnswerScope::AllTopics {
            let named: HashSet<&str> = answer.topics.iter().map(|topic| topic.name.as_str()).collect();
            next.topics.retain(|name, _| named.contains(&**name));
            next.topic_errors.clear();
            self.leaders.retain(|partition, _| named.contains(&*partition.topic));
            self.seen_epochs.retain(|partition, _| named.contains(&*partition.topic));
        }
        for topic in &answer.topics {
            self.apply_topic(&mut next, topic, version);
        }
        self.snapshot = Arc::new(next);
    }

    fn apply_topic(&mut self, next: &mut ClusterSnapshot, topic: &MetadataResponseTopic, version: i16) {
        let known = next.topics.get(topic.name.as_str()).cloned();
        let name = known.as_ref().map_or_else(|| topic.name.as_str().into(), |known| known.name.clone());
        let error = ErrorCode::from_code(topic.error_code);
        if error.is_none() {
            next.topic_errors.remove(&name);
        } else {
            next.topic_errors.insert(name.clone(), error);
        }
        if error == ErrorCode::UnknownTopicOrPartition {
            // Deleted: a topic made anew under the name begins with epoch 0 again.
            next.topics.remove(&name);
            self.drop_topic(&name);
        }
        let mut partitions = BTreeMap::new();
        for described in &topic.partitions {
            let before = known.as_ref().and_then(|known| known.partition(described.partition_index));
            let newest = self.newest(&name, described, before, version);
            partitions.insert(newest.partition, newest);
        }
        if partitions.is_empty() {
            return;
        }
        let partitions = partitions.into_values().collect();
        let info = TopicInfo { name: name.clone(), is_internal: topic.is_internal, partitions };
        if known.is_none_or(|known| *known != info) {
            next.topics.insert(name, Arc::new(info));
        }
    }

    /// A partition as it is described, or as it was `before` if the description is of an older leader epoch.
    fn newest(
        &mut self,
        topic: &Arc<str>,
        described: &MetadataResponsePartition,
        before: Option<&PartitionInfo>,
        version: i16,
    ) -> PartitionInfo {
        let id = TopicPartition { topic: topic.clone(), partition: described.partition_index };
        let mut info = partition_info(described);
        if version < RELIABLE_EPOCHS_FROM {
            info.leader_epoch = None;
        }
        match (info.leader_epoch, self.seen_epochs.get_mut(&id)) {
            (Some(epoch), Some(seen)) if epoch < seen.epoch && seen.older_answers < OLDER_ANSWERS => {
                seen.older_answers += 1;
                if let Some(before) = before {
                    return before.clone();
                }
                info.leader = None;
            }
            (Some(epoch), _) => {
                self.seen_epochs.insert(id.clone(), SeenEpoch::of(epoch));
            }
            (None, _) => {
                self.seen_epochs.remove(&id);
            }
        }
        match info.leader {
            Some(broker) => {
                self.leaders.insert(id, PartitionLeader { broker, epoch: info.leader_epoch.unwrap_or(-1) });
            }
            None => {
                self.leaders.remove(&id);
            }
        }
        info
    }

    fn drop_topic(&mut self, name: &str) {
        self.leaders.retain(|partition, _| &*partition.topic != name);
        self.seen_epochs.retain(|partition, _| &*partition.topic != name);
    }

    /// Keeps only the topics that `wanted` names; the others are forgotten as if they were never asked for.
    pub(super) fn retain_topics(&mut self, wanted: impl Fn(&str) -> bool) {
        let unwanted = |name: &Arc<str>| !wanted(name);
        if !self.snapshot.topics.keys().chain(self.snapshot.topic_errors.keys()).any(unwanted) {
            return;
        }
        let next = Arc::make_mut(&mut self.snapshot);
        next.topics.retain(|name, _| wanted(name));
        next.topic_errors.retain(|name, _| wanted(name));
        self.leaders.retain(|partition, _| wanted(&partition.topic));
        self.seen_epochs.retain(|partition, _| wanted(&partition.topic));
    }

    /// Notes a leader epoch that an answer other than metadata has named. Whether it is newer than any that was heard
    /// of; the leader is then not known until metadata has caught up.
    pub(super) fn note_epoch(&mut self, partition: &TopicPartition, epoch: LeaderEpoch) -> bool {
        match self.seen_epochs.get_mut(partition) {
            Some(seen) if epoch > seen.epoch => {
                *seen = SeenEpoch::of(epoch);
                self.leaders.remove(partition);
                true
            }
            _ => false,
        }
    }

    /// Sets the coordinator of a group or producer, and its broker's address.
    pub(super) fn apply_coordinator(
        &mut self,
        kind: CoordinatorKind,
        key: Arc<str>,
        broker: BrokerId,
        address: ServerAddress,
    ) {
        if self.snapshot.brokers.get(&broker).is_none_or(|node| node.address != address) {
            self.coordinator_addresses.insert(broker, address);
        }
        self.coordinators.insert((kind, key), broker);
    }

    /// The broker that coordinates a group or producer, as far as it is known.
    pub(super) fn coordinator(&self, kind: CoordinatorKind, key: &str) -> Option<ClusterNode> {
        let id = *self.coordinators.get(&(kind, key.into()))?;
        let known = self.snapshot.broker(id).cloned();
        let named =
            || Some(ClusterNode { id, address: self.coordinator_addresses.get(&id)?.clone(), rack: None });
        known.or_else(named)
    }

    /// Forgets the broker behind a target, so that it is looked up again. With a broker, everything that it led and the
    /// transactions that it coordinated are forgotten, but no group: its coordinator is reached by a connection of its
    /// own, which may work still.
    pub(super) fn forget(&mut self, target: &Target) {
        match target {
            Target::Any => {}
            Target::Controller => Arc::make_mut(&mut self.snapshot).controller = None,
            Target::Leader(partition) => {
                self.leaders.remove(partition);
            }
            Target::Broker(id) => {
                self.leaders.retain(|_, leader| leader.broker != *id);
                self.coordinators
                    .retain(|(kind, _), coordinator| *kind == CoordinatorKind::Group || coordinator != id);
            }
            Target::Coordinator(kind, key) => {
                self.coordinators.remove(&(*kind, key.clone()));
            }
        }
    }
}

/// What an answer to Metadata is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerScope {
    /// All topics of the cluster: a topic that it does not name does not exist.
    AllTopics,
    /// The topics that it names.
    NamedTopics,
}

/// A broker of an answer; None where its port is none.
/// A broker of an answer; None where its port is none.
pub(super) fn node(broker: &MetadataResponseBroker) -> Option<ClusterNode> {
    let address = ServerAddress { host: broker.host.clone(), port: u16::try_from(broker.port).ok()? };
    Some(ClusterNode { id: broker.node_id, address, rack: broker.rack.as_deref().map(Arc::from) })
}

/// A partition of an answer.
pub(super) fn partition_info(described: &MetadataResponsePartition) -> PartitionInfo {
    PartitionInfo {
        partition: described.partition_index,
        leader: Some(described.leader_id).filter(|id| *id >= 0),
        leader_epoch: Some(described.leader_epoch).filter(|epoch| *epoch >= 0),
        replicas: described.replica_nodes.as_slice().into(),
        in_sync_replicas: described.isr_nodes.as_slice().into(),
        offline_replicas: described.offline_replicas.as_slice().into(),
    }
}

#[cfg(test)]
mod tests;
