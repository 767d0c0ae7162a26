//! How many requests wait, and for how much (the metrics of Kafka's `DelayedOperationPurgatory`).
//!
//! A request waits in its own handler: this file only counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::{Meter, Metric};
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
    all: Meter,
    partitions: Mutex<BTreeMap<TopicPartition, Meter>>,
}

impl Expirations {
    /// No timeouts yet. `kind` is the MBean's type.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, all: Meter::default(), partitions: Mutex::default() }
    }

    /// Counts a timeout of this partition.
    pub fn count(&self, partition: &TopicPartition) {
        self.all.mark(1);
        self.partitions.lock().entry(partition.clone()).or_default().mark(1);
    }

    /// `ExpiresPerSec` in all.
    pub fn metric(&self) -> Metric {
        Metric::meter(self.kind, "ExpiresPerSec", &self.all)
    }

    /// `ExpiresPerSec` of each partition that has had a timeout and for which `is_known` holds; the others are
    /// forgotten.
    pub fn partition_metrics(&self, is_known: impl Fn(&TopicPartition) -> bool) -> Vec<Metric> {
        let mut partitions = self.partitions.lock();
        partitions.retain(|id, _| is_known(id));
        let metric = |(id, meter): (&TopicPartition, &Meter)| {
            Metric::meter(self.kind, "ExpiresPerSec", meter)
                .tagged("topic", &id.topic)
                .tagged("partition", id.partition)
        };
        partitions.iter().map(metric).collect()
    }
}

#[cfg(test)]
mod tests;
