//! Timestamps to offsets: up to which offset no record was newer.
//!
//! Twelve bytes an entry: the largest timestamp so far, and the offset, relative to the segment's base, of the batch
//! that reached it. Strictly rising in time. Kafka: `TimeIndex`.

use std::io;
use std::sync::Arc;

use super::entries::{Entries, int, long};
use super::offset::relative;
use crate::base::{Millis, Offset};
use crate::log::segment_files::{Kind, SegmentFiles};

const SIZE: usize = 12;

/// The largest timestamp so far and the last offset of the batch that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Milliseconds since the epoch; -1 where no record has a timestamp.
    pub timestamp: Millis,
    /// The last offset of the batch.
    pub offset: Offset,
}

/// The `.timeindex` of one segment.
#[derive(Debug)]
pub struct TimeIndex {
    /// The entries in the file.
    pub entries: Entries,
    base_offset: Offset,
}

impl TimeIndex {
    /// Opens the index, or creates one of at most `max_bytes`.
    ///
    /// # Errors
    /// Those of opening the file.
    pub fn open(files: Arc<SegmentFiles>, base_offset: Offset, max_bytes: u64) -> io::Result<Self> {
        Ok(Self { entries: Entries::open(files, Kind::TimeIndex, SIZE, max_bytes)?, base_offset })
    }

    fn entry(&self, bytes: &[u8]) -> TimestampOffset {
        TimestampOffset { timestamp: long(bytes, 0), offset: self.base_offset + i64::from(int(bytes, 8)) }
    }

    fn nothing(&self) -> TimestampOffset {
        TimestampOffset { timestamp: -1, offset: self.base_offset }
    }

    /// The last entry; timestamp -1 at the base offset where there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn last(&self) -> io::Result<TimestampOffset> {
        match self.entries.count().checked_sub(1) {
            Some(last) => {
                Ok(self.entries.get(last, |bytes| self.entry(bytes))?.unwrap_or_else(|| self.nothing()))
            }
            None => Ok(self.nothing()),
        }
    }

    /// The last entry whose timestamp is at most `target`; timestamp -1 at the base offset where there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn lookup(&self, target: Millis) -> io::Result<TimestampOffset> {
        let above = self.entries.partition_point(|bytes| long(bytes, 0) <= target)?;
        match above.checked_sub(1) {
            Some(at) => {
                Ok(self.entries.get(at, |bytes| self.entry(bytes))?.unwrap_or_else(|| self.nothing()))
            }
            None => Ok(self.nothing()),
        }
    }

    /// Adds an entry if it is newer than the last; one at an earlier offset than the last is left out too.
    ///
    /// # Errors
    /// Those of writing; `InvalidInput` for an offset more than 2^31-1 above the base.
    pub fn maybe_append(&mut self, entry: TimestampOffset) -> io::Result<()> {
        let last = self.last()?;
        if entry.timestamp <= last.timestamp || (self.entries.count() > 0 && entry.offset < last.offset) {
            return Ok(());
        }
        let relative = relative(self.base_offset, entry.offset)?;
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&entry.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&relative.to_be_bytes());
        self.entries.append(&bytes)
    }

    /// Whether no further entry fits, the one kept free for the segment's closing counted as taken.
    pub fn is_full(&self) -> bool {
        self.entries.count() + 1 >= self.entries.room()
    }

    /// Forgets the entries at and above `offset`.
    ///
    /// # Errors
    /// Those of reading.
    pub fn truncate_to(&mut self, offset: Offset) -> io::Result<()> {
        let kept = self.entries.partition_point(|bytes| self.entry(bytes).offset < offset)?;
        self.entries.truncate(kept);
        Ok(())
    }

    /// Whether the file could be a time index: whole entries, the last above the first and not below the base. Where a
    /// recovery was interrupted all are alike, and by their time retention would delete the segment.
    ///
    /// # Errors
    /// Those of reading.
    pub fn is_sane(&self) -> io::Result<bool> {
        let last = self.last()?;
        let first = self.entries.get(0, |bytes| long(bytes, 0))?;
        let ordered = self.entries.count() < 2 || first.is_none_or(|first| last.timestamp > first);
        Ok(self.entries.is_whole() && ordered && last.offset >= self.base_offset)
    }
}

#[cfg(test)]
mod tests;
