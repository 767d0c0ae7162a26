//! Writes records in any format, compressing as they come: they are in memory only in their stored form.
//!
//! Pure. Kafka: `MemoryRecordsBuilder` as the broker uses it.

use std::io::{self, Write};

use bytes::Bytes;

use super::batch::{BATCH_OVERHEAD, BatchBuilder, BatchError, NO_TIMESTAMP};
use super::compression::{Compression, Compressor};
use super::legacy::SetLayout;
use super::record::{Record, RecordHeaders};
use crate::base::{Millis, Offset};

/// How many bytes of records are collected before they are given to the codec.
const GATHER: usize = 16 << 10;

/// Writes records in any format; all in one batch, or one message each in formats 0 and 1 without
/// compression.
#[derive(Debug)]
pub struct RecordsBuilder {
    layout: RecordLayout,
    magic: i8,
    is_batched: bool,
    append_time: Option<Millis>,
    base_offset: Offset,
    last_offset: Option<Offset>,
    max_timestamp: Millis,
    offset_of_max_timestamp: Offset,
    gathered: Vec<u8>,
    out: Result<Compressor<Capped>, BatchError>,
}

#[derive(Debug)]
enum RecordLayout {
    Batch(BatchBuilder),
    Messages(SetLayout),
}

/// A record as a builder takes it.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// Its timestamp, or -1.
    pub timestamp: Millis,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value, if it has one.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: RecordHeaders<'a>,
}

impl<'a> From<&'a Record> for NewRecord<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: RecordHeaders::List(&record.headers),
        }
    }
}

