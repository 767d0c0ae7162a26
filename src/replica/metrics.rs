//! The metrics of this broker's replicas and of the requests that wait for them (Kafka's `ReplicaManager`,
//! its purgatories and `FetchSessionCache`).

use super::ReplicaManager;
use super::fetch::FetchReader;
use super::machine::{IsrOutcome, IsrProposal};
use super::partitions::PartitionCounts;
use crate::base::TopicPartition;
use crate::metrics::purgatory::{Expirations, Purgatory};
use crate::metrics::{Meter, Metric};

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
    fetches_expired: [Meter; 2],
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
    pub(super) fn fetch_expired(&self, reader: &FetchReader) {
        self.fetches_expired[usize::from(!reader.is_follower())].mark(1);
    }

    fn metrics(&self) -> Vec<Metric> {
        let purgatories = [&self.produce, &self.fetch, &self.delete_records, &self.elect_leader, &self.topic];
        let mut metrics: Vec<_> = purgatories.into_iter().flat_map(Purgatory::metrics).collect();
        metrics.extend([self.produce_expired.metric(), self.delete_records_expired.metric()]);
        for (meter, fetcher) in self.fetches_expired.iter().zip(["follower", "consumer"]) {
            metrics.push(Metric::meter(FETCH_METRICS, "ExpiresPerSec", meter).tagged("fetcherType", fetcher));
        }
        metrics
    }
}

/// Changes of the ISRs of partitions led here.
#[derive(Debug, Default)]
pub(super) struct IsrChanges {
    expanded: Meter,
    shrunk: Meter,
    failed: Meter,
}

impl IsrChanges {
    /// A proposal was answered.
    pub fn count(&self, proposal: &IsrProposal, outcome: &IsrOutcome) {
        let counter = match outcome {
            IsrOutcome::Changed if proposal.expands => &self.expanded,
            IsrOutcome::Changed => &self.shrunk,
            IsrOutcome::Unchanged => &self.failed,
            IsrOutcome::Stale => return,
        };
        counter.mark(1);
    }

    fn metrics(&self) -> [Metric; 3] {
        let metric = |name, meter| Metric::meter(REPLICA_MANAGER, name, meter);
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

    /// The metrics of the replicas, but for those of single partitions.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = self.partition_metrics();
        metrics.extend(self.alter_isr.changes().metrics());
        metrics.extend(self.waits.metrics());
        metrics.extend(self.partitions.stats().metrics());
        metrics.extend(self.fetchers.metrics());
        let sessions = &self.fetch_sessions;
        metrics.extend([
            Metric::gauge("FetchSessionCache", "NumIncrementalFetchSessions", sessions.len()),
            Metric::gauge("FetchSessionCache", "NumIncrementalFetchPartitionsCached", sessions.partitions()),
            Metric::meter(
                "FetchSessionCache",
                "IncrementalFetchSessionEvictionsPerSec",
                sessions.evictions(),
            ),
        ]);
        metrics
    }

    /// The metrics of single partitions: their replicas, the timeouts of requests that waited for them, and how far
    /// fetchers are behind.
    pub fn metrics_by_partition(&self) -> Vec<Metric> {
        let online = self.partitions.online();
        let mut metrics = Vec::with_capacity(online.len() * 6);
        for partition in &online {
            let id = partition.id();
            let it = partition.replication().unwrap_or_default();
            let gauges = [
                ("UnderReplicated", usize::from(it.in_sync < it.factor)),
                ("UnderMinIsr", usize::from(it.in_sync < it.min_in_sync)),
                ("AtMinIsr", usize::from(it.in_sync == it.min_in_sync && it.factor > 0)),
                ("InSyncReplicasCount", it.in_sync),
                ("ReplicasCount", it.factor),
                ("LastStableOffsetLag", it.last_stable_lag),
            ];
            metrics.extend(gauges.map(|(name, value)| {
                Metric::gauge("Partition", name, value)
                    .of_group("kafka.cluster")
                    .tagged("topic", &id.topic)
                    .tagged("partition", id.partition)
            }));
        }
        let hosts = |id: &TopicPartition| self.partitions.hosted(id).is_some();
        metrics.extend(self.waits.produce_expired.partition_metrics(hosts));
        metrics.extend(self.waits.delete_records_expired.partition_metrics(hosts));
        metrics.extend(self.fetchers.metrics_by_partition());
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
