//! How many requests of each API were answered, and how long they took (the metrics of Kafka's `RequestMetrics`).
//!
//! Costs a request three additions. Never keeps single values: Kafka's percentiles are absent, a time is shown by how
//! often it was measured and its mean.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::Metric;
use crate::wire::api_key::ApiKey;

/// An answered request.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredRequest {
    /// Its API.
    pub api: ApiKey,
    /// Its version.
    pub version: i16,
    /// The kind of its sender.
    pub sender: RequestSender,
    /// For how long its handler kept a thread busy.
    pub local_time: Duration,
    /// How long it took from its decoding until its response was there.
    pub total_time: Duration,
}

/// The kind of a request's sender. Fetches of clients and of followers have metrics of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSender {
    /// A client.
    Client,
    /// Another broker.
    Broker,
}

/// Counts the requests of a broker.
#[derive(Debug)]
pub struct RequestMetrics {
    /// By API, in the order of [`ApiKey::ALL`]; the fetches of followers are not among them.
    apis: Vec<RequestCounters>,
    follower_fetches: RequestCounters,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            apis: ApiKey::ALL.iter().map(|api| RequestCounters::new(*api)).collect(),
            follower_fetches: RequestCounters::new(ApiKey::Fetch),
        }
    }
}

impl RequestMetrics {
    /// Counts an answered request.
    pub fn record(&self, request: &AnsweredRequest) {
        let counters = match (request.api, request.sender) {
            (ApiKey::Fetch, RequestSender::Broker) => Some(&self.follower_fetches),
            (api, _) => ApiKey::ALL.binary_search(&api).ok().and_then(|at| self.apis.get(at)),
        };
        if let Some(counters) = counters {
            counters.record(request);
        }
    }

    /// `RequestsPerSec` of each version that was used, and the times `LocalTimeMs`, `RemoteTimeMs` and `TotalTimeMs`
    /// of each API that was.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for (api, counters) in ApiKey::ALL.iter().zip(&self.apis) {
            let mut counts = counters.read();
            if *api == ApiKey::Fetch {
                let of_followers = self.follower_fetches.read();
                counts.add_metrics("FetchConsumer", &mut metrics);
                of_followers.add_metrics("FetchFollower", &mut metrics);
                counts.add(&of_followers);
            }
            counts.add_metrics(api.name(), &mut metrics);
        }
        metrics
    }
}

/// Counts the requests of one API.
#[derive(Debug)]
struct RequestCounters {
    /// By version.
    requests: Vec<AtomicU64>,
    local_nanos: AtomicU64,
    total_nanos: AtomicU64,
}

impl RequestCounters {
    fn new(api: ApiKey) -> Self {
        let requests = (0..=*api.versions().end()).map(|_| AtomicU64::new(0)).collect();
        Self { requests, local_nanos: AtomicU64::new(0), total_nanos: AtomicU64::new(0) }
    }

    fn record(&self, request: &AnsweredRequest) {
        let version = usize::try_from(request.version).ok().and_then(|version| self.requests.get(version));
        if let Some(requests) = version {
            requests.fetch_add(1, Ordering::Relaxed);
            self.local_nanos.fetch_add(nanos(request.local_time), Ordering::Relaxed);
            self.total_nanos.fetch_add(nanos(request.total_time), Ordering::Relaxed);
        }
    }

    fn read(&self) -> RequestCounts {
        RequestCounts {
            requests: self.requests.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            local_nanos: self.local_nanos.load(Ordering::Relaxed),
            total_nanos: self.total_nanos.load(Ordering::Relaxed),
        }
    }
}

/// What was counted so far.
struct RequestCounts {
    /// By version.
    requests: Vec<u64>,
    local_nanos: u64,
    total_nanos: u64,
}

impl RequestCounts {
    /// Adds the counts of other requests of the same API.
    fn add(&mut self, other: &Self) {
        self.requests.iter_mut().zip(&other.requests).for_each(|(count, more)| *count += more);
        self.local_nanos += other.local_nanos;
        self.total_nanos += other.total_nanos;
    }

