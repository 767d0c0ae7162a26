//! Messages of formats 0 and 1: `offset, length, CRC-32, magic, attributes, [timestamp], key, value`.
//!
//! A compressed message wraps a set of others in its value. Only one level of wrapping exists and only one is read, so that nesting
//! cannot recurse. Inner offsets are absolute in format 0 and relative in format 1. Kafka: `LegacyRecord`, `AbstractLegacyRecordBatch`.

use bytes::Bytes;

use super::batch::{Batch, BatchError, HEADER_SIZE_UP_TO_MAGIC, NO_TIMESTAMP, TimestampType, i32_at, i64_at};
use super::compression::Compression;
use super::record::Record;
use crate::base::{Millis, Offset};

/// Bytes of a message of format 0 or 1 besides its key and value, offset and length included.
pub fn overhead(magic: i8) -> usize {
    if magic == 0 { 26 } else { 34 }
}

/// A message with its place and time made absolute: an uncompressed one itself, or one of those a compressed one wraps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its offset in the partition.
    pub offset: Offset,
    /// Its timestamp, that of its wrapper under `LogAppendTime`; -1 in format 0.
    pub timestamp: Millis,
    /// Its own bytes.
    pub message: Batch,
}

impl Message {
    /// Its key.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] if it does not fit in the message.
    pub fn key(&self) -> Result<Option<Bytes>, BatchError> {
        Ok(fields(&self.message)?.0)
    }

    /// The message as a record.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] if key or value do not fit in the message.
    pub fn record(&self) -> Result<Record, BatchError> {
        let (key, value) = fields(&self.message)?;
        Ok(Record { offset: self.offset, timestamp: self.timestamp, key, value, headers: Vec::new() })
    }
}

/// The records in one message of format 0 or 1.
pub(super) fn records_of(batch: &Batch, limit: usize) -> Result<Vec<Record>, BatchError> {
    messages(batch, limit)?.iter().map(Message::record).collect()
}

/// The messages in one message of format 0 or 1: those it wraps, or itself if it is not compressed.
///
/// # Errors
/// [`BatchError::InvalidRecord`] for wrappers that cannot be, [`BatchError::Corrupt`] for impossible sizes inside, what decompressing finds.
pub fn messages(batch: &Batch, limit: usize) -> Result<Vec<Message>, BatchError> {
    let header = batch.header();
    if !header.is_compressed() {
        return Ok(vec![Message {
            offset: header.base_offset,
            timestamp: header.max_timestamp,
            message: batch.clone(),
        }]);
    }
    let mut inner = unwrap(batch, limit)?;
    let Some(last) = inner.last().map(|message| message.offset) else {
        return Err(invalid("Found invalid compressed record set with no inner records"));
    };
    if inner.iter().any(|message| message.message.header().is_compressed()) {
        return Err(invalid("Inner messages must not be compressed"));
    }
    if header.magic == 1 {
        let base = absolute_base(header.base_offset, last)?;
        for message in &mut inner {
            message.offset = base.wrapping_add(message.offset);
        }
    }
    Ok(inner)
}

/// What has to be added to a wrapper's relative offsets.
fn absolute_base(wrapper: Offset, last: Offset) -> Result<Offset, BatchError> {
    // Some versions of librdkafka leave the wrapper's offset 0 when they produce.
    if wrapper == 0 {
        return Ok(0);
    }
    if wrapper < last {
        return Err(BatchError::InvalidRecord(format!(
            "Found invalid wrapper offset in compressed v1 message set, wrapper offset '{wrapper}' is less than the last inner \
             message offset '{last}' and it is not zero."
        )));
    }
    Ok(wrapper.wrapping_sub(last))
}