/// Keeps bytes up to a limit; bytes after it are only counted.
#[derive(Debug)]
struct Capped {
    bytes: Vec<u8>,
    size: usize,
    most: usize,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size += bytes.len();
        if self.size <= self.most {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes = Vec::new();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was built.
#[derive(Debug)]
pub enum Built {
    /// The bytes.
    Records(Bytes),
    /// It is larger than allowed, by its size in bytes.
    TooLarge(usize),
}

impl RecordsBuilder {
    /// Writes messages of format 0 or 1 from `base_offset` on; with `append_time` all timestamps are that.
    pub fn messages(
        magic: i8,
        compression: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        let layout = SetLayout::new(magic, compression, append_time, base_offset);
        let out = layout.check_codec().and_then(|()| writer(compression, layout.header_size()));
        let is_batched = compression != Compression::None;
        Self::new(RecordLayout::Messages(layout), magic, is_batched, append_time, base_offset, out)
    }

    /// Writes one batch of format 2; codec, base offset and append time must be those of `batch`.
    pub fn batch(
        batch: BatchBuilder,
        compression: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        let out = writer(compression, BATCH_OVERHEAD);
        Self::new(RecordLayout::Batch(batch), 2, true, append_time, base_offset, out)
    }

    fn new(
        layout: RecordLayout,
        magic: i8,
        is_batched: bool,
        append_time: Option<Millis>,
        base_offset: Offset,
        out: Result<Compressor<Capped>, BatchError>,
    ) -> Self {
        Self {
            layout,
            magic,
            is_batched,
            append_time,
            base_offset,
            last_offset: None,
            max_timestamp: NO_TIMESTAMP,
            offset_of_max_timestamp: -1,
            gathered: Vec::new(),
            out,
        }
    }

    /// Keeps no more than `size` bytes in all; see [`RecordsBuilder::build_within`].
    pub fn at_most(mut self, size: usize) -> Self {
        if let Ok(writer) = &mut self.out {
            writer.get_mut().most = size;
        }
        self
    }

    /// Adds a record at `offset` instead of its own.
    ///
    /// # Errors
    /// [`BatchError::Unsupported`] for headers before format 2, offsets that do not grow or grow too far, negative
    /// timestamps.
    pub fn push_at(&mut self, offset: Offset, record: &Record) -> Result<(), BatchError> {
        self.push_new(offset, &NewRecord::from(record))
    }

    /// As [`RecordsBuilder::push_at`], without a record in memory.
    ///
    /// # Errors
    /// As [`RecordsBuilder::push_at`].
    pub fn push_new(&mut self, offset: Offset, record: &NewRecord<'_>) -> Result<(), BatchError> {
        self.check(offset, record)?;
        let NewRecord { timestamp, key, value, headers } = *record;
        let out = &mut self.gathered;
        match &mut self.layout {
            RecordLayout::Batch(batch) => batch.encode(out, offset, timestamp, key, value, headers),
            RecordLayout::Messages(messages) => messages.encode(out, offset, timestamp, key, value),
        }
        if self.gathered.len() >= GATHER {
            self.write_gathered()?;
        }
        self.last_offset = Some(offset);
        let timestamp = if self.magic == 1 { self.append_time.unwrap_or(timestamp) } else { timestamp };
        if self.magic > 0 && timestamp > self.max_timestamp {
            (self.max_timestamp, self.offset_of_max_timestamp) = (timestamp, offset);
        }
        Ok(())
    }

    fn write_gathered(&mut self) -> Result<(), BatchError> {
        let writer = self.out.as_mut().map_err(|error| error.clone())?;
        writer.write_all(&self.gathered).map_err(failed)?;
        self.gathered.clear();
        Ok(())
    }

    fn check(&self, offset: Offset, record: &NewRecord<'_>) -> Result<(), BatchError> {
        let message = if let Some(last) = self.last_offset.filter(|last| offset <= *last) {
            format!(
                "Illegal offset {offset} following previous offset {last} (Offsets must increase monotonically)."
            )
        } else if record.timestamp < NO_TIMESTAMP {
            format!("Invalid negative timestamp {}", record.timestamp)
        } else if self.magic < 2 && !record.headers.is_empty() {
            format!("Magic v{} does not support record headers", self.magic)
        } else if offset.wrapping_sub(self.base_offset) > i64::from(i32::MAX) {
            format!("Maximum offset delta exceeded, base offset: {}, last offset: {offset}", self.base_offset)
        } else {
            return Ok(());
        };
        Err(BatchError::Unsupported(message))
    }

    /// The largest timestamp, and the offset that an index gives it: that of the whole batch, or of the message that
    /// has it.
    pub fn max_timestamp(&self) -> (Millis, Offset) {
        let last = self.last_offset.unwrap_or(self.base_offset);
        match self.append_time {
            Some(time) => (time, if self.is_batched { last } else { self.base_offset }),
            None if self.is_batched || self.max_timestamp == NO_TIMESTAMP => (self.max_timestamp, last),
            None => (self.max_timestamp, self.offset_of_max_timestamp),
        }
    }

    /// Completes the records.
    ///
    /// # Errors [`BatchError::Decompress`] if the codec fails, [`BatchError::Unsupported`] for zstd before
    /// format 2 and for impossible producers, [`BatchError::TooLarge`] beyond 2 GiB or the limit of
    /// [`RecordsBuilder::at_most`].
    pub fn build(self) -> Result<Bytes, BatchError> {
        match self.build_within()? {
            Built::Records(bytes) => Ok(bytes),
            Built::TooLarge(size) => Err(BatchError::TooLarge(size)),
        }
    }

    /// As [`RecordsBuilder::build`], with the size it would have if it is too large.
    ///
    /// # Errors
    /// As [`RecordsBuilder::build`].
    pub fn build_within(mut self) -> Result<Built, BatchError> {
        if let RecordLayout::Batch(batch) = &self.layout {
            batch.check_producer()?;
        }
        self.write_gathered()?;
        let Capped { bytes, size, most } = self.out?.finish().map_err(failed)?;
        if size > most {
            return Ok(Built::TooLarge(size));
        }
        if self.last_offset.is_none() {
            return Ok(Built::Records(Bytes::new()));
        }
        Ok(Built::Records(match self.layout {
            RecordLayout::Batch(batch) => batch.finish(bytes)?,
            RecordLayout::Messages(messages) => messages.finish(bytes),
        }))
    }
}

fn writer(codec: Compression, header_size: usize) -> Result<Compressor<Capped>, BatchError> {
    let out = Capped { bytes: vec![0; header_size], size: header_size, most: usize::MAX };
    Compressor::new(codec, out).map_err(failed)
}

fn failed(error: io::Error) -> BatchError {
    BatchError::Decompress(error.to_string())
}
