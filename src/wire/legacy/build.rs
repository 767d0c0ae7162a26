//! Writes records as messages of formats 0 and 1. Kafka: `MemoryRecordsBuilder` for magic 0 and 1.
//!
//! Pure.

use bytes::Bytes;

use super::overhead;
use crate::base::{Millis, Offset};
use crate::wire::batch::{BatchError, LOG_OVERHEAD, NO_TIMESTAMP};
use crate::wire::compression::Compression;

/// Collects records and writes them as messages of format 0 or 1: one each, or all in one compressed wrapper.
///
/// Kafka: `MemoryRecordsBuilder` for magic 0 and 1.
#[derive(Clone, Debug)]
pub struct MessageSetBuilder {
    layout: SetLayout,
    body: Vec<u8>,
}

impl MessageSetBuilder {
    /// An empty set of format `magic` (0 or 1) whose offsets begin at `base_offset`; with `append_time` all timestamps
    /// are that.
    pub fn new(
        magic: i8,
        compression: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        Self { layout: SetLayout::new(magic, compression, append_time, base_offset), body: Vec::new() }
    }

    /// Adds a record at an offset above that of the one before.
    pub fn push(&mut self, offset: Offset, timestamp: Millis, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.layout.encode(&mut self.body, offset, timestamp, key, value);
    }

    /// Builds the set.
    ///
    /// # Errors
    /// [`BatchError::Unsupported`] for zstd, [`BatchError::Decompress`] if the codec fails.
    pub fn build(self) -> Result<Bytes, BatchError> {
        let Self { layout, body } = self;
        if body.is_empty() || layout.compression == Compression::None {
            return Ok(body.into());
        }
        layout.check_codec()?;
        let mut out = vec![0; layout.header_size()];
        out.extend_from_slice(&layout.compression.compress(&body)?);
        Ok(layout.finish(out))
    }
}

/// How a set of messages is written, and the fields of its wrapper.
#[derive(Clone, Debug)]
pub(in crate::wire) struct SetLayout {
    magic: i8,
    compression: Compression,
    append_time: Option<Millis>,
    base_offset: Offset,
    pub(super) last_offset: Offset,
    max_timestamp: Millis,
}

impl SetLayout {
    pub(in crate::wire) fn new(
        magic: i8,
        compression: Compression,
        append_time: Option<Millis>,
        base_offset: Offset,
    ) -> Self {
        let append_time = append_time.filter(|_| magic > 0);
        let (last_offset, max_timestamp) = (base_offset, NO_TIMESTAMP);
        Self { magic, compression, append_time, base_offset, last_offset, max_timestamp }
    }

    /// Bytes that [`SetLayout::finish`] needs before the compressed messages.
    pub(in crate::wire) fn header_size(&self) -> usize {
        if self.compression == Compression::None { 0 } else { overhead(self.magic) }
    }

    /// Formats 0 and 1 have no zstd.
    pub(in crate::wire) fn check_codec(&self) -> Result<(), BatchError> {
        if self.compression != Compression::Zstd {
            return Ok(());
        }
        let magic = self.magic;
        Err(BatchError::Unsupported(format!("ZStandard compression is not supported for magic {magic}")))
    }

    /// Appends a record to `out` as a message.
    pub(in crate::wire) fn encode(
        &mut self,
        out: &mut Vec<u8>,
        offset: Offset,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) {
        let timestamp = self.append_time.unwrap_or(timestamp);
        let is_relative = self.magic > 0 && self.compression != Compression::None;
        let written = if is_relative { offset - self.base_offset } else { offset };
        write(out, written, self.magic, self.attributes(Compression::None), timestamp, key, value);
        self.last_offset = offset;
        self.max_timestamp = self.max_timestamp.max(timestamp);
    }

    fn attributes(&self, compression: Compression) -> u8 {
        compression.id() | if self.append_time.is_some() { 8 } else { 0 }
    }

    /// Wraps compressed messages, before which `out` has room for the wrapper's header; uncompressed ones are
    /// complete as they are.
    pub(in crate::wire) fn finish(&self, mut out: Vec<u8>) -> Bytes {
        let size = self.header_size();
        if self.compression == Compression::None || out.len() < size {
            return out.into();
        }
        if self.magic == 0 {
            self.compression.finish_v0(&mut out[size..]);
        }
        let mut header = Vec::with_capacity(size);
        let attributes = self.attributes(self.compression);
        let (value, at) = (out.len() - size, size - 4);
        write(&mut header, self.last_offset, self.magic, attributes, self.max_timestamp, None, Some(&[]));
        out[..size].copy_from_slice(&header);
        out[8..12].copy_from_slice(&((size - LOG_OVERHEAD + value) as u32).to_be_bytes());
        out[at..size].copy_from_slice(&(value as u32).to_be_bytes());
        let crc = crc32fast::hash(&out[16..]);
        out[12..16].copy_from_slice(&crc.to_be_bytes());
        out.into()
    }
}

pub(super) fn write(
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
