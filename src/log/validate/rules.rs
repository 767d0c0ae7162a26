//! The rules a batch and each of its records have to keep. Kafka: `LogValidator.validateBatch`, `validateRecord`.
//!
//! Pure.

use super::{AppendOrigin, RecordError, Validation, ValidationError};
use crate::base::{Millis, Offset};
use crate::wire::batch::{Batch, BatchError, BatchHeader, NO_TIMESTAMP, TimestampType};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;

/// The first batch, after seeing that it may have company: only uncompressed messages of formats 0 and 1 may come in
/// numbers.
pub(super) fn first_of(batches: &[Batch], compression: Compression) -> Result<&Batch, ValidationError> {
    let first =
        batches.first().ok_or_else(|| ValidationError::invalid("Record batch has no batches at all"))?;
    if (first.header().magic >= 2 || compression != Compression::None) && batches.len() > 1 {
        return Err(ValidationError::invalid("Compressed outer record has more than one batch"));
    }
    Ok(first)
}

/// The rules for a batch as a whole.
pub(super) fn batch(
    first: &Batch,
    batch: &Batch,
    validation: &Validation<'_>,
) -> Result<(), ValidationError> {
    let partition = validation.partition;
    let header = batch.header();
    if first.header().magic != header.magic {
        return Err(ValidationError::invalid(format!(
            "Batch magic {} is not the same as the first batch'es magic byte {} in topic partition {partition}.",
            header.magic,
            first.header().magic
        )));
    }
    if validation.origin == AppendOrigin::Client {
        clients_batch(header, validation)?;
    }
    let reason = match validation.magic {
        magic @ (0 | 1) if header.is_transactional() => {
            format!("Transactional records cannot be used with magic version {magic}")
        }
        magic @ (0 | 1) if header.has_producer_id() => {
            format!("Idempotent records cannot be used with magic version {magic}")
        }
        _ => return Ok(()),
    };
    Err(ValidationError::refused(ErrorCode::UnsupportedForMessageFormat, reason))
}

fn clients_batch(header: &BatchHeader, validation: &Validation<'_>) -> Result<(), ValidationError> {
    let partition = validation.partition;
    let (first, last, count) = (header.base_offset, header.last_offset(), header.record_count);
    let reason = if header.magic >= 2 && last < first {
        format!("Batch has an invalid offset range: [{first}, {last}] in topic partition {partition}.")
    } else if header.magic >= 2 && count <= 0 {
        format!("Invalid reported count for record batch: {count} in topic partition {partition}.")
    } else if header.magic >= 2 && i64::from(header.last_offset_delta) + 1 != i64::from(count) {
        format!(
            "Inconsistent batch offset range [{first}, {last}] and count of records {count} in topic partition {partition}."
        )
    } else if header.is_control() {
        format!("Clients are not allowed to write control records in topic partition {partition}.")
    } else if header.has_producer_id() && header.base_sequence < 0 {
        format!(
            "Invalid sequence number {} in record batch with producerId {} in topic partition {partition}.",
            header.base_sequence, header.producer_id
        )
    } else {
        return Ok(());
    };
    Err(ValidationError::invalid(reason))
}

/// A record as far as the rules look at it.
pub(super) struct Seen<'a> {
    /// Its offset before it gets one.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: Millis,
    /// Whether it has a key.
    pub has_key: bool,
    /// How Kafka prints it, which may fail.
    pub print: &'a dyn Fn() -> Result<String, BatchError>,
}

/// Collects the records that break a rule.
pub(super) struct RecordRules<'a> {
    validation: &'a Validation<'a>,
    batch_type: TimestampType,
    errors: Vec<RecordError>,
    has_bad_timestamp: bool,
}

impl<'a> RecordRules<'a> {
    /// The rules for the records of `batch`.
    pub(super) fn new(validation: &'a Validation<'a>, batch: &BatchHeader) -> Self {
        Self { validation, batch_type: batch.timestamp_type(), errors: Vec::new(), has_bad_timestamp: false }
    }

    /// Looks at the next record, the `index`th of its batch, and notes if it breaks a rule.
    #[inline]
    pub(super) fn allow(&mut self, index: usize, record: &Seen<'_>) -> Result<(), BatchError> {
        let is_keyless = self.validation.compacted && !record.has_key;
        let is_late = self.validation.timestamp_type == TimestampType::CreateTime
            && record.timestamp != NO_TIMESTAMP
            && record.timestamp.wrapping_sub(self.validation.now).wrapping_abs()
                > self.validation.max_timestamp_difference;
        if !is_keyless && !is_late && self.batch_type != TimestampType::LogAppendTime {
            return Ok(());
        }
        self.refuse_seen(index, record, is_keyless, is_late)
    }

    #[cold]
    fn refuse_seen(
        &mut self,
        index: usize,
        record: &Seen<'_>,
        is_keyless: bool,
        is_late: bool,
    ) -> Result<(), BatchError> {
        let Validation { partition, now, max_timestamp_difference: most, .. } = *self.validation;
        let message = if is_keyless {
            format!("Compacted topic cannot accept message without key in topic partition {partition}.")
        } else if is_late {
            let (from, to) = (now.wrapping_sub(most), now.wrapping_add(most));
            format!(
                "Timestamp {} of message with offset {} is out of range. The timestamp should be within [{from}, {to}]",
                record.timestamp, record.offset
            )
        } else {
            format!(
                "Invalid timestamp type in message {}. Producer should not set timestamp type to LogAppendTime.",
                (record.print)()?
            )
        };
        self.has_bad_timestamp |= !is_keyless;
        self.refuse(index, message);
        Ok(())
    }

    /// Whether no record has broken a rule so far.
    #[inline]
    pub(super) fn none_refused(&self) -> bool {
        self.errors.is_empty()
    }

    /// Notes that the `index`th record is refused as INVALID_RECORD.
    pub(super) fn refuse(&mut self, index: usize, reason: String) {
        self.errors.push(RecordError {
            batch_index: i32::try_from(index).unwrap_or(i32::MAX),
            message: Some(reason),
        });
    }

    /// All records were seen.
    pub(super) fn finish(self) -> Result<(), ValidationError> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let (code, reason) = if self.has_bad_timestamp {
            (ErrorCode::InvalidTimestamp, "One or more records have been rejected due to invalid timestamp")
        } else {
            (ErrorCode::InvalidRecord, "One or more records have been rejected")
        };
        Err(ValidationError::Records { code, reason, errors: self.errors })
    }
}
