//! The records of a batch of format 2 in runs, of each the place, the time, the key and whether it has a value.
//!
//! Pure. Made for the cleaner, which looks at many keys and hardly ever at a value: headers and values are
//! skipped. A run is what lies unpacked in memory, at most [`RUN`] bytes unless one record is larger, so that
//! a batch is never in memory as a whole. Kafka reads whole records there (`RecordBatch.streamingIterator`).

use std::ops::Range;

use bytes::Bytes;

use super::iter::{BatchBase, count};
use super::stream::LARGEST_RECORD;
use super::varint::{read_varint, read_varlong};
use super::{Flaw, still_remaining};
use crate::base::{Millis, Offset};
use crate::wire::batch::{Batch, BatchError};
use crate::wire::compression::{Decompressor, premature_end};

/// How many bytes of records are handed out at once, unless one is larger.
const RUN: usize = 64 << 10;

/// What is known of a record without a look at its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// Its offset in the partition.
    pub offset: Offset,
    /// Its timestamp; -1 where it has none.
    pub timestamp: Millis,
    /// Whether it has a value.
    pub has_value: bool,
    /// Where its bytes lie in its run.
    pub bytes: Range<usize>,
    /// Where its key lies in its run, if it has one.
    pub key: Option<Range<usize>>,
}

/// The records of one batch of format 2, run by run.
#[derive(Debug)]
pub struct RecordRuns {
    source: RunSource,
    /// Records not handed out yet.
    left: usize,
    base: BatchBase,
    heads: Vec<RecordHead>,
    /// Bytes of the run handed out last.
    given: usize,
}

#[derive(Debug)]
enum RunSource {
    Plain(Bytes),
    Stream(Decompressor),
}

/// Some records of a batch that lie one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct RecordRun<'a> {
    /// All their bytes.
    pub bytes: &'a [u8],
    /// Each of them.
    pub records: &'a [RecordHead],
}

impl<'a> RecordRun<'a> {
    /// The key of one of its records.
    #[inline]
    pub fn key(&self, record: &RecordHead) -> Option<&'a [u8]> {
        record.key.clone().map(|key| &self.bytes[key])
    }
}

impl RecordRuns {
    /// The records of a batch of format 2.
    ///
    /// # Errors
    /// The header's count of them is impossible, or the stream does not begin as one of its codec.
    pub fn of(batch: &Batch) -> Result<Self, BatchError> {
        let header = batch.header();
        let source = if header.is_compressed() {
            RunSource::Stream(Decompressor::new(header.compression()?, header.magic, batch.body())?)
        } else {
            RunSource::Plain(batch.body())
        };
        let (left, base) = (count(header)?, BatchBase::of(header));
        Ok(Self { source, left, base, heads: Vec::new(), given: 0 })
    }

    /// The next records; None behind the last.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] for what is no record, for too few of them and for bytes behind the last one;
    /// [`BatchError::Decompress`] if the stream breaks, [`BatchError::TooLarge`] beyond [`LARGEST_RECORD`].
    pub fn next_run(&mut self) -> Result<Option<RecordRun<'_>>, BatchError> {
        self.heads.clear();
        let given = std::mem::take(&mut self.given);
        self.source.consume(given);
        if self.left == 0 {
            return if self.source.is_at_end()? { Ok(None) } else { Err(still_remaining()) };
        }
        let mut wanted = 1;
        loop {
            let bytes = self.source.fill(wanted)?;
            let (run, missing) = heads(bytes, self.left, self.base, &mut self.heads)?;
            if self.heads.is_empty() {
                wanted = missing;
                continue;
            }
            self.left -= self.heads.len();
            self.given = run;
            return Ok(Some(RecordRun { bytes: &self.source.unread()[..run], records: &self.heads }));
        }
    }
}

impl RunSource {
    fn unread(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Stream(reader) => reader.unread(),
        }
    }

    fn consume(&mut self, size: usize) {
        match self {
            Self::Plain(bytes) => *bytes = bytes.slice(size..),
            Self::Stream(reader) => reader.consume(size),
        }
    }

    /// At least so many unread bytes.
    fn fill(&mut self, size: usize) -> Result<&[u8], BatchError> {
        if size > LARGEST_RECORD + 5 {
            return Err(BatchError::TooLarge(LARGEST_RECORD));
        }
        let is_there = match self {
            Self::Plain(bytes) => bytes.len() >= size,
            Self::Stream(reader) => reader.fill(size)?,
        };
        if is_there { Ok(self.unread()) } else { Err(premature_end()) }
    }

    fn is_at_end(&mut self) -> Result<bool, BatchError> {
        match self {
            Self::Plain(bytes) => Ok(bytes.is_empty()),
            Self::Stream(reader) => Ok(!reader.fill(1)?),
        }
    }
}

/// Adds the heads of the whole records at the start of `bytes`, `most` at most. Returns how many bytes these are, and
/// how many bytes the record behind them needs.
fn heads(
    bytes: &[u8],
    most: usize,
    base: BatchBase,
    heads: &mut Vec<RecordHead>,
) -> Result<(usize, usize), BatchError> {
    let mut at = 0;
    while heads.len() < most && at < RUN {
        let mut rest = &bytes[at..];
        let Ok(length) = read_varint(&mut rest) else {
            if rest.len() >= 5 {
                return Err(Flaw::Structure.into());
            }
            return Ok((at, bytes.len() - at + 1));
        };
        let length = usize::try_from(length).map_err(|_| Flaw::Structure)?;
        let start = bytes.len() - rest.len();
        let Some(body) = rest.get(..length) else {
            return Ok((at, start - at + length));
        };
        let mut head = head(body, start, base)?;
        head.bytes = at..start + length;
        at = start + length;
        heads.push(head);
    }
    Ok((at, 1))
}

/// The head of the record whose body begins at `start` of its run.
#[inline]
fn head(body: &[u8], start: usize, base: BatchBase) -> Result<RecordHead, Flaw> {
    let mut rest = body.get(1..).ok_or(Flaw::Structure)?;
    let timestamp = base.timestamp(read_varlong(&mut rest)?);
    let offset = base.offset(read_varint(&mut rest)?);
    let key = match usize::try_from(read_varint(&mut rest)?) {
        Ok(size) => {
            let at = start + body.len() - rest.len();
            rest = rest.get(size..).ok_or(Flaw::Structure)?;
            Some(at..at + size)
        }
        Err(_) => None,
    };
    let has_value = read_varint(&mut rest)? >= 0;
    Ok(RecordHead { offset, timestamp, has_value, bytes: 0..0, key })
}

#[cfg(test)]
mod tests;
