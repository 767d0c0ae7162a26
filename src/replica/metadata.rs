//! This broker's picture of the cluster, as the controller tells it (Kafka's `MetadataCache`): swapped whole, never
//! changed in place.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::ReplicaManager;
use crate::base::{Broker, BrokerId, Endpoint, LeaderAndIsr, LeaderEpoch, SecurityProtocol, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::update_metadata::{
    UpdateMetadataBroker, UpdateMetadataPartitionState, UpdateMetadataRequest,
};

/// A partition as clients are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The leader; -1 where there is none.
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// All replicas.
    pub replicas: Vec<BrokerId>,
    /// Those that cannot work.
    pub offline_replicas: Vec<BrokerId>,
    /// The version of the state's znode.
    pub zk_version: i32,
    /// The epoch of the controller that decided it.
    pub controller_epoch: i32,
}

/// A topic's partitions by number.
pub type TopicMetadata = BTreeMap<i32, PartitionMetadata>;

/// The cluster at one moment.
#[derive(Clone, Debug, Default)]
pub struct MetadataSnapshot {
    /// The controller.
    pub controller: Option<BrokerId>,
    topics: BTreeMap<Arc<str>, Arc<TopicMetadata>>,
    brokers: BTreeMap<BrokerId, Broker>,
}

impl MetadataSnapshot {
    /// A topic's partitions; None where there is no such topic.
    pub fn topic(&self, name: &str) -> Option<&TopicMetadata> {
        self.topics.get(name).map(|topic| &**topic)
    }

    /// All topics by name.
    pub fn topics(&self) -> impl Iterator<Item = (&str, &TopicMetadata)> {
        self.topics.iter().map(|(name, topic)| (&**name, &**topic))
    }

    /// A partition.
    pub fn partition(&self, id: &TopicPartition) -> Option<&PartitionMetadata> {
        self.topic(&id.topic)?.get(&id.partition)
    }

    /// A live broker.
    pub fn live_broker(&self, id: BrokerId) -> Option<&Broker> {
        self.brokers.get(&id)
    }

    /// All live brokers by id.
    pub fn live_brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values()
    }

    /// The picture after the controller's request, with the partitions that are gone.
    fn updated(&self, request: &UpdateMetadataRequest) -> (Self, Vec<TopicPartition>) {
        let mut next = Self {
            controller: Some(request.controller_id).filter(|id| *id >= 0),
            topics: self.topics.clone(),
            brokers: request.live_brokers.iter().map(|told| (told.id, broker(told))).collect(),
        };
        let mut gone = Vec::new();
        for (name, told) in states(request) {
            if told.leader == LeaderAndIsr::LEADER_DURING_DELETE {
                next.remove(name, told.partition_index);
                gone.push(TopicPartition::new(name, told.partition_index));
            } else {
                let topic = next.topics.entry(name.into()).or_default();
                Arc::make_mut(topic).insert(told.partition_index, partition(told));
            }
        }
        (next, gone)
    }

    fn remove(&mut self, name: &str, partition: i32) {
        if let Some(topic) = self.topics.get_mut(name) {
            Arc::make_mut(topic).remove(&partition);
            if topic.is_empty() {
                self.topics.remove(name);
            }
        }
    }
}

/// The partition states of a request of any version, each with its topic.
fn states(request: &UpdateMetadataRequest) -> impl Iterator<Item = (&str, &UpdateMetadataPartitionState)> {
    let grouped = request.topic_states.iter();
    let grouped =
        grouped.flat_map(|topic| topic.partition_states.iter().map(|told| (topic.topic_name.as_str(), told)));
    let ungrouped = request.ungrouped_partition_states.iter().map(|told| (told.topic_name.as_str(), told));
    ungrouped.chain(grouped)
}

fn partition(told: &UpdateMetadataPartitionState) -> PartitionMetadata {
    PartitionMetadata {
        leader: told.leader,
        leader_epoch: told.leader_epoch,
        isr: told.isr.clone(),
        replicas: told.replicas.clone(),
        offline_replicas: told.offline_replicas.clone(),
        zk_version: told.zk_version,
        controller_epoch: told.controller_epoch,
    }
}

fn broker(told: &UpdateMetadataBroker) -> Broker {
    let plaintext = |host: &str, port: i32| Endpoint {
        listener: SecurityProtocol::Plaintext.name().to_owned(),
        protocol: SecurityProtocol::Plaintext,
        host: host.to_owned(),
        port,
    };
    let endpoints = if told.endpoints.is_empty() {
        vec![plaintext(&told.v0_host, told.v0_port)]
    } else {
        let endpoints = told.endpoints.iter().map(|endpoint| {
            let protocol =
                SecurityProtocol::from_id(endpoint.security_protocol).unwrap_or(SecurityProtocol::Plaintext);
            // Before version 3, a listener is named by its protocol.
            let named = !endpoint.listener.is_empty();
            let listener = if named { endpoint.listener.clone() } else { protocol.name().to_owned() };
            Endpoint { listener, protocol, host: endpoint.host.clone(), port: endpoint.port }
        });
        endpoints.collect()
    };
    Broker { id: told.id, endpoints, rack: told.rack.clone(), epoch: -1, features: BTreeMap::new() }
}

impl ReplicaManager {
    /// The cluster as it is known now.
    pub fn metadata(&self) -> Arc<MetadataSnapshot> {
        self.metadata.load_full()
    }

    /// Counts the changes of that picture, so that they can be awaited.
    pub fn metadata_changes(&self) -> watch::Receiver<u64> {
        self.metadata_changes.subscribe()
    }

    /// Takes in what the controller says of the cluster.
    pub fn update_metadata(&self, request: &UpdateMetadataRequest, own_broker_epoch: i64) -> ErrorCode {
        let mut held = self.controller_epoch.lock();
        if let Err(refusal) = held.admit(request.controller_epoch, request.broker_epoch, own_broker_epoch) {
            return refusal;
        }
        let (next, _gone) = self.metadata.load().updated(request);
        self.metadata.store(Arc::new(next));
        drop(held);
        self.metadata_changes.send_modify(|count| *count += 1);
        ErrorCode::None
    }
}

#[cfg(test)]
mod tests;
