//! What a client has done so far, counted.
//!
//! Kafka: the sensors of `Selector` and `Metadata` (`connection-creation-total`, `request-total`,
//! `incoming-byte-total`, ...).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::peer::PeerTraffic;

/// The counts of a client's connections at one moment. All but `open_connections` only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientMetrics {
    /// Connections that are open (`connection-count`).
    pub open_connections: u64,
    /// Connections that were made (`connection-creation-total`).
    pub connections_created: u64,
    /// Tries to make a connection that have failed.
    pub connections_failed: u64,
    /// Connections that were closed because they were unused (`connections.max.idle.ms`).
    pub connections_expired: u64,
    /// Requests that calls have sent or tried to send (`request-total`).
    pub requests: u64,
    /// Requests that the broker did not take or did not answer.
    pub requests_failed: u64,
    /// Answers that have come, those about versions included (`response-total`).
    pub responses: u64,
    /// Bytes of requests that were written (`outgoing-byte-total`).
    pub bytes_sent: u64,
    /// Bytes of answers that have come (`incoming-byte-total`).
    pub bytes_received: u64,
    /// Answers to Metadata that were applied.
    pub metadata_updates: u64,
}

/// Counts that a client's parts add to.
#[derive(Debug, Default)]
pub(super) struct ClientCounters {
    pub traffic: Arc<PeerTraffic>,
    pub connections_created: AtomicU64,
    pub connections_failed: AtomicU64,
    pub connections_expired: AtomicU64,
    pub requests: AtomicU64,
    pub requests_failed: AtomicU64,
    pub metadata_updates: AtomicU64,
}

impl ClientCounters {
    /// The counts now; `open_connections` is not counted here.
    pub(super) fn read(&self, open_connections: usize) -> ClientMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ClientMetrics {
            open_connections: open_connections as u64,
            connections_created: read(&self.connections_created),
            connections_failed: read(&self.connections_failed),
            connections_expired: read(&self.connections_expired),
            requests: read(&self.requests),
            requests_failed: read(&self.requests_failed),
            responses: self.traffic.answers(),
            bytes_sent: self.traffic.bytes_sent(),
            bytes_received: self.traffic.bytes_received(),
            metadata_updates: read(&self.metadata_updates),
        }
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
