//! The aborted transactions of a segment, which readers of committed records must leave out.
//!
//! 34 bytes an entry: version (0), producer id, first offset, last offset, last stable offset when it was aborted.
//! In the order in which they were aborted. The file exists only where there is one. Kafka: `TransactionIndex`
//! (KIP-98).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::entries::long;
use crate::base::{Offset, ProducerId};
use crate::log::cold;
use crate::log::segment_files::{Kind, SegmentFiles};

const SIZE: usize = 34;
const VERSION: i16 = 0;

/// An aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedEntry {
    /// The producer of the transaction.
    pub producer_id: ProducerId,
    /// The offset of its first record in this partition.
    pub first_offset: Offset,
    /// The offset of the marker that aborted it.
    pub last_offset: Offset,
    /// The last stable offset after it was aborted: readers up to there need no later entry.
    pub last_stable_offset: Offset,
}

impl AbortedEntry {
    fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..2].copy_from_slice(&VERSION.to_be_bytes());
        let numbers = [self.producer_id, self.first_offset, self.last_offset, self.last_stable_offset];
        for (at, number) in numbers.into_iter().enumerate() {
            bytes[2 + at * 8..][..8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let version = i16::from_be_bytes([bytes[0], bytes[1]]);
        (version <= VERSION).then(|| Self {
            producer_id: long(bytes, 2),
            first_offset: long(bytes, 10),
            last_offset: long(bytes, 18),
            last_stable_offset: long(bytes, 26),
        })
    }
}

/// The `.txnindex` of one segment.
#[derive(Debug)]
pub struct TransactionIndex {
    files: Arc<SegmentFiles>,
    base_offset: Offset,
    /// How many entries there are; the file is made with the first.
    count: usize,
    /// Open for the entries that are about to be added.
    prepared: Option<File>,
}

impl TransactionIndex {
    /// Opens the index if there is one; half an entry at its end does not count.
    ///
    /// # Errors
    /// Those of looking at the file.
    pub fn open(files: Arc<SegmentFiles>, base_offset: Offset) -> io::Result<Self> {
        let found = files.metadata(Kind::TransactionIndex)?;
        let count = found.map_or(0, |found| (found.len() / SIZE as u64) as usize);
        Ok(Self { files, base_offset, count, prepared: None })
    }

    /// Opens the file, and makes it where there is none, so that what is appended next does not fail for want of a
    /// descriptor once its records are in the log.
    ///
    /// # Errors
    /// Those of opening.
    pub fn prepare(&mut self) -> io::Result<()> {
        self.prepared = Some(self.files.open_or_create(Kind::TransactionIndex)?);
        Ok(())
    }

    /// Adds an aborted transaction.
    ///
    /// # Errors
    /// Those of writing.
    pub fn append(&mut self, entry: &AbortedEntry) -> io::Result<()> {
        let file = match self.prepared.take() {
            Some(file) => file,
            None => self.files.open_or_create(Kind::TransactionIndex)?,
        };
        file.write_all_at(&entry.encode(), (self.count * SIZE) as u64)?;
        self.count += 1;
        Ok(())
    }

    /// All entries, in the order in which they were aborted.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for an entry of a newer version.
    pub fn read(&self) -> io::Result<Vec<AbortedEntry>> {
        if self.count == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; self.count * SIZE];
        cold::read_exact_at(&*self.files.open_briefly(Kind::TransactionIndex)?, &mut bytes, 0)?;
        let entries = bytes.chunks_exact(SIZE).map(AbortedEntry::decode).collect::<Option<_>>();
        entries.ok_or_else(|| {
            let text = format!(
                "Unexpected aborted transaction version in transaction index {}, current version is {VERSION}",
                self.files.path(Kind::TransactionIndex).display()
            );
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Adds to `found` the transactions that touch the offsets from `fetch_offset` to below `upper_bound`.
    /// Returns whether later segments need not be asked.
    ///
    /// # Errors
    /// As [`TransactionIndex::read`].
    pub fn collect(
        &self,
        fetch_offset: Offset,
        upper_bound: Offset,
        found: &mut Vec<AbortedEntry>,
    ) -> io::Result<bool> {
        for entry in self.read()? {
            if entry.last_offset >= fetch_offset && entry.first_offset < upper_bound {
                found.push(entry);
            }
            if entry.last_stable_offset >= upper_bound {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Forgets the transactions aborted at or above `offset`.
    ///
    /// # Errors
    /// Those of reading and resizing.
    pub fn truncate_to(&mut self, offset: Offset) -> io::Result<()> {
        let kept = self.read()?.iter().take_while(|entry| entry.last_offset < offset).count();
        if kept < self.count { self.keep_first(kept) } else { Ok(()) }
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// Those of resizing.
    pub fn reset(&mut self) -> io::Result<()> {
        if self.files.metadata(Kind::TransactionIndex)?.is_some() { self.keep_first(0) } else { Ok(()) }
    }

    /// Whether every transaction ended within the segment.
    ///
    /// # Errors
    /// Those of reading, a newer version excepted: that is not sane.
    pub fn is_sane(&self) -> io::Result<bool> {
        match self.read() {
            Ok(entries) => Ok(entries.iter().all(|entry| entry.last_offset >= self.base_offset)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings the entries to the disk.
    ///
    /// # Errors
    /// Those of syncing.
    pub fn flush(&self) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        self.files.open_briefly(Kind::TransactionIndex)?.sync_data()
    }

    fn keep_first(&mut self, count: usize) -> io::Result<()> {
        self.files.open_briefly(Kind::TransactionIndex)?.set_len((count * SIZE) as u64)?;
        self.count = count;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
