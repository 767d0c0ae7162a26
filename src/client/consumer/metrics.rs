//! What a consumer counts. Kafka: `FetcherMetricsRegistry`, `ConsumerCoordinatorMetrics`, as plain numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::{BrokerId, Offset, TopicPartition};

/// What a consumer has done so far, and how far it is behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerMetrics {
    /// Records that were returned to the application.
    pub records_consumed: u64,
    /// Bytes of batches that fetches have brought.
    pub bytes_fetched: u64,
    /// Fetches that were answered, by broker.
    pub fetches: BTreeMap<BrokerId, u64>,
    /// Fetches that failed.
    pub failed_fetches: u64,
    /// Rebalances of the group that were completed.
    pub rebalances: u64,
    /// Attempts to join the group that failed.
    pub failed_rebalances: u64,
    /// Commits that the group coordinator has accepted.
    pub commits: u64,
    /// Commits that failed.
    pub failed_commits: u64,
    /// How many records are left in each partition that was fetched, up to the end that the consumer sees.
    pub lag: BTreeMap<TopicPartition, Offset>,
}

/// The counters behind [`ConsumerMetrics`].
#[derive(Debug, Default)]
pub(super) struct ConsumerCounters {
    pub(super) records_consumed: AtomicU64,
    pub(super) bytes_fetched: AtomicU64,
    fetches: Mutex<BTreeMap<BrokerId, u64>>,
    pub(super) failed_fetches: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) failed_commits: AtomicU64,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}

impl ConsumerCounters {
    /// A broker has answered a fetch.
    pub(super) fn fetched_from(&self, broker: BrokerId) {
        *self.fetches.lock().entry(broker).or_default() += 1;
    }

    /// The counts so far, without those of the group.
    pub(super) fn snapshot(&self, lag: BTreeMap<TopicPartition, Offset>) -> ConsumerMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ConsumerMetrics {
            records_consumed: read(&self.records_consumed),
            bytes_fetched: read(&self.bytes_fetched),
            fetches: self.fetches.lock().clone(),
            failed_fetches: read(&self.failed_fetches),
            rebalances: 0,
            failed_rebalances: 0,
            commits: read(&self.commits),
            failed_commits: read(&self.failed_commits),
            lag,
        }
    }
}
