//! Which part of a log may be cleaned, how dirty it is, and which log is cleaned first.
//!
//! ```text
//!   log start        first dirty                 first uncleanable      active segment
//!      [clean … clean][dirty … dirty … dirty … dirty][too new, or undecided][ …
//! ```
//!
//! Pure. Kafka: `LogCleanerManager.cleanableOffsets`, `maxCompactionDelay`, `calculateCleanableBytes`, `LogToClean`,
//! `Cleaner.groupSegmentsBySize`.

use std::ops::Range;

use crate::base::{Millis, Offset};

/// What the decisions need to know of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentToClean {
    /// Its base offset.
    pub base_offset: Offset,
    /// Bytes of its `.log`.
    pub size: u64,
    /// Bytes of its offset index.
    pub index_size: u64,
    /// Bytes of its time index.
    pub time_index_size: u64,
    /// The largest timestamp of its records; looked up where `min.compaction.lag.ms` is set only.
    pub largest_timestamp: Millis,
    /// The largest timestamp of its first batch; looked up where `max.compaction.lag.ms` is set only, None where the
    /// batch has none.
    pub first_batch_timestamp: Option<Millis>,
}

/// A log, as far as the decisions need to know it.
#[derive(Clone, Copy, Debug)]
pub struct LogFacts<'a> {
    /// Its segments, the active one last.
    pub segments: &'a [SegmentToClean],
    /// Its start offset.
    pub log_start_offset: Offset,
    /// Its end offset.
    pub log_end_offset: Offset,
    /// Up to here all transactions are decided and all in-sync replicas have the log.
    pub last_stable_offset: Offset,
    /// The offset up to which it was cleaned before, by the checkpoint.
    pub clean_offset: Option<Offset>,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: Millis,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: Millis,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_ratio: f64,
    /// The time now.
    pub now: Millis,
}

/// Why the checkpoint's offset is invalid: the log counts as dirty from its start on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidCheckpoint {
    /// It lies before the log's start.
    BeforeStart(Offset),
    /// It lies past the log's end.
    PastEnd(Offset),
}

/// The part of a log that may be cleaned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogToClean {
    /// From here on the log is dirty.
    pub first_dirty_offset: Offset,
    /// Up to here it may be cleaned, exclusive: the base offset of a segment.
    pub first_uncleanable_offset: Offset,
    /// Bytes below the dirty part.
    pub clean_bytes: u64,
    /// Bytes of the dirty part that may be cleaned.
    pub cleanable_bytes: u64,
    /// For how long the oldest dirty record has waited longer than `max.compaction.lag.ms`, in milliseconds; 0 if it
    /// has not.
    pub compaction_delay_ms: Millis,
    /// What is wrong with the checkpoint.
    pub invalid_checkpoint: Option<InvalidCheckpoint>,
    /// `min.cleanable.dirty.ratio`.
    min_cleanable_ratio: f64,
}

impl LogToClean {
    /// The part of this log that may be cleaned.
    ///
    /// # Panics
    /// For a log without segments.
    pub fn of(log: &LogFacts<'_>) -> Self {
        let (first_dirty_offset, invalid_checkpoint) = first_dirty(log);
        let uncleanable = first_uncleanable(log, first_dirty_offset).max(first_dirty_offset);
        let segments = log.segments;
        let active = segments.len() - 1;
        let uncleanable = match floor(segments, uncleanable) {
            // An offset below all segments: none may be cleaned.
            None => 0,
            Some(at) => at.min(active),
        };
        let first_uncleanable_offset = segments[uncleanable].base_offset;
        let bytes = |range: Range<usize>| segments[range].iter().map(|segment| segment.size).sum();
        let dirty = floor(segments, first_dirty_offset.min(first_uncleanable_offset)).unwrap_or(0);
        Self {
            first_dirty_offset,
            first_uncleanable_offset,
            clean_bytes: bytes(0..below(segments, first_dirty_offset)),
            cleanable_bytes: bytes(dirty.min(uncleanable)..uncleanable),
            compaction_delay_ms: compaction_delay(log, first_dirty_offset),
            invalid_checkpoint,
            min_cleanable_ratio: log.min_cleanable_ratio,
        }
    }

