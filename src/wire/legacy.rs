//! Messages of formats 0 and 1: `offset, length, CRC-32, magic, attributes, [timestamp], key, value`.
//!
//! Pure. A compressed message wraps a set of others in its value. Only one level of wrapping exists and only
//! one is read, so that nesting cannot recurse; wrapped messages are unpacked as they are read. Inner offsets
//! are absolute in format 0 and relative in format 1. Kafka: `LegacyRecord`, `AbstractLegacyRecordBatch`.

mod build;

use std::io::Write;

use bytes::Bytes;

use super::batch::{Batch, BatchError, BatchHeader, HEADER_SIZE_UP_TO_MAGIC, LOG_OVERHEAD, NO_TIMESTAMP};
use super::batch::{TimestampType, i32_at, i64_at};
use super::compression::{Compression, Compressor, Decompressor, StreamError};
use super::record::Record;
use super::record::stream::LARGEST_RECORD;
use crate::base::{Millis, Offset};

pub use build::MessageSetBuilder;
pub(super) use build::SetLayout;

/// The smallest size a message can declare (format 0: CRC, magic, attributes and two empty fields).
const SMALLEST: usize = 14;

/// Bytes of a message of format 0 or 1 besides its key and value, offset and length included.
pub fn overhead(magic: i8) -> usize {
    if magic == 0 { 26 } else { 34 }
}

/// A message with its absolute offset and timestamp: an uncompressed message itself, or one of those that a
/// compressed one wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyMessage<'a> {
    /// Its offset in the partition.
    pub offset: Offset,
    /// Its timestamp, that of its wrapper under `LogAppendTime`; -1 in format 0.
    pub timestamp: Millis,
    /// All its bytes, at least as many as the smallest message has.
    bytes: &'a [u8],
    /// The type of timestamp that its wrapper gives it.
    wrapper_type: Option<TimestampType>,
}

impl<'a> LegacyMessage<'a> {
    fn new(offset: Offset, bytes: &'a [u8], wrapper: Option<(TimestampType, Millis)>) -> Self {
        let magic = bytes[16] as i8;
        // Only those of format 1 take their wrapper's.
        let wrapper = wrapper.filter(|_| magic == 1);
        let timestamp = match wrapper {
            _ if magic == 0 => NO_TIMESTAMP,
            Some((TimestampType::LogAppendTime, time)) => time,
            _ => i64_at(bytes, 18),
        };
        Self { offset, timestamp, bytes, wrapper_type: wrapper.map(|(kind, _)| kind) }
    }

    /// The format in its own header, which inside a wrapper may be any number.
    pub fn magic(&self) -> i8 {
        self.bytes[16] as i8
    }

    /// Its attributes: bits 0-2 codec, 3 timestamp type.
    pub fn attributes(&self) -> i8 {
        self.bytes[17] as i8
    }

