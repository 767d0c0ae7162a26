//! What a request uses up of its sender's quotas, and for how long the sender is throttled for that.
//!
//! A sender over its quota is answered at once, and its connection is not read for the throttle time (KIP-219). Kafka:
//! `ClientQuotaManager`, `KafkaApis.sendResponseMaybeThrottle`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Exchange;
use crate::base::{Millis, sanitizer};
use crate::quota::callback::QuotaClient;
use crate::quota::values::ClientQuotaType;

/// No poll is going on.
const IDLE: u64 = u64::MAX;

/// For how long the handler of a request has kept threads busy so far.
#[derive(Debug)]
pub(super) struct ThreadTime {
    begun: Instant,
    /// The nanoseconds of the polls that have ended.
    polled: AtomicU64,
    /// When the present poll began, in nanoseconds since `begun`; [`IDLE`] between two polls.
    polling_since: AtomicU64,
}

impl ThreadTime {
    /// No time yet.
    pub fn new(begun: Instant) -> Self {
        Self { begun, polled: AtomicU64::new(0), polling_since: AtomicU64::new(IDLE) }
    }

    /// A poll of the handler begins.
    pub fn begin_poll(&self, now: Instant) {
        self.polling_since.store(self.nanos(now), Ordering::Relaxed);
    }

    /// The poll ends.
    pub fn end_poll(&self, now: Instant) {
        self.polled.store(self.total(now), Ordering::Relaxed);
        self.polling_since.store(IDLE, Ordering::Relaxed);
    }

    /// The time of all polls, until now.
    pub fn busy(&self) -> Duration {
        match self.polling_since.load(Ordering::Relaxed) {
            IDLE => Duration::from_nanos(self.polled.load(Ordering::Relaxed)),
            _ => Duration::from_nanos(self.total(Instant::now())),
        }
    }

    fn total(&self, now: Instant) -> u64 {
        let present = self.nanos(now).saturating_sub(self.polling_since.load(Ordering::Relaxed));
        self.polled.load(Ordering::Relaxed).saturating_add(present)
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.begun).as_nanos()).unwrap_or(IDLE - 1)
    }
}

impl Exchange {
    /// Whether requests are counted against any quota that throttles by the time of threads or by bytes. While they
    /// are, the requests of a connection are handled one at a time, as in Kafka: the next one is read when the throttle
    /// time of the one before is known.
    pub(super) fn is_metered(&self) -> bool {
        let quotas = &self.services.quotas;
        quotas.request.is_enabled() || quotas.produce.is_enabled() || quotas.fetch.is_enabled()
    }

    /// Counts the time of the request's handler. Returns for how long its sender is throttled for that; zero for an
    /// exempt request.
    pub(super) fn record_request(&self, is_exempt: bool) -> Duration {
        let request = &self.services.quotas.request;
        if !request.is_enabled() {
            return Duration::ZERO;
        }
        let busy = self.thread_time.busy();
        if is_exempt {
            request.record_exempt(busy, self.services.clock.now());
            return Duration::ZERO;
        }
        self.as_quota_client(|client, now| request.record(client, busy, now))
    }

    /// Counts the bytes of a produce request. Returns for how long its sender is throttled for them.
    pub(super) fn record_produce(&self) -> Duration {
        let produce = &self.services.quotas.produce;
        if !produce.is_enabled() {
            return Duration::ZERO;
        }
        self.as_quota_client(|client, now| produce.record(client, self.size as f64, now))
    }

    /// Counts the bytes of the response to a consumer's fetch, and the time of its handler. Returns for how long the
    /// consumer is throttled; it is then not sent what was fetched, and the bytes are not counted.
    pub(super) fn record_fetch(&self, size: usize) -> Duration {
        let by_request = self.record_request(false);
        let fetch = &self.services.quotas.fetch;
        let by_bytes = self.as_quota_client(|client, now| {
            let throttle = fetch.record(client, size as f64, now);
            if !throttle.max(by_request).is_zero() {
                fetch.unrecord(client, size as f64, now);
            }
            throttle
        });
        self.record_throttle(ClientQuotaType::Fetch, by_bytes, by_request)
    }

    /// The most bytes that a consumer can fetch at once without being throttled for them whatever it fetched before;
    /// None where it has no quota.
    pub(super) fn max_fetch_in_quota_window(&self) -> Option<i32> {
        let fetch = &self.services.quotas.fetch;
        if !fetch.is_enabled() {
            return None;
        }
        self.as_quota_client(|client, _| fetch.max_value_in_quota_window(client).map(|bytes| bytes as i32))
    }

    /// Notes by which quota the sender is throttled: that of this type, or the request quota, whichever takes longer.
    /// Returns the throttle time.
    pub(super) fn record_throttle(
        &self,
        quota_type: ClientQuotaType,
        by_type: Duration,
        by_request: Duration,
    ) -> Duration {
        let throttle = by_type.max(by_request);
        if !throttle.is_zero() {
            let quota_type = if by_type > by_request { quota_type } else { ClientQuotaType::Request };
            let manager = self.services.quotas.manager(quota_type);
            self.as_quota_client(|client, now| manager.record_throttle(client, throttle, now));
        }
        throttle
    }

    /// Does something with the sender as quotas know it, now.
    pub(super) fn as_quota_client<R>(&self, with: impl FnOnce(QuotaClient<'_>, Millis) -> R) -> R {
        let user = sanitizer::sanitize(&self.caller.principal.name);
        let client_id = self.header.client_id.as_deref().unwrap_or_default();
        with(QuotaClient { user: &user, client_id }, self.services.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_polls_does_not_count() {
        let begun = Instant::now();
        let after = |millis| begun + Duration::from_millis(millis);
        let time = ThreadTime::new(begun);
        assert_eq!(time.busy(), Duration::ZERO);
        time.begin_poll(after(5));
        time.end_poll(after(7));
        time.begin_poll(after(100));
        time.end_poll(after(103));
        assert_eq!(time.busy(), Duration::from_millis(5));
        time.begin_poll(begun);
        assert!(time.busy() >= Duration::from_millis(5), "the present poll counts too");
    }
}
