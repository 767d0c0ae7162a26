//! What a produced run of batches may hold, and the offsets, timestamps and leader epoch it gets.
//!
//! Pure. [`check`] looks at headers and checksums. Then two steps. [`validate()`] does the work: it walks the
//! records and converts or recompresses where the topic's format or codec differs. It needs no lock and no
//! offset and may run on any thread. [`Validated::assign_offsets`] writes offsets and leader epoch into
//! headers: that is cheap and is done under the log's append lock. A batch that is in order keeps its bytes
//! but for a copy of its header. Decides by data alone: no clock, no files. Never waits, never appends.
//! Kafka: `LogValidator`, `Log.analyzeAndValidateRecords`.

mod offsets;
mod records;
mod rules;
mod walk;

use thiserror::Error;

use crate::base::{Millis, Offset, TopicPartition};
use crate::wire::batch::{Batch, BatchError, NO_TIMESTAMP, TimestampType};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;

pub use offsets::{Assigned, Validated};
pub use records::validate;

/// The origin of an append, which decides how much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOrigin {
    /// A client: everything is checked.
    Client,
    /// A group or transaction coordinator of this broker: markers and epochs are checked.
    Coordinator,
    /// The leader, through replication: what it accepted is accepted.
    Replication,
}

/// A record that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Its place in its batch, from 0.
    pub batch_index: i32,
    /// Why, for people.
    pub message: Option<String>,
}

/// Why batches are not appended. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValidationError {
    /// A batch as a whole is refused; clients see the code only.
    #[error("{reason}")]
    Refused {
        /// The code for the client.
        code: ErrorCode,
        /// Why, for the log.
        reason: String,
    },
    /// Some of its records are; clients of Produce 8 see which.
    #[error("{reason}")]
    Records {
        /// The code for the client: INVALID_TIMESTAMP or INVALID_RECORD.
        code: ErrorCode,
        /// Why, for the client.
        reason: &'static str,
        /// Which, at least one.
        errors: Vec<RecordError>,
    },
}

impl ValidationError {
    fn refused(code: ErrorCode, reason: impl Into<String>) -> Self {
        Self::Refused { code, reason: reason.into() }
    }

    fn invalid(reason: impl Into<String>) -> Self {
        Self::refused(ErrorCode::InvalidRecord, reason)
    }

    /// The records refused (`record_errors` of Produce 8).
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            Self::Refused { .. } => &[],
            Self::Records { errors, .. } => errors,
        }
    }

    /// The text that a client gets (`error_message` of Produce 8), if it gets one.
    pub fn client_message(&self) -> Option<&'static str> {
        match self {
            Self::Refused { .. } => None,
            Self::Records { reason, .. } => Some(reason),
        }
    }
}

impl From<&ValidationError> for ErrorCode {
    fn from(error: &ValidationError) -> Self {
        match error {
            ValidationError::Refused { code, .. } | ValidationError::Records { code, .. } => *code,
        }
    }
}

impl From<BatchError> for ValidationError {
    fn from(error: BatchError) -> Self {
        Self::refused(ErrorCode::from(&error), error.to_string())
    }
}

/// What a first look at a run of batches shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// First offset of the first batch, which formats 0 and 1 only show by being decompressed.
    pub first_offset: Option<Offset>,
    /// Last offset of the last batch; -1 without batches.
    pub last_offset: Offset,
    /// Last offset of the first batch; -1 without batches.
    pub last_offset_of_first_batch: Offset,
    /// The largest timestamp; -1 if there is none.
    pub max_timestamp: Millis,
    /// Last offset of the batch that has it; -1 if none has.
    pub offset_of_max_timestamp: Offset,
    /// How many batches there are, each message of formats 0 and 1 counted.
    pub batches: usize,
    /// Whether the last offsets grow.
    pub monotonic: bool,
    /// The codec of the last compressed batch.
    pub source_codec: Compression,
}

/// Looks at the headers and checksums of a run of batches before it is appended. `max_batch_size` in bytes; None
/// allows any (a follower).
///
/// # Errors
/// [`ValidationError::Refused`] with MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, or INVALID_RECORD for a client's batch that
/// does not begin at offset 0.
pub fn check(
    partition: &TopicPartition,
    records: &MemoryRecords,
    origin: AppendOrigin,
    max_batch_size: Option<usize>,
) -> Result<Checked, ValidationError> {
    let mut checked = Checked {
        first_offset: None,
        last_offset: -1,
        last_offset_of_first_batch: -1,
        max_timestamp: NO_TIMESTAMP,
        offset_of_max_timestamp: -1,
        batches: 0,
        monotonic: true,
        source_codec: Compression::None,
    };
    for batch in records.batches() {
        let header = batch.header();
        check_batch(partition, batch, origin, max_batch_size)?;
        let last = header.last_offset();
        if checked.batches == 0 {
            checked.first_offset = (header.magic >= 2).then_some(header.base_offset);
            checked.last_offset_of_first_batch = last;
        }
        checked.monotonic &= last > checked.last_offset;
        checked.last_offset = last;
        if header.max_timestamp > checked.max_timestamp {
            (checked.max_timestamp, checked.offset_of_max_timestamp) = (header.max_timestamp, last);
        }
        checked.batches += 1;
        if header.compression()? != Compression::None {
            checked.source_codec = header.compression()?;
        }
    }
    match records.fault() {
        Some(fault) => Err(unreadable(partition, records.rest(), origin, fault)),
        None => Ok(checked),
    }
}

