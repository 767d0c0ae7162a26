//! Reading a log: which bytes of which file answer a fetch, found without touching the records.
//!
//! Holds no lock while it looks at the disk. Kafka: `Log.read`, `LogSegment.read`, `Log.fetchOffsetByTimestamp`.

use std::io;
use std::sync::Arc;

use super::cold;
use super::failure::StorageError;
use super::index::AbortedEntry;
use super::log::Log;
use super::marks::LogSnapshot;
use super::position::LogPosition;
use super::segment::{Segment, into_io};
use super::segments::SegmentList;
use crate::base::{LeaderEpoch, Millis, Offset, ProducerId, Records, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::legacy::Messages;

/// Up to where a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadUpTo {
    /// To the end: followers.
    LogEnd,
    /// To the high watermark: consumers.
    HighWatermark,
    /// To the last stable offset: consumers of committed records.
    LastStable,
}

/// A transaction whose records a reader of committed ones must leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogAbortedTransaction {
    /// Whose it was.
    pub producer_id: ProducerId,
    /// From which offset on its records are to be left out, up to the next marker.
    pub first_offset: Offset,
}

/// What a read found.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRead {
    /// The batches, from the one with the offset on; the last may be incomplete.
    pub records: Records,
    /// Where they begin; the offset is the one asked for.
    pub position: LogPosition,
    /// The log's start at that time.
    pub log_start_offset: Offset,
    /// The log's end at that time.
    pub log_end_offset: Offset,
    /// The high watermark at that time.
    pub high_watermark: Offset,
    /// The last stable offset at that time.
    pub last_stable_offset: Offset,
    /// For [`ReadUpTo::LastStable`]: what to leave out.
    pub aborted: Option<Vec<LogAbortedTransaction>>,
    /// Whether the size allowed does not hold even the first batch.
    pub first_entry_incomplete: bool,
}

/// Why nothing was read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// The offset is not in the log.
    #[error(
        "Received request for offset {offset} for partition {partition}, but we only have log segments in the range \
         {start} to {end}."
    )]
    OutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// The offset asked for.
        offset: Offset,
        /// The log's start.
        start: Offset,
        /// The log's end.
        end: Offset,
    },
    /// The log's start cannot be moved past the high watermark.
    #[error(
        "Cannot increment the log start offset to {to} of partition {partition} since it is larger than the high \
         watermark {high_watermark}"
    )]
    StartPastHighWatermark {
        /// The partition.
        partition: TopicPartition,
        /// The start asked for.
        to: Offset,
        /// The high watermark.
        high_watermark: Offset,
    },
    /// The partition's message format has no timestamps.
    #[error(
        "Cannot search offsets based on timestamp because message format version for partition {0} is earlier than \
         the minimum required version 0.10.0-IV0"
    )]
    NoTimestamps(TopicPartition),
    /// What lies in the log is no batch.
    #[error("{0}")]
    Corrupt(String),
    /// The disk failed, or the log is closed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<&ReadError> for ErrorCode {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::OutOfRange { .. } | ReadError::StartPastHighWatermark { .. } => Self::OffsetOutOfRange,
            ReadError::NoTimestamps(_) => Self::UnsupportedForMessageFormat,
            ReadError::Corrupt(_) => Self::CorruptMessage,
            ReadError::Storage(_) => Self::KafkaStorageError,
        }
    }
}

/// An offset found by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampAndOffset {
    /// The record's timestamp; -1 for the log's start or end.
    pub timestamp: Millis,
    /// The record's offset.
    pub offset: Offset,
    /// The leader epoch of the record's batch, where it has one.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// In place of a timestamp: the log's end (ListOffsets).
const LATEST_TIMESTAMP: Millis = -1;
/// In place of a timestamp: the log's start (ListOffsets).
const EARLIEST_TIMESTAMP: Millis = -2;

/// Whether the limit of a read holds for its first batch too.
#[doc(alias = "minOneMessage")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstBatch {
    /// The first batch is read however large it is, so that a reader gets on.
    Whole,
    /// The first batch is truncated at the limit.
    Limited,
}

