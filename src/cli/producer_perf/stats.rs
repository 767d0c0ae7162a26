//! How fast records were sent and how long their answers took.
//!
//! Pure. Kafka: `ProducerPerformance.Stats`.

use std::fmt;

use serde::Serialize;

use crate::base::Millis;
use crate::cli::client_metrics::MetricRow;
use crate::cli::numbers::decimal;

/// How long a window lasts that is reported while the tool sends, in milliseconds.
const REPORTING_INTERVAL: Millis = 5000;
/// How many latencies are kept at most, of equally many records between each.
const MOST_SAMPLES: u64 = 500_000;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Counts of a span of time.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    started: Millis,
    records: u64,
    bytes: u64,
    latency: Millis,
    longest: Millis,
}

impl Span {
    fn add(&mut self, latency: Millis, bytes: u64) {
        self.records += 1;
        self.bytes += bytes;
        self.latency += latency;
        self.longest = self.longest.max(latency);
    }

    /// `n` of something, as so many a second until `now`.
    fn a_second(&self, n: f64, now: Millis) -> f64 {
        1000.0 * n / (now - self.started) as f64
    }

    fn average_latency(&self) -> f64 {
        self.latency as f64 / self.records as f64
    }
}

/// What is known of the records answered so far.
#[derive(Debug)]
pub(super) struct PerfStats {
    total: Span,
    window: Span,
    /// A record of so many has its latency kept.
    sampling: u64,
    latencies: Vec<Millis>,
}

impl PerfStats {
    /// Begins at `now`; so many records are to be sent.
    pub(super) fn new(records: u64, now: Millis) -> Self {
        let span = Span { started: now, ..Span::default() };
        let sampling = (records / records.clamp(1, MOST_SAMPLES)).max(1);
        Self { total: span, window: span, sampling, latencies: Vec::new() }
    }

    /// The record of this number was answered at `now`; the window's report where that has lasted long enough.
    pub(super) fn record(
        &mut self,
        number: u64,
        latency: Millis,
        bytes: u64,
        now: Millis,
    ) -> Option<PerfWindow> {
        self.total.add(latency, bytes);
        self.window.add(latency, bytes);
        if number.is_multiple_of(self.sampling) {
            self.latencies.push(latency);
        }
        if now - self.window.started < REPORTING_INTERVAL {
            return None;
        }
        let window = std::mem::replace(&mut self.window, Span { started: now, ..Span::default() });
        Some(PerfWindow {
            records: window.records,
            records_per_second: window.a_second(window.records as f64, now),
            megabytes_per_second: window.a_second(window.bytes as f64, now) / MEBIBYTE,
            average_latency: window.average_latency(),
            longest_latency: window.longest,
        })
    }

    /// The result, at `now`.
    pub(super) fn total(&mut self, now: Millis) -> PerfTotal {
        self.latencies.sort_unstable();
        let percentile = |part: f64| {
            let at = (part * self.latencies.len() as f64) as usize;
            self.latencies.get(at).copied().unwrap_or(0)
        };
        PerfTotal {
            records: self.total.records,
            records_per_second: self.total.a_second(self.total.records as f64, now),
            megabytes_per_second: self.total.a_second(self.total.bytes as f64, now) / MEBIBYTE,
            average_latency: self.total.average_latency(),
            longest_latency: self.total.longest,
            percentiles: LatencyPercentiles {
                p50: percentile(0.5),
                p95: percentile(0.95),
                p99: percentile(0.99),
                p999: percentile(0.999),
            },
        }
    }
}

/// A part of the run; latencies in milliseconds, a megabyte is 2^20 bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PerfWindow {
    pub(super) records: u64,
    pub(super) records_per_second: f64,
    pub(super) megabytes_per_second: f64,
    pub(super) average_latency: f64,
    pub(super) longest_latency: Millis,
}

/// The whole run; latencies in milliseconds, a megabyte is 2^20 bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PerfTotal {
    pub(super) records: u64,
    pub(super) records_per_second: f64,
    pub(super) megabytes_per_second: f64,
    pub(super) average_latency: f64,
    pub(super) longest_latency: Millis,
    pub(super) percentiles: LatencyPercentiles,
}

/// Below them lie 50, 95, 99 and 99.9 of 100 latencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct LatencyPercentiles {
    p50: Millis,
    p95: Millis,
    p99: Millis,
    p999: Millis,
}

/// All that a run has shown.
#[derive(Debug, Serialize)]
pub(super) struct PerfReport {
    /// In the order of their time.
    pub(super) windows: Vec<PerfWindow>,
    pub(super) total: PerfTotal,
    /// None where they are not asked for.
    pub(super) metrics: Option<Vec<MetricRow>>,
}

impl fmt::Display for PerfWindow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} records sent, {} records/sec ({} MB/sec), {} ms avg latency, {} ms max latency.",
            self.records,
            decimal(self.records_per_second, 1),
            decimal(self.megabytes_per_second, 2),
            decimal(self.average_latency, 1),
            decimal(self.longest_latency as f64, 1)
        )
    }
}

impl fmt::Display for PerfTotal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LatencyPercentiles { p50, p95, p99, p999 } = self.percentiles;
        write!(
            out,
            "{} records sent, {} records/sec ({} MB/sec), {} ms avg latency, {} ms max latency, {p50} ms 50th, {p95} ms \
             95th, {p99} ms 99th, {p999} ms 99.9th.",
            self.records,
            decimal(self.records_per_second, 6),
            decimal(self.megabytes_per_second, 2),
            decimal(self.average_latency, 2),
            decimal(self.longest_latency as f64, 2)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_reported_in_kafkas_words() {
        let mut stats = PerfStats::new(4, 1000);
        for (number, latency) in [10, 20, 30, 400].into_iter().enumerate() {
            assert_eq!(stats.record(number as u64, latency, 1 << 19, 1000 + latency), None);
        }
        let total = stats.total(1500);
        assert_eq!(
            total.to_string(),
            "4 records sent, 8.000000 records/sec (4.00 MB/sec), 115.00 ms avg latency, 400.00 ms max latency, 30 ms \
             50th, 400 ms 95th, 400 ms 99th, 400 ms 99.9th."
        );
    }

    #[test]
    fn each_window_of_five_seconds_is_reported_and_begins_anew() {
        let mut stats = PerfStats::new(10, 0);
        assert_eq!(stats.record(0, 5, 100, 4999), None);
        let window = stats.record(1, 15, 100, 5000).unwrap();
        assert_eq!(
            window.to_string(),
            "2 records sent, 0.4 records/sec (0.00 MB/sec), 10.0 ms avg latency, 15.0 ms max latency."
        );
        let window = stats.record(2, 1, 100, 10_000).unwrap();
        assert_eq!((window.records, window.longest_latency), (1, 1));
        assert_eq!(stats.total(10_000).records, 3);
    }

    #[test]
    fn of_many_records_every_so_manieth_is_a_sample() {
        let mut stats = PerfStats::new(1_000_000, 0);
        for number in 0..10 {
            stats.record(number, number as Millis, 1, 1);
        }
        assert_eq!(stats.latencies, [0, 2, 4, 6, 8]);
    }

    #[test]
    fn a_run_without_time_or_records_has_javas_words_for_no_numbers() {
        let total = PerfStats::new(0, 0).total(0);
        assert!(total.to_string().starts_with("0 records sent, NaN records/sec (NaN MB/sec)"), "{total}");
    }
}
