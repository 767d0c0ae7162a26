//! A piece of a log: its record batches in a `.log`, and the indexes that find them.
//!
//! One writer (the log's appender) and any number of readers, which hold no lock of the writer's while they
//! read records: bytes below [`Segment::size`] never change, except when the log is truncated. Kafka:
//! `LogSegment`.

mod search;

use std::fs::File;
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

pub use search::{LogOffsetPosition, into_io};

use super::directory::{LogDir, remove_if_there};
use super::index::offset::relative;
use super::index::{OffsetIndex, TimeIndex, TimestampOffset, TransactionIndex};
use super::position::{LogPosition, SegmentPosition};
use super::segment_files::{Kind, SegmentFiles};
use crate::base::{Millis, Offset};

/// What a new or reopened segment needs to know.
#[derive(Clone, Copy, Debug)]
pub struct SegmentOptions {
    /// `segment.index.bytes`: how large each index may grow.
    pub max_index_bytes: u64,
    /// `index.interval.bytes`: how many bytes lie between index entries, about.
    pub index_interval: u64,
    /// By how much this segment rolls before `segment.ms` is over, so that many do not roll at once.
    pub roll_jitter: Millis,
    /// The file's length from the start (`preallocate`), or 0.
    pub preallocate: u64,
    /// The time now.
    pub now: Millis,
}

/// The index files of a segment.
#[derive(Debug)]
pub struct Indexes {
    /// Offsets to positions.
    pub offset: OffsetIndex,
    /// Timestamps to offsets.
    pub time: TimeIndex,
    /// Aborted transactions.
    pub transaction: TransactionIndex,
}

/// What the appender remembers of a segment.
#[derive(Debug)]
struct Progress {
    created: Millis,
    since_index_entry: u64,
    /// The largest timestamp of the first batch, from which `segment.ms` counts.
    first_timestamp: Option<Millis>,
    /// The largest timestamp so far; read from the time index when first asked for.
    largest: Option<TimestampOffset>,
}

/// More than any segment has: it is not known what of a `.log` is on the disk.
const UNKNOWN: u32 = u32::MAX;

/// A segment of a log.
#[derive(Debug)]
pub struct Segment {
    /// The offset it begins with, and which names its files.
    pub base_offset: Offset,
    files: Arc<SegmentFiles>,
    size: AtomicU32,
    /// How many bytes of the `.log` are known to be on the disk; [`UNKNOWN`] if that is not known. Locked
    /// while they are flushed, and while the file is truncated.
    synced: Mutex<u32>,
    /// The index files; the lock is held only while an entry is looked up or written.
    pub indexes: RwLock<Indexes>,
    progress: Mutex<Progress>,
    options: SegmentOptions,
    /// Which exchange of segments brought it into its log's list; 0 for one that was appended to ([`super::segments`]).
    generation: AtomicU32,
}

impl Segment {
    /// Makes a segment's files, empty; files of a roll that did not happen are replaced.
    ///
    /// # Errors
    /// Those of creating files.
    pub fn create(dir: &Arc<LogDir>, base_offset: Offset, options: SegmentOptions) -> io::Result<Self> {
        Self::create_beside(dir, base_offset, "", options)
    }

    /// Makes a segment's files, empty, their names ending with `suffix`: they take their place later.
    ///
    /// # Errors
    /// Those of creating files.
    pub fn create_beside(
        dir: &Arc<LogDir>,
        base_offset: Offset,
        suffix: &'static str,
        options: SegmentOptions,
    ) -> io::Result<Self> {
        let files = SegmentFiles::new(dir.clone(), base_offset, suffix);
        for kind in Kind::ALL {
            let path = files.path(kind);
            if remove_if_there(&path)? {
                log::warn!(
                    target: "kafka.log.Log",
                    "Newly rolled segment file {} already exists; deleting it first",
                    path.display()
                );
            }
        }
        files.create(Kind::Log, options.preallocate)?;
        Self::with(files, base_offset, (0, 0), options)
    }

