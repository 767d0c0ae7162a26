//! Throttled replication: what this broker sends to followers, and what it fetches from leaders (KIP-73).
//!
//! Decides by [`crate::quota::replication`]; topics name their throttled replicas, brokers their rates. Kafka:
//! `ReplicaManager.shouldLeaderThrottle`, `ReplicaFetcherThread.shouldFollowerThrottle`.

use parking_lot::Mutex;

use super::broker_topic_stats::{BrokerMeter, TopicMeter};
use super::fetch::FetchOutcome;
use super::{Partition, ReplicaManager};
use crate::base::{BrokerId, TopicPartition};
use crate::config::BrokerConfig;
use crate::config::layers::LayeredSettings;
use crate::log::Log;
use crate::quota::replication::{ReplicationThrottle, is_throttled};

/// Both sides of throttled replication, and moves on this broker.
#[derive(Debug)]
pub(super) struct Throttles {
    leader: Mutex<ReplicationThrottle>,
    follower: Mutex<ReplicationThrottle>,
    /// What is copied between data directories.
    pub moving: Mutex<ReplicationThrottle>,
}

impl Throttles {
    pub fn new(config: &BrokerConfig) -> Self {
        let fresh = |windows: i32, seconds: i32| {
            let windows = usize::try_from(windows).unwrap_or(1);
            Mutex::new(ReplicationThrottle::new(windows, i64::from(seconds) * 1000))
        };
        let (windows, seconds) =
            (config.replication_quota_window_num, config.replication_quota_window_size_seconds);
        let moving = fresh(
            config.alter_log_dirs_replication_quota_window_num,
            config.alter_log_dirs_replication_quota_window_size_seconds,
        );
        Self { leader: fresh(windows, seconds), follower: fresh(windows, seconds), moving }
    }
}

impl ReplicaManager {
    /// Applies the rates of throttled replication, and the number of fetchers. Waits for role changes under
    /// way, which wait for disks.
    pub fn apply_settings(&self, settings: &LayeredSettings) {
        let rates = &settings.throttles;
        self.throttles.leader.lock().allow(rates.leader_replication_throttled_rate);
        self.throttles.follower.lock().allow(rates.follower_replication_throttled_rate);
        self.throttles.moving.lock().allow(rates.replica_alter_log_dirs_io_max_bytes_per_second);
        self.resize_fetchers(settings.broker.num_replica_fetchers);
    }

    fn sends_throttled(&self, log: &Log) -> bool {
        let throttled = &log.config().leader_replication_throttled_replicas;
        is_throttled(throttled, log.partition().partition, self.broker_id)
    }

    /// Whether the bytes of a partition that a follower is sent count against the leader's rate. For a
    /// follower in sync they never do.
    pub(super) fn may_throttle(&self, partition: &Partition, log: &Log, follower: BrokerId) -> bool {
        self.sends_throttled(log) && !partition.is_in_sync(follower)
    }

    /// Whether a follower is sent nothing of a partition for now.
    #[doc(alias = "shouldLeaderThrottle")]
    pub(super) fn leader_throttles(&self, partition: &Partition, log: &Log, follower: BrokerId) -> bool {
        self.may_throttle(partition, log, follower)
            && self.throttles.leader.lock().is_exceeded(self.clock.now())
    }

    /// Counts the bytes that a follower is sent against its leader's rate.
    pub(super) fn count_sent(&self, outcomes: &[(TopicPartition, FetchOutcome)]) {
        let log_of = |id| self.partition(id).ok()?.log();
        let throttled = outcomes.iter().filter(|(id, outcome)| {
            !outcome.records.is_empty() && log_of(id).is_some_and(|log| self.sends_throttled(&log))
        });
        let bytes: usize = throttled.map(|(_, outcome)| outcome.records.len()).sum();
        if bytes > 0 {
            self.throttles.leader.lock().record(bytes, self.clock.now());
        }
    }

    /// Counts the bytes of an answer to a follower, or to a consumer.
    pub fn count_bytes_out(&self, follower: Option<BrokerId>, outcomes: &[(TopicPartition, FetchOutcome)]) {
        let stats = self.partitions.stats();
        for (id, outcome) in outcomes.iter().filter(|(_, outcome)| !outcome.records.is_empty()) {
            let bytes = outcome.records.len();
            let Ok(partition) = self.partition(id) else { continue };
            let Some(follower) = follower else {
                partition.stats().mark(TopicMeter::BytesOut, bytes);
                continue;
            };
            stats.mark(BrokerMeter::ReplicationBytesOut, bytes);
            if partition.is_reassigned() && !partition.is_in_sync(follower) {
                stats.mark(BrokerMeter::ReassignmentBytesOut, bytes);
            }
        }
    }

    fn fetches_throttled(&self, id: &TopicPartition) -> bool {
        let log = self.partition(id).ok().and_then(|partition| partition.log());
        log.is_some_and(|log| {
            is_throttled(&log.config().follower_replication_throttled_replicas, id.partition, self.broker_id)
        })
    }

    /// Whether partitions that are behind are not fetched for now.
    #[doc(alias = "shouldFollowerThrottle")]
    pub(super) fn follower_throttle(&self) -> impl Fn(&TopicPartition) -> bool {
        let is_exceeded = self.throttles.follower.lock().is_exceeded(self.clock.now());
        move |id| is_exceeded && self.fetches_throttled(id)
    }

    /// Counts what was fetched of a partition.
    pub(super) fn count_fetched(&self, id: &TopicPartition, bytes: usize) {
        let stats = self.partitions.stats();
        stats.mark(BrokerMeter::ReplicationBytesIn, bytes);
        // A replica that a reassignment brings here is not in the ISR yet.
        let is_new =
            |partition: &Partition| partition.is_reassigned() && !partition.is_in_sync(self.broker_id);
        if bytes > 0 && self.partition(id).is_ok_and(|partition| is_new(&partition)) {
            stats.mark(BrokerMeter::ReassignmentBytesIn, bytes);
        }
        if bytes > 0 && self.fetches_throttled(id) {
            self.throttles.follower.lock().record(bytes, self.clock.now());
        }
    }
}

#[cfg(test)]
mod tests;
