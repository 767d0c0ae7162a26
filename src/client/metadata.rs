//! A cluster as a client knows it: brokers, leaders, coordinators.
//!
//! Pure. It holds the content of the last answers, without what calls have found to be wrong since. Kafka:
//! `Metadata`, `MetadataCache` of the clients.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::address::ServerAddress;
use crate::base::{BrokerId, LeaderEpoch, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::MetadataResponse;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What a client knows of its cluster.
#[derive(Debug, Default)]
pub(super) struct ClientMetadata {
    brokers: BTreeMap<BrokerId, ServerAddress>,
    controller: Option<BrokerId>,
    leaders: HashMap<TopicPartition, PartitionLeader>,
    /// How many partitions each topic has.
    partition_counts: HashMap<Arc<str>, i32>,
    coordinators: HashMap<(CoordinatorKind, Arc<str>), BrokerId>,
}

impl ClientMetadata {
    /// The address of a target's broker; None for [`Target::Any`].
    ///
    /// # Errors What must be looked up first.
    pub(super) fn address(&self, target: &Target) -> Result<Option<&ServerAddress>, Missing> {
        let broker = match target {
            Target::Any => return Ok(None),
            Target::Broker(id) => *id,
            Target::Controller => self.controller.ok_or(Missing::Brokers)?,
            Target::Leader(partition) => {
                self.leader(partition).ok_or_else(|| Missing::Topic(partition.topic.clone()))?.broker
            }
            Target::Coordinator(kind, key) => *self
                .coordinators
                .get(&(*kind, key.clone()))
                .ok_or_else(|| Missing::Coordinator(*kind, key.clone()))?,
        };
        self.brokers.get(&broker).map(Some).ok_or(Missing::Brokers)
    }

    /// The leader of a partition.
    pub(super) fn leader(&self, partition: &TopicPartition) -> Option<PartitionLeader> {
        self.leaders.get(partition).copied()
    }

    /// The brokers' addresses, in the order of their ids.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &ServerAddress> {
        self.brokers.values()
    }

    /// The id of the broker at an address.
    pub(super) fn broker_at(&self, address: &ServerAddress) -> Option<BrokerId> {
        self.brokers.iter().find(|(_, known)| *known == address).map(|(id, _)| *id)
    }

    /// The leader of each partition of a topic, None where there is none; None where the topic is not known.
    pub(super) fn leaders_of(&self, topic: &str) -> Option<Vec<Option<PartitionLeader>>> {
        let (topic, count) = self.partition_counts.get_key_value(topic)?;
        let id = |partition| TopicPartition { topic: topic.clone(), partition };
        Some((0..*count).map(|partition| self.leader(&id(partition))).collect())
    }

    /// Applies an answer; topics that it does not name stay as they were.
    pub(super) fn apply(&mut self, answer: &MetadataResponse) {
        self.controller = Some(answer.controller_id).filter(|id| *id >= 0);
        let brokers = answer.brokers.iter().filter_map(|broker| {
            let address = ServerAddress { host: broker.host.clone(), port: u16::try_from(broker.port).ok()? };
            Some((broker.node_id, address))
        });
        self.brokers = brokers.collect();
        for topic in &answer.topics {
            let name: Arc<str> = topic.name.as_str().into();
            if topic.error_code == ErrorCode::None.code() && !topic.partitions.is_empty() {
                let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
                self.partition_counts.insert(name.clone(), count);
            }
            for partition in &topic.partitions {
                let id = TopicPartition { topic: name.clone(), partition: partition.partition_index };
                if partition.leader_id < 0 {
                    self.leaders.remove(&id);
                } else {
                    let (broker, epoch) = (partition.leader_id, partition.leader_epoch);
                    self.leaders.insert(id, PartitionLeader { broker, epoch });
                }
            }
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
        self.brokers.insert(broker, address);
        self.coordinators.insert((kind, key), broker);
    }

    /// Forgets the broker behind a target, so that it is looked up again. With a broker, everything that it
    /// led and coordinated is forgotten.
    pub(super) fn forget(&mut self, target: &Target) {
        match target {
            Target::Any => {}
            Target::Controller => self.controller = None,
            Target::Leader(partition) => {
                self.leaders.remove(partition);
            }
            Target::Broker(id) => {
                self.leaders.retain(|_, leader| leader.broker != *id);
                self.coordinators.retain(|_, coordinator| coordinator != id);
            }
            Target::Coordinator(kind, key) => {
                self.coordinators.remove(&(*kind, key.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::metadata::{
        MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
    };

    fn address(port: u16) -> ServerAddress {
        ServerAddress { host: "h".to_owned(), port }
    }

    fn answer(leader: BrokerId) -> MetadataResponse {
        let broker = |node_id| MetadataResponseBroker {
            node_id,
            host: "h".to_owned(),
            port: 9000 + node_id,
            ..Default::default()
        };
        let partition = |partition_index, leader_id| MetadataResponsePartition {
            partition_index,
            leader_id,
            leader_epoch: 5,
            ..Default::default()
        };
        MetadataResponse {
            brokers: vec![broker(1), broker(2)],
            controller_id: 2,
            topics: vec![MetadataResponseTopic {
                name: "t".to_owned(),
                partitions: vec![partition(0, leader), partition(1, -1)],
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_target_is_a_broker_or_what_is_missing() {
        let mut known = ClientMetadata::default();
        let leader = Target::Leader(TopicPartition::new("t", 0));
        let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
        assert_eq!(known.address(&Target::Any), Ok(None));
        assert_eq!(known.address(&Target::Controller), Err(Missing::Brokers));
        assert_eq!(known.address(&leader), Err(Missing::Topic("t".into())));
        assert_eq!(known.address(&group), Err(Missing::Coordinator(CoordinatorKind::Group, "g".into())));
        known.apply(&answer(1));
        known.apply_coordinator(CoordinatorKind::Group, "g".into(), 3, address(9003));
        assert_eq!(known.address(&Target::Controller), Ok(Some(&address(9002))));
        assert_eq!(known.address(&leader), Ok(Some(&address(9001))));
        assert_eq!(known.address(&group), Ok(Some(&address(9003))));
        assert_eq!(known.address(&Target::Broker(7)), Err(Missing::Brokers));
        let found = Some(PartitionLeader { broker: 1, epoch: 5 });
        assert_eq!(known.leaders_of("t"), Some(vec![found, None]));
        assert_eq!(known.leaders_of("u"), None);
    }

    #[test]
    fn what_was_forgotten_is_missing_until_it_is_known_again() {
        let mut known = ClientMetadata::default();
        let leader = Target::Leader(TopicPartition::new("t", 0));
        known.apply(&answer(1));
        known.forget(&Target::Broker(2));
        assert!(known.address(&leader).is_ok(), "another broker's leaderships stay");
        known.forget(&Target::Broker(1));
        assert_eq!(known.address(&leader), Err(Missing::Topic("t".into())));
        known.apply(&answer(2));
        assert_eq!(known.address(&leader), Ok(Some(&address(9002))));
        known.forget(&Target::Controller);
        assert_eq!(known.address(&Target::Controller), Err(Missing::Brokers));
        known.apply(&answer(-1));
        assert_eq!(known.address(&leader), Err(Missing::Topic("t".into())), "the leader is gone");
    }
}