    fn add_metrics(&self, request: &str, metrics: &mut Vec<Metric>) {
        let count: u64 = self.requests.iter().sum();
        if count == 0 {
            return;
        }
        let of_request = |metric: Metric| metric.of_group("kafka.network").tagged("request", request);
        let meter = |name, count| of_request(Metric::meter("RequestMetrics", name, count));
        for (version, requests) in self.requests.iter().enumerate().filter(|(_, requests)| **requests > 0) {
            metrics.push(meter("RequestsPerSec", *requests).tagged("version", version));
        }
        let remote_nanos = self.total_nanos.saturating_sub(self.local_nanos);
        for (name, nanos) in [
            ("LocalTimeMs", self.local_nanos),
            ("RemoteTimeMs", remote_nanos),
            ("TotalTimeMs", self.total_nanos),
        ] {
            let mean = nanos as f64 / 1e6 / count as f64;
            metrics.push(meter(name, count));
            metrics.push(of_request(Metric::mean("RequestMetrics", name, mean)));
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Attribute, Registry, exposition};

    fn answered(api: ApiKey, version: i16, sender: RequestSender, millis: [u64; 2]) -> AnsweredRequest {
        let [local_time, total_time] = millis.map(Duration::from_millis);
        AnsweredRequest { api, version, sender, local_time, total_time }
    }

    #[test]
    fn requests_are_counted_by_version_and_their_times_by_api() {
        let metrics = RequestMetrics::default();
        metrics.record(&answered(ApiKey::Produce, 8, RequestSender::Client, [1, 2]));
        metrics.record(&answered(ApiKey::Produce, 8, RequestSender::Client, [2, 6]));
        metrics.record(&answered(ApiKey::Produce, 3, RequestSender::Client, [3, 4]));
        let registry = Registry::default();
        registry.add(move || metrics.metrics());
        let wanted = "\
# TYPE kafka_network_RequestMetrics_Count counter
kafka_network_RequestMetrics_Count{name=\"LocalTimeMs\",request=\"Produce\"} 3
kafka_network_RequestMetrics_Count{name=\"RemoteTimeMs\",request=\"Produce\"} 3
kafka_network_RequestMetrics_Count{name=\"RequestsPerSec\",request=\"Produce\",version=\"3\"} 1
kafka_network_RequestMetrics_Count{name=\"RequestsPerSec\",request=\"Produce\",version=\"8\"} 2
kafka_network_RequestMetrics_Count{name=\"TotalTimeMs\",request=\"Produce\"} 3
# TYPE kafka_network_RequestMetrics_Mean gauge
kafka_network_RequestMetrics_Mean{name=\"LocalTimeMs\",request=\"Produce\"} 2
kafka_network_RequestMetrics_Mean{name=\"RemoteTimeMs\",request=\"Produce\"} 2
kafka_network_RequestMetrics_Mean{name=\"TotalTimeMs\",request=\"Produce\"} 4
";
        assert_eq!(exposition::text(&registry.read()), wanted);
    }

    #[test]
    fn fetches_are_counted_by_sender_and_together() {
        let metrics = RequestMetrics::default();
        metrics.record(&answered(ApiKey::Fetch, 11, RequestSender::Client, [1, 1]));
        metrics.record(&answered(ApiKey::Fetch, 11, RequestSender::Broker, [3, 3]));
        metrics.record(&answered(ApiKey::Fetch, 12, RequestSender::Broker, [5, 5]));
        let read = metrics.metrics();
        let value = |request: &str, attribute| {
            let of = |metric: &&Metric| {
                metric.name.name == "TotalTimeMs"
                    && metric.attribute == attribute
                    && metric.name.tags == [("request", request.to_owned())]
            };
            read.iter().find(of).map(|metric| metric.value)
        };
        assert_eq!(value("FetchConsumer", Attribute::Count), Some(1.0));
        assert_eq!(value("FetchFollower", Attribute::Mean), Some(4.0));
        assert_eq!(value("Fetch", Attribute::Count), Some(3.0));
        assert_eq!(value("Fetch", Attribute::Mean), Some(3.0));
        assert_eq!(value("Produce", Attribute::Count), None);
    }
}
