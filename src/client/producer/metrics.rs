//! What a producer counts.
//!
//! Kafka: `SenderMetricsRegistry`, `BufferPool`; their rates and averages are quotients of these counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the producer was made. Averages are quotients, such as bytes for each batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "SenderMetricsRegistry")]
pub struct ProducerMetrics {
    /// Records that were sent, each time they were (`record-send-total`).
    pub records_sent: u64,
    /// Bytes of batches that were sent, compressed and with their headers (`byte-total`).
    pub bytes_sent: u64,
    /// Records that have failed (`record-error-total`).
    pub record_errors: u64,
    /// Records that were put back to be sent again (`record-retry-total`).
    pub record_retries: u64,
    /// Batches that were sent, each time they were.
    pub batches_sent: u64,
    /// Batches that were split as the broker found them too large (`batch-split-total`).
    pub batches_split: u64,
    /// Produce requests that were sent.
    pub requests: u64,
    /// Milliseconds that batches have waited before they were sent, all together.
    pub queue_time_ms: u64,
    /// Milliseconds that brokers took to answer, all together.
    pub request_latency_ms: u64,
    /// Milliseconds that brokers have delayed answers for quotas, all together.
    pub throttle_time_ms: u64,
    /// Produce requests that are not answered yet (`requests-in-flight`).
    pub requests_in_flight: u64,
    /// Bytes of `buffer.memory` that are free (`buffer-available-bytes`).
    pub buffer_available_bytes: u64,
    /// Calls that wait for memory (`waiting-threads`).
    pub waiting_for_memory: u64,
}

/// The counters behind [`ProducerMetrics`].
#[derive(Debug, Default)]
pub(super) struct ProducerCounters {
    pub(super) records_sent: AtomicU64,
    pub(super) bytes_sent: AtomicU64,
    pub(super) record_errors: AtomicU64,
    pub(super) record_retries: AtomicU64,
    pub(super) batches_sent: AtomicU64,
    pub(super) batches_split: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) queue_time_ms: AtomicU64,
    pub(super) request_latency_ms: AtomicU64,
    pub(super) throttle_time_ms: AtomicU64,
    pub(super) requests_in_flight: AtomicU64,
    pub(super) waiting_for_memory: AtomicU64,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl ProducerCounters {
    pub(super) fn snapshot(&self, buffer_available_bytes: u64) -> ProducerMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProducerMetrics {
            records_sent: read(&self.records_sent),
            bytes_sent: read(&self.bytes_sent),
            record_errors: read(&self.record_errors),
            record_retries: read(&self.record_retries),
            batches_sent: read(&self.batches_sent),
            batches_split: read(&self.batches_split),
            requests: read(&self.requests),
            queue_time_ms: read(&self.queue_time_ms),
            request_latency_ms: read(&self.request_latency_ms),
            throttle_time_ms: read(&self.throttle_time_ms),
            requests_in_flight: read(&self.requests_in_flight),
            buffer_available_bytes,
            waiting_for_memory: read(&self.waiting_for_memory),
        }
    }
}
