//! The first batches of a Produce request's partitions: whether the request writes in transactions or as an
//! idempotent producer, and whether its version may contain them.
//!
//! Pure. Kafka: `ProduceRequest.validateRecords`, `RequestUtils.flag`.

use bytes::Bytes;

use crate::wire::batch::{BatchHeader, LOG_OVERHEAD, NO_PRODUCER_ID};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;

/// Where the producer id stands in a batch of format 2.
const PRODUCER_ID: std::ops::Range<usize> = 43..51;

/// Decodes a partition's batches. From version 3 on there may be one, and two are enough to see that there are more.
pub(super) fn decode(version: i16, bytes: Bytes) -> MemoryRecords {
    MemoryRecords::decode_at_most(if version < 3 { usize::MAX } else { 2 }, bytes)
}

/// Which kinds of batches a request begins its partitions with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BatchKinds {
    /// One is part of a transaction.
    pub transactional: bool,
    /// One has a producer id.
    pub idempotent: bool,
}

impl BatchKinds {
    /// Looks at a partition's first batch; None if there is none, or one so short that Kafka's reader fails
    /// at it. One that is longer, but not as long as a batch, is refused later.
    pub fn look_at(&mut self, records: &MemoryRecords) -> Option<()> {
        let (transactional, idempotent) = match records.batches().first() {
            Some(first) => (first.header().is_transactional(), first.header().has_producer_id()),
            None => Self::of_short_batch(records.fault().map(|_| records.rest())?)?,
        };
        self.transactional |= transactional;
        self.idempotent |= idempotent;
        Some(())
    }

    /// The same of a batch that is too short for its format, but holds what is asked for.
    fn of_short_batch(batch: &[u8]) -> Option<(bool, bool)> {
        let size = u32::from_be_bytes(*batch.get(8..)?.first_chunk::<4>()?) as usize + LOG_OVERHEAD;
        let is_looked_at = batch.get(16) == Some(&2) && (PRODUCER_ID.end..=batch.len()).contains(&size);
        let producer_id = batch.get(PRODUCER_ID)?.first_chunk::<8>().filter(|_| is_looked_at)?;
        Some((batch[22] & 0x10 != 0, i64::from_be_bytes(*producer_id) > NO_PRODUCER_ID))
    }
}

/// Checks what a Produce request of this version may hold at all; each partition's records on their own.
///
/// # Errors
/// INVALID_RECORD or UNSUPPORTED_COMPRESSION_TYPE from version 3 on; CORRUPT_MESSAGE if something that is no batch
/// follows the first one. A first batch that is too short for its format is for the log to refuse.
pub fn validate_records(version: i16, records: &MemoryRecords) -> Result<(), ErrorCode> {
    if version < 3 {
        return Ok(());
    }
    let Some(first) = records.batches().first() else {
        return if records.fault().is_some() { Ok(()) } else { Err(ErrorCode::InvalidRecord) };
    };
    validate_first(version, first.header())?;
    match (records.batches().len(), records.fault()) {
        (2.., _) => Err(ErrorCode::InvalidRecord),
        (_, Some(fault)) => Err(fault.into()),
        _ => Ok(()),
    }
}

/// The request holds one batch, of format 2; Zstandard came with version 7.
fn validate_first(version: i16, first: &BatchHeader) -> Result<(), ErrorCode> {
    if first.magic != 2 {
        return Err(ErrorCode::InvalidRecord);
    }
    if version < 7 && first.compression().map_err(|error| ErrorCode::from(&error))? == Compression::Zstd {
        return Err(ErrorCode::UnsupportedCompressionType);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
