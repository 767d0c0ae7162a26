//! The requests that brokers are to get, gathered per broker until they are sealed.
//!
//! Pure. It holds rows and decides which broker gets which request; `channel` sends. One request of a kind for one
//! broker carries all its partitions. Kafka's `ControllerBrokerRequestBatch`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Assignment, Broker, BrokerId, LeaderAndIsr, LeaderEpoch, TopicPartition};

use super::state::{ClusterState, Leadership};

/// A partition in LeaderAndIsr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderAndIsrRow {
    /// The partition.
    pub partition: TopicPartition,
    /// Its leadership.
    pub leadership: Leadership,
    /// Its replicas.
    pub assignment: Assignment,
    /// Whether the replica may be made in any log directory, because it never existed on that broker.
    pub is_new: bool,
}

/// A partition in UpdateMetadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRow {
    /// The partition.
    pub partition: TopicPartition,
    /// Its leadership; the leader is [`LeaderAndIsr::LEADER_DURING_DELETE`] while its topic is being deleted.
    pub leadership: Leadership,
    /// Its replicas in order of preference.
    pub replicas: Vec<BrokerId>,
    /// Those of `replicas` that are offline.
    pub offline: Vec<BrokerId>,
}

/// A partition in StopReplica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReplicaRow {
    /// The partition.
    pub partition: TopicPartition,
    /// Its leader epoch; [`LeaderAndIsr::EPOCH_DURING_DELETE`] while its topic is being deleted.
    pub leader_epoch: LeaderEpoch,
    /// Whether the log is to be deleted, too.
    pub delete: bool,
}

/// The content of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlBody {
    /// Become leader or follower of these partitions.
    LeaderAndIsr {
        /// The partitions, at most one row each.
        rows: Vec<LeaderAndIsrRow>,
        /// The leaders among the registered brokers.
        live_leaders: Vec<Broker>,
    },
    /// The cluster's metadata changed. Every broker gets the same.
    UpdateMetadata {
        /// The partitions that changed, at most one row each.
        rows: Arc<Vec<MetadataRow>>,
        /// All registered brokers.
        brokers: Arc<Vec<Broker>>,
    },
    /// Stop these replicas, and delete the logs of those marked so.
    StopReplica {
        /// The partitions, at most one row each.
        rows: Vec<StopReplicaRow>,
    },
}

/// A request for one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlRequest {
    /// The broker.
    pub to: BrokerId,
    /// The epoch of the registration it is meant for: a broker that came back since refuses it.
    pub broker_epoch: i64,
    /// The controller's epoch.
    pub controller_epoch: i32,
    /// The content.
    pub body: ControlBody,
}

/// Gathers rows until [`Outbox::seal`].
#[derive(Debug, Default)]
#[doc(alias = "ControllerBrokerRequestBatch")]
pub struct Outbox {
    leader_and_isr: BTreeMap<BrokerId, BTreeMap<TopicPartition, LeaderAndIsrRow>>,
    stop: BTreeMap<BrokerId, BTreeMap<TopicPartition, StopReplicaRow>>,
    metadata_to: BTreeSet<BrokerId>,
    metadata: BTreeMap<TopicPartition, MetadataRow>,
}

impl Outbox {
    /// Adds LeaderAndIsr of `partition` for `brokers`, and UpdateMetadata of it for every registered broker.
    /// A later row for the same broker and partition replaces the earlier one; `is_new` stays true once it
    /// was.
    pub fn leader_and_isr(
        &mut self,
        state: &ClusterState,
        brokers: &[BrokerId],
        partition: &TopicPartition,
        is_new: bool,
    ) {
        let Some(leadership) = state.leadership(partition) else { return };
        for &broker in brokers.iter().filter(|&&id| id >= 0) {
            let rows = self.leader_and_isr.entry(broker).or_default();
            let already_new = rows.get(partition).is_some_and(|row| row.is_new);
            let row = LeaderAndIsrRow {
                partition: partition.clone(),
                leadership: leadership.clone(),
                assignment: state.assignment(partition),
                is_new: is_new || already_new,
            };
            rows.insert(partition.clone(), row);
        }
        self.metadata_for_all(state, std::slice::from_ref(partition));
    }

