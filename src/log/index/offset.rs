//! Offsets to positions: for some batches of a segment, where they begin.
//!
//! Eight bytes an entry: the batch's last offset relative to the segment's base, and the byte in the `.log` where the
//! batch begins. Sparse: one entry about every `index.interval.bytes`. Kafka: `OffsetIndex`.

use std::io;
use std::sync::Arc;

use super::entries::{Entries, int};
use crate::base::Offset;
use crate::log::segment_files::{Kind, SegmentFiles};

const SIZE: usize = 8;

/// A batch: its last offset, and the byte where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetPosition {
    /// The last offset of the batch.
    pub offset: Offset,
    /// The byte in the segment's `.log` where it begins.
    pub position: u32,
}

/// The `.index` of one segment.
#[derive(Debug)]
pub struct OffsetIndex {
    /// The entries in the file.
    pub entries: Entries,
    base_offset: Offset,
}

impl OffsetIndex {
    /// Opens the index, or creates one of at most `max_bytes`.
    ///
    /// # Errors
    /// Those of opening the file.
    pub fn open(files: Arc<SegmentFiles>, base_offset: Offset, max_bytes: u64) -> io::Result<Self> {
        Ok(Self { entries: Entries::open(files, Kind::OffsetIndex, SIZE, max_bytes)?, base_offset })
    }

    fn entry(&self, bytes: &[u8]) -> OffsetPosition {
        // Relative offsets and positions are written as Java ints and never negative.
        OffsetPosition {
            offset: self.base_offset + i64::from(int(bytes, 0)),
            position: int(bytes, 4).max(0).unsigned_abs(),
        }
    }

    /// The last entry; None where there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn last(&self) -> io::Result<Option<OffsetPosition>> {
        match self.entries.count().checked_sub(1) {
            Some(last) => self.entries.get(last, |bytes| self.entry(bytes)),
            None => Ok(None),
        }
    }

    /// The last entry whose offset is at most `target`; the segment's beginning where there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn lookup(&self, target: Offset) -> io::Result<OffsetPosition> {
        let above = self.entries.partition_point(|bytes| self.entry(bytes).offset <= target)?;
        let beginning = OffsetPosition { offset: self.base_offset, position: 0 };
        match above.checked_sub(1) {
            Some(at) => Ok(self.entries.get(at, |bytes| self.entry(bytes))?.unwrap_or(beginning)),
            None => Ok(beginning),
        }
    }

    /// The first entry that begins at or behind `position`; None where there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn first_from(&self, position: u64) -> io::Result<Option<OffsetPosition>> {
        let at = self.entries.partition_point(|bytes| u64::from(self.entry(bytes).position) < position)?;
        self.entries.get(at, |bytes| self.entry(bytes))
    }

    /// Adds an entry. One that does not rise above the last is left out: it would break the search.
    ///
    /// # Errors
    /// Those of writing; `InvalidInput` for an offset more than 2^31-1 above the base.
    pub fn append(&mut self, offset: Offset, position: u32) -> io::Result<()> {
        if self.last()?.is_some_and(|last| offset <= last.offset) {
            return Ok(());
        }
        let relative = relative(self.base_offset, offset)?;
        let mut entry = [0; SIZE];
        entry[..4].copy_from_slice(&relative.to_be_bytes());
        entry[4..].copy_from_slice(&position.to_be_bytes());
        self.entries.append(&entry)
    }

    /// Whether no further entry fits.
    pub fn is_full(&self) -> bool {
        self.entries.count() >= self.entries.room()
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

    /// Whether the file could be an index of a `.log` of `log_size` bytes: whole entries, the last within the log. The
    /// first batch has none, so that an entry of it was never written: a recovery was interrupted.
    ///
    /// # Errors
    /// Those of reading.
    pub fn is_sane(&self, log_size: u64) -> io::Result<bool> {
        let fits = |last: OffsetPosition| {
            last.offset >= self.base_offset && (1..log_size).contains(&u64::from(last.position))
        };
        Ok(self.entries.is_whole() && self.last()?.is_none_or(fits))
    }
}

/// `offset` relative to `base`, as indexes write it.
///
/// # Errors
/// `InvalidInput` where it is below the base or more than 2^31-1 above.
pub fn relative(base: Offset, offset: Offset) -> io::Result<u32> {
    let relative = offset.checked_sub(base).and_then(|it| i32::try_from(it).ok()).filter(|it| *it >= 0);
    relative.map(i32::unsigned_abs).ok_or_else(|| {
        let text = format!("Integer overflow for offset: {offset} (base offset {base})");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

#[cfg(test)]
mod tests;
