//! Gives batches their offsets and leader epoch, without touching their records.

use bytes::Bytes;

use super::{NumberError, Numbered, Numbering};
use crate::wire::batch::{Batch, BatchError, NO_TIMESTAMP};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;

/// The batches with offsets from the log's end on, their bytes kept but for the first 21 of each.
///
/// # Errors
/// [`NumberError`] if they are no batches.
pub fn number(
    records: Bytes,
    _source: Compression,
    numbering: &Numbering<'_>,
) -> Result<Numbered, NumberError> {
    let mut numbered = Numbered {
        pieces: Vec::new(),
        batches: Vec::new(),
        last_offset: numbering.next_offset - 1,
        max_timestamp: NO_TIMESTAMP,
        offset_of_max_timestamp: -1,
        size_changed: false,
    };
    for batch in Batch::split(records) {
        let batch = batch?;
        let mut header = batch.header().clone();
        header.base_offset = numbered.last_offset + 1;
        header.leader_epoch = numbering.leader_epoch;
        numbered.pieces.extend(batch.restamped(header.base_offset, header.leader_epoch));
        numbered.last_offset = header.last_offset();
        if header.max_timestamp > numbered.max_timestamp {
            numbered.max_timestamp = header.max_timestamp;
            numbered.offset_of_max_timestamp = header.last_offset();
        }
        numbered.batches.push(header);
    }
    Ok(numbered)
}

impl From<&BatchError> for ErrorCode {
    fn from(_: &BatchError) -> Self {
        Self::CorruptMessage
    }
}
