//! Record batches as views over the bytes they arrived in: headers, splitting, checksums, restamping.
//!
//! A batch of message format 2 is `base offset, length, leader epoch, magic, CRC-32C, attributes …`; its checksum begins after the
//! first 21 bytes, so a leader gives offsets and its epoch without touching the rest. A message of format 0 or 1 counts as a batch of its
//! own, compressed wrappers included. Never decompresses unless records are asked for, never copies record bytes.
//! Kafka: `DefaultRecordBatch`, `AbstractLegacyRecordBatch`, `ByteBufferLogInputStream`.

mod build;

pub use build::BatchBuilder;

use bytes::Bytes;
use thiserror::Error;

use super::compression::Compression;
use super::error_code::ErrorCode;
use super::legacy;
use super::record::{Record, RecordIter};
use crate::base::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};

/// Bytes before the part that a batch's length counts: base offset and length.
pub const LOG_OVERHEAD: usize = 12;
/// Bytes up to and including the magic, which lies at the same place in every format.
pub const HEADER_SIZE_UP_TO_MAGIC: usize = 17;
/// Bytes of a format 2 batch before its first record.
pub const BATCH_OVERHEAD: usize = 61;
/// Bytes of a format 2 batch that its checksum does not cover: what [`restamp`] may write.
pub const STAMP_SIZE: usize = 21;
/// The most that the records of one batch may take once decompressed, unless a caller says otherwise.
pub const DECOMPRESSED_LIMIT: usize = 256 << 20;

/// Stands for "no timestamp".
pub const NO_TIMESTAMP: Millis = -1;
/// Stands for "no producer".
pub const NO_PRODUCER_ID: ProducerId = -1;
/// Stands for "no producer epoch".
pub const NO_PRODUCER_EPOCH: ProducerEpoch = -1;
/// Stands for "no sequence number".
pub const NO_SEQUENCE: i32 = -1;
/// Stands for "no leader epoch".
pub const NO_LEADER_EPOCH: LeaderEpoch = -1;

/// The smallest length a message can declare (format 0: CRC, magic, attributes and two empty fields).
const SMALLEST_LENGTH: i32 = 14;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const MAX_TIMESTAMP_AT: usize = 35;

/// What is wrong with bytes that should be record batches. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The bytes end before the header does.
    #[error("the bytes end after {have} of at least {need}")]
    Incomplete {
        /// How many bytes a header needs.
        need: usize,
        /// How many there are.
        have: usize,
    },
    /// Sizes, magic or checksum do not fit: Kafka's `CorruptRecordException`, CORRUPT_MESSAGE.
    #[error("{0}")]
    Corrupt(String),
    /// The batch is whole but what is in it cannot be: Kafka's `InvalidRecordException`, INVALID_RECORD.
    #[error("{0}")]
    InvalidRecord(String),
    /// Attributes name a codec that does not exist.
    #[error("Unknown compression type id: {0}")]
    UnknownCompression(u8),
    /// The compressed bytes cannot be read by their codec.
    #[error("{0}")]
    Decompress(String),
    /// Decompressing was given up because the records are larger than the caller allows, in bytes.
    #[error("The records of the batch are larger than {0} bytes once decompressed")]
    TooLarge(usize),
    /// A codec that the format or the client asked for does not know: UNSUPPORTED_COMPRESSION_TYPE.
    #[error("{0}")]
    UnsupportedCompression(String),
    /// What was asked for does not exist in the format asked for.
    #[error("{0}")]
    Unsupported(String),
}

impl From<&BatchError> for ErrorCode {
    fn from(error: &BatchError) -> Self {
        match error {
            BatchError::Incomplete { .. } | BatchError::Corrupt(_) => Self::CorruptMessage,
            BatchError::InvalidRecord(_) => Self::InvalidRecord,
            BatchError::TooLarge(_) => Self::MessageTooLarge,
            BatchError::UnsupportedCompression(_) => Self::UnsupportedCompressionType,
            // Kafka's Java fails here without an API error of its own.
            BatchError::UnknownCompression(_) | BatchError::Decompress(_) | BatchError::Unsupported(_) => {
                Self::UnknownServerError
            }
        }
    }
}

/// Whose clock a batch's timestamps come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// Format 0 has no timestamps.
    None,
    /// The producer's, one a record.
    #[default]
    CreateTime,
    /// The leader's at append, one for the whole batch.
    LogAppendTime,
}

