//! The segment that a cleaner writes: `.cleaned` files, gone again where they do not become part of the log.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::error::CleaningError;
use crate::base::Offset;
use crate::log::directory::{CLEANED, remove_if_there};
use crate::log::index::offset::relative;
use crate::log::index::{AbortedEntry, TimestampOffset};
use crate::log::log::Log;
use crate::log::segment::{Segment, SegmentOptions};
use crate::wire::batch::Batch;

/// How many bytes are written at once, unless a batch is larger; each such piece but the first has an index entry.
///
/// Kafka has one for each buffer that it cleans, 256 KiB by default, whatever `index.interval.bytes` is. With pieces of
/// 64 KiB a search in the file is shorter; an entry for every `index.interval.bytes` would make the writes as small.
const PIECE: usize = 64 << 10;

/// A segment on its way into a log.
pub(super) struct CleanedOutput {
    segment: Arc<Segment>,
    /// Batches not written yet.
    pending: Vec<Bytes>,
    pending_bytes: usize,
    last_offset: Offset,
    largest: TimestampOffset,
    written: u64,
    is_finished: bool,
}

const NO_TIMESTAMP_YET: TimestampOffset = TimestampOffset { timestamp: i64::MIN, offset: 0 };

impl CleanedOutput {
    /// An empty segment with this base offset.
    pub(super) fn create(log: &Log, base_offset: Offset) -> io::Result<Self> {
        let options = SegmentOptions { preallocate: 0, ..log.segment_options() };
        let segment = Arc::new(Segment::create_beside(log.own_dir(), base_offset, CLEANED, options)?);
        let output = Self {
            segment,
            pending: Vec::new(),
            pending_bytes: 0,
            last_offset: base_offset,
            largest: NO_TIMESTAMP_YET,
            written: 0,
            is_finished: false,
        };
        output.segment.activate()?;
        Ok(output)
    }

    /// Bytes of all batches.
    pub(super) fn size(&self) -> u64 {
        self.written + self.pending_bytes as u64
    }

    /// Adds a batch.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), CleaningError> {
        let header = batch.header();
        let last_offset = header.last_offset();
        if relative(self.segment.base_offset, last_offset).is_err() {
            return Err(CleaningError::Overflow(last_offset));
        }
        if header.max_timestamp > self.largest.timestamp {
            self.largest = TimestampOffset { timestamp: header.max_timestamp, offset: last_offset };
        }
        self.last_offset = last_offset;
        self.pending_bytes += batch.bytes().len();
        self.pending.push(batch.bytes().clone());
        if self.pending_bytes >= PIECE {
            self.write_pending()?;
        }
        Ok(())
    }

    /// Adds an entry to the transaction index.
    pub(super) fn note_aborted(&mut self, entry: &AbortedEntry) -> io::Result<()> {
        self.segment.indexes.write().transaction.append(entry)
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if self.pending_bytes > 0 {
            self.segment.append(&self.pending, self.last_offset, self.largest)?;
            self.written += self.pending_bytes as u64;
            self.pending.clear();
            self.pending_bytes = 0;
            self.largest = NO_TIMESTAMP_YET;
        }
        Ok(())
    }

    /// The segment, whole and on the disk, its files as old as those that it was made of: tombstones and retention
    /// count from then.
    pub(super) fn finish(mut self, modified: SystemTime) -> io::Result<Arc<Segment>> {
        self.write_pending()?;
        self.segment.deactivate()?;
        self.segment.flush()?;
        self.segment.open_log()?.set_modified(modified)?;
        self.is_finished = true;
        Ok(self.segment.clone())
    }
}

impl Drop for CleanedOutput {
    fn drop(&mut self) {
        if !self.is_finished {
            for path in self.segment.paths() {
                // Else the next start removes it.
                let _ = remove_if_there(&path);
            }
        }
    }
}
