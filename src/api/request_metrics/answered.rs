//! A request from its answer on: measured once the answer is sent, or once it is clear that it never will be.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::of_api::ApiMetrics;
use super::{RequestMetrics, RequestSender};
use crate::net::ReplyObserver;
use crate::wire::api_key::ApiKey;

/// When a request came and its response was complete, and how long its handler was busy.
#[derive(Clone, Copy, Debug)]
pub struct RequestTimes {
    /// Its last byte was read.
    pub received: Instant,
    /// Its handler began.
    pub began: Instant,
    /// Its response was complete.
    pub completed: Instant,
    /// For how long its handler kept a thread busy.
    pub local: Duration,
    /// For how long its caller is throttled.
    pub throttle: Duration,
}

/// An answered request, which is counted once: when its answer is sent, or when this is dropped.
#[derive(Debug)]
pub struct AnsweredRequest {
    metrics: Option<Arc<ApiMetrics>>,
    version: i16,
    body_bytes: usize,
    times: RequestTimes,
    sending: Option<(Instant, Instant)>,
}

impl RequestMetrics {
    /// A request of this API and version, of so many bytes, was answered.
    pub fn answered(
        &self,
        (api, version): (ApiKey, i16),
        sender: RequestSender,
        body_bytes: usize,
        times: RequestTimes,
    ) -> AnsweredRequest {
        let metrics = self.of(api, sender).cloned();
        if let Some(metrics) = &metrics {
            metrics.unsent.fetch_add(1, Ordering::Relaxed);
        }
        AnsweredRequest { metrics, version, body_bytes, times, sending: None }
    }
}

impl ReplyObserver for AnsweredRequest {
    fn sent(mut self: Box<Self>, began: Instant, ended: Instant) {
        self.sending = Some((began, ended));
    }
}

impl Drop for AnsweredRequest {
    fn drop(&mut self) {
        let Some(metrics) = self.metrics.take() else { return };
        let RequestTimes { received, began, completed, local, throttle } = self.times;
        let (sent, ended) = self.sending.unwrap_or((completed, completed));
        let ApiMetrics { times, request_bytes, .. } = &*metrics;
        metrics.unsent.fetch_sub(1, Ordering::Relaxed);
        metrics.count_version(self.version);
        times.request_queue.record_time(began.saturating_duration_since(received));
        times.local.record_time(local);
        times.remote.record_time(completed.saturating_duration_since(began).saturating_sub(local));
        times.throttle.record_time(throttle);
        times.response_queue.record_time(sent.saturating_duration_since(completed));
        times.response_send.record_time(ended.saturating_duration_since(sent));
        times.total.record_time(ended.saturating_duration_since(received));
        request_bytes.record(self.body_bytes as u64);
    }
}
