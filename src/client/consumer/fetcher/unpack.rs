//! The records of a batch in the layout in which records are handed out: that of format 2, not compressed.
//!
//! Pure. What is unpacked is bounded in size, whatever a batch claims. Messages of formats 0 and 1 are written anew as
//! records of format 2 in memory; those of format 2 that are not compressed are not copied.

use bytes::Bytes;

use crate::client::consumer::records::RecordChunk;
use crate::wire::batch::{Batch, BatchError, DECOMPRESSED_LIMIT, NO_LEADER_EPOCH};
use crate::wire::legacy::Messages;
use crate::wire::record::iter::{BatchBase, count};
use crate::wire::record::{RecordHeaders, encode};

/// All records of a batch; they are not checked yet.
///
/// # Errors
/// The batch cannot be unpacked, or is larger than [`DECOMPRESSED_LIMIT`]. With `check_crcs` also a wrapped message
/// whose checksum is wrong.
pub(super) fn unpack(batch: &Batch, check_crcs: bool) -> Result<RecordChunk, BatchError> {
    let header = batch.header();
    if header.magic < 2 {
        return rewrite(batch, check_crcs);
    }
    let bytes = header.compression()?.decompress(header.magic, &batch.body(), DECOMPRESSED_LIMIT)?;
    Ok(RecordChunk {
        bytes,
        count: count(header)?,
        base: BatchBase::of(header),
        timestamp_type: header.timestamp_type(),
        leader_epoch: Some(header.leader_epoch).filter(|epoch| *epoch != NO_LEADER_EPOCH),
    })
}

/// The messages of a batch of format 0 or 1 as records of format 2.
fn rewrite(batch: &Batch, check_crcs: bool) -> Result<RecordChunk, BatchError> {
    let mut messages = Messages::of(batch)?;
    let (mut bytes, mut count, mut base_offset) = (Vec::new(), 0, None);
    while let Some(message) = messages.next_message()? {
        if check_crcs {
            message.check_crc()?;
        }
        let base = *base_offset.get_or_insert(message.offset);
        let delta = message.offset.checked_sub(base).and_then(|delta| i32::try_from(delta).ok());
        let delta =
            delta.ok_or_else(|| BatchError::Malformed("The offsets of a batch lie too far apart".into()))?;
        encode(&mut bytes, delta, message.timestamp, message.key()?, message.value()?, RecordHeaders::NONE);
        if bytes.len() > DECOMPRESSED_LIMIT {
            return Err(BatchError::TooLarge(DECOMPRESSED_LIMIT));
        }
        count += 1;
    }
    let base_offset = base_offset.unwrap_or(batch.header().base_offset);
    Ok(RecordChunk {
        bytes: Bytes::from(bytes),
        count,
        base: BatchBase { base_offset, base_timestamp: 0, append_time: None },
        timestamp_type: batch.header().timestamp_type(),
        leader_epoch: None,
    })
}
