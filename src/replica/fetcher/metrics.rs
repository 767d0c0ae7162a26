//! What is measured of the fetchers: how far they are behind, what they fetch, what they have given up.
//!
//! Kafka: the gauges of `AbstractFetcherManager`, `FetcherLagMetrics`, `FetcherStats`.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::plan::Plan;
use super::{Fetchers, Key};
use crate::base::{Offset, TopicPartition};
use crate::metrics::{Meter, Metric};

/// What is measured of one fetcher.
#[derive(Debug, Default)]
pub(super) struct FetcherStats {
    bytes: Meter,
    requests: Meter,
    state: Mutex<FetcherProgress>,
}

#[derive(Debug, Default)]
struct FetcherProgress {
    /// By how much the leaders' high watermarks were ahead at the last answer.
    lags: BTreeMap<TopicPartition, Offset>,
    max_lag: Offset,
    /// Partitions that are not fetched until the controller describes them again.
    given_up: usize,
}

impl FetcherStats {
    /// A request was sent.
    pub fn count_request(&self) {
        self.requests.mark(1);
    }

    /// So many bytes of records came.
    pub fn count_bytes(&self, bytes: usize) {
        self.bytes.mark(bytes as u64);
    }

    /// An answer with records of these partitions was applied.
    pub fn applied(&self, plan: &Plan, named: &[TopicPartition]) {
        let mut state = self.state.lock();
        for partition in named {
            match plan.lag(partition) {
                Some(lag) => state.lags.insert(partition.clone(), lag),
                None => state.lags.remove(partition),
            };
        }
        if state.lags.len() > plan.len() {
            state.lags.retain(|partition, _| plan.lag(partition).is_some());
        }
        state.max_lag = plan.max_lag();
        state.given_up = plan.given_up().len();
    }
}

impl Fetchers {
    /// `MaxLag`, `MinFetchRate`, `FailedPartitionsCount`, `DeadThreadCount`, and each fetcher's bytes and requests.
    pub fn metrics(&self) -> Vec<Metric> {
        let running = self.stats();
        let max_lag = running.values().map(|it| it.stats.state.lock().max_lag).max().unwrap_or(0);
        let given_up = running.values().map(|it| it.stats.state.lock().given_up).sum();
        let rates = running.values().map(|it| it.stats.requests.read().rates[0]);
        let min_rate = rates.min_by(f64::total_cmp).unwrap_or(0.0);
        let of_manager = [
            Metric::gauge("ReplicaFetcherManager", "MaxLag", usize::try_from(max_lag).unwrap_or(0)),
            Metric::value("ReplicaFetcherManager", "MinFetchRate", min_rate),
            Metric::gauge("ReplicaFetcherManager", "FailedPartitionsCount", given_up),
            // A fetcher is a task that goes on after every error.
            Metric::gauge("ReplicaFetcherManager", "DeadThreadCount", 0),
        ];
        let mut metrics: Vec<_> = of_manager.map(|metric| metric.tagged("clientId", "Replica")).into();
        for (key, fetcher) in &running {
            for (name, meter) in
                [("BytesPerSec", &fetcher.stats.bytes), ("RequestsPerSec", &fetcher.stats.requests)]
            {
                metrics.push(
                    Metric::meter("FetcherStats", name, meter)
                        .tagged("clientId", client_id(*key))
                        .tagged("brokerHost", &fetcher.host)
                        .tagged("brokerPort", fetcher.port),
                );
            }
        }
        metrics
    }

    /// `ConsumerLag` of each followed partition.
    pub fn metrics_by_partition(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for (key, fetcher) in self.stats() {
            for (id, lag) in &fetcher.stats.state.lock().lags {
                metrics.push(
                    Metric::gauge("FetcherLagMetrics", "ConsumerLag", usize::try_from(*lag).unwrap_or(0))
                        .tagged("clientId", client_id(key))
                        .tagged("topic", &id.topic)
                        .tagged("partition", id.partition),
                );
            }
        }
        metrics
    }
}

/// The name of a fetcher, as its thread would have it.
fn client_id((leader, number): Key) -> String {
    format!("ReplicaFetcherThread-{number}-{leader}")
}
