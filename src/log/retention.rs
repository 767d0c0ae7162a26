//! Which segments may go: too old, too much, or before the log's start. Deletes nothing itself.
//!
//! Segments go from the oldest on, without gaps, never past the high watermark, and never the last one while it is
//! empty. Pure. Kafka: `Log.deleteOldSegments` and its three predicates.

use crate::base::{Millis, Offset};

/// What retention needs to know of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its base offset.
    pub base_offset: Offset,
    /// Bytes in its `.log`.
    pub size: u64,
    /// The largest timestamp of its records; the file's modification time where no record has one.
    pub largest_timestamp: Millis,
}

/// Why segments go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Older than `retention.ms`.
    Time,
    /// More than `retention.bytes`.
    Size,
    /// Entirely before the log start offset.
    StartOffset,
}

/// How much a log is asked to keep, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `retention.ms`; negative keeps forever.
    pub retention_ms: Millis,
    /// `retention.bytes`; negative keeps any amount.
    pub retention_bytes: i64,
    /// Whether `cleanup.policy` contains `delete`; without it only what lies before the log's start may go.
    pub delete: bool,
    /// The log's start offset.
    pub log_start_offset: Offset,
    /// The high watermark: nothing past it goes.
    pub high_watermark: Offset,
    /// The log's end offset.
    pub log_end_offset: Offset,
}

/// The number of segments, counted from the oldest, that may go for `reason` at `now`.
pub fn deletable(segments: &[SegmentFacts], limits: &Limits, reason: Reason, now: Millis) -> usize {
    let size: u64 = segments.iter().map(|segment| segment.size).sum();
    let mut surplus = match reason {
        Reason::Size if !limits.delete || limits.retention_bytes < 0 => return 0,
        Reason::Time if !limits.delete || limits.retention_ms < 0 => return 0,
        _ => size.saturating_sub(limits.retention_bytes.max(0).unsigned_abs()),
    };
    let mut may_go = |at: usize| {
        let segment = &segments[at];
        let next = segments.get(at + 1).map(|next| next.base_offset);
        let wanted = match reason {
            Reason::Time => now.saturating_sub(segment.largest_timestamp) > limits.retention_ms,
            Reason::StartOffset => next.is_some_and(|base| base <= limits.log_start_offset),
            Reason::Size => match surplus.checked_sub(segment.size) {
                // Nothing is over the limit: not even an empty segment goes.
                _ if size < limits.retention_bytes.max(0).unsigned_abs() => false,
                Some(rest) => {
                    surplus = rest;
                    true
                }
                None => false,
            },
        };
        let last_and_empty = next.is_none() && segment.size == 0;
        wanted && !last_and_empty && limits.high_watermark >= next.unwrap_or(limits.log_end_offset)
    };
    (0..segments.len()).take_while(|&at| may_go(at)).count()
}

#[cfg(test)]
mod tests;
