//! Where a log stands: its start, end and high watermark, and from where on transactions are not decided.
//!
//! The marks are memory alone: their lock is held for a few instructions, never over IO and never while an append waits
//! for its disk, so that high watermarks, ISRs and metrics go on when a directory does not answer. The invariant is
//! log start ≤ high watermark ≤ log end. Kafka: `Log.highWatermarkMetadata`, `nextOffsetMetadata`,
//! `firstUnstableOffsetMetadata`, and the unreplicated transactions of `ProducerStateManager`.

use std::collections::BTreeMap;

use super::position::LogPosition;
use super::producers::Producers;
use crate::base::Offset;

/// Where a log stands, as copied by a reader: all at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The first offset that may be read.
    pub(super) log_start: Offset,
    /// The offset of the next record.
    pub(super) end: LogPosition,
    /// Up to where all in-sync replicas have the log.
    pub(super) high_watermark: LogPosition,
    /// The first offset of the first transaction that is open or not yet replicated to its end.
    pub(super) first_unstable: Option<LogPosition>,
}

impl Marks {
    pub(super) fn last_stable(&self) -> LogPosition {
        match self.first_unstable {
            Some(unstable) if unstable.offset < self.high_watermark.offset => unstable,
            _ => self.high_watermark,
        }
    }
}

/// The marks of a log and what they follow from.
#[derive(Clone, Debug)]
pub(super) struct MarksState {
    marks: Marks,
    /// The first offset of the first transaction without a marker.
    first_undecided: Option<Offset>,
    /// Transactions whose marker is at or above the high watermark: its offset by the transaction's first offset.
    unreplicated: BTreeMap<Offset, Offset>,
}

impl MarksState {
    /// The marks of a log without records that starts at `offset`.
    pub fn empty_at(offset: Offset) -> Self {
        let at = offset.into();
        let marks = Marks { log_start: offset, end: at, high_watermark: at, first_unstable: None };
        Self { marks, first_undecided: None, unreplicated: BTreeMap::new() }
    }

    /// The marks now.
    pub fn now(&self) -> Marks {
        self.marks
    }

    /// The log was opened: it starts and ends there, and nothing is known to be replicated.
    pub fn opened(&mut self, log_start: Offset, end: LogPosition) {
        self.marks = Marks { log_start, end, high_watermark: log_start.into(), first_unstable: None };
    }

    /// Sets the high watermark, held between the log's start and end. Returns it. It may go back.
    pub fn set_high_watermark(&mut self, to: LogPosition) -> Offset {
        let marks = &mut self.marks;
        marks.high_watermark = match to.offset {
            offset if offset < marks.log_start => marks.log_start.into(),
            offset if offset >= marks.end.offset => marks.end,
            _ => to,
        };
        self.settle();
        self.marks.high_watermark.offset
    }

    /// Moves the high watermark forward. Returns the old one if it moved; an offset past the log's end is not moved to.
    pub fn increment_high_watermark(&mut self, to: LogPosition) -> Option<Offset> {
        let (old, end) = (self.marks.high_watermark, self.marks.end);
        let newer = old.offset < to.offset || (old.offset == to.offset && old.on_older_segment(&to));
        if !newer || to.offset > end.offset {
            return None;
        }
        self.marks.high_watermark = if to.offset == end.offset { end } else { to };
        self.settle();
        Some(old.offset)
    }

    /// Records were appended up to `end`; `producers` have taken them in. A reader who sees the new end sees the
    /// transactions that began before it.
    pub fn appended(&mut self, end: LogPosition, producers: &mut Producers) {
        self.marks.end = end;
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
        if self.marks.high_watermark.offset == end.offset {
            self.marks.high_watermark = end;
        }
        self.marks.end = end;
    }

    /// Moves the log's start forward, and the high watermark with it where that would lie before it. Whether it moved.
    pub fn increment_log_start(&mut self, to: Offset) -> bool {
        let marks = &mut self.marks;
        if to <= marks.log_start {
            return false;
        }
        marks.log_start = to;
        if marks.high_watermark.offset < to {
            marks.high_watermark = to.into();
        }
        self.settle();
        true
    }

    /// The log was truncated to `end`, and may start earlier than before.
    pub fn truncated(&mut self, start: Offset, end: LogPosition) {
        let marks = &mut self.marks;
        marks.log_start = start;
        marks.end = end;
        marks.high_watermark = match marks.high_watermark.offset {
            offset if offset >= end.offset || start == end.offset => end,
            offset if offset < start => start.into(),
            _ => marks.high_watermark,
        };
        self.unreplicated.retain(|_, marker| *marker < end.offset);
    }

    /// The position of a mark was looked up.
    pub fn placed(&mut self, position: LogPosition, placed: LogPosition) {
        if self.marks.high_watermark == position {
            self.marks.high_watermark = placed;
        }
        if self.marks.first_unstable == Some(position) {
            self.marks.first_unstable = Some(placed);
        }
    }

    /// Transactions whose markers lie below the high watermark are stable; the first unstable offset follows.
    fn settle(&mut self) {
        if self.first_undecided.is_none()
            && self.unreplicated.is_empty()
            && self.marks.first_unstable.is_none()
        {
            return;
        }
        let (start, high_watermark) = (self.marks.log_start, self.marks.high_watermark.offset);
        self.unreplicated.retain(|_, marker| *marker >= high_watermark);
        let unreplicated = self.unreplicated.keys().next().copied();
        let first = self.first_undecided.into_iter().chain(unreplicated).min();
        let first = first.map(|offset| offset.max(start));
        if self.marks.first_unstable.map(|unstable| unstable.offset) != first {
            self.marks.first_unstable = first.map(LogPosition::from);
        }
    }
}

#[cfg(test)]
mod tests;
