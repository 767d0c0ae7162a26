//! What the controller knows of the cluster: brokers, topics, leaders, and the deletions and reassignments under way.
//!
//! Pure. It is read from ZooKeeper at election and changed only by the steps of `decide`. Kafka's `ControllerContext`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Assignment, Broker, BrokerId, LeaderAndIsr, TopicPartition};

use super::transitions::{PartitionState, ReplicaState};

/// One replica: a partition on a broker (Kafka's `PartitionAndReplica`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "PartitionAndReplica")]
pub struct Replica {
    /// The partition.
    pub partition: TopicPartition,
    /// The broker that holds, or is to hold, this replica.
    pub broker: BrokerId,
}

/// A partition's leadership and the controller that wrote it (Kafka's `LeaderIsrAndControllerEpoch`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "LeaderIsrAndControllerEpoch")]
pub struct Leadership {
    /// Leader, epoch and in-sync replicas.
    pub leader_and_isr: LeaderAndIsr,
    /// The epoch of the controller that wrote them, from 1.
    pub controller_epoch: i32,
}

/// All that is known of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownPartition {
    /// Its replicas.
    pub assignment: Assignment,
    /// Its leadership; None until a state znode was read or written.
    pub leadership: Option<Leadership>,
    /// Its state.
    pub state: PartitionState,
    /// The state of each replica; one that is not listed does not exist.
    pub replicas: BTreeMap<BrokerId, ReplicaState>,
}

/// All that is known of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownTopic {
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, KnownPartition>,
    /// The version of its znode when the assignment was last read or written; -1 before that.
    pub znode_version: i32,
}

/// Topics to be deleted (Kafka keeps these in `ControllerContext` for `TopicDeletionManager`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletions {
    /// Topics that are to be deleted.
    pub queued: BTreeSet<Arc<str>>,
    /// Those of `queued` whose deletion has begun: their partitions count as gone.
    pub started: BTreeSet<Arc<str>>,
    /// Those of `queued` that must wait: a replica is unreachable, or a reassignment is in progress.
    pub ineligible: BTreeSet<Arc<str>>,
}

/// The controller's view of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "ControllerContext")]
pub struct ClusterState {
    /// The epoch of this controller, from 1.
    pub controller_epoch: i32,
    /// The version of `/controller_epoch` that guards every write of this controller.
    pub epoch_version: i32,
    /// Partitions with a reassignment under way.
    pub reassigning: BTreeSet<TopicPartition>,
    /// Topic deletions.
    pub deletions: Deletions,
    /// Brokers that asked for a controlled shutdown and are still alive.
    pub shutting_down: BTreeSet<BrokerId>,
    /// Replicas in log directories that failed, by broker.
    pub offline_dirs: BTreeMap<BrokerId, BTreeSet<TopicPartition>>,
    brokers: BTreeMap<BrokerId, Broker>,
    topics: BTreeMap<Arc<str>, KnownTopic>,
}

impl ClusterState {
    /// The empty state of a controller just elected with this epoch and this version of `/controller_epoch`.
    pub fn elected(controller_epoch: i32, epoch_version: i32) -> Self {
        Self { controller_epoch, epoch_version, ..Self::default() }
    }

    // ── brokers ──

