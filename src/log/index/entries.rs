//! A file of entries of one size in ascending order, which does not know their meaning. It is open only while
//! it is used.
//!
//! While its segment is active the file is preallocated to its full size, as Kafka's is, and trimmed when the segment
//! closes: a broker of either kind finds what it expects. A file that was there when its log was opened is enlarged
//! with its first new entry, so that a start does not touch the files of thousands of logs for nothing.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::log::cold;
use crate::log::segment_files::{Kind, SegmentFiles};

/// How many entries are read at once when the search in a file has come this close.
const BLOCK: usize = 256;

/// Entries of `size` bytes in a file.
#[derive(Debug)]
pub struct Entries {
    files: Arc<SegmentFiles>,
    kind: Kind,
    size: usize,
    count: usize,
    /// Whether the file was created when it was opened.
    is_new: bool,
    /// The file's length in bytes.
    length: u64,
    /// How many bytes the entries may take; the file is enlarged to that with the next entry if it is shorter.
    room: u64,
    /// The entries, while the segment is active.
    cached: Option<Vec<u8>>,
    /// Whether entries were written that may not be on the disk.
    unsynced: AtomicBool,
}

impl Entries {
    /// Finds the file, or creates one of `max_bytes` rounded down to whole entries.
    ///
    /// # Errors
    /// Those of looking, creating and resizing.
    pub fn open(files: Arc<SegmentFiles>, kind: Kind, size: usize, max_bytes: u64) -> io::Result<Self> {
        let unsynced = AtomicBool::new(false);
        let mut entries =
            Self { files, kind, size, count: 0, is_new: false, length: 0, room: 0, cached: None, unsynced };
        let found = entries.files.metadata(kind)?;
        match found {
            Some(found) => {
                entries.length = found.len();
                entries.count = (found.len() / size as u64) as usize;
            }
            None => {
                entries.length = max_bytes - max_bytes % size as u64;
                entries.files.create(kind, entries.length)?;
                entries.is_new = true;
            }
        }
        entries.room = entries.length;
        Ok(entries)
    }

    /// Whether the file was created when it was opened.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many bytes the entries take.
    pub fn bytes(&self) -> u64 {
        (self.count * self.size) as u64
    }

    /// How many entries the file has room for, or will have.
    pub fn room(&self) -> usize {
        (self.room / self.size as u64) as usize
    }

    /// Whether the file consists of whole entries.
    pub fn is_whole(&self) -> bool {
        self.length.is_multiple_of(self.size as u64)
    }

    /// Loads the entries into memory and makes room for `max_bytes`, as the segment becomes active.
    ///
    /// # Errors
    /// Those of reading and resizing.
    pub fn activate(&mut self, max_bytes: u64) -> io::Result<()> {
        let mut cached = vec![0; self.count * self.size];
        if !cached.is_empty() {
            self.files.open_briefly(self.kind)?.read_exact_at(&mut cached, 0)?;
        }
        self.cached = Some(cached);
        let room = self.whole(max_bytes);
        if self.length > room {
            self.resize(room)?;
        }
        self.room = room;
        Ok(())
    }

    /// The file is not enlarged any more: what is still added is the last.
    pub fn stop_growing(&mut self) {
        self.room = self.length;
    }

    /// Truncates the file to its entries and drops those in memory, as the segment closes.
    ///
    /// # Errors
    /// Those of resizing.
    pub fn trim(&mut self) -> io::Result<()> {
        self.cached = None;
        self.resize(self.bytes())
    }

    /// Makes the file `bytes` long, rounded down to whole entries.
    ///
    /// # Errors
    /// Those of resizing.
    pub fn resize(&mut self, bytes: u64) -> io::Result<()> {
        let rounded = self.whole(bytes);
        if self.length != rounded {
            // Not kept open for this: an index without entries needs no descriptor.
            self.files.open_briefly(self.kind)?.set_len(rounded)?;
            self.length = rounded;
        }
        self.room = rounded;
        Ok(())
    }

    /// So many bytes, or less: only whole entries.
    fn whole(&self, bytes: u64) -> u64 {
        bytes - bytes % self.size as u64
    }

    /// Adds an entry of exactly the entries' size behind the last one.
    ///
    /// # Errors
    /// Those of writing.
    pub fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        debug_assert_eq!(entry.len(), self.size);
        let at = self.bytes();
        let file = self.files.open(self.kind)?;
        if self.length < self.room {
            file.set_len(self.room)?;
            self.length = self.room;
        }
        file.write_all_at(entry, at)?;
        self.unsynced.store(true, Ordering::Release);
        self.length = self.length.max(at + self.size as u64);
        self.room = self.room.max(self.length);
        if let Some(cached) = &mut self.cached {
            cached.extend_from_slice(entry);
        }
        self.count += 1;
        Ok(())
    }

    /// Forgets all but the first `count` entries; the file keeps its length.
    pub fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
        if let Some(cached) = &mut self.cached {
            cached.truncate(self.count * self.size);
        }
    }

    /// The entry number `at`, handed to `read`; None past the end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn get<T>(&self, at: usize, read: impl Fn(&[u8]) -> T) -> io::Result<Option<T>> {
        if at >= self.count {
            return Ok(None);
        }
        self.block(at, 1, |bytes| read(bytes)).map(Some)
    }

    /// How many entries, from the first on, satisfy `holds`, which must hold for a first part and no longer after it.
    ///
    /// # Errors
    /// Those of reading.
    pub fn partition_point(&self, holds: impl Fn(&[u8]) -> bool) -> io::Result<usize> {
        let (mut low, mut high) = (0, self.count);
        let close = if self.cached.is_some() { 0 } else { BLOCK };
        while high - low > close {
            let middle = low + (high - low) / 2;
            if self.block(middle, 1, &holds)? { low = middle + 1 } else { high = middle }
        }
        if low == high {
            return Ok(low);
        }
        let within = |bytes: &[u8]| bytes.chunks_exact(self.size).take_while(|entry| holds(entry)).count();
        Ok(low + self.block(low, high - low, within)?)
    }

    /// Hands `count` entries from `at` on to `read`.
    fn block<T>(&self, at: usize, count: usize, read: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        let (from, length) = (at * self.size, count * self.size);
        if let Some(cached) = self.cached.as_ref().and_then(|cached| cached.get(from..from + length)) {
            return Ok(read(cached));
        }
        let mut bytes = [0; BLOCK * 12];
        let bytes = &mut bytes[..length];
        cold::read_exact_at(&*self.files.open(self.kind)?, bytes, from as u64)?;
        Ok(read(bytes))
    }

    /// Brings the entries to the disk, if any were written since the last time.
    ///
    /// # Errors
    /// Those of syncing; it is then still to be done.
    pub fn flush(&self) -> io::Result<()> {
        if !self.unsynced.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let synced = self.files.open_briefly(self.kind).and_then(|file| file.sync_data());
        synced.inspect_err(|_| self.unsynced.store(true, Ordering::Release))
    }
}

/// Eight big-endian bytes of an entry, from `at` on.
pub(super) fn long(entry: &[u8], at: usize) -> i64 {
    entry[at..at + 8].iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Four big-endian bytes of an entry, from `at` on.
pub(super) fn int(entry: &[u8], at: usize) -> i32 {
    entry[at..at + 4].iter().fold(0, |number, byte| number << 8 | i32::from(*byte))
}

#[cfg(test)]
mod tests;