    /// Adds StopReplica of `partition` for `broker`; `delete` stays true once it was.
    pub fn stop_replica(
        &mut self,
        state: &ClusterState,
        broker: BrokerId,
        partition: &TopicPartition,
        delete: bool,
    ) {
        if broker < 0 {
            return;
        }
        let leader_epoch = if state.is_queued_for_deletion(&partition.topic) {
            LeaderAndIsr::EPOCH_DURING_DELETE
        } else {
            state
                .leadership(partition)
                .map_or(LeaderAndIsr::NO_EPOCH, |known| known.leader_and_isr.leader_epoch)
        };
        let rows = self.stop.entry(broker).or_default();
        let delete = delete || rows.get(partition).is_some_and(|row| row.delete);
        rows.insert(partition.clone(), StopReplicaRow { partition: partition.clone(), leader_epoch, delete });
    }

    /// Adds UpdateMetadata of `partitions` for every registered broker.
    pub fn metadata_for_all(&mut self, state: &ClusterState, partitions: &[TopicPartition]) {
        self.metadata(state, &state.broker_ids(), partitions);
    }

    /// Adds UpdateMetadata for `brokers`: the live brokers, and `partitions` without those that never had a
    /// leader.
    pub fn metadata(&mut self, state: &ClusterState, brokers: &[BrokerId], partitions: &[TopicPartition]) {
        self.metadata_to.extend(brokers.iter().copied().filter(|&id| id >= 0));
        for partition in partitions {
            if let Some(row) = metadata_row(state, partition) {
                self.metadata.insert(partition.clone(), row);
            }
        }
    }

    /// Makes requests of all rows, in the order they are to be sent, and begins anew. Brokers that are not
    /// registered get none.
    pub fn seal(&mut self, state: &ClusterState) -> Vec<ControlRequest> {
        let Self { leader_and_isr, stop, metadata_to, metadata } = std::mem::take(self);
        let mut requests = Vec::new();
        let mut request = |to: BrokerId, body: ControlBody| {
            if let Some(broker) = state.broker(to) {
                requests.push(ControlRequest {
                    to,
                    broker_epoch: broker.epoch,
                    controller_epoch: state.controller_epoch,
                    body,
                });
            }
        };
        for (broker, rows) in leader_and_isr {
            let leaders: BTreeSet<_> =
                rows.values().map(|row| row.leadership.leader_and_isr.leader).collect();
            let live_leaders =
                state.brokers().filter(|broker| leaders.contains(&broker.id)).cloned().collect();
            request(broker, ControlBody::LeaderAndIsr { rows: rows.into_values().collect(), live_leaders });
        }
        let rows = Arc::new(metadata.into_values().collect::<Vec<_>>());
        let brokers = Arc::new(state.brokers().cloned().collect::<Vec<_>>());
        for broker in metadata_to {
            request(broker, ControlBody::UpdateMetadata { rows: rows.clone(), brokers: brokers.clone() });
        }
        for (broker, rows) in stop {
            request(broker, ControlBody::StopReplica { rows: rows.into_values().collect() });
        }
        requests
    }
}

fn metadata_row(state: &ClusterState, partition: &TopicPartition) -> Option<MetadataRow> {
    let known = state.leadership(partition)?;
    let leadership = if state.is_queued_for_deletion(&partition.topic) {
        // Epoch and version begin at 0 again here, as 2.7 sends them.
        let gone =
            LeaderAndIsr::initial(LeaderAndIsr::LEADER_DURING_DELETE, known.leader_and_isr.isr.clone());
        Leadership { leader_and_isr: gone, controller_epoch: known.controller_epoch }
    } else {
        known.clone()
    };
    let replicas = state.replicas(partition).to_vec();
    let offline = replicas.iter().copied().filter(|&id| !state.is_online(id, partition)).collect();
    Some(MetadataRow { partition: partition.clone(), leadership, replicas, offline })
}