impl TimestampType {
    /// Its name in Kafka's tools and configs.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NoTimestampType",
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }
}

/// The header of a batch of any format. Formats 0 and 1 lack most of it; those fields then hold Kafka's "none" values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Format 2: offset of the first record. Formats 0 and 1: the one offset written, which is that of the *last* record inside.
    pub base_offset: Offset,
    /// Bytes after this field ([`LOG_OVERHEAD`] less than the whole).
    pub length: i32,
    /// Epoch of the leader that appended it; -1 in formats 0 and 1.
    pub leader_epoch: LeaderEpoch,
    /// Message format: 0, 1 or 2.
    pub magic: i8,
    /// The checksum written: CRC-32C in format 2, else CRC-32.
    pub crc: u32,
    /// Bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control; formats 0 and 1 have the low byte only.
    pub attributes: i16,
    /// Last offset minus base offset; 0 in formats 0 and 1.
    pub last_offset_delta: i32,
    /// Timestamp that the records' deltas add to; the message's own in format 1, -1 in format 0.
    pub base_timestamp: Millis,
    /// Largest timestamp of the records, or the append time; the message's own in format 1, -1 in format 0.
    pub max_timestamp: Millis,
    /// Idempotent producer, or -1.
    pub producer_id: ProducerId,
    /// Its epoch, or -1.
    pub producer_epoch: ProducerEpoch,
    /// Sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// How many records the header claims (unchecked, may be negative); -1 in formats 0 and 1.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`, which may end right after it or hold more.
    ///
    /// # Errors
    /// [`BatchError::Incomplete`] if the header is cut off, [`BatchError::Corrupt`] if length or magic are impossible.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let need = |need: usize| {
            if bytes.len() < need { Err(BatchError::Incomplete { need, have: bytes.len() }) } else { Ok(()) }
        };
        need(LOG_OVERHEAD)?;
        let length = i32_at(bytes, 8);
        if length < SMALLEST_LENGTH {
            return Err(BatchError::Corrupt(format!(
                "Record size {length} is less than the minimum record overhead ({SMALLEST_LENGTH})"
            )));
        }
        need(HEADER_SIZE_UP_TO_MAGIC)?;
        match bytes[16] as i8 {
            2 => {
                if (length as usize) < BATCH_OVERHEAD - LOG_OVERHEAD {
                    let size = LOG_OVERHEAD + length as usize;
                    return Err(BatchError::Corrupt(format!(
                        "Record batch is corrupt (the size {size} is smaller than the minimum allowed overhead {BATCH_OVERHEAD})"
                    )));
                }
                need(BATCH_OVERHEAD)?;
                Ok(Self::parse_v2(bytes))
            }
            magic @ (0 | 1) => {
                need(if magic == 0 { 18 } else { 26 })?;
                Ok(Self::parse_legacy(bytes))
            }
            magic => Err(BatchError::Corrupt(format!("Invalid magic found in record: {magic}"))),
        }
    }

    fn parse_v2(bytes: &[u8]) -> Self {
        Self {
            base_offset: i64_at(bytes, 0),
            length: i32_at(bytes, 8),
            leader_epoch: i32_at(bytes, 12),
            magic: 2,
            crc: i32_at(bytes, CRC_AT) as u32,
            attributes: i16_at(bytes, ATTRIBUTES_AT),
            last_offset_delta: i32_at(bytes, 23),
            base_timestamp: i64_at(bytes, 27),
            max_timestamp: i64_at(bytes, MAX_TIMESTAMP_AT),
            producer_id: i64_at(bytes, 43),
            producer_epoch: i16_at(bytes, 51),
            base_sequence: i32_at(bytes, 53),
            record_count: i32_at(bytes, 57),
        }
    }

    fn parse_legacy(bytes: &[u8]) -> Self {
        let magic = bytes[16] as i8;
        let timestamp = if magic == 0 { NO_TIMESTAMP } else { i64_at(bytes, 18) };
        Self {
            base_offset: i64_at(bytes, 0),
            length: i32_at(bytes, 8),
            leader_epoch: NO_LEADER_EPOCH,
            magic,
            crc: i32_at(bytes, 12) as u32,
            attributes: i16::from(bytes[17]),
            last_offset_delta: 0,
            base_timestamp: timestamp,
            max_timestamp: timestamp,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            record_count: -1,
        }
    }

    /// Bytes of the whole batch, header included.
    pub fn size(&self) -> usize {
        LOG_OVERHEAD + usize::try_from(self.length).unwrap_or(0)
    }

    /// Offset of the last record. In format 2 compaction may have removed that record; the offset stays.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.wrapping_add(i64::from(self.last_offset_delta))
    }

    /// The offset after the last one.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().wrapping_add(1)
    }

    /// The codec of the records.
    ///
    /// # Errors
    /// [`BatchError::UnknownCompression`] for the ids 5 to 7.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        let id = (self.attributes & 7) as u8;
        Compression::from_id(id).ok_or(BatchError::UnknownCompression(id))
    }

    /// Whether any codec is named.
    pub fn is_compressed(&self) -> bool {
        self.attributes & 7 != 0
    }

    /// Whose clock the timestamps come from.
    pub fn timestamp_type(&self) -> TimestampType {
        match (self.magic, self.attributes & 8) {
            (0, _) => TimestampType::None,
            (_, 0) => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// Whether it is part of a transaction (its marker included).
    pub fn is_transactional(&self) -> bool {
        self.magic == 2 && self.attributes & 0x10 != 0
    }

    /// Whether it holds control records, which clients never see.
    pub fn is_control(&self) -> bool {
        self.magic == 2 && self.attributes & 0x20 != 0
    }

    /// Whether an idempotent producer wrote it.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// Sequence number of the last record, or -1; after 2147483647 comes 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            NO_SEQUENCE
        } else {
            add_to_sequence(self.base_sequence, self.last_offset_delta)
        }
    }
}

