//! What a consumer shares with its listener and its tasks: the cluster, the settings, and where it stands.
//!
//! The lock of the subscription state is never taken over an await. Kafka: `KafkaConsumer`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::error::ConsumerError;
use super::metrics::{ConsumerCounters, ConsumerMetrics, count};
use super::subscription_state::{ConsumerPosition, SubscriptionState};
use crate::base::{Millis, TopicPartition};
use crate::client::cluster::Cluster;
use crate::client::error::ClientError;
use crate::client::metadata::PartitionLeader;
use crate::client::offsets::OffsetAndMetadata;
use crate::client::settings::{ConsumerSettings, OffsetReset};

/// The shared part of a consumer.
#[derive(Debug)]
pub(super) struct ConsumerShared {
    pub(super) cluster: Cluster,
    pub(super) settings: Arc<ConsumerSettings>,
    pub(super) counters: ConsumerCounters,
    state: Mutex<SubscriptionState>,
    /// The zero of the consumer's clock.
    started: Instant,
}

impl ConsumerShared {
    pub(super) fn new(cluster: Cluster, settings: Arc<ConsumerSettings>) -> Self {
        let state = Mutex::new(SubscriptionState::new(settings.offset_reset));
        Self { cluster, settings, counters: ConsumerCounters::default(), state, started: Instant::now() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SubscriptionState> {
        self.state.lock()
    }

    /// Milliseconds since the consumer was made.
    pub(super) fn now(&self) -> Millis {
        Millis::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    /// The moment of a time of the consumer's clock.
    pub(super) fn instant(&self, at: Millis) -> Instant {
        self.started + std::time::Duration::from_millis(u64::try_from(at).unwrap_or(0))
    }

    /// The wait before a request is sent again, in milliseconds.
    pub(super) fn retry_backoff(&self) -> Millis {
        Millis::try_from(self.settings.cluster.retry_backoff.as_millis()).unwrap_or(Millis::MAX)
    }

    /// The leader of a partition by the metadata.
    pub(super) fn leader(&self, id: &TopicPartition) -> Option<PartitionLeader> {
        self.cluster.known_leader(id)
    }

    /// Sets the position of a partition.
    pub(super) fn seek(&self, id: &TopicPartition, to: &OffsetAndMetadata) -> Result<(), ConsumerError> {
        let position =
            ConsumerPosition { offset: to.offset, offset_epoch: to.leader_epoch, leader: self.leader(id) };
        self.state().seek(id, position)
    }

    /// Has positions be found anew; of all assigned partitions for none.
    pub(super) fn seek_to(
        &self,
        partitions: &[TopicPartition],
        to: OffsetReset,
    ) -> Result<(), ConsumerError> {
        let mut state = self.state();
        let all: Vec<_> =
            if partitions.is_empty() { state.assigned().cloned().collect() } else { partitions.to_vec() };
        all.iter().try_for_each(|id| state.request_reset(id, to))
    }

    /// Stops the return of records.
    pub(super) fn pause(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        let mut state = self.state();
        partitions.iter().try_for_each(|id| state.pause(id))
    }

    /// Resumes the return of records.
    pub(super) fn resume(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        let mut state = self.state();
        partitions.iter().try_for_each(|id| state.resume(id))
    }

    /// Counts a commit, and shows it to the interceptors.
    pub(super) fn committed(
        &self,
        offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>,
        outcome: &Result<(), ClientError>,
    ) {
        let counters = &self.counters;
        count(if outcome.is_ok() { &counters.commits } else { &counters.failed_commits }, 1);
        if outcome.is_ok() {
            self.settings.interceptors.iter().for_each(|it| it.on_commit(offsets));
        }
    }

    /// The partitions assigned.
    pub(super) fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.state().assigned().cloned().collect()
    }

    /// The counters, and how far the consumer is behind.
    pub(super) fn metrics(&self) -> ConsumerMetrics {
        let state = self.state();
        let read_committed = self.settings.read_committed;
        let lag = |id: &TopicPartition| Some((id.clone(), state.lag(id, read_committed)?));
        let lag: BTreeMap<_, _> = state.assigned().filter_map(lag).collect();
        self.counters.snapshot(lag)
    }
}