impl Log {
    /// The batches from `offset` on, at most `max_bytes` of them and none past `up_to`. They are of one segment: what
    /// follows in the next one is for the next read.
    ///
    /// # Errors
    /// The offset is not in the log, or the disk failed.
    pub fn read(
        &self,
        offset: Offset,
        max_bytes: i32,
        up_to: ReadUpTo,
        first: FirstBatch,
    ) -> Result<LogRead, ReadError> {
        self.still_open()?;
        let marks = self.snapshot();
        // After the marks: a mark in a segment that was exchanged in between is looked up anew.
        let segments = self.segments();
        let at = segments.floor(offset);
        let (start, end) = (marks.log_start_offset, marks.log_end.offset);
        let (Some(at), true) = (at, (start..=end).contains(&offset)) else {
            let partition = self.partition().clone();
            return Err(ReadError::OutOfRange { partition, offset, start, end });
        };
        let bound = match up_to {
            ReadUpTo::LogEnd => marks.log_end,
            ReadUpTo::HighWatermark => marks.high_watermark,
            ReadUpTo::LastStable => marks.last_stable,
        };
        let committed = up_to == ReadUpTo::LastStable;
        if offset >= bound.offset {
            let wanted = if offset == bound.offset { bound } else { offset.into() };
            let position = self.locate(&marks, &segments, wanted)?;
            return Ok(answer(&marks, Records::default(), position, committed.then(Vec::new)));
        }
        let bound = self.locate(&marks, &segments, bound)?;
        let read = self.read_from(&segments[at..], offset, max_bytes, bound, first);
        let Some((segment, records, position, incomplete)) =
            read.map_err(|error| self.read_failed(&error))?
        else {
            return Ok(answer(&marks, Records::default(), marks.log_end, committed.then(Vec::new)));
        };
        let mut aborted = None;
        if committed {
            let found = self.aborted_within(&segments[segment + at..], offset, &records, position);
            aborted = Some(found.map_err(|error| self.read_failed(&error))?);
        }
        Ok(LogRead { first_entry_incomplete: incomplete, ..answer(&marks, records, position, aborted) })
    }

    /// The first of `segments` that holds anything from `offset` on: its index, the bytes, where they begin, and
    /// whether not even the first batch fits.
    fn read_from(
        &self,
        segments: &[Arc<Segment>],
        offset: Offset,
        max_bytes: i32,
        bound: LogPosition,
        first: FirstBatch,
    ) -> io::Result<Option<(usize, Records, LogPosition, bool)>> {
        for (at, segment) in segments.iter().enumerate() {
            let limit = match bound.in_segment {
                Some(bound) if bound.base_offset == segment.base_offset => bound.byte,
                _ => segment.size(),
            };
            let Some(found) = segment.find(offset)? else { continue };
            let allowed = max_bytes.max(0).unsigned_abs();
            let taken = if first == FirstBatch::Whole { allowed.max(found.size) } else { allowed };
            let length = limit.saturating_sub(found.position).min(taken);
            let position = segment.position(offset, found.position);
            let records = match length {
                0 => Records::default(),
                length => segment.slice(found.position, length)?,
            };
            return Ok(Some((at, records, position, taken < found.size)));
        }
        Ok(None)
    }

    /// The aborted transactions that touch what was read from the first of `segments`.
    fn aborted_within(
        &self,
        segments: &[Arc<Segment>],
        offset: Offset,
        records: &Records,
        position: LogPosition,
    ) -> io::Result<Vec<LogAbortedTransaction>> {
        let end = position.in_segment.map_or(0, |it| u64::from(it.byte)) + records.len() as u64;
        let within = match segments.first() {
            Some(first) => cold::read_locked(&first.indexes).offset.first_from(end)?,
            None => None,
        };
        let next = segments.get(1).map(|next| next.base_offset);
        let upper = within.map(|entry| entry.offset).or(next).unwrap_or_else(|| self.log_end_offset());
        let found = aborted_in(segments, offset, upper)?;
        let shorten = |entry: AbortedEntry| LogAbortedTransaction {
            producer_id: entry.producer_id,
            first_offset: entry.first_offset,
        };
        Ok(found.into_iter().map(shorten).collect())
    }

    /// All aborted transactions that touch the offsets from `from` to below `to`, with their markers.
    ///
    /// # Errors
    /// The disk failed.
    pub fn aborted_transactions(&self, from: Offset, to: Offset) -> Result<Vec<AbortedEntry>, ReadError> {
        aborted_in(self.segments().from(from), from, to).map_err(|error| self.read_failed(&error))
    }

    /// The same offset with its position in one of these segments: the one known, or the one that is looked up and then
    /// remembered for the marks of the log.
    fn locate(
        &self,
        marks: &LogSnapshot,
        segments: &SegmentList,
        wanted: LogPosition,
    ) -> Result<LogPosition, ReadError> {
        if segments.current(&wanted).is_some() {
            return Ok(wanted);
        }
        let end = marks.log_end;
        if wanted.offset >= end.offset {
            return Ok(LogPosition { in_segment: end.in_segment, ..wanted });
        }
        let read = self.read_from(segments.from(wanted.offset), wanted.offset, 1, end, FirstBatch::Limited);
        let found = read.map_err(|error| self.read_failed(&error))?;
        let located = found.map_or(end, |(_, _, found, _)| found);
        self.marks_mut().located(wanted, located);
        Ok(located)
    }

