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
    /// By outcome, in the order of [`AuthenticationOutcome::ALL`].
    authentications: [Meter; AuthenticationOutcome::ALL.len()],
    /// Connections that were closed as their callers had not authenticated again in time.
    expired: Meter,
}

/// How an authentication by SASL has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthenticationOutcome {
    /// A new connection's caller is authenticated.
    Successful,
    /// A new connection's caller is not.
    Failed,
    /// The caller of an open connection is authenticated again (KIP-368).
    SuccessfulAgain,
    /// The caller of an open connection is not.
    FailedAgain,
}

impl AuthenticationOutcome {
    const ALL: [Self; 4] = [Self::Successful, Self::Failed, Self::SuccessfulAgain, Self::FailedAgain];

    /// The names of its attributes: all there were, and how many a second.
    fn attributes(self) -> [&'static str; 2] {
        match self {
            Self::Successful => ["successful-authentication-total", "successful-authentication-rate"],
            Self::Failed => ["failed-authentication-total", "failed-authentication-rate"],
            Self::SuccessfulAgain => {
                ["successful-reauthentication-total", "successful-reauthentication-rate"]
            }
            Self::FailedAgain => ["failed-reauthentication-total", "failed-reauthentication-rate"],
        }
    }
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

    /// An authentication has ended.
    pub fn authenticated(&self, outcome: AuthenticationOutcome) {
        let counted = AuthenticationOutcome::ALL.into_iter().zip(&self.authentications);
        counted.filter(|(it, _)| *it == outcome).for_each(|(_, meter)| meter.mark(1));
    }

    /// A connection is closed as its caller has not authenticated again in time.
    pub fn expire(&self) {
        self.expired.mark(1);
    }

    /// What is measured of authentications, by attribute.
    fn of_authentications(&self) -> Vec<(&'static str, f64)> {
        let mut attributes = vec![("expired-connections-killed-count", self.expired.read().count as f64)];
        for (outcome, meter) in AuthenticationOutcome::ALL.into_iter().zip(&self.authentications) {
            let (read, [total, rate]) = (meter.read(), outcome.attributes());
            let [a_second, ..] = read.rates;
            attributes.extend([(total, read.count as f64), (rate, a_second)]);
        }
        attributes
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

    /// How many connections were closed as their callers had not authenticated again in time.
    fn expired(&self) -> u64 {
        self.listeners.lock().values().map(|counted| counted.expired.read().count).sum()
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
            let attributes = attributes.chain(counted.of_authentications());
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
            Metric::value("SocketServer", "ExpiredConnectionsKilledCount", self.metrics.expired() as f64),
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
        let outcomes = [AuthenticationOutcome::Failed, AuthenticationOutcome::SuccessfulAgain];
        outcomes.into_iter().for_each(|outcome| metrics.listener(&"ONE".into()).authenticated(outcome));
        other.expire();
        assert_eq!(metrics.expired(), 1);
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
        let counted = |listener: &str, what: &str| value(listener, &format!("{what}-total")).unwrap();
        for (what, of_one) in [
            ("successful-authentication", 0.0),
            ("failed-authentication", 1.0),
            ("successful-reauthentication", 1.0),
            ("failed-reauthentication", 0.0),
        ] {
            assert_eq!((counted("ONE", what), counted("OTHER", what)), (of_one, 0.0), "{what}");
        }
        assert_eq!(value("OTHER", "expired-connections-killed-count"), Some(1.0));
    }
}