/// Why `bytes` are no batch. Of one that is too short for its format, Kafka looks at the offset first.
fn unreadable(
    partition: &TopicPartition,
    bytes: &[u8],
    origin: AppendOrigin,
    fault: &BatchError,
) -> ValidationError {
    match bytes {
        [o0, o1, o2, o3, o4, o5, o6, o7, _, _, _, _, _, _, _, _, 2, ..] if origin == AppendOrigin::Client => {
            let offset = Offset::from_be_bytes([*o0, *o1, *o2, *o3, *o4, *o5, *o6, *o7]);
            if offset == 0 { fault.clone().into() } else { not_at_0(partition, offset) }
        }
        _ => fault.clone().into(),
    }
}

fn not_at_0(partition: &TopicPartition, offset: Offset) -> ValidationError {
    ValidationError::invalid(format!(
        "The baseOffset of the record batch in the append to {partition} should be 0, but it is {offset}"
    ))
}

fn check_batch(
    partition: &TopicPartition,
    batch: &Batch,
    origin: AppendOrigin,
    max_batch_size: Option<usize>,
) -> Result<(), ValidationError> {
    let header = batch.header();
    if header.magic >= 2 && origin == AppendOrigin::Client && header.base_offset != 0 {
        return Err(not_at_0(partition, header.base_offset));
    }
    let size = header.size();
    if let Some(most) = max_batch_size.filter(|most| size > *most) {
        let reason = format!(
            "The record batch size in the append to {partition} is {size} bytes which exceeds the maximum configured value of {most}."
        );
        return Err(ValidationError::refused(ErrorCode::MessageTooLarge, reason));
    }
    batch.check_crc().map_err(|_| {
        let reason =
            format!("Record is corrupt (stored crc = {}) in topic partition {partition}.", header.crc);
        ValidationError::refused(ErrorCode::CorruptMessage, reason)
    })
}

/// The codec that a topic stores: its `compression.type`, where `producer` keeps the `source` and `uncompressed` has
/// none.
pub fn target_codec(compression_type: &str, source: Compression) -> Compression {
    match compression_type {
        "uncompressed" => Compression::None,
        name => name.parse().unwrap_or(source),
    }
}

/// What a topic's leader knows when it validates: the settings of its log, and the time.
#[doc(alias = "LogValidator")]
#[derive(Clone, Debug)]
pub struct Validation<'a> {
    /// Where the records are to be appended; for error texts.
    pub partition: &'a TopicPartition,
    /// The time: what `LogAppendTime` gives and what `CreateTime` is compared with.
    pub now: Millis,
    /// The origin of the append.
    pub origin: AppendOrigin,
    /// The codec to be stored, see [`target_codec`].
    pub target_codec: Compression,
    /// Whether `cleanup.policy` has `compact`: then records need keys.
    pub compacted: bool,
    /// The format to be stored: that of `message.format.version`, 0 to 2.
    pub magic: i8,
    /// `message.timestamp.type`: `CreateTime` or `LogAppendTime`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.difference.max.ms`.
    pub max_timestamp_difference: Millis,
    /// `max.message.bytes`, looked at again when sizes changed.
    pub max_batch_size: Option<usize>,
    /// Whether the inter-broker protocol is 2.1 or newer and so allows zstd.
    pub zstd_allowed: bool,
    /// The most bytes that the records of a compressed batch may unpack to, where they are only walked; more is an
    /// error that no client may see. `usize::MAX` for a validation that counts.
    pub unpacked_at_most: usize,
}

/// How long it takes to validate a run of batches, by their sizes and the first header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Microseconds: they are few, not compressed, and stay as they are.
    Light,
    /// It depends on what they unpack to: they are few and compressed, and stay as they are.
    Unknown,
    /// More than a thread that polls sockets has: they are many, or are to be laid out anew.
    Heavy,
}

/// Up to this many bytes, uncompressed batches that stay as they are take microseconds to validate.
const LIGHT_SIZE: usize = 64 << 10;

/// Compressed batches of at most this many bytes, a client's usual batch of 16 KiB among them, mostly unpack to little.
const LIGHT_COMPRESSED_SIZE: usize = 20 << 10;

/// How many bytes are unpacked on a thread that polls sockets, at most: a fraction of a millisecond's work with every
/// codec.
pub const LIGHT_UNPACKED_SIZE: usize = 192 << 10;

/// How long it takes to validate batches that are to be stored in format `magic` and with this codec (None keeps the
/// producer's).
pub fn effort(records: &MemoryRecords, magic: i8, compression: Option<Compression>) -> Effort {
    let Some(header) = records.batches().first().map(Batch::header) else { return Effort::Light };
    let keeps_codec = compression.is_none_or(|codec| header.compression() == Ok(codec));
    if header.magic != magic || !keeps_codec {
        return Effort::Heavy;
    }
    let (light_size, effort) = match (header.is_compressed(), magic) {
        (false, _) => (LIGHT_SIZE, Effort::Light),
        (true, 2) => (LIGHT_COMPRESSED_SIZE, Effort::Unknown),
        (true, _) => return Effort::Heavy,
    };
    if records.bytes().len() > light_size { Effort::Heavy } else { effort }
}

#[cfg(test)]
mod tests;