    /// Opens a segment that is there, its file names ending with `suffix`. Missing index files are made, empty.
    ///
    /// # Errors
    /// Those of looking at files; `InvalidData` for a `.log` larger than 2 GiB, which Kafka never writes.
    pub fn open(
        dir: &Arc<LogDir>,
        base_offset: Offset,
        suffix: &'static str,
        options: SegmentOptions,
    ) -> io::Result<Self> {
        let files = SegmentFiles::new(dir.clone(), base_offset, suffix);
        let found = files.metadata(Kind::Log)?.ok_or(io::ErrorKind::NotFound)?;
        let length = found.len();
        let size = i32::try_from(length).map(i32::unsigned_abs).map_err(|_| {
            let text = format!(
                "The size of segment {} ({length}) is larger than the maximum allowed segment size of {}",
                files.path(Kind::Log).display(),
                i32::MAX
            );
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        let mut segment = Self::with(files, base_offset, (size, UNKNOWN), options)?;
        let time = &mut segment.indexes.get_mut().time.entries;
        if time.is_new() {
            time.resize(0)?;
        }
        Ok(segment)
    }

    fn with(
        files: Arc<SegmentFiles>,
        base_offset: Offset,
        (size, synced): (u32, u32),
        options: SegmentOptions,
    ) -> io::Result<Self> {
        let offset = OffsetIndex::open(files.clone(), base_offset, options.max_index_bytes)?;
        let time = TimeIndex::open(files.clone(), base_offset, options.max_index_bytes)?;
        let transaction = TransactionIndex::open(files.clone(), base_offset)?;
        Ok(Self {
            base_offset,
            files,
            size: AtomicU32::new(size),
            synced: Mutex::new(synced),
            indexes: RwLock::new(Indexes { offset, time, transaction }),
            progress: Mutex::new(Progress {
                created: options.now,
                since_index_entry: 0,
                first_timestamp: None,
                largest: None,
            }),
            options,
            generation: AtomicU32::new(0),
        })
    }

    /// Which exchange of segments brought it into its log's list. Positions in it carry this number.
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// The segment comes into its log's list in the place of others.
    pub(super) fn enter(&self, generation: u32) {
        self.generation.store(generation, Ordering::Release);
    }

    /// The position of an offset whose batch begins at `byte` of this segment.
    pub fn position(&self, offset: Offset, byte: u32) -> LogPosition {
        let (base_offset, generation) = (self.base_offset, self.generation());
        LogPosition { offset, in_segment: Some(SegmentPosition { base_offset, generation, byte }) }
    }

    /// Bytes of whole batches in the `.log`.
    pub fn size(&self) -> u32 {
        self.size.load(Ordering::Acquire)
    }

    /// Where a file of this segment lies now.
    pub fn path(&self, kind: Kind) -> PathBuf {
        self.files.path(kind)
    }

    // ---- writing: one caller at a time, the log's appender ----

    /// Appends batches that end with `last_offset`, and an index entry where one is due. `largest` is their largest
    /// timestamp and the last offset of the batch that has it. `pieces` are the bytes, in order.
    ///
    /// # Errors
    /// Those of writing; the segment then stands as before. `InvalidInput` for an offset out of the segment's reach.
    pub fn append(&self, pieces: &[Bytes], last_offset: Offset, largest: TimestampOffset) -> io::Result<()> {
        relative(self.base_offset, last_offset)?;
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let position = self.size();
        let end = u32::try_from(length).ok().and_then(|length| position.checked_add(length));
        let end = end.filter(|end| *end <= i32::MAX.unsigned_abs()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "append beyond the largest size of a segment")
        })?;
        let mut so_far = self.largest(&mut self.progress.lock())?;
        write_all_at(&*self.files.open(Kind::Log)?, pieces, u64::from(position))?;
        let mut progress = self.progress.lock();
        if largest.timestamp > so_far.timestamp {
            so_far = largest;
        }
        if progress.since_index_entry > self.options.index_interval {
            let mut indexes = self.indexes.write();
            indexes.offset.append(last_offset, position)?;
            indexes.time.maybe_append(so_far)?;
            progress.since_index_entry = 0;
        }
        if position == 0 {
            progress.first_timestamp = Some(largest.timestamp);
        }
        progress.largest = Some(so_far);
        progress.since_index_entry += length as u64;
        self.size.store(end, Ordering::Release);
        Ok(())
    }

