//! Where a log stands: its start, end and high watermark, and from where on transactions are not decided. Pure.
//!
//! The marks are memory alone: the log keeps them behind a lock that is held for a few instructions, never over IO and
//! never while an append waits for its disk, so that high watermarks, ISRs and metrics go on when a directory does not
//! answer.
//!
//! Invariant: log start ≤ last stable ≤ high watermark ≤ log end. Every method below keeps it.
//!
//! Kafka: `Log.highWatermarkMetadata`, `nextOffsetMetadata`, `firstUnstableOffsetMetadata`, and the unreplicated
//! transactions of `ProducerStateManager`.

use std::collections::BTreeMap;

use super::position::LogPosition;
use super::producers::Producers;
use crate::base::Offset;

/// Where a log stands, as its readers see it, all at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "LogOffsetSnapshot")]
pub struct LogSnapshot {
    /// The first offset that may be read.
    pub log_start_offset: Offset,
    /// The offset of the next record.
    pub log_end: LogPosition,
    /// Up to where all in-sync replicas have the log.
    pub high_watermark: LogPosition,
    /// Up to where all transactions are decided, at most the high watermark.
    pub last_stable: LogPosition,
}

/// The marks of a log and what they follow from.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    /// The first offset that may be read.
    log_start: Offset,
    /// The offset of the next record. Invariant: at least `high_watermark`.
    end: LogPosition,
    /// Up to where all in-sync replicas have the log. Invariant: at least `log_start`.
    high_watermark: LogPosition,
    /// The first offset of the first transaction that is open or not yet replicated to its end. Invariant: at least
    /// `log_start`.
    first_unstable: Option<LogPosition>,
    /// The first offset of the first transaction without a marker.
    first_undecided: Option<Offset>,
    /// Transactions whose marker is at or above the high watermark: its offset by the transaction's first offset.
    unreplicated: BTreeMap<Offset, Offset>,
}

impl Marks {
    /// The marks of a log without records that starts at `offset`.
    pub fn empty_at(offset: Offset) -> Self {
        let at = offset.into();
        Self {
            log_start: offset,
            end: at,
            high_watermark: at,
            first_unstable: None,
            first_undecided: None,
            unreplicated: BTreeMap::new(),
        }
    }

    /// The marks now.
    pub fn snapshot(&self) -> LogSnapshot {
        let last_stable = match self.first_unstable {
            Some(unstable) if unstable.offset < self.high_watermark.offset => unstable,
            _ => self.high_watermark,
        };
        LogSnapshot {
            log_start_offset: self.log_start,
            log_end: self.end,
            high_watermark: self.high_watermark,
            last_stable,
        }
    }

    /// The log was opened: it starts and ends there, and nothing is known to be replicated.
    pub fn opened(&mut self, log_start: Offset, end: LogPosition) {
        (self.log_start, self.end) = (log_start, end);
        (self.high_watermark, self.first_unstable) = (log_start.into(), None);
    }

    /// Sets the high watermark, kept between the log's start and end. Returns it. It may go back.
    pub fn set_high_watermark(&mut self, to: LogPosition) -> Offset {
        self.high_watermark = match to.offset {
            offset if offset < self.log_start => self.log_start.into(),
            offset if offset >= self.end.offset => self.end,
            _ => to,
        };
        self.settle();
        self.high_watermark.offset
    }

    /// Moves the high watermark forward. Returns the old one if it moved; an offset past the log's end is not moved to.
    pub fn increment_high_watermark(&mut self, to: LogPosition) -> Option<Offset> {
        let (old, end) = (self.high_watermark, self.end);
        let newer = old.offset < to.offset || (old.offset == to.offset && old.on_older_segment(&to));
        if !newer || to.offset > end.offset {
            return None;
        }
        self.high_watermark = if to.offset == end.offset { end } else { to };
        self.settle();
        Some(old.offset)
    }

    /// Records were appended up to `end`; `producers` include them. A reader that sees the new end sees the
    /// transactions that began before it.
    pub fn appended(&mut self, end: LogPosition, producers: &mut Producers) {
        self.end = end;
        self.note_transactions(producers);
    }

    /// The producers know of other transactions than before.
    pub fn note_transactions(&mut self, producers: &mut Producers) {
        self.unreplicated.extend(producers.take_completed());
        self.first_undecided = producers.first_undecided_offset();
        self.settle();
    }

    /// A new segment was begun at the log's end: the same offset has a new position.
    pub fn rolled(&mut self, end: LogPosition) {
        if self.high_watermark.offset == end.offset {
            self.high_watermark = end;
        }
        self.end = end;
    }

    /// Moves the log's start forward, and the high watermark with it where that would lie before it. Whether it moved.
    pub fn increment_log_start(&mut self, to: Offset) -> bool {
        if to <= self.log_start {
            return false;
        }
        self.log_start = to;
        if self.high_watermark.offset < to {
            self.high_watermark = to.into();
        }
        self.settle();
        true
    }

    /// The log was truncated to `end`, and may start earlier than before.
    pub fn truncated(&mut self, start: Offset, end: LogPosition) {
        self.log_start = start;
        self.end = end;
        self.high_watermark = match self.high_watermark.offset {
            offset if offset >= end.offset || start == end.offset => end,
            offset if offset < start => start.into(),
            _ => self.high_watermark,
        };
        self.first_unstable = self.first_unstable.filter(|it| (start..end.offset).contains(&it.offset));
        self.unreplicated.retain(|_, marker| *marker < end.offset);
    }

    /// The position of a mark was looked up, which was not known or lay in a segment that was exchanged.
    pub fn located(&mut self, mark: LogPosition, located: LogPosition) {
        if self.high_watermark == mark {
            self.high_watermark = located;
        }
        if self.first_unstable == Some(mark) {
            self.first_unstable = Some(located);
        }
    }

    /// Transactions whose markers lie below the high watermark are stable; the first unstable offset follows.
    fn settle(&mut self) {
        if self.first_undecided.is_none() && self.unreplicated.is_empty() && self.first_unstable.is_none() {
            return;
        }
        let (start, high_watermark) = (self.log_start, self.high_watermark.offset);
        self.unreplicated.retain(|_, marker| *marker >= high_watermark);
        let unreplicated = self.unreplicated.keys().next().copied();
        let first = self.first_undecided.into_iter().chain(unreplicated).min();
        let first = first.map(|offset| offset.max(start));
        if self.first_unstable.map(|unstable| unstable.offset) != first {
            self.first_unstable = first.map(LogPosition::from);
        }
    }
}

#[cfg(test)]
mod tests;
