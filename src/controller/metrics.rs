//! What is measured of the controller: what it handles and for how long, what waits, what it knows of the cluster.
//!
//! Kafka: `ControllerStats`, the gauges of `KafkaController`, `ControllerEventManager` and
//! `ControllerChannelManager`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::controller_state::ControllerState;
use super::state::ClusterState;
use super::transitions::{PartitionState, ReplicaState};
use crate::base::BrokerId;
use crate::metrics::{Histogram, Meter, Metric, Timer};

/// The names of `ControllerStats`, and the state that each times; two of Kafka's never happen here.
const STATS: [(&str, ControllerState); 15] = [
    ("ControllerChangeRateAndTimeMs", ControllerState::ControllerChange),
    ("LeaderElectionRateAndTimeMs", ControllerState::BrokerChange),
    ("TopicChangeRateAndTimeMs", ControllerState::TopicChange),
    ("TopicDeletionRateAndTimeMs", ControllerState::TopicDeletion),
    ("PartitionReassignmentRateAndTimeMs", ControllerState::AlterPartitionReassignment),
    ("AutoLeaderBalanceRateAndTimeMs", ControllerState::AutoLeaderBalance),
    ("ManualLeaderBalanceRateAndTimeMs", ControllerState::ManualLeaderBalance),
    ("ControlledShutdownRateAndTimeMs", ControllerState::ControlledShutdown),
    ("IsrChangeRateAndTimeMs", ControllerState::IsrChange),
    ("LeaderAndIsrResponseReceivedRateAndTimeMs", ControllerState::LeaderAndIsrResponseReceived),
    ("LogDirChangeRateAndTimeMs", ControllerState::LogDirChange),
    ("UncleanLeaderElectionEnableRateAndTimeMs", ControllerState::UncleanLeaderElectionEnable),
    ("TopicUncleanLeaderElectionEnableRateAndTimeMs", ControllerState::TopicUncleanLeaderElectionEnable),
    ("ListPartitionReassignmentRateAndTimeMs", ControllerState::ListPartitionReassignment),
    ("UpdateFeaturesRateAndTimeMs", ControllerState::UpdateFeatures),
];

/// What the active controller knows of the cluster; all zero where it is another broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClusterCounts {
    pub topics: usize,
    pub partitions: usize,
    /// Partitions without a leader.
    pub offline: usize,
    /// Partitions whose leader is not their first replica.
    pub imbalanced: usize,
    pub topics_to_delete: usize,
    pub topics_ineligible: usize,
    pub replicas_to_delete: usize,
    pub replicas_ineligible: usize,
}

impl ClusterCounts {
    /// Those of this state, over all of its partitions.
    pub fn of(state: &ClusterState) -> Self {
        let mut counts = Self {
            topics: state.topics().count(),
            topics_to_delete: state.deletions.queued.len(),
            topics_ineligible: state.deletions.ineligible.len(),
            ..Self::default()
        };
        for (name, topic) in state.topics() {
            let is_deleted = state.is_queued_for_deletion(name);
            counts.partitions += topic.partitions.len();
            for partition in topic.partitions.values() {
                if is_deleted {
                    let ineligible = |state: &&ReplicaState| **state == ReplicaState::DeletionIneligible;
                    counts.replicas_to_delete += partition.assignment.replicas.len();
                    counts.replicas_ineligible += partition.replicas.values().filter(ineligible).count();
                    continue;
                }
                counts.offline += usize::from(partition.state != PartitionState::Online);
                let leader = partition.leadership.as_ref().map(|known| known.leader_and_isr.leader);
                let is_preferred =
                    leader.is_none() || leader == partition.assignment.replicas.first().copied();
                counts.imbalanced += usize::from(!is_preferred);
            }
        }
        counts
    }
}

/// What is measured of the channel to a broker.
#[derive(Debug, Default)]
pub(super) struct ChannelMetrics {
    /// Requests that are not answered yet.
    pub queued: AtomicUsize,
    /// Requests, and how long they waited to be sent.
    pub waits: Timer,
}

/// What is measured of a broker as the controller.
#[derive(Debug)]
#[doc(alias = "ControllerStats")]
pub struct ControllerMetrics {
    /// In the order of [`STATS`].
    timers: [Timer; STATS.len()],
    unclean_elections: Meter,
    /// The number of the [`ControllerState`].
    state: AtomicUsize,
    queued: AtomicUsize,
    queue_times: Histogram,
    counts: Mutex<ClusterCounts>,
    channels: Mutex<BTreeMap<BrokerId, Arc<ChannelMetrics>>>,
}