    /// Bytes of the clean part and of the part that may be cleaned.
    pub fn total_bytes(&self) -> u64 {
        self.clean_bytes + self.cleanable_bytes
    }

    /// How much of it is dirty, from 0 to 1; 0 for a log without bytes.
    pub fn cleanable_ratio(&self) -> f64 {
        self.cleanable_bytes as f64 / self.total_bytes().max(1) as f64
    }

    /// Whether it is dirty enough to be cleaned, or has waited long enough.
    pub fn is_due(&self) -> bool {
        let must = self.compaction_delay_ms > 0 && self.cleanable_bytes > 0;
        must || self.cleanable_ratio() > self.min_cleanable_ratio
    }
}

/// The index of the last segment that begins at or before `offset`.
fn floor(segments: &[SegmentToClean], offset: Offset) -> Option<usize> {
    segments.partition_point(|segment| segment.base_offset <= offset).checked_sub(1)
}

/// How many segments begin before `offset`.
fn below(segments: &[SegmentToClean], offset: Offset) -> usize {
    segments.partition_point(|segment| segment.base_offset < offset)
}

fn first_dirty(log: &LogFacts<'_>) -> (Offset, Option<InvalidCheckpoint>) {
    let start = log.log_start_offset;
    match log.clean_offset {
        Some(clean) if clean < start => (start, Some(InvalidCheckpoint::BeforeStart(clean))),
        Some(clean) if clean > log.log_end_offset => (start, Some(InvalidCheckpoint::PastEnd(clean))),
        clean => (clean.unwrap_or(start), None),
    }
}

/// The dirty segments but the active one.
fn dirty_segments<'a>(log: &LogFacts<'a>, first_dirty: Offset) -> &'a [SegmentToClean] {
    let inactive = &log.segments[..log.segments.len() - 1];
    &inactive[floor(log.segments, first_dirty).unwrap_or(0).min(inactive.len())..]
}

fn first_uncleanable(log: &LogFacts<'_>, first_dirty: Offset) -> Offset {
    let active = log.segments[log.segments.len() - 1].base_offset;
    let lag = log.min_compaction_lag_ms.max(0);
    let is_new = |segment: &&SegmentToClean| segment.largest_timestamp > log.now.saturating_sub(lag);
    let too_new = match lag {
        0 => None,
        _ => dirty_segments(log, first_dirty).iter().find(is_new),
    };
    let too_new = too_new.map_or(Offset::MAX, |segment| segment.base_offset);
    active.min(log.last_stable_offset).min(too_new)
}

fn compaction_delay(log: &LogFacts<'_>, first_dirty: Offset) -> Millis {
    let timestamps = dirty_segments(log, first_dirty).iter().filter_map(|it| it.first_batch_timestamp);
    let earliest = timestamps.filter(|timestamp| *timestamp > 0).min().unwrap_or(Millis::MAX);
    let clean_until = log.now.saturating_sub(log.max_compaction_lag_ms.max(0));
    clean_until.saturating_sub(earliest).max(0)
}

/// Groups segments that are cleaned into one each: as many as together are no larger than `segment_bytes`, their
/// indexes no larger than `index_bytes`, and their offsets within the reach of one segment. Returns the groups as
/// ranges. `end` is the first offset behind the last one.
pub fn group_segments(
    segments: &[SegmentToClean],
    segment_bytes: u64,
    index_bytes: u64,
    end: Offset,
) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut total = SegmentToClean::default();
    for (at, segment) in segments.iter().enumerate() {
        // Where the segment ends is not known without reading it, but that it ends before the next one begins.
        let next = segments.get(at + 1).map_or(end, |next| next.base_offset);
        let fits = total.size + segment.size <= segment_bytes
            && total.index_size + segment.index_size <= index_bytes
            && total.time_index_size + segment.time_index_size <= index_bytes
            && (next - 1).saturating_sub(total.base_offset) <= i64::from(i32::MAX);
        match groups.last_mut() {
            Some(group) if fits => {
                group.end = at + 1;
                total.size += segment.size;
                total.index_size += segment.index_size;
                total.time_index_size += segment.time_index_size;
            }
            _ => {
                groups.push(at..at + 1);
                total = *segment;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests;
