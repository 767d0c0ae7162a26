//! The header of a batch of any format, read from its first bytes and nothing more.
//!
//! Pure.

use super::{
    ATTRIBUTES_AT, BATCH_OVERHEAD, BatchError, CRC_AT, HEADER_SIZE_UP_TO_MAGIC, LOG_OVERHEAD,
    MAX_TIMESTAMP_AT,
};
use super::{NO_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, SMALLEST_LENGTH};
use super::{i16_at, i32_at, i64_at};
use crate::base::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};
use crate::wire::compression::Compression;

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
    /// Format 2: offset of the first record. Formats 0 and 1: the one offset written, which is that of the *last*
    /// record inside.
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
    /// # Errors [`BatchError::Incomplete`] if the header is incomplete, [`BatchError::Corrupt`] if length or
    /// magic are impossible.
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
