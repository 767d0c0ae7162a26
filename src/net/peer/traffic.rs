//! What has gone to peers and come from them, counted.
//!
//! Kafka: the sensors of `Selector` (`request-total`, `outgoing-byte-total`, ...).

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of the bytes and answers of any number of connections, frames' prefixes included.
#[derive(Debug, Default)]
pub struct PeerTraffic {
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    answers: AtomicU64,
}

impl PeerTraffic {
    /// Bytes of requests that were written.
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::Relaxed)
    }

    /// Bytes of answers that have come whole.
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received.load(Ordering::Relaxed)
    }

    /// Answers that have come whole.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}
