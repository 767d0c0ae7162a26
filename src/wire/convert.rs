//! Records of one format laid out in another: for topics and clients older or newer than the records.
//!
//! Kafka: `MemoryRecordsBuilder` as the broker uses it, `RecordsUtil.downConvert`.

use bytes::Bytes;

use super::batch::{Batch, BatchBuilder, BatchError, NO_TIMESTAMP, TimestampType};
use super::compression::Compression;
use super::legacy::MessageSetBuilder;
use super::record::Record;
use crate::base::{Millis, Offset};

/// Lays records out in any format; all in one batch, or one message each in formats 0 and 1 without compression.
#[derive(Clone, Debug)]
pub struct RecordsBuilder {
    layout: Layout,
    magic: i8,
    is_batched: bool,
    append_time: Option<Millis>,
    base_offset: Offset,
    last_offset: Option<Offset>,
    max_timestamp: Millis,
    offset_of_max_timestamp: Offset,
}

#[derive(Clone, Debug)]
enum Layout {
    Batch(BatchBuilder),
    Messages(MessageSetBuilder),
}

impl RecordsBuilder {
    /// Lays out as messages of format 0 or 1 from `base_offset` on; with `append_time` all timestamps are that.
    pub fn messages(
        magic: i8,
        compression: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        let layout = Layout::Messages(MessageSetBuilder::new(magic, compression, append_time, base_offset));
        Self::new(layout, magic, compression, append_time, base_offset)
    }

    /// Lays out as one batch of format 2; codec, base offset and append time are to be those that `batch` was given.
    pub fn batch(batch: BatchBuilder, append_time: Option<Millis>, base_offset: Offset) -> Self {
        Self::new(Layout::Batch(batch), 2, Compression::None, append_time, base_offset)
    }

    fn new(
        layout: Layout,
        magic: i8,
        codec: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        Self {
            layout,
            magic,
            is_batched: magic == 2 || codec != Compression::None,
            append_time,
            base_offset,
            last_offset: None,
            max_timestamp: NO_TIMESTAMP,
            offset_of_max_timestamp: -1,
        }
    }

    /// Adds a record at `offset` instead of its own.
    ///
    /// # Errors
    /// [`BatchError::Unsupported`] for headers before format 2, offsets that do not grow or grow too far, negative timestamps.
    pub fn push_at(&mut self, offset: Offset, record: &Record) -> Result<(), BatchError> {
        self.check(offset, record)?;
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        match &mut self.layout {
            Layout::Batch(batch) => batch.push_at(offset, record.timestamp, key, value, &record.headers),
            Layout::Messages(messages) => messages.push(offset, record.timestamp, key, value),
        }
        self.last_offset = Some(offset);
        let timestamp =
            if self.magic == 1 { self.append_time.unwrap_or(record.timestamp) } else { record.timestamp };
        if self.magic > 0 && timestamp > self.max_timestamp {
            (self.max_timestamp, self.offset_of_max_timestamp) = (timestamp, offset);
        }
        Ok(())
    }

    fn check(&self, offset: Offset, record: &Record) -> Result<(), BatchError> {
        let says = if let Some(last) = self.last_offset.filter(|last| offset <= *last) {
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
        Err(BatchError::Unsupported(says))
    }

    /// The largest timestamp, and the offset that an index gives it: that of the whole batch, or of the message that has it.
    pub fn max_timestamp(&self) -> (Millis, Offset) {
        let last = self.last_offset.unwrap_or(self.base_offset);
        match self.append_time {
            Some(time) => (time, if self.is_batched { last } else { self.base_offset }),
            None if self.is_batched || self.max_timestamp == NO_TIMESTAMP => (self.max_timestamp, last),
            None => (self.max_timestamp, self.offset_of_max_timestamp),
        }
    }

    /// What builds it: of messages of format 0 or 1, or else of a batch.
    pub fn into_messages(self) -> Result<MessageSetBuilder, BatchBuilder> {
        match self.layout {
            Layout::Messages(messages) => Ok(messages),
            Layout::Batch(batch) => Err(batch),
        }
    }

    /// Lays the records out.
    ///
    /// # Errors
    /// Those of [`BatchBuilder::build`] and [`MessageSetBuilder::build`].
    pub fn build(self) -> Result<Bytes, BatchError> {
        match self.layout {
            Layout::Batch(batch) => batch.build(),
            Layout::Messages(messages) => messages.build(),
        }
    }
}

/// A batch as a client that knows no more than format `magic` (0 or 1) reads it, from `first_offset` on; empty where nothing
/// is left of it.
///
/// A batch that is old enough stays as it is. Control batches are left out, headers dropped. Records below `first_offset` are dropped
/// where each becomes a message of its own, which some versions of librdkafka rely on.
///
/// # Errors
/// [`BatchError::UnsupportedCompression`] for zstd, what reading the records finds; `limit` bounds the batch's decompressed bytes.
pub fn down_convert(
    batch: &Batch,
    magic: i8,
    first_offset: Offset,
    limit: usize,
) -> Result<Bytes, BatchError> {
    let header = batch.header();
    if header.is_control() {
        return Ok(Bytes::new());
    }
    let codec = header.compression()?;
    if codec == Compression::Zstd {
        return Err(BatchError::UnsupportedCompression(
            "Down-conversion of zstandard-compressed batches is not supported".into(),
        ));
    }
    if header.magic <= magic {
        return Ok(batch.bytes().clone());
    }
    let mut records = batch.records_within(limit)?.collect::<Result<Vec<_>, _>>()?;
    records.retain(|record| codec != Compression::None || record.offset >= first_offset);
    let Some(first) = records.first() else { return Ok(Bytes::new()) };
    let append_time =
        (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
    let mut builder = RecordsBuilder::messages(magic, codec, append_time, first.offset);
    for mut record in records {
        record.headers.clear();
        builder.push_at(record.offset, &record)?;
    }
    builder.build()
}

#[cfg(test)]
mod tests;
