//! What is measured of this broker's replicas, and who waits for them (the metrics of Kafka's `ReplicaManager`, its
//! purgatories and `FetchSessionCache`).

use std::sync::atomic::{AtomicU64, Ordering};

use super::ReplicaManager;
use super::machine::IsrOutcome;
use super::partitions::PartitionCounts;
use crate::metrics::Metric;
use crate::metrics::purgatory::{Expirations, Purgatory};

/// Kafka's name of the MBeans of [`ReplicaManager`].
const REPLICA_MANAGER: &str = "ReplicaManager";
const FETCH_METRICS: &str = "DelayedFetchMetrics";

/// Who waits for replicas, by what for.
#[derive(Debug)]
pub struct Waits {
    /// Produces, for the in-sync replicas.
    pub produce: Purgatory,
    /// Fetches, for records.
    pub fetch: Purgatory,
    /// Deletions of records, for followers.
    pub delete_records: Purgatory,
    /// Elections, for this broker to be told of the leaders.
    pub elect_leader: Purgatory,
    /// Changes of topics, for this broker to be told of them.
    pub topic: Purgatory,
    pub(super) produce_expired: Expirations,
    pub(super) delete_records_expired: Expirations,
    /// Of followers, and of consumers.
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
    /// A fetch's time was up before there was enough for it.
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

/// How the ISRs of partitions led here have changed.
#[derive(Debug, Default)]
pub(super) struct IsrChanges {
    expanded: AtomicU64,
    shrunk: AtomicU64,
    failed: AtomicU64,
}

impl IsrChanges {
    /// A proposal, to let one join or some leave, was answered.
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
    /// Who waits.
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// All that is measured here.
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
