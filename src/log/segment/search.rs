//! Finding things in a segment, by its indexes and the headers of its batches.

use std::io;

use super::{Progress, Segment};
use crate::base::{FileSlice, Millis, Offset, Records};
use crate::log::cold;
use crate::log::index::TimestampOffset;
use crate::log::open_files::OPEN_FILES;
use crate::log::segment_files::Kind;
use crate::log::walk::{FileBatches, Headers, WalkError};

/// A batch that holds an offset, or the first one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOffsetPosition {
    /// Where the batch begins.
    pub position: u32,
    /// Its bytes.
    pub size: u32,
}

impl Segment {
    /// The first batch that ends at or behind `offset`; None where the segment ends before it.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` where there is no batch where one should be.
    pub fn find(&self, offset: Offset) -> io::Result<Option<LogOffsetPosition>> {
        if self.size() == 0 {
            return Ok(None);
        }
        let from = cold::read_locked(&self.indexes).offset.lookup(offset)?.position;
        let mut headers = self.headers_from(from)?;
        while let Some((at, header)) = headers.next_header().map_err(into_io)? {
            if header.last_offset() >= offset {
                // Both lie below the segment's size, which is a u32.
                return Ok(Some(LogOffsetPosition { position: at as u32, size: header.size() as u32 }));
            }
        }
        Ok(None)
    }

    /// The bytes from `position`, `length` of them: a slice of the file, which stays open as long as the slice is
    /// there, or a copy where no more files may be held.
    ///
    /// # Errors
    /// Those of opening and reading the file.
    pub fn slice(&self, position: u32, length: u32) -> io::Result<Records> {
        let file = self.files.open(Kind::Log)?;
        if !OPEN_FILES.is_crowded() {
            return Ok(Records::File(FileSlice { file, position: u64::from(position), length }));
        }
        let mut bytes = vec![0; length as usize];
        cold::read_exact_at(&file, &mut bytes, u64::from(position))?;
        Ok(Records::Memory(bytes.into()))
    }

    /// The batches from `position` on.
    ///
    /// # Errors
    /// Those of opening the file.
    pub fn batches(&self, position: u32) -> io::Result<FileBatches> {
        Ok(FileBatches::new(self.files.open(Kind::Log)?, u64::from(position), u64::from(self.size())))
    }

    /// The headers of all batches.
    ///
    /// # Errors
    /// Those of opening the file.
    pub fn headers(&self) -> io::Result<Headers> {
        self.headers_from(0)
    }

    fn headers_from(&self, position: u32) -> io::Result<Headers> {
        Ok(Headers::new(self.files.open(Kind::Log)?, u64::from(position), u64::from(self.size())))
    }

    /// The offset behind the last batch; the base offset where there is none.
    ///
    /// # Errors
    /// As [`Segment::find`].
    pub fn next_offset(&self) -> io::Result<Offset> {
        if self.size() == 0 {
            return Ok(self.base_offset);
        }
        let last = self.indexes.read().offset.last()?;
        let from = last.map_or(0, |last| last.position);
        let mut headers = self.headers_from(from)?;
        let mut next = None;
        while let Some((_, header)) = headers.next_header().map_err(into_io)? {
            next = Some(header.next_offset());
        }
        Ok(next.unwrap_or(self.base_offset))
    }

    /// The largest timestamp of the records, or the file's modification time where none has one.
    ///
    /// # Errors
    /// Those of reading the time index or the file's metadata.
    pub fn largest_timestamp(&self) -> io::Result<Millis> {
        let largest = self.largest(&mut self.progress.lock())?;
        if largest.timestamp >= 0 { Ok(largest.timestamp) } else { self.last_modified() }
    }

    /// When the `.log` was last written to.
    ///
    /// # Errors
    /// Those of reading the file's metadata.
    pub fn last_modified(&self) -> io::Result<Millis> {
        let Some(file) = self.files.metadata(Kind::Log)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let since = file.modified()?.duration_since(std::time::UNIX_EPOCH);
        Ok(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    pub(super) fn largest(&self, progress: &mut Progress) -> io::Result<TimestampOffset> {
        match progress.largest {
            Some(largest) => Ok(largest),
            None => Ok(*progress.largest.insert(self.indexes.read().time.last()?)),
        }
    }

    /// Sets the largest timestamp, found by reading all batches.
    pub fn set_largest(&self, largest: TimestampOffset) {
        self.progress.lock().largest = Some(largest);
    }

    /// The largest timestamp by the time index and the batches behind its last entry.
    pub(super) fn load_largest(&self) -> io::Result<TimestampOffset> {
        let (mut largest, from) = {
            let indexes = self.indexes.read();
            let last = indexes.time.last()?;
            (last, indexes.offset.lookup(last.offset)?.position)
        };
        let mut headers = self.headers_from(from)?;
        while let Some((_, header)) = headers.next_header().map_err(into_io)? {
            if header.max_timestamp > largest.timestamp {
                largest = TimestampOffset { timestamp: header.max_timestamp, offset: header.last_offset() };
            }
        }
        Ok(largest)
    }
}

/// What is no batch as an error of the file that should hold one.
pub fn into_io(error: WalkError) -> io::Error {
    match error {
        WalkError::Io(error) => error,
        WalkError::Batch(error) => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}
