//! What is measured of the connections of each listener, and of what waits to be handled (Kafka's `SocketServer`,
//! `RequestChannel`, `socket-server-metrics`).
//!
//! The work of Kafka's network threads is done by one set of threads, so each listener has one network processor, 0.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::client_software::SoftwareCounts;
use super::limits::SocketLimits;
use super::traffic::Traffic;
use crate::metrics::{Meter, Metric, MetricReading};

/// Counts the connections of the listeners.
#[derive(Debug, Default)]
pub struct SocketMetrics {
    listeners: Mutex<BTreeMap<Arc<str>, Arc<ListenerMetrics>>>,
}

/// Counts the connections of one listener.
#[derive(Debug, Default)]
pub(super) struct ListenerMetrics {
    opened: Meter,
    closed: Meter,
    /// For how long accepted connections waited for a slot, in nanoseconds.
    blocked: Meter,
    /// The open connections by the software of their clients.
    software: Arc<SoftwareCounts>,
    traffic: Arc<Traffic>,
}

/// An open connection, as long as this exists.
#[derive(Debug)]
pub(super) struct CountedConnection(Arc<ListenerMetrics>);

impl ListenerMetrics {
    /// A connection is opened.
    pub fn open(self: &Arc<Self>) -> CountedConnection {
        self.opened.mark(1);
        CountedConnection(self.clone())
    }

    /// Counts open connections by the software of their clients.
    pub fn software(&self) -> &Arc<SoftwareCounts> {
        &self.software
    }

    /// Counts what goes over the connections.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// An accepted connection has waited so long for a slot.
    pub fn blocked(&self, waited: Duration) {
        self.blocked.mark(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
    }

    /// `AcceptorBlockedPercent`, a meter of nanoseconds a nanosecond.
    fn blocked_percent(&self) -> Metric {
        let mut read = self.blocked.read();
        read.rates = read.rates.map(|rate| rate / 1e9);
        read.mean_rate /= 1e9;
        Metric::new("Acceptor", Some("AcceptorBlockedPercent"), MetricReading::Meter(read))
            .of_group("kafka.network")
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.closed.mark(1);
    }
}

impl SocketMetrics {
    /// What counts the connections of this listener.
    pub(super) fn listener(&self, name: &Arc<str>) -> Arc<ListenerMetrics> {
        self.listeners.lock().entry(name.clone()).or_default().clone()
    }

    fn of_listeners(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for (listener, counted) in self.listeners.lock().iter() {
            let (opened, closed) = (counted.opened.read(), counted.closed.read());
            let [opened_a_second, ..] = opened.rates;
            let [closed_a_second, ..] = closed.rates;
            let attributes = [
                ("connection-count", opened.count.saturating_sub(closed.count) as f64),
                ("connection-creation-total", opened.count as f64),
                ("connection-creation-rate", opened_a_second),
                ("connection-close-total", closed.count as f64),
                ("connection-close-rate", closed_a_second),
            ];
            metrics.push(counted.blocked_percent().tagged("listener", listener));
            metrics.extend(counted.software.metrics(listener));
            let attributes = attributes.into_iter().chain(counted.traffic.attributes());
            metrics.extend(attributes.map(|(name, value)| {
                Metric::attribute("socket-server-metrics", name, value)
                    .tagged("listener", listener)
                    .tagged("networkProcessor", 0)
            }));
        }
        metrics
    }
}

impl SocketLimits {
    /// What is measured of connections, and of the requests that wait for `queued.max.requests` and for
    /// `queued.max.request.bytes`.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = self.metrics.of_listeners();
        let (used, available) = self.memory_pool();
        let of_network = [
            Metric::gauge("RequestChannel", "RequestQueueSize", self.queued_requests()),
            Metric::value("SocketServer", "MemoryPoolUsed", used as f64),
            Metric::value("SocketServer", "MemoryPoolAvailable", available as f64),
            // Only authenticated sessions expire.
            Metric::gauge("SocketServer", "ExpiredConnectionsKilledCount", 0),
        ];
        metrics.extend(of_network.map(|metric| metric.of_group("kafka.network")));
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_listener_while_they_are_open() {
        let metrics = SocketMetrics::default();
        let (one, other) = (metrics.listener(&"ONE".into()), metrics.listener(&"OTHER".into()));
        let _open = one.open();
        drop(one.open());
        drop(other.open());
        let value = |listener: &str, name: &str| {
            let of = |metric: &&Metric| {
                matches!(metric.reading, MetricReading::Attribute(attribute, _) if attribute == name)
                    && metric.name.tags[0] == ("listener", listener.to_owned())
            };
            metrics.of_listeners().iter().find(of).map(Metric::number)
        };
        assert_eq!(value("ONE", "connection-count"), Some(1.0));
        assert_eq!(value("ONE", "connection-creation-total"), Some(2.0));
        assert_eq!(value("ONE", "connection-close-total"), Some(1.0));
        assert_eq!(value("OTHER", "connection-count"), Some(0.0));
    }
}
