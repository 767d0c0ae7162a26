//! How fast records were read.
//!
//! Pure. Kafka: `ConsumerPerformance`.

use std::fmt;

use serde::Serialize;

use crate::base::Millis;
use crate::cli::client_metrics::MetricRow;
use crate::cli::numbers::decimal;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What was read in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ReadSpan {
    /// When it began and ended, in milliseconds since the Unix epoch.
    pub(super) started: Millis,
    pub(super) ended: Millis,
    /// Bytes of keys and values, and records, in this span.
    pub(super) bytes: u64,
    pub(super) records: u64,
    /// The part of it in which the consumer joined its group, in milliseconds.
    pub(super) rebalance: Millis,
}

impl ReadSpan {
    /// Adds records.
    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.records += 1;
    }

    fn megabytes(&self) -> f64 {
        self.bytes as f64 / MEBIBYTE
    }

    /// The time beside that of rebalances, in milliseconds.
    fn fetch_time(&self) -> Millis {
        self.ended - self.started - self.rebalance
    }

    /// The figures of this span, before and in which `all` was read.
    fn figures(&self, all: &Self) -> ReadFigures {
        let (seconds, fetching) = (self.ended - self.started, self.fetch_time());
        let a_second = |amount: f64, millis: Millis| amount / (millis as f64 / 1000.0);
        ReadFigures {
            started: self.started,
            ended: self.ended,
            megabytes: all.megabytes(),
            megabytes_per_second: a_second(self.megabytes(), seconds),
            records: all.records,
            records_per_second: a_second(self.records as f64, seconds),
            rebalance_ms: self.rebalance,
            fetch_ms: fetching,
            megabytes_per_fetching_second: a_second(self.megabytes(), fetching),
            records_per_fetching_second: a_second(self.records as f64, fetching),
        }
    }

    /// The result of a run.
    pub(super) fn total(&self) -> ReadFigures {
        self.figures(self)
    }

    /// A part of a run, in which and before which `all` was read.
    pub(super) fn progress(&self, all: &Self) -> ReadFigures {
        let figures = self.figures(all);
        if figures.fetch_ms > 0 {
            return figures;
        }
        ReadFigures { megabytes_per_fetching_second: 0.0, records_per_fetching_second: 0.0, ..figures }
    }
}

/// What is shown of a span. A megabyte is 2^20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadFigures {
    /// In milliseconds since the Unix epoch.
    started: Millis,
    ended: Millis,
    /// What was read up to the end of the span since the tool began.
    megabytes: f64,
    megabytes_per_second: f64,
    /// As `megabytes`.
    records: u64,
    records_per_second: f64,
    rebalance_ms: Millis,
    /// The rest of the span.
    fetch_ms: Millis,
    megabytes_per_fetching_second: f64,
    records_per_fetching_second: f64,
}

impl ReadFigures {
    /// The line of a whole run.
    pub(super) fn total_line(&self, date: impl Fn(Millis) -> String) -> String {
        format!("{}, {}, {}", date(self.started), date(self.ended), self.columns())
    }

    /// The line of a part of a run, with the number of the only thread.
    pub(super) fn progress_line(&self, date: impl Fn(Millis) -> String) -> String {
        format!("{}, 0, {}", date(self.ended), self.columns())
    }

    fn columns(&self) -> String {
        format!(
            "{}, {}, {}, {}, {}, {}, {}, {}",
            decimal(self.megabytes, 4),
            decimal(self.megabytes_per_second, 4),
            self.records,
            decimal(self.records_per_second, 4),
            self.rebalance_ms,
            self.fetch_ms,
            decimal(self.megabytes_per_fetching_second, 4),
            decimal(self.records_per_fetching_second, 4)
        )
    }
}

/// All that a run has shown.
#[derive(Debug, Serialize)]
pub(super) struct ReadReport {
    /// A part for each reporting interval, where they are asked for.
    pub(super) progress: Vec<ReadFigures>,
    pub(super) total: ReadFigures,
    /// None where they are not asked for.
    pub(super) metrics: Option<Vec<MetricRow>>,
}

/// The names of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PerfHeader {
    /// Of the line at the end.
    Total,
    /// Of the lines while the tool reads.
    Progress,
}

impl fmt::Display for PerfHeader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match self {
            Self::Total => "start.time, end.time",
            Self::Progress => "time, threadId",
        };
        write!(
            out,
            "{first}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, \
             fetch.MB.sec, fetch.nMsg.sec"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(time: Millis) -> String {
        format!("at {time}")
    }

    #[test]
    fn a_run_is_a_line_of_ten_columns() {
        let read = ReadSpan { started: 1000, ended: 3000, bytes: 2 << 20, records: 200, rebalance: 1000 };
        assert_eq!(
            read.total().total_line(date),
            "at 1000, at 3000, 2.0000, 1.0000, 200, 100.0000, 1000, 1000, 2.0000, 200.0000"
        );
        assert_eq!(PerfHeader::Total.to_string().split(", ").count(), 10);
    }

    #[test]
    fn a_part_of_a_run_shows_what_was_read_before_it_as_well() {
        let all = ReadSpan { bytes: 3 << 20, records: 300, ..ReadSpan::default() };
        let part = ReadSpan { started: 5000, ended: 6000, bytes: 1 << 20, records: 100, rebalance: 0 };
        assert_eq!(
            part.progress(&all).progress_line(date),
            "at 6000, 0, 3.0000, 1.0000, 300, 100.0000, 0, 1000, 1.0000, 100.0000"
        );
        let joining = ReadSpan { rebalance: 1000, ..part };
        assert!(joining.progress(&all).progress_line(date).ends_with(", 1000, 0, 0.0000, 0.0000"));
        assert_eq!(PerfHeader::Progress.to_string().split(", ").count(), 10);
    }
}