/// The sequence number `more` records after `sequence`; after 2147483647 comes 0 (Kafka's `incrementSequence`).
pub fn add_to_sequence(sequence: i32, more: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(more);
    (sum & i64::from(i32::MAX)) as i32
}

/// Writes base offset and leader epoch into the start of a format 2 batch; its checksum stays right.
///
/// Formats 0 and 1 have no leader epoch: use [`restamp_legacy`] for them.
pub fn restamp(start: &mut [u8; STAMP_SIZE], base_offset: Offset, leader_epoch: LeaderEpoch) {
    start[..8].copy_from_slice(&base_offset.to_be_bytes());
    start[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// Writes the offset into the start of a format 0 or 1 message; its checksum stays right.
pub fn restamp_legacy(start: &mut [u8; STAMP_SIZE], offset: Offset) {
    start[..8].copy_from_slice(&offset.to_be_bytes());
}

/// One batch of any format: its header and all its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    header: BatchHeader,
    bytes: Bytes,
}

impl Batch {
    /// The batch at the start of `bytes`; what follows it is left out.
    ///
    /// # Errors
    /// As [`BatchHeader::parse`]; [`BatchError::Incomplete`] too if the batch is longer than the bytes.
    pub fn parse(bytes: &Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let size = header.size();
        if size > bytes.len() {
            return Err(BatchError::Incomplete { need: size, have: bytes.len() });
        }
        Ok(Self { header, bytes: bytes.slice(..size) })
    }

    /// Cuts a run of bytes into its batches. A batch cut off at the end is left out, as Kafka's clients and brokers do.
    pub fn split(bytes: Bytes) -> Batches {
        Batches { rest: bytes }
    }

    /// Its header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// All its bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes after a format 2 header: the records, maybe compressed. For formats 0 and 1 those after the attributes and timestamp.
    pub fn body(&self) -> Bytes {
        let start = match self.header.magic {
            2 => BATCH_OVERHEAD,
            1 => 26,
            _ => 18,
        };
        self.bytes.slice(start.min(self.bytes.len())..)
    }

    /// The checksum that its bytes should have.
    pub fn computed_crc(&self) -> u32 {
        if self.header.magic == 2 {
            crc32c::crc32c(&self.bytes[ATTRIBUTES_AT..])
        } else {
            crc32fast::hash(&self.bytes[16..])
        }
    }

    /// Whether the checksum written is the one its bytes have.
    ///
    /// # Errors
    /// [`BatchError::Corrupt`] with both checksums if not.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let (stored, computed) = (self.header.crc, self.computed_crc());
        if stored == computed {
            return Ok(());
        }
        Err(BatchError::Corrupt(format!(
            "Record is corrupt (stored crc = {stored}, computed crc = {computed})"
        )))
    }

    /// Offset of the first record. A compressed message of format 0 or 1 only tells by being decompressed.
    ///
    /// # Errors
    /// As [`Batch::records`].
    pub fn first_offset(&self) -> Result<Offset, BatchError> {
        if self.header.magic == 2 || !self.header.is_compressed() {
            return Ok(self.header.base_offset);
        }
        match self.records()?.next() {
            Some(first) => Ok(first?.offset),
            None => Ok(self.header.base_offset),
        }
    }

    /// Its records, decompressed up to [`DECOMPRESSED_LIMIT`] bytes. Control records are among them.
    ///
    /// # Errors
    /// What decompressing finds; a record that cannot be read ends the iterator with its error.
    pub fn records(&self) -> Result<RecordIter, BatchError> {
        self.records_within(DECOMPRESSED_LIMIT)
    }

    /// Its records, decompressed up to `limit` bytes.
    ///
    /// # Errors
    /// As [`Batch::records`]; [`BatchError::TooLarge`] beyond the limit.
    pub fn records_within(&self, limit: usize) -> Result<RecordIter, BatchError> {
        if self.header.magic < 2 {
            return Ok(RecordIter::of_list(legacy::records_of(self, limit)?));
        }
        RecordIter::of_batch(&self.header, self.decompressed_body(limit)?)
    }

    /// The bytes of a format 2 batch's records, decompressed up to `limit` bytes; uncopied if they are not compressed.
    ///
    /// # Errors
    /// What decompressing finds, [`BatchError::TooLarge`] beyond the limit.
    pub fn decompressed_body(&self, limit: usize) -> Result<Bytes, BatchError> {
        self.header.compression()?.decompress(&self.body(), limit)
    }

    /// Collects [`Batch::records`], the first error instead if there is one.
    ///
    /// # Errors
    /// As [`Batch::records`].
    pub fn all_records(&self) -> Result<Vec<Record>, BatchError> {
        self.records()?.collect()
    }

    /// A copy of its first 21 bytes with offset (and in format 2 the leader epoch) written anew, and the rest, shared.
    ///
    /// `base_offset` is what [`BatchHeader::base_offset`] will then be: the last record's offset in formats 0 and 1.
    pub fn restamped(&self, base_offset: Offset, leader_epoch: LeaderEpoch) -> [Bytes; 2] {
        let mut start = [0; STAMP_SIZE];
        start.copy_from_slice(&self.bytes[..STAMP_SIZE]);
        if self.header.magic == 2 {
            restamp(&mut start, base_offset, leader_epoch)
        } else {
            restamp_legacy(&mut start, base_offset)
        }
        [Bytes::copy_from_slice(&start), self.bytes.slice(STAMP_SIZE..)]
    }

    /// A copy of a format 2 header with offset, leader epoch and timestamps written anew and the checksum made right, and the records, shared.
    ///
    /// With `LogAppendTime`, `max_timestamp` is the append time.
    pub fn retimed(
        &self,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        kind: TimestampType,
        max_timestamp: Millis,
    ) -> [Bytes; 2] {
        debug_assert_eq!(self.header.magic, 2);
        let mut start = [0; BATCH_OVERHEAD];
        start.copy_from_slice(&self.bytes[..BATCH_OVERHEAD]);
        start[..8].copy_from_slice(&base_offset.to_be_bytes());
        start[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
        let append_time = if kind == TimestampType::LogAppendTime { 8 } else { 0 };
        let attributes = (self.header.attributes & !8) | append_time;
        start[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
        start[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&max_timestamp.to_be_bytes());
        let records = self.bytes.slice(BATCH_OVERHEAD..);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&start[ATTRIBUTES_AT..]), &records);
        start[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
        [Bytes::copy_from_slice(&start), records]
    }
}

/// The batches of a run of bytes, in order; made by [`Batch::split`]. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// The bytes not yet given out; after the end, those of a batch that was cut off.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        match Batch::parse(&self.rest) {
            Ok(batch) => {
                self.rest = self.rest.slice(batch.bytes.len()..);
                Some(Ok(batch))
            }
            Err(BatchError::Incomplete { .. }) => None,
            Err(error) => {
                self.rest = Bytes::new();
                Some(Err(error))
            }
        }
    }
}

pub(super) fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from(i32_at(bytes, at)) << 32 | i64::from(i32_at(bytes, at + 4) as u32)
}

#[cfg(test)]
mod tests;