    /// Whether batches of `bytes` that reach up to `last_offset` and `largest_timestamp` need a new segment.
    ///
    /// # Errors
    /// Those of reading the first batch.
    pub fn should_roll(&self, coming: &Coming, now: Millis) -> io::Result<bool> {
        let size = u64::from(self.size());
        if size + coming.bytes > coming.segment_bytes {
            return Ok(true);
        }
        let waited = self.waited_for_roll(now, coming.largest_timestamp)?;
        if size > 0 && waited > coming.segment_ms - self.options.roll_jitter {
            return Ok(true);
        }
        let indexes = self.indexes.read();
        let full = indexes.offset.is_full() || indexes.time.is_full();
        Ok(full || relative(self.base_offset, coming.last_offset).is_err())
    }

    /// How long the segment has been active by its records' clock, or by this broker's where they have no timestamps.
    fn waited_for_roll(&self, now: Millis, timestamp: Millis) -> io::Result<Millis> {
        Ok(match self.first_batch_timestamp()? {
            Some(first) => timestamp.saturating_sub(first),
            None => now.saturating_sub(self.progress.lock().created),
        })
    }

    /// The largest timestamp of the first batch; None where it has none, or where there is no batch.
    ///
    /// # Errors
    /// Those of reading the batch's header.
    pub fn first_batch_timestamp(&self) -> io::Result<Option<Millis>> {
        let mut progress = self.progress.lock();
        if progress.first_timestamp.is_none() && self.size() > 0 {
            let first = self.headers()?.next_header().map_err(into_io)?;
            progress.first_timestamp = first.map(|(_, header)| header.max_timestamp);
        }
        Ok(progress.first_timestamp.filter(|first| *first >= 0))
    }

    /// Makes the segment ready for appending: index entries in memory, index files at their full size.
    ///
    /// # Errors
    /// Those of reading and resizing the index files.
    pub fn activate(&self) -> io::Result<()> {
        let mut indexes = self.indexes.write();
        indexes.offset.entries.activate(self.options.max_index_bytes)?;
        indexes.time.entries.activate(self.options.max_index_bytes)
    }

    /// Ends appending: the last timestamp is noted, the files are truncated to their content.
    ///
    /// # Errors
    /// Those of writing and resizing files.
    pub fn deactivate(&self) -> io::Result<()> {
        let largest = self.largest(&mut self.progress.lock())?;
        let mut indexes = self.indexes.write();
        indexes.time.entries.stop_growing();
        indexes.time.maybe_append(largest)?;
        indexes.offset.entries.trim()?;
        indexes.time.entries.trim()?;
        if self.options.preallocate > 0 {
            self.files.open_briefly(Kind::Log)?.set_len(u64::from(self.size()))?;
        }
        Ok(())
    }

    /// Forgets the batches from the one that holds `offset` on. Returns how many bytes went.
    ///
    /// # Errors
    /// Those of reading and resizing files.
    pub fn truncate_to(&self, offset: Offset, now: Millis) -> io::Result<u32> {
        let found = self.find(offset)?;
        // The step that needs a file descriptor comes first: if there is none, nothing has been changed.
        self.files.open(Kind::Log)?;
        {
            let mut indexes = self.indexes.write();
            indexes.offset.truncate_to(offset)?;
            indexes.time.truncate_to(offset)?;
            indexes.transaction.truncate_to(offset)?;
        }
        let gone = match found {
            Some(found) => self.truncate_to_size(found.position)?,
            None => 0,
        };
        let mut progress = self.progress.lock();
        if self.size() == 0 {
            progress.created = now;
            progress.first_timestamp = None;
        }
        progress.since_index_entry = 0;
        progress.largest = None;
        let largest = self.load_largest()?;
        progress.largest = Some(largest);
        Ok(gone)
    }