/// The messages a wrapper holds, with the offsets written in them.
fn unwrap(batch: &Batch, limit: usize) -> Result<Vec<Message>, BatchError> {
    let header = batch.header();
    let codec = header.compression()?;
    if codec == Compression::Zstd {
        let magic = header.magic;
        return Err(BatchError::InvalidRecord(format!(
            "Invalid wrapper compressionType found in legacy deep record iterator {magic}"
        )));
    }
    let Some(value) = fields(batch)?.1 else {
        let magic = header.magic;
        return Err(BatchError::InvalidRecord(format!(
            "Found invalid compressed record set with null value (magic = {magic})"
        )));
    };
    let set = if header.magic == 0 {
        codec.decompress_v0(&value, limit)?
    } else {
        codec.decompress(&value, limit)?
    };
    let append_time =
        (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
    let mut messages = Vec::new();
    for message in Batch::split(set) {
        let message = message?;
        let inner = message.header();
        if inner.magic > 1 {
            return Err(BatchError::InvalidRecord(format!(
                "Compressed message magic {} does not match wrapper magic {}",
                inner.magic, header.magic
            )));
        }
        let timestamp = match append_time {
            Some(time) if inner.magic == 1 => time,
            _ => inner.max_timestamp,
        };
        messages.push(Message { offset: inner.base_offset, timestamp, message });
    }
    Ok(messages)
}

/// Key and value of a message.
fn fields(message: &Batch) -> Result<(Option<Bytes>, Option<Bytes>), BatchError> {
    let mut rest = message.body();
    Ok((take_field(&mut rest)?, take_field(&mut rest)?))
}

fn take_field(rest: &mut Bytes) -> Result<Option<Bytes>, BatchError> {
    if rest.len() < 4 {
        return Err(invalid("Found invalid record structure"));
    }
    let size = i32_at(&rest.split_to(4), 0);
    match usize::try_from(size) {
        Err(_) => Ok(None),
        Ok(size) if size <= rest.len() => Ok(Some(rest.split_to(size))),
        Ok(_) => Err(invalid("Found invalid record structure")),
    }
}

fn invalid(says: &str) -> BatchError {
    BatchError::InvalidRecord(says.into())
}

/// Writes a message's offset anew and, in format 1 and if given, its timestamp and the type of it; then makes the checksum right.
///
/// `message` is a whole message as [`Batch::parse`] accepts it.
pub fn restamp(message: &mut [u8], offset: Offset, time: Option<(TimestampType, Millis)>) {
    message[..8].copy_from_slice(&offset.to_be_bytes());
    let Some((kind, timestamp)) = time else { return };
    debug_assert_eq!(message[HEADER_SIZE_UP_TO_MAGIC - 1], 1);
    message[17] = message[17] & !8 | if kind == TimestampType::LogAppendTime { 8 } else { 0 };
    message[18..26].copy_from_slice(&timestamp.to_be_bytes());
    let crc = crc32fast::hash(&message[16..]);
    message[12..16].copy_from_slice(&crc.to_be_bytes());
}

/// Gathers records and lays them out as messages of format 0 or 1: one each, or all in one compressed wrapper.
///
/// Kafka: `MemoryRecordsBuilder` for magic 0 and 1.
#[derive(Clone, Debug)]
pub struct MessageSetBuilder {
    magic: i8,
    compression: Compression,
    append_time: Option<Millis>,
    base_offset: Offset,
    last_offset: Offset,
    max_timestamp: Millis,
    body: Vec<u8>,
}

impl MessageSetBuilder {
    /// An empty set of format `magic` (0 or 1) whose offsets begin at `base_offset`; with `append_time` all timestamps are that.
    pub fn new(
        magic: i8,
        compression: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        let append_time = append_time.filter(|_| magic > 0);
        Self {
            magic,
            compression,
            append_time,
            base_offset,
            last_offset: base_offset,
            max_timestamp: NO_TIMESTAMP,
            body: Vec::new(),
        }
    }

    /// Adds a record at an offset above that of the one before.
    pub fn push(&mut self, offset: Offset, timestamp: Millis, key: Option<&[u8]>, value: Option<&[u8]>) {
        let timestamp = self.append_time.unwrap_or(timestamp);
        let is_relative = self.magic > 0 && self.compression != Compression::None;
        let written = if is_relative { offset - self.base_offset } else { offset };
        let attributes = self.attributes(Compression::None);
        write(&mut self.body, written, self.magic, attributes, timestamp, key, value);
        self.last_offset = offset;
        self.max_timestamp = self.max_timestamp.max(timestamp);
    }

    /// The same messages, their absolute offsets `by` higher. Of format 0, or uncompressed: checksums do not cover these offsets.
    pub fn shifted(mut self, by: Offset) -> Self {
        let mut rest = &mut self.body[..];
        while rest.len() >= HEADER_SIZE_UP_TO_MAGIC {
            let size = 12 + usize::try_from(i32_at(rest, 8)).unwrap_or(0);
            let offset = i64_at(rest, 0) + by;
            rest[..8].copy_from_slice(&offset.to_be_bytes());
            rest = rest.split_at_mut(size.min(rest.len())).1;
        }
        self.base_offset += by;
        self.last_offset += by;
        self
    }

    fn attributes(&self, compression: Compression) -> u8 {
        compression.id() | if self.append_time.is_some() { 8 } else { 0 }
    }

    /// Lays the set out.
    ///
    /// # Errors
    /// [`BatchError::Unsupported`] for zstd, [`BatchError::Decompress`] if the codec fails.
    pub fn build(self) -> Result<Bytes, BatchError> {
        if self.body.is_empty() || self.compression == Compression::None {
            return Ok(self.body.into());
        }
        let set = match (self.compression, self.magic) {
            (Compression::Zstd, magic) => {
                return Err(BatchError::Unsupported(format!(
                    "ZStandard compression is not supported for magic {magic}"
                )));
            }
            (codec, 0) => codec.compress_v0(&self.body)?,
            (codec, _) => codec.compress(&self.body)?,
        };
        let mut out = Vec::with_capacity(overhead(self.magic) + set.len());
        let attributes = self.attributes(self.compression);
        write(&mut out, self.last_offset, self.magic, attributes, self.max_timestamp, None, Some(&set));
        Ok(out.into())
    }
}

fn write(
    out: &mut Vec<u8>,
    offset: Offset,
    magic: i8,
    attributes: u8,
    timestamp: Millis,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) {
    let start = out.len();
    let size = overhead(magic) + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
    out.reserve(size);
    out.extend_from_slice(&offset.to_be_bytes());
    out.extend_from_slice(&((size - 12) as u32).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(magic as u8);
    out.push(attributes);
    if magic > 0 {
        out.extend_from_slice(&timestamp.to_be_bytes());
    }
    for field in [key, value] {
        out.extend_from_slice(&field.map_or(-1, |field| field.len() as i32).to_be_bytes());
        out.extend_from_slice(field.unwrap_or_default());
    }
    let crc = crc32fast::hash(&out[start + 16..]);
    out[start + 12..start + 16].copy_from_slice(&crc.to_be_bytes());
}

#[cfg(test)]
mod tests;
