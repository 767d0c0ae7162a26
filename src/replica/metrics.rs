//! The metrics of this broker's replicas and of the requests that wait for them (Kafka's `ReplicaManager`,
//! its purgatories and `FetchSessionCache`).

use std::sync::atomic::{AtomicU64, Ordering};

use super::ReplicaManager;
use super::machine::IsrOutcome;
use super::partitions::PartitionCounts;
use crate::metrics::Metric;
use crate::metrics::purgatory::{Expirations, Purgatory};

/// Kafka's name of the MBeans of [`ReplicaManager`].
const REPLICA_MANAGER: &str = "ReplicaManager";
const FETCH_METRICS: &str = "DelayedFetchMetrics";

/// The requests that wait for replicas.
#[derive(Debug)]
pub struct Waits {
    /// Produces, for the in-sync replicas.
    pub produce: Purgatory,
    /// Fetches, for records.
    pub fetch: Purgatory,
    /// Deletions of records, for followers.
    pub delete_records: Purgatory,
    /// Elections, until the metadata cache has the leaders.
    pub elect_leader: Purgatory,
    /// Changes of topics, until the metadata cache has them.
    pub topic: Purgatory,
    pub(super) produce_expired: Expirations,
    pub(super) delete_records_expired: Expirations,
    /// Timeouts of followers' fetches, and of consumers'.
    fetches_expired: [AtomicU64; 2],
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            produce: Purgatory::new("Produce"),
            fetch: Purgatory::new("Fetch"),
            delete_records: Purgatory::new("DeleteRecords"),
            elect_leader: Purgatory::new("ElectLeader"),
            topic: Purgatory::new("topic"),
            produce_expired: Expirations::new("DelayedProduceMetrics"),
            delete_records_expired: Expirations::new("DelayedDeleteRecordsMetrics"),
            fetches_expired: Default::default(),
        }
    }
}

impl Waits {
    /// A fetch has timed out before there were enough bytes.
    pub(super) fn fetch_expired(&self, of_follower: bool) {
        self.fetches_expired[usize::from(!of_follower)].fetch_add(1, Ordering::Relaxed);
    }

    fn metrics(&self) -> Vec<Metric> {
        let purgatories = [&self.produce, &self.fetch, &self.delete_records, &self.elect_leader, &self.topic];
        let mut metrics: Vec<_> = purgatories.into_iter().flat_map(Purgatory::metrics).collect();
        metrics.extend(self.produce_expired.metrics());
        metrics.extend(self.delete_records_expired.metrics());
        for (count, fetcher) in self.fetches_expired.iter().zip(["follower", "consumer"]) {
            let count = count.load(Ordering::Relaxed);
            metrics.push(Metric::meter(FETCH_METRICS, "ExpiresPerSec", count).tagged("fetcherType", fetcher));
        }
        metrics
    }
}

/// Changes of the ISRs of partitions led here.
#[derive(Debug, Default)]
pub(super) struct IsrChanges {
    expanded: AtomicU64,
    shrunk: AtomicU64,
    failed: AtomicU64,
}

impl IsrChanges {
    /// A proposal was applied: it expands or shrinks the ISR.
    pub fn count(&self, expands: bool, outcome: &IsrOutcome) {
        let counter = match outcome {
            IsrOutcome::Changed if expands => &self.expanded,
            IsrOutcome::Changed => &self.shrunk,
            IsrOutcome::Unchanged => &self.failed,
            IsrOutcome::Stale => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn metrics(&self) -> [Metric; 3] {
        let metric =
            |name, count: &AtomicU64| Metric::meter(REPLICA_MANAGER, name, count.load(Ordering::Relaxed));
        [
            metric("IsrExpandsPerSec", &self.expanded),
            metric("IsrShrinksPerSec", &self.shrunk),
            metric("FailedIsrUpdatesPerSec", &self.failed),
        ]
    }
}

impl ReplicaManager {
    /// The requests that wait.
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// All metrics of the replicas.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = self.partition_metrics();
        metrics.extend(self.alter_isr.changes().metrics());
        metrics.extend(self.waits.metrics());
        let sessions = &self.fetch_sessions;
        metrics.extend([
            Metric::gauge("FetchSessionCache", "NumIncrementalFetchSessions", sessions.len()),
            Metric::gauge("FetchSessionCache", "NumIncrementalFetchPartitionsCached", sessions.partitions()),
        ]);
        metrics
    }

    fn partition_metrics(&self) -> Vec<Metric> {
        let PartitionCounts { all, offline } = self.partitions.counts();
        let led: Vec<_> =
            self.partitions.online().iter().filter_map(|partition| partition.replication()).collect();
        let count = |name, value| Metric::gauge(REPLICA_MANAGER, name, value);
        let of_led = |name, holds: &dyn Fn(&super::partition::Replication) -> bool| {
            count(name, led.iter().filter(|it| holds(it)).count())
        };
        vec![
            count("PartitionCount", all),
            count("OfflineReplicaCount", offline),
            count("LeaderCount", led.len()),
            of_led("UnderReplicatedPartitions", &|it| it.in_sync < it.factor),
            of_led("UnderMinIsrPartitionCount", &|it| it.in_sync < it.min_in_sync),
            of_led("AtMinIsrPartitionCount", &|it| it.in_sync == it.min_in_sync),
            of_led("ReassigningPartitions", &|it| it.reassigning),
        ]
    }
}

#[cfg(test)]
mod tests;
