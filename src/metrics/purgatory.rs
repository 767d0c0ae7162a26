//! How many requests wait, and for how much (the metrics of Kafka's `DelayedOperationPurgatory`).
//!
//! A request waits in its own handler: this file only counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::Metric;
use crate::base::TopicPartition;

/// Counts the requests of one kind that wait.
#[derive(Debug)]
pub struct Purgatory {
    name: &'static str,
    operations: AtomicUsize,
    watched: AtomicUsize,
}

/// A request that waits, as long as this value exists.
#[derive(Debug)]
#[must_use]
pub struct Delayed<'a> {
    purgatory: &'a Purgatory,
    keys: usize,
}

impl Purgatory {
    /// No waiting requests. `name` is the value of Kafka's tag `delayedOperation`, e.g. `Produce`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, operations: AtomicUsize::new(0), watched: AtomicUsize::new(0) }
    }

    /// Counts a request that waits for `keys` things, e.g. partitions.
    pub fn delay(&self, keys: usize) -> Delayed<'_> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.watched.fetch_add(keys, Ordering::Relaxed);
        Delayed { purgatory: self, keys }
    }

    /// `NumDelayedOperations`, the requests that wait, and `PurgatorySize`, the keys that they wait for.
    pub fn metrics(&self) -> [Metric; 2] {
        let metric = |name, value: &AtomicUsize| {
            Metric::gauge("DelayedOperationPurgatory", name, value.load(Ordering::Relaxed))
                .tagged("delayedOperation", self.name)
        };
        [metric("NumDelayedOperations", &self.operations), metric("PurgatorySize", &self.watched)]
    }
}

impl Drop for Delayed<'_> {
    fn drop(&mut self) {
        self.purgatory.operations.fetch_sub(1, Ordering::Relaxed);
        self.purgatory.watched.fetch_sub(self.keys, Ordering::Relaxed);
    }
}

/// Counts the waits that have timed out, in all and by partition: `ExpiresPerSec` of `DelayedProduceMetrics`
/// and `DelayedDeleteRecordsMetrics`.
#[derive(Debug)]
pub struct Expirations {
    kind: &'static str,
    all: AtomicU64,
    partitions: Mutex<BTreeMap<TopicPartition, u64>>,
}

impl Expirations {
    /// No timeouts yet. `kind` is the MBean's type.
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, all: AtomicU64::new(0), partitions: Mutex::new(BTreeMap::new()) }
    }

    /// Counts a timeout of this partition.
    pub fn count(&self, partition: &TopicPartition) {
        self.all.fetch_add(1, Ordering::Relaxed);
        *self.partitions.lock().entry(partition.clone()).or_default() += 1;
    }

    /// `ExpiresPerSec` in all, and of each partition that has had a timeout.
    pub fn metrics(&self) -> Vec<Metric> {
        let metric = |count| Metric::meter(self.kind, "ExpiresPerSec", count);
        let partitions = self.partitions.lock();
        let each = partitions
            .iter()
            .map(|(id, count)| metric(*count).tagged("topic", &id.topic).tagged("partition", id.partition));
        std::iter::once(metric(self.all.load(Ordering::Relaxed))).chain(each).collect()
    }
}

#[cfg(test)]
mod tests;