    /// Its codec.
    ///
    /// # Errors
    /// [`BatchError::UnknownCompression`] for the ids 5 to 7.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        let id = self.bytes[17] & 7;
        Compression::from_id(id).ok_or(BatchError::UnknownCompression(id))
    }

    /// Whose clock its timestamp comes from.
    pub fn timestamp_type(&self) -> TimestampType {
        match (self.magic(), self.wrapper_type) {
            (0, _) => TimestampType::None,
            (_, Some(kind)) => kind,
            _ if self.bytes[17] & 8 == 0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// The checksum written in it.
    pub fn crc(&self) -> u32 {
        i32_at(self.bytes, 12) as u32
    }

    /// Whether the checksum written is the one its bytes have.
    ///
    /// # Errors
    /// [`BatchError::Corrupt`] with both checksums if not.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let (stored, computed) = (self.crc(), crc32fast::hash(&self.bytes[16..]));
        if stored == computed {
            return Ok(());
        }
        Err(BatchError::Corrupt(format!(
            "Record is corrupt (stored crc = {stored}, computed crc = {computed})"
        )))
    }

    fn key_at(&self) -> usize {
        if self.magic() == 0 { 18 } else { 26 }
    }

    /// Whether it has a key.
    ///
    /// # Errors [`BatchError::Malformed`] if the message is too short to have one.
    pub fn has_key(&self) -> Result<bool, BatchError> {
        Ok(self.size_at(self.key_at())? >= 0)
    }

    /// Its key, if it has one.
    ///
    /// # Errors
    /// [`BatchError::Malformed`] if it does not fit in the message.
    pub fn key(&self) -> Result<Option<&'a [u8]>, BatchError> {
        self.field_at(self.key_at())
    }

    /// Its value, if it has one.
    ///
    /// # Errors
    /// [`BatchError::Malformed`] if it does not fit in the message.
    pub fn value(&self) -> Result<Option<&'a [u8]>, BatchError> {
        let at = self.key_at();
        let key_size = usize::try_from(self.size_at(at)?).unwrap_or(0);
        self.field_at(at + 4 + key_size)
    }

    fn size_at(&self, at: usize) -> Result<i32, BatchError> {
        if self.bytes.len() < at + 4 { Err(malformed()) } else { Ok(i32_at(self.bytes, at)) }
    }

    fn field_at(&self, at: usize) -> Result<Option<&'a [u8]>, BatchError> {
        let Ok(size) = usize::try_from(self.size_at(at)?) else { return Ok(None) };
        self.bytes[at + 4..].get(..size).map(Some).ok_or_else(malformed)
    }

    /// The message as a record.
    ///
    /// # Errors
    /// [`BatchError::Malformed`] if key or value do not fit in the message.
    pub fn record(&self) -> Result<Record, BatchError> {
        let (key, value) = (self.key()?, self.value()?);
        Ok(Record {
            offset: self.offset,
            timestamp: self.timestamp,
            key: key.map(Bytes::copy_from_slice),
            value: value.map(Bytes::copy_from_slice),
            headers: Vec::new(),
        })
    }
}

/// The messages in one message of format 0 or 1: those it wraps, unpacked as they are read, or itself if it
/// is not compressed.
///
/// Offsets of format 1 are relative to the last one, so that a wrapper is read once before its first message is given.
/// Kafka: `DeepRecordsIterator`.
#[derive(Debug)]
pub struct Messages(MessageSource);

#[derive(Debug)]
enum MessageSource {
    One { batch: Batch, is_given: bool },
    Wrapped { set: Set, base: Offset, wrapper: (TimestampType, Millis) },
}

impl Messages {
    /// The messages in `batch`.
    ///
    /// # Errors [`BatchError::InvalidRecord`] for impossible wrappers, [`BatchError::Corrupt`] for impossible
    /// sizes inside, [`BatchError::Decompress`] if the stream is damaged or incomplete.
    pub fn of(batch: &Batch) -> Result<Self, BatchError> {
        let header = batch.header();
        if !header.is_compressed() {
            return Ok(Self(MessageSource::One { batch: batch.clone(), is_given: false }));
        }
        let value = wrapped_value(batch)?;
        let last = Set::open(header, value.clone())?.last_offset()?;
        let last =
            last.ok_or_else(|| invalid("Found invalid compressed record set with no inner records"))?;
        let base = if header.magic == 1 { absolute_base(header.base_offset, last)? } else { 0 };
        let wrapper = (header.timestamp_type(), header.max_timestamp);
        Ok(Self(MessageSource::Wrapped { set: Set::open(header, value)?, base, wrapper }))
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    /// Those of [`Messages::of`]; [`BatchError::InvalidRecord`] for a message inside a wrapper that is compressed
    /// again.
    pub fn next_message(&mut self) -> Result<Option<LegacyMessage<'_>>, BatchError> {
        match &mut self.0 {
            MessageSource::One { batch, is_given } => {
                let message = || LegacyMessage::new(batch.header().base_offset, batch.bytes(), None);
                Ok((!std::mem::replace(is_given, true)).then(message))
            }
            MessageSource::Wrapped { set, base, wrapper } => {
                let Some(bytes) = set.next_message()? else { return Ok(None) };
                let offset = base.wrapping_add(i64_at(bytes, 0));
                let message = LegacyMessage::new(offset, bytes, Some(*wrapper));
                if message.compression()? != Compression::None {
                    return Err(invalid("Inner messages must not be compressed"));
                }
                Ok(Some(message))
            }
        }
    }
}

/// The value of a wrapper.
fn wrapped_value(batch: &Batch) -> Result<Bytes, BatchError> {
    let header = batch.header();
    let magic = header.magic;
    if header.compression()? == Compression::Zstd {
        return Err(BatchError::InvalidRecord(format!(
            "Invalid wrapper compressionType found in legacy deep record iterator {magic}"
        )));
    }
    let value = LegacyMessage::new(header.base_offset, batch.bytes(), None).value()?;
    let value = value.map(|value| batch.bytes().slice_ref(value));
    value.ok_or_else(|| {
        BatchError::InvalidRecord(format!(
            "Found invalid compressed record set with null value (magic = {magic})"
        ))
    })
}