    /// Every registered broker, those that are shutting down included, by id.
    pub fn brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values()
    }

    /// The ids of [`Self::brokers`].
    pub fn broker_ids(&self) -> Vec<BrokerId> {
        self.brokers.keys().copied().collect()
    }

    /// The ids of the registered brokers that are not shutting down.
    pub fn live_broker_ids(&self) -> BTreeSet<BrokerId> {
        self.brokers.keys().copied().filter(|id| !self.shutting_down.contains(id)).collect()
    }

    /// A registered broker.
    pub fn broker(&self, id: BrokerId) -> Option<&Broker> {
        self.brokers.get(&id)
    }

    /// Adds a broker, or replaces its registration.
    pub fn put_broker(&mut self, broker: Broker) {
        self.brokers.insert(broker.id, broker);
    }

    /// Removes a broker.
    pub fn remove_broker(&mut self, id: BrokerId) {
        self.brokers.remove(&id);
    }

    /// Whether the replica of `partition` on `broker` is online: the broker is alive, is not shutting down,
    /// and its log directory has not failed.
    pub fn is_online(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        !self.shutting_down.contains(&broker) && self.is_reachable(broker, partition)
    }

    /// As [`Self::is_online`], but a broker that is shutting down still counts.
    pub fn is_reachable(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.brokers.contains_key(&broker)
            && !self.offline_dirs.get(&broker).is_some_and(|failed| failed.contains(partition))
    }

    // ── topics and partitions ──

    /// Every topic by name.
    pub fn topics(&self) -> impl Iterator<Item = (&Arc<str>, &KnownTopic)> {
        self.topics.iter()
    }

    /// The names of all topics.
    pub fn topic_names(&self) -> BTreeSet<Arc<str>> {
        self.topics.keys().cloned().collect()
    }

    /// One topic.
    pub fn topic(&self, name: &str) -> Option<&KnownTopic> {
        self.topics.get(name)
    }

    /// One topic, to be changed; created empty if it is not known.
    pub fn topic_mut(&mut self, name: &Arc<str>) -> &mut KnownTopic {
        self.topics
            .entry(name.clone())
            .or_insert_with(|| KnownTopic { znode_version: -1, ..KnownTopic::default() })
    }

    /// Removes a topic and everything about its partitions.
    pub fn remove_topic(&mut self, name: &str) {
        self.topics.remove(name);
        self.deletions.queued.remove(name);
        self.deletions.started.remove(name);
        self.deletions.ineligible.remove(name);
        self.reassigning.retain(|partition| &*partition.topic != name);
        for failed in self.offline_dirs.values_mut() {
            failed.retain(|partition| &*partition.topic != name);
        }
    }

    /// Every partition with what is known of it, ordered by topic and number.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &KnownPartition)> {
        self.topics.iter().flat_map(|(topic, known)| {
            known
                .partitions
                .iter()
                .map(move |(&number, partition)| (TopicPartition::new(topic.clone(), number), partition))
        })
    }

    /// The partitions of one topic.
    pub fn partitions_of(&self, topic: &str) -> Vec<TopicPartition> {
        self.topics
            .get_key_value(topic)
            .map(|(name, known)| {
                known.partitions.keys().map(|&number| TopicPartition::new(name.clone(), number)).collect()
            })
            .unwrap_or_default()
    }

    /// What is known of one partition.
    pub fn partition(&self, partition: &TopicPartition) -> Option<&KnownPartition> {
        self.topics.get(&partition.topic)?.partitions.get(&partition.partition)
    }

    /// What is known of one partition, to be changed.
    fn partition_mut(&mut self, partition: &TopicPartition) -> Option<&mut KnownPartition> {
        self.topics.get_mut(&partition.topic)?.partitions.get_mut(&partition.partition)
    }

    /// The replicas of a partition in order of preference; none where the partition is not known.
    pub fn replicas(&self, partition: &TopicPartition) -> &[BrokerId] {
        self.partition(partition).map_or(&[], |known| &known.assignment.replicas)
    }

    /// The whole assignment of a partition; the empty one where it is not known.
    pub fn assignment(&self, partition: &TopicPartition) -> Assignment {
        self.partition(partition).map(|known| known.assignment.clone()).unwrap_or_default()
    }

    /// Sets a partition's assignment.
    pub fn set_assignment(&mut self, partition: &TopicPartition, assignment: Assignment) {
        self.topic_mut(&partition.topic).partitions.entry(partition.partition).or_default().assignment =
            assignment;
    }

    /// A partition's leadership, as last read or written.
    pub fn leadership(&self, partition: &TopicPartition) -> Option<&Leadership> {
        self.partition(partition)?.leadership.as_ref()
    }

    /// Sets a partition's leadership; a partition that is not known stays unknown.
    pub fn set_leadership(&mut self, partition: &TopicPartition, leadership: Leadership) {
        if let Some(known) = self.partition_mut(partition) {
            known.leadership = Some(leadership);
        }
    }

    /// The leader of a partition, [`LeaderAndIsr::NO_LEADER`] where there is none.
    pub fn leader(&self, partition: &TopicPartition) -> BrokerId {
        self.leadership(partition).map_or(LeaderAndIsr::NO_LEADER, |known| known.leader_and_isr.leader)
    }

    /// A partition's state.
    pub fn partition_state(&self, partition: &TopicPartition) -> PartitionState {
        self.partition(partition).map_or(PartitionState::NonExistent, |known| known.state)
    }

    /// Sets a partition's state; the caller checks whether the move is legal.
    pub fn set_partition_state(&mut self, partition: &TopicPartition, state: PartitionState) {
        if let Some(known) = self.partition_mut(partition) {
            known.state = state;
        }
    }

    /// A replica's state.
    pub fn replica_state(&self, replica: &Replica) -> ReplicaState {
        self.partition(&replica.partition)
            .and_then(|known| known.replicas.get(&replica.broker))
            .copied()
            .unwrap_or_default()
    }

    /// Sets a replica's state; the caller checks whether the move is legal.
    pub fn set_replica_state(&mut self, replica: &Replica, state: ReplicaState) {
        if let Some(known) = self.partition_mut(&replica.partition) {
            if state == ReplicaState::NonExistent {
                known.replicas.remove(&replica.broker);
            } else {
                known.replicas.insert(replica.broker, state);
            }
        }
    }

    // ── questions over many ──

    /// The replicas that `partitions` are assigned.
    pub fn replicas_of(&self, partitions: &[TopicPartition]) -> Vec<Replica> {
        partitions
            .iter()
            .flat_map(|partition| {
                self.replicas(partition)
                    .iter()
                    .map(|&broker| Replica { partition: partition.clone(), broker })
            })
            .collect()
    }

    /// The replicas of a topic.
    pub fn replicas_of_topic(&self, topic: &str) -> Vec<Replica> {
        self.replicas_of(&self.partitions_of(topic))
    }

    /// The replicas of a topic that are in `state`.
    pub fn replicas_in(&self, topic: &str, state: ReplicaState) -> Vec<Replica> {
        self.replicas_of_topic(topic)
            .into_iter()
            .filter(|replica| self.replica_state(replica) == state)
            .collect()
    }

    /// The replicas assigned to any of these brokers.
    pub fn replicas_on(&self, brokers: &[BrokerId]) -> Vec<Replica> {
        self.partitions()
            .flat_map(|(partition, known)| {
                let assigned = known.assignment.replicas.iter().filter(|id| brokers.contains(id));
                assigned
                    .map(move |&broker| Replica { partition: partition.clone(), broker })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The partitions that have a leader on record and are not being deleted.
    pub fn partitions_with_leaders(&self) -> Vec<TopicPartition> {
        self.partitions()
            .filter(|(partition, known)| {
                known.leadership.is_some() && !self.is_queued_for_deletion(&partition.topic)
            })
            .map(|(partition, _)| partition)
            .collect()
    }

    /// The partitions whose leader on record is offline, and that are not being deleted.
    pub fn partitions_with_offline_leader(&self) -> Vec<TopicPartition> {
        let mut found = self.partitions_with_leaders();
        found.retain(|partition| !self.is_online(self.leader(partition), partition));
        found
    }

    /// The partitions with more than one replica that `broker` leads, and that are not being deleted.
    pub fn partitions_led_by(&self, broker: BrokerId) -> Vec<TopicPartition> {
        let mut found = self.partitions_with_leaders();
        found.retain(|partition| self.leader(partition) == broker && self.replicas(partition).len() > 1);
        found
    }

    /// Whether a topic is to be deleted.
    pub fn is_queued_for_deletion(&self, topic: &str) -> bool {
        self.deletions.queued.contains(topic)
    }
}