impl Default for ControllerMetrics {
    fn default() -> Self {
        Self {
            timers: std::array::from_fn(|_| Timer::default()),
            unclean_elections: Meter::default(),
            state: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            queue_times: Histogram::of_micros(),
            counts: Mutex::default(),
            channels: Mutex::default(),
        }
    }
}

impl ControllerMetrics {
    /// An event that waited so long is handled now; so many others wait.
    pub(super) fn begin(&self, state: ControllerState, waited: Duration, waiting: usize) {
        self.state.store(state as usize, Ordering::Relaxed);
        self.queued.store(waiting, Ordering::Relaxed);
        self.queue_times.record_time(waited);
    }

    /// The event of this state is handled, which took so long.
    pub(super) fn end(&self, state: ControllerState, took: Duration) {
        self.state.store(ControllerState::Idle as usize, Ordering::Relaxed);
        let at = STATS.iter().position(|(_, of)| *of == state);
        if let Some(timer) = at.and_then(|at| self.timers.get(at)) {
            timer.record(took);
        }
    }

    /// Replicas that were out of sync were elected.
    pub(super) fn count_unclean(&self, elections: usize) {
        if elections > 0 {
            self.unclean_elections.mark(elections as u64);
        }
    }

    /// What the controller knows now.
    pub(super) fn set_counts(&self, counts: ClusterCounts) {
        *self.counts.lock() = counts;
    }

    /// A channel to a broker is opened.
    pub(super) fn open_channel(&self, broker: BrokerId) -> Arc<ChannelMetrics> {
        let metrics: Arc<ChannelMetrics> = Arc::default();
        self.channels.lock().insert(broker, metrics.clone());
        metrics
    }

    /// The channel to a broker is closed.
    pub(super) fn close_channel(&self, broker: BrokerId) {
        self.channels.lock().remove(&broker);
    }

    /// This broker is not the controller any more.
    pub(super) fn resign(&self) {
        self.channels.lock().clear();
        self.set_counts(ClusterCounts::default());
        self.queued.store(0, Ordering::Relaxed);
        self.state.store(ControllerState::Idle as usize, Ordering::Relaxed);
    }

    /// All of them; `is_active`: whether this broker is the controller.
    pub fn metrics(&self, is_active: bool) -> Vec<Metric> {
        let counts = *self.counts.lock();
        let load = |value: &AtomicUsize| value.load(Ordering::Relaxed);
        let gauges = [
            ("ActiveControllerCount", usize::from(is_active)),
            ("ControllerState", load(&self.state)),
            ("GlobalTopicCount", counts.topics),
            ("GlobalPartitionCount", counts.partitions),
            ("OfflinePartitionsCount", counts.offline),
            ("PreferredReplicaImbalanceCount", counts.imbalanced),
            ("TopicsToDeleteCount", counts.topics_to_delete),
            ("TopicsIneligibleToDeleteCount", counts.topics_ineligible),
            ("ReplicasToDeleteCount", counts.replicas_to_delete),
            ("ReplicasIneligibleToDeleteCount", counts.replicas_ineligible),
        ];
        let mut metrics: Vec<_> =
            gauges.map(|(name, value)| Metric::gauge("KafkaController", name, value)).into();
        let timers = STATS.iter().zip(&self.timers);
        metrics.extend(timers.map(|((name, _), timer)| Metric::timer("ControllerStats", name, timer)));
        let mut total = 0;
        for (broker, channel) in self.channels.lock().iter() {
            let queued = load(&channel.queued);
            total += queued;
            metrics.extend(
                [
                    Metric::gauge("ControllerChannelManager", "QueueSize", queued),
                    Metric::timer("ControllerChannelManager", "RequestRateAndQueueTimeMs", &channel.waits),
                ]
                .map(|metric| metric.tagged("broker-id", broker)),
            );
        }
        metrics.extend([
            Metric::meter("ControllerStats", "UncleanLeaderElectionsPerSec", &self.unclean_elections),
            Metric::gauge("ControllerEventManager", "EventQueueSize", load(&self.queued)),
            Metric::histogram("ControllerEventManager", "EventQueueTimeMs", &self.queue_times),
            Metric::gauge("ControllerChannelManager", "TotalQueueSize", total),
        ]);
        metrics.into_iter().map(|metric| metric.of_group("kafka.controller")).collect()
    }
}