    /// The first record whose timestamp is at least `timestamp`; None where all are older. [`EARLIEST_TIMESTAMP`] and
    /// [`LATEST_TIMESTAMP`] stand for the log's start and end.
    ///
    /// # Errors
    /// The format has no timestamps, or the disk failed.
    pub fn offset_for_timestamp(&self, timestamp: Millis) -> Result<Option<TimestampAndOffset>, ReadError> {
        let marks = self.snapshot();
        let at = |offset, leader_epoch| Ok(Some(TimestampAndOffset { timestamp: -1, offset, leader_epoch }));
        if timestamp == EARLIEST_TIMESTAMP {
            let earliest = self.epochs().get(|epochs| epochs.earliest());
            let known = earliest.filter(|entry| entry.start_offset <= marks.log_start_offset);
            return at(marks.log_start_offset, known.map(|entry| entry.epoch));
        }
        if timestamp == LATEST_TIMESTAMP {
            return at(marks.log_end.offset, self.latest_epoch());
        }
        if self.current_settings().magic < 1 {
            return Err(ReadError::NoTimestamps(self.partition().clone()));
        }
        for segment in self.segments().iter() {
            let largest = segment.largest_timestamp().map_err(|error| self.read_failed(&error))?;
            if largest >= timestamp {
                let found = first_at_time(segment, timestamp, marks.log_start_offset);
                return found.map_err(|error| self.read_failed(&error));
            }
        }
        Ok(None)
    }

    /// Up to `most` offsets at segment beginnings that are older than `timestamp`, newest first (ListOffsets v0).
    ///
    /// # Errors
    /// The disk failed.
    pub fn legacy_offsets_before(&self, timestamp: Millis, most: usize) -> Result<Vec<Offset>, ReadError> {
        let marks = self.snapshot();
        let mut known = Vec::new();
        for segment in self.segments().iter() {
            let modified = segment.last_modified().map_err(|error| self.read_failed(&error))?;
            known.push((segment.base_offset.max(marks.log_start_offset), modified));
        }
        if self.active().size() > 0 {
            known.push((marks.log_end.offset, self.now()));
        }
        let count = match timestamp {
            LATEST_TIMESTAMP => known.len(),
            EARLIEST_TIMESTAMP => 1,
            _ => known.iter().rposition(|(_, modified)| *modified <= timestamp).map_or(0, |at| at + 1),
        };
        let mut offsets: Vec<_> = known[..count].iter().rev().take(most).map(|(offset, _)| *offset).collect();
        offsets.sort_unstable_by(|a, b| b.cmp(a));
        Ok(offsets)
    }

    /// The error of a failed read. Bytes that are no batch, or that were truncated during the read, are not
    /// the disk's fault.
    fn read_failed(&self, error: &io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                ReadError::Corrupt(error.to_string())
            }
            _ => {
                let dir = self.data_dir().display();
                ReadError::Storage(
                    self.failed(
                        format!("Exception while reading from {} in dir {dir}", self.partition()),
                        error,
                    ),
                )
            }
        }
    }
}

fn answer(
    marks: &LogSnapshot,
    records: Records,
    position: LogPosition,
    aborted: Option<Vec<LogAbortedTransaction>>,
) -> LogRead {
    LogRead {
        records,
        position,
        log_start_offset: marks.log_start_offset,
        log_end_offset: marks.log_end.offset,
        high_watermark: marks.high_watermark.offset,
        last_stable_offset: marks.last_stable.offset,
        aborted,
        first_entry_incomplete: false,
    }
}

/// The aborted transactions that touch the offsets from `from` to below `to`, as these segments know them.
pub(super) fn aborted_in(
    segments: &[Arc<Segment>],
    from: Offset,
    to: Offset,
) -> io::Result<Vec<AbortedEntry>> {
    let mut found = Vec::new();
    for segment in segments {
        if cold::read_locked(&segment.indexes).transaction.collect(from, to, &mut found)? {
            break;
        }
    }
    Ok(found)
}

/// The first record of a segment at or after a time and an offset.
fn first_at_time(
    segment: &Segment,
    timestamp: Millis,
    from: Offset,
) -> io::Result<Option<TimestampAndOffset>> {
    let position = {
        let indexes = segment.indexes.read();
        let known = indexes.time.lookup(timestamp)?;
        indexes.offset.lookup(known.offset.max(from))?.position
    };
    let mut batches = segment.batches(position)?;
    while let Some((_, batch)) = batches.next_batch().map_err(into_io)? {
        if batch.header().max_timestamp < timestamp {
            continue;
        }
        let header = batch.header();
        let leader_epoch = (header.leader_epoch >= 0).then_some(header.leader_epoch);
        let found = |timestamp, offset| TimestampAndOffset { timestamp, offset, leader_epoch };
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        if header.magic < 2 {
            // As messages, not as records: they may have been stored with lengths of key and value that are not true.
            let mut messages = Messages::of(&batch).map_err(invalid)?;
            while let Some(message) = messages.next_message().map_err(invalid)? {
                if message.timestamp >= timestamp && message.offset >= from {
                    return Ok(Some(found(message.timestamp, message.offset)));
                }
            }
            continue;
        }
        for record in batch.records().map_err(invalid)? {
            let record = record.map_err(invalid)?;
            if record.timestamp >= timestamp && record.offset >= from {
                return Ok(Some(found(record.timestamp, record.offset)));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
