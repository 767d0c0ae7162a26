//! The metrics of one API's requests.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::metrics::meter::MeterReading;
use crate::metrics::{Histogram, Meter, Metric, MetricReading};
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;

const REQUEST_METRICS: &str = "RequestMetrics";

/// The times of requests, in microseconds.
#[derive(Debug)]
pub(super) struct TimeHistograms {
    pub request_queue: Histogram,
    pub local: Histogram,
    pub remote: Histogram,
    pub throttle: Histogram,
    pub response_queue: Histogram,
    pub response_send: Histogram,
    pub total: Histogram,
}

/// What is measured of one API's requests.
#[derive(Debug)]
pub(super) struct ApiMetrics {
    /// By version.
    versions: Vec<Meter>,
    /// In the order of [`ErrorCode::ALL`]; empty where there was none.
    errors: Vec<OnceLock<Meter>>,
    pub times: TimeHistograms,
    /// Responses that are complete and not sent yet.
    pub unsent: AtomicUsize,
    pub request_bytes: Histogram,
    /// Where messages were converted to another format, how long that took.
    conversions: OnceLock<Histogram>,
}

impl ApiMetrics {
    pub fn new(api: ApiKey) -> Self {
        let time = Histogram::of_micros;
        Self {
            versions: (0..=*api.versions().end()).map(|_| Meter::sharded()).collect(),
            errors: ErrorCode::ALL.iter().map(|_| OnceLock::new()).collect(),
            times: TimeHistograms {
                request_queue: time(),
                local: time(),
                remote: time(),
                throttle: time(),
                response_queue: time(),
                response_send: time(),
                total: time(),
            },
            unsent: AtomicUsize::new(0),
            request_bytes: Histogram::of_numbers(),
            conversions: OnceLock::new(),
        }
    }

    pub fn count_version(&self, version: i16) {
        if let Some(meter) = usize::try_from(version).ok().and_then(|version| self.versions.get(version)) {
            meter.mark(1);
        }
    }

    pub fn count_errors(&self, code: i16, times: u64) {
        let at = ErrorCode::ALL.binary_search(&ErrorCode::from_code(code)).ok();
        if let Some(meter) = at.and_then(|at| self.errors.get(at)) {
            meter.get_or_init(Meter::sharded).mark(times);
        }
    }

    pub fn count_conversions(&self, time: Duration) {
        self.conversions.get_or_init(Histogram::of_micros).record_time(time);
    }

    /// All metrics under the name of `request`, together with those of `others`.
    pub fn metrics(&self, request: &str, others: &[&Self]) -> Vec<Metric> {
        let all: Vec<_> = std::iter::once(self).chain(others.iter().copied()).collect();
        let metric = |name, reading| {
            Metric::new(REQUEST_METRICS, Some(name), reading)
                .of_group("kafka.network")
                .tagged("request", request)
        };
        let mut metrics = Vec::new();
        for version in 0..self.versions.len() {
            let read = sum(all.iter().map(|it| &it.versions[version]));
            if read.count > 0 {
                metrics.push(metric("RequestsPerSec", MetricReading::Meter(read)).tagged("version", version));
            }
        }
        for (at, error) in ErrorCode::ALL.iter().enumerate() {
            let read = sum(all.iter().filter_map(|it| it.errors[at].get()));
            if read.count > 0 {
                metrics
                    .push(metric("ErrorsPerSec", MetricReading::Meter(read)).tagged("error", error.name()));
            }
        }
        let histogram = |of: &dyn Fn(&Self) -> &Histogram| {
            let histograms: Vec<_> = all.iter().map(|it| of(it)).collect();
            MetricReading::Histogram(Histogram::read_together(&histograms))
        };
        type Of = fn(&ApiMetrics) -> &Histogram;
        let each: [(&str, Of); 8] = [
            ("RequestQueueTimeMs", |it| &it.times.request_queue),
            ("LocalTimeMs", |it| &it.times.local),
            ("RemoteTimeMs", |it| &it.times.remote),
            ("ThrottleTimeMs", |it| &it.times.throttle),
            ("ResponseQueueTimeMs", |it| &it.times.response_queue),
            ("ResponseSendTimeMs", |it| &it.times.response_send),
            ("TotalTimeMs", |it| &it.times.total),
            ("RequestBytes", |it| &it.request_bytes),
        ];
        metrics.extend(each.map(|(name, of)| metric(name, histogram(&of))));
        // Kafka has it for Fetch as a whole, not by sender.
        let is_whole = request == ApiKey::Fetch.name();
        if let Some(conversions) = self.conversions.get().filter(|_| is_whole) {
            metrics.push(metric("MessageConversionsTimeMs", MetricReading::Histogram(conversions.read())));
        }
        metrics
    }
}

fn sum<'a>(meters: impl Iterator<Item = &'a Meter>) -> MeterReading {
    meters.map(Meter::read).fold(MeterReading::default(), |sum, read| sum + read)
}