/// The number to add to a wrapper's relative offsets.
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

/// The messages of a compressed set as they lie in the stream. Kafka: `DataLogInputStream`.
#[derive(Debug)]
struct Set {
    reader: Decompressor,
    /// Bytes of the message given last.
    given: usize,
}

impl Set {
    fn open(wrapper: &BatchHeader, value: Bytes) -> Result<Self, BatchError> {
        let reader = Decompressor::new(wrapper.compression()?, wrapper.magic, value).map_err(broken)?;
        Ok(Self { reader, given: 0 })
    }

    /// The next message; an incomplete one at the end of the stream is left out.
    fn next_message(&mut self) -> Result<Option<&[u8]>, BatchError> {
        self.reader.consume(std::mem::take(&mut self.given));
        if !self.reader.fill(LOG_OVERHEAD).map_err(broken)? {
            return Ok(None);
        }
        let size = i32_at(self.reader.unread(), 8);
        let size = match usize::try_from(size) {
            Ok(size) if size >= SMALLEST => LOG_OVERHEAD + size,
            _ => {
                return Err(BatchError::Corrupt(format!(
                    "Record size is less than the minimum record overhead ({SMALLEST})"
                )));
            }
        };
        if !self.reader.fill(size.min(LARGEST_RECORD)).map_err(broken)? {
            return Ok(None);
        }
        if size > LARGEST_RECORD {
            return Err(BatchError::TooLarge(LARGEST_RECORD));
        }
        self.given = size;
        Ok(Some(&self.reader.unread()[..size]))
    }

    /// Reads all of it: the offset written in the last message.
    fn last_offset(mut self) -> Result<Option<Offset>, BatchError> {
        let mut last = None;
        while let Some(message) = self.next_message()? {
            last = Some(i64_at(message, 0));
        }
        Ok(last)
    }
}

fn broken(error: StreamError) -> BatchError {
    BatchError::Decompress(error.to_string())
}

fn malformed() -> BatchError {
    BatchError::Malformed("A field of the message does not fit in it".into())
}

fn invalid(reason: &str) -> BatchError {
    BatchError::InvalidRecord(reason.into())
}

/// Writes a message's offset anew and, in format 1 and if given, its timestamp and the type of it; then makes the
/// checksum right.
///
/// `message` is a whole message as [`Batch::parse`] accepts it.
pub fn restamp(message: &mut [u8], offset: Offset, time: Option<(TimestampType, Millis)>) {
    message[..8].copy_from_slice(&offset.to_be_bytes());
    let Some((kind, timestamp)) = time else { return };
    debug_assert_eq!(message[HEADER_SIZE_UP_TO_MAGIC - 1], 1);
    message[17] = message[17] & 7 | if kind == TimestampType::LogAppendTime { 8 } else { 0 };
    message[18..26].copy_from_slice(&timestamp.to_be_bytes());
    let crc = crc32fast::hash(&message[16..]);
    message[12..16].copy_from_slice(&crc.to_be_bytes());
}

/// A compressed message of format 0 with the offsets of those it wraps `by` higher; they are compressed anew.
///
/// # Errors
/// Those of reading the messages, and of the codec.
pub fn shifted(wrapper: &Bytes, by: Offset) -> Result<Bytes, BatchError> {
    let batch = Batch::parse(wrapper)?;
    let codec = batch.header().compression()?;
    let failed = |error: std::io::Error| BatchError::Decompress(error.to_string());
    let mut layout = SetLayout::new(0, codec, None, 0);
    let mut writer = Compressor::new(codec, vec![0; layout.header_size()]).map_err(failed)?;
    let mut set = Set::open(batch.header(), wrapped_value(&batch)?)?;
    while let Some(message) = set.next_message()? {
        layout.last_offset = i64_at(message, 0) + by;
        writer.write_all(&layout.last_offset.to_be_bytes()).map_err(failed)?;
        writer.write_all(&message[8..]).map_err(failed)?;
    }
    Ok(layout.finish(writer.finish().map_err(failed)?))
}

#[cfg(test)]
mod tests;
