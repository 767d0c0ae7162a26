//! Record batches as views over the bytes they arrived in: headers, splitting, checksums, restamping.
//!
//! Pure. A batch of message format 2 is `base offset, length, leader epoch, magic, CRC-32C, attributes …`; its checksum
//! begins after the first 21 bytes, so a leader gives offsets and its epoch without touching the rest. A message of
//! format 0 or 1 counts as a batch of its own, compressed wrappers included. Never decompresses unless records are
//! asked for, never copies record bytes. Kafka: `DefaultRecordBatch`, `AbstractLegacyRecordBatch`,
//! `ByteBufferLogInputStream`.

mod build;
mod header;
mod rewrite;

pub use build::BatchBuilder;
pub use header::{BatchHeader, TimestampType, add_to_sequence};
pub use rewrite::with_producer;

use bytes::Bytes;
use thiserror::Error;

use super::error_code::ErrorCode;
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
/// The most that the records of one batch may take once decompressed, if a caller bounds it.
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
    /// Sizes inside do not fit, in a way that Kafka has no API error for.
    #[error("{0}")]
    Malformed(String),
}

impl From<&BatchError> for ErrorCode {
    fn from(error: &BatchError) -> Self {
        match error {
            BatchError::Incomplete { .. } | BatchError::Corrupt(_) => Self::CorruptMessage,
            BatchError::InvalidRecord(_) => Self::InvalidRecord,
            BatchError::TooLarge(_) => Self::MessageTooLarge,
            BatchError::UnsupportedCompression(_) => Self::UnsupportedCompressionType,
            // Kafka's Java fails here without an API error of its own.
            BatchError::UnknownCompression(_)
            | BatchError::Decompress(_)
            | BatchError::Unsupported(_)
            | BatchError::Malformed(_) => Self::UnknownServerError,
        }
    }
}

/// Writes base offset and leader epoch into the start of a format 2 batch; its checksum stays right.
///
/// Formats 0 and 1 have no leader epoch: use [`restamp_legacy`] for them.
pub fn restamp(start: &mut [u8; STAMP_SIZE], base_offset: Offset, leader_epoch: LeaderEpoch) {
    start[..8].copy_from_slice(&base_offset.to_be_bytes());
    start[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// Writes the offset into the start of a format 0 or 1 message; its checksum stays right.
fn restamp_legacy(start: &mut [u8; STAMP_SIZE], offset: Offset) {
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

    /// Splits a run of bytes into its batches. An incomplete batch at the end is left out, as in Kafka's
    /// clients and brokers.
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

    /// The bytes after a format 2 header: the records, maybe compressed. For formats 0 and 1 those after the
    /// attributes and timestamp.
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

    /// Offset of the first record. A compressed message of format 0 or 1 has to be decompressed for it.
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

    /// Its records, unpacked as they are read. Control records are among them.
    ///
    /// # Errors
    /// What decompressing finds; a record that cannot be read ends the iterator with its error.
    pub fn records(&self) -> Result<RecordIter, BatchError> {
        self.records_within(usize::MAX)
    }

    /// Its records, of format 2 unpacked up to `limit` bytes: beyond that the iterator ends with
    /// [`BatchError::TooLarge`].
    ///
    /// # Errors
    /// As [`Batch::records`].
    pub fn records_within(&self, limit: usize) -> Result<RecordIter, BatchError> {
        RecordIter::new(self, limit)
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

    /// A copy of a format 2 header with offset, leader epoch and timestamps written anew and the checksum made right,
    /// and the records, shared.
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
        // Bits without a meaning do not survive this in Kafka either.
        let attributes = (self.header.attributes & 0x37) | append_time;
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
    /// The bytes not yet returned; after the end, those of an incomplete batch.
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
