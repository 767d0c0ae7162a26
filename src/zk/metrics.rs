//! What is measured of the session and of its requests (Kafka's `ZooKeeperClientMetrics`, `SessionExpireListener`).

use std::time::Duration;

use crate::metrics::{Histogram, Meter, Metric};

const LISTENER: &str = "SessionExpireListener";

/// Counts what happens to the session, and measures its requests.
#[derive(Debug)]
pub(super) struct ZooKeeperMetrics {
    connects: Meter,
    disconnects: Meter,
    expirations: Meter,
    latency: Histogram,
}

impl Default for ZooKeeperMetrics {
    fn default() -> Self {
        Self {
            connects: Meter::default(),
            disconnects: Meter::default(),
            expirations: Meter::default(),
            latency: Histogram::of_micros(),
        }
    }
}

impl ZooKeeperMetrics {
    /// A server is connected.
    pub fn connected(&self) {
        self.connects.mark(1);
    }

    /// The connection is lost.
    pub fn disconnected(&self) {
        self.disconnects.mark(1);
    }

    /// A server has ended the session.
    pub fn expired(&self) {
        self.expirations.mark(1);
    }

    /// A request was answered after so long.
    pub fn answered(&self, latency: Duration) {
        self.latency.record_time(latency);
    }

    /// All of them. Authentication and read-only servers are not used, so nothing of them is counted.
    pub fn metrics(&self) -> Vec<Metric> {
        let never = Meter::default();
        let mut metrics: Vec<_> = [
            ("ZooKeeperSyncConnectsPerSec", &self.connects),
            ("ZooKeeperDisconnectsPerSec", &self.disconnects),
            ("ZooKeeperExpiresPerSec", &self.expirations),
            ("ZooKeeperAuthFailuresPerSec", &never),
            ("ZooKeeperReadOnlyConnectsPerSec", &never),
            ("ZooKeeperSaslAuthenticationsPerSec", &never),
        ]
        .map(|(name, meter)| Metric::meter(LISTENER, name, meter))
        .into();
        metrics.push(Metric::histogram("ZooKeeperClientMetrics", "ZooKeeperRequestLatencyMs", &self.latency));
        metrics
    }
}
