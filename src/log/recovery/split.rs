//! A segment whose offsets do not fit its indexes, as brokers before 1.1 could write, is split into ones that fit.
//!
//! Every byte is kept: sound batches in segments that they fit, and whatever follows the last of them in the last
//! segment, where recovery finds it. A stop at any moment leaves the old segment or all the new ones, see
//! [`super::leftovers`]. Kafka: `Log.splitOverflowedSegment`, `LogSegment.appendFromFile` (KAFKA-6264).

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::TARGET;
use crate::base::Offset;
use crate::log::directory::{CLEANED, DELETED, SWAP};
use crate::log::failure::StorageError;
use crate::log::index::TimestampOffset;
use crate::log::index::offset::relative;
use crate::log::log::Log;
use crate::log::segment::{Segment, into_io};
use crate::log::walk::WalkError;
use crate::wire::batch::Batch;

/// How many bytes of batches are written at once, unless one batch is larger; an index entry comes before such a chunk.
const CHUNK: usize = 1 << 20;

/// New segments, filled batch by batch.
struct Parts<'a> {
    log: &'a Log,
    done: Vec<Segment>,
    chunk: Chunk,
}

/// Batches that are written at once.
struct Chunk {
    batches: Vec<Bytes>,
    bytes: usize,
    /// How many bytes there may be: as in Kafka, whose buffer grows with the largest chunk of a segment.
    room: usize,
    last_offset: Offset,
    largest: TimestampOffset,
}

impl Chunk {
    fn new(room: usize, last_offset: Offset) -> Self {
        let largest = TimestampOffset { timestamp: i64::MIN, offset: last_offset };
        Self { batches: Vec::new(), bytes: 0, room, last_offset, largest }
    }
}

impl Parts<'_> {
    fn add(&mut self, batch: &Batch) -> io::Result<()> {
        let header = batch.header();
        let last = header.last_offset();
        let fits = self.done.last().is_some_and(|part| relative(part.base_offset, last).is_ok());
        if !fits {
            self.write()?;
            let base = first_offset(batch)?;
            // One that reaches further by itself fits nowhere.
            relative(base, last)?;
            let options = self.log.segment_options();
            let part = Segment::create_beside(self.log.own_dir(), base, CLEANED, options)?;
            part.activate()?;
            self.done.push(part);
            self.chunk = Chunk::new(CHUNK, base);
        }
        if self.chunk.bytes > 0 && self.chunk.bytes + header.size() >= self.chunk.room {
            self.write()?;
        }
        let chunk = &mut self.chunk;
        if header.max_timestamp > chunk.largest.timestamp {
            chunk.largest = TimestampOffset { timestamp: header.max_timestamp, offset: last };
        }
        chunk.last_offset = last;
        chunk.bytes += header.size();
        chunk.batches.push(batch.bytes().clone());
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let (Some(part), true) = (self.done.last(), self.chunk.bytes > 0) else { return Ok(()) };
        part.append(&self.chunk.batches, self.chunk.last_offset, self.chunk.largest)?;
        self.chunk = Chunk::new(self.chunk.room.max(self.chunk.bytes), self.chunk.last_offset);
        Ok(())
    }
}

impl Log {
    /// Puts segments whose offsets fit in the place of one whose offsets do not. All are to be opened anew then.
    pub(super) fn split_segment(&self, old: &Segment) -> io::Result<()> {
        let parts = self.parts_of(old)?;
        self.own_dir().sync()?;
        for part in parts.iter().rev() {
            part.change_suffix(SWAP)?;
        }
        self.own_dir().sync()?;
        old.change_suffix(DELETED)?;
        self.unlink_later(old);
        for part in &parts {
            part.change_suffix("")?;
        }
        self.own_dir().sync()
    }

    /// Likewise while the log is in use. The caller has its turn to clean the log.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub(in crate::log) fn split_overflowed_segment(&self, old: &Arc<Segment>) -> Result<(), StorageError> {
        let parts = self.parts_of(old).map_err(|error| {
            let dir = self.data_dir().display();
            self.failed(
                format!("Error while splitting a segment of {} in dir {dir}", self.partition()),
                &error,
            )
        })?;
        self.replace_segments(std::slice::from_ref(old), parts.into_iter().map(Arc::new).collect())
    }

    /// The batches of a segment in new segments that they fit, which are on the disk.
    fn parts_of(&self, old: &Segment) -> io::Result<Vec<Segment>> {
        log::info!(target: TARGET, "Splitting overflowed segment {} of {}", old.base_offset, self.partition());
        let chunk = Chunk::new(CHUNK, old.base_offset);
        let mut parts = Parts { log: self, done: Vec::new(), chunk };
        self.distribute(old, &mut parts)?;
        let parts = parts.done;
        let modified = old.open_log()?.metadata()?.modified()?;
        for part in &parts {
            part.deactivate()?;
            part.flush()?;
            part.open_log()?.set_modified(modified)?;
        }
        let bytes: u64 = parts.iter().map(|part| u64::from(part.size())).sum();
        if bytes != u64::from(old.size()) {
            let text =
                format!("Inconsistent segment sizes after split before: {} after: {bytes}", old.size());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let bases: Vec<_> = parts.iter().map(|part| part.base_offset).collect();
        log::info!(
            target: TARGET,
            "Replacing overflowed segment {} of {} with split segments {bases:?}",
            old.base_offset, self.partition()
        );
        Ok(parts)
    }

    /// Copies all batches of a segment to parts, and what is none to the last of them.
    fn distribute(&self, old: &Segment, parts: &mut Parts<'_>) -> io::Result<()> {
        let (mut copied, mut last_offset) = (0, None);
        let mut batches = old.batches(0)?;
        loop {
            let batch = match batches.next_batch() {
                Ok(Some((_, batch))) => batch,
                Ok(None) | Err(WalkError::Batch(_)) => break,
                Err(error) => return Err(into_io(error)),
            };
            let last = batch.header().last_offset();
            if last < old.base_offset || last_offset.is_some_and(|before| last <= before) {
                break;
            }
            parts.add(&batch)?;
            copied += batch.bytes().len() as u64;
            last_offset = Some(last);
        }
        parts.write()?;
        let Some(part) = parts.done.last() else { return Ok(()) };
        let file = old.open_log()?;
        while copied < u64::from(old.size()) {
            let mut rest = vec![0; (u64::from(old.size()) - copied).min(CHUNK as u64) as usize];
            file.read_exact_at(&mut rest, copied)?;
            copied += rest.len() as u64;
            let largest = TimestampOffset { timestamp: -1, offset: part.base_offset };
            part.append(&[rest.into()], last_offset.unwrap_or(part.base_offset), largest)?;
        }
        Ok(())
    }
}

/// The offset of a batch's first record, which old formats write only inside.
fn first_offset(batch: &Batch) -> io::Result<Offset> {
    let header = batch.header();
    if header.magic >= 2 {
        return Ok(header.base_offset);
    }
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let first = batch.records().map_err(invalid)?.next().transpose().map_err(invalid)?;
    Ok(first.map_or(header.base_offset, |record| record.offset))
}
