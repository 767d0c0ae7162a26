//! Records converted from one format to another, for clients that are older than the records.
//!
//! Pure. Kafka: `RecordsUtil.downConvert`.

use bytes::Bytes;

use super::batch::{Batch, BatchError, TimestampType};
use super::compression::Compression;
use super::record::Record;
pub use super::records_builder::RecordsBuilder;
use crate::base::Offset;

/// A batch as a client that knows no more than format `magic` (0 or 1) reads it, from `first_offset` on;
/// empty if no record is left. Its records are unpacked, converted and packed again one by one.
///
/// A batch that is old enough stays as it is. Control batches are left out, headers dropped. Records below
/// `first_offset` are dropped if each becomes a message of its own, which some versions of librdkafka rely
/// on.
///
/// # Errors [`BatchError::UnsupportedCompression`] for zstd, and the errors of reading the records; `limit`
/// bounds the batch's decompressed bytes.
pub fn down_convert(
    batch: &Batch,
    magic: i8,
    first_offset: Offset,
    limit: usize,
) -> Result<Bytes, BatchError> {
    let header = batch.header();
    if header.is_control() {
        return Ok(Bytes::new());
    }
    let codec = header.compression()?;
    if codec == Compression::Zstd {
        return Err(BatchError::UnsupportedCompression(
            "Down-conversion of zstandard-compressed batches is not supported".into(),
        ));
    }
    if header.magic <= magic {
        return Ok(batch.bytes().clone());
    }
    let is_wanted = |record: &Result<Record, _>| match record {
        Ok(record) => codec != Compression::None || record.offset >= first_offset,
        Err(_) => true,
    };
    let mut records = batch.records_within(limit)?.filter(is_wanted).peekable();
    let first = match records.peek() {
        Some(Ok(first)) => first.offset,
        Some(Err(error)) => return Err(error.clone()),
        None => return Ok(Bytes::new()),
    };
    let append_time =
        (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
    let mut builder = RecordsBuilder::messages(magic, codec, append_time, first);
    for record in records {
        let mut record = record?;
        record.headers.clear();
        builder.push_at(record.offset, &record)?;
    }
    builder.build()
}

#[cfg(test)]
mod tests;