    /// Empties the indexes, to be written anew, with room for as many entries as an active segment has.
    ///
    /// # Errors
    /// Those of resizing files.
    pub fn reset_indexes(&self) -> io::Result<()> {
        let mut indexes = self.indexes.write();
        indexes.offset.entries.truncate(0);
        indexes.time.entries.truncate(0);
        indexes.transaction.reset()?;
        indexes.offset.entries.activate(self.options.max_index_bytes)?;
        indexes.time.entries.activate(self.options.max_index_bytes)?;
        drop(indexes);
        self.progress.lock().largest = None;
        Ok(())
    }

    /// `index.interval.bytes`, as it was when the segment was opened.
    pub fn index_interval(&self) -> u64 {
        self.options.index_interval
    }

    /// Truncates the `.log` to its first `size` bytes. Returns how many bytes were removed. Indexes are left
    /// alone.
    ///
    /// # Errors
    /// Those of resizing.
    pub fn truncate_to_size(&self, size: u32) -> io::Result<u32> {
        let before = self.size();
        let mut synced = self.synced.lock();
        if u64::from(size) != self.files.metadata(Kind::Log)?.map_or(0, |file| file.len()) {
            *synced = UNKNOWN;
            self.files.open_briefly(Kind::Log)?.set_len(u64::from(size))?;
        }
        self.size.store(size, Ordering::Release);
        Ok(before.saturating_sub(size))
    }

    /// Whether all batches are known to be on the disk.
    pub fn is_synced(&self) -> bool {
        *self.synced.lock() == self.size()
    }

    /// Brings everything to the disk that is not known to be there.
    ///
    /// # Errors
    /// Those of syncing.
    pub fn flush(&self) -> io::Result<()> {
        let mut synced = self.synced.lock();
        let size = self.size();
        if *synced != size {
            self.files.open_briefly(Kind::Log)?.sync_data()?;
            *synced = size;
        }
        drop(synced);
        let indexes = self.indexes.read();
        indexes.offset.entries.flush()?;
        indexes.time.entries.flush()?;
        indexes.transaction.flush()
    }

    // ---- files ----

    /// Renames the segment's files from their present names to those ending with `suffix`.
    ///
    /// # Errors
    /// Those of renaming; a missing transaction index is none.
    pub fn change_suffix(&self, suffix: &'static str) -> io::Result<()> {
        self.files.change_suffix(suffix)
    }

    /// The `.log`, for one use.
    ///
    /// # Errors
    /// Those of opening.
    pub fn open_log(&self) -> io::Result<Arc<File>> {
        self.files.open_briefly(Kind::Log)
    }

    /// Where its files lie, whether they are there or not.
    pub fn paths(&self) -> Vec<PathBuf> {
        Kind::ALL.into_iter().map(|kind| self.path(kind)).collect()
    }
}

/// Batches about to be appended, and the limits they count against.
#[derive(Clone, Copy, Debug)]
pub struct Coming {
    /// Their bytes.
    pub bytes: u64,
    /// Their last offset.
    pub last_offset: Offset,
    /// Their largest timestamp.
    pub largest_timestamp: Millis,
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// `segment.ms`, or less for a compacted log.
    pub segment_ms: Millis,
}

/// How many bytes are written at once, about. For larger writes the system's cache takes up large runs of memory that
/// was not in use, which on a virtual machine the host has to provide first: several times the work of the copying
/// itself.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// How many slices the system takes in one call.
const SLICES_AT_ONCE: usize = 1024;

/// Writes the pieces in order from `position` on, in one call where they are no more than [`WRITTEN_AT_ONCE`].
fn write_all_at(file: &File, pieces: &[Bytes], mut position: u64) -> io::Result<()> {
    let chunks = pieces.iter().flat_map(|piece| piece.chunks(WRITTEN_AT_ONCE));
    let mut slices: Vec<_> = chunks.map(IoSlice::new).collect();
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        let mut bytes = 0;
        let fits = |slice: &&IoSlice<'_>| {
            let before = bytes;
            bytes += slice.len();
            before < WRITTEN_AT_ONCE
        };
        let count = left.iter().take(SLICES_AT_ONCE).take_while(fits).count();
        match rustix::io::pwritev(file, &left[..count], position) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                position += written as u64;
                IoSlice::advance_slices(&mut left, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
