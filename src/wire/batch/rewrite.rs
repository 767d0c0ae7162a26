//! A format 2 batch that keeps its place and its producer, with fewer records or none.
//!
//! Pure. Kafka: `MemoryRecords.buildRetainedRecordsInto`, `DefaultRecordBatch.writeEmptyHeader`.

use bytes::Bytes;

use super::{ATTRIBUTES_AT, BATCH_OVERHEAD, Batch, BatchError, CRC_AT, LOG_OVERHEAD, MAX_TIMESTAMP_AT};
use super::{NO_TIMESTAMP, TimestampType};
use crate::base::{Millis, ProducerEpoch, ProducerId};

const LENGTH_AT: usize = 8;
const BASE_TIMESTAMP_AT: usize = 27;
const PRODUCER_AT: usize = 43;
const COUNT_AT: usize = 57;

/// A batch of format 2 with another producer, epoch and first sequence. `batch` begins with its header.
pub fn with_producer(batch: &[u8], id: ProducerId, epoch: ProducerEpoch, sequence: i32) -> Bytes {
    let mut out = batch.to_vec();
    out[PRODUCER_AT..PRODUCER_AT + 8].copy_from_slice(&id.to_be_bytes());
    out[PRODUCER_AT + 8..PRODUCER_AT + 10].copy_from_slice(&epoch.to_be_bytes());
    out[PRODUCER_AT + 10..COUNT_AT].copy_from_slice(&sequence.to_be_bytes());
    let crc = crc32c::crc32c(&out[ATTRIBUTES_AT..]);
    out[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    out.into()
}

impl Batch {
    /// The batch with these records of its own, as they are to be stored: behind [`BATCH_OVERHEAD`] free bytes in
    /// `out`. First and last offset, producer and sequence numbers stay, also where the records that had them went.
    /// `max_timestamp` is the largest of those that are left; with `LogAppendTime` the batch keeps its own.
    ///
    /// # Errors
    /// [`BatchError::TooLarge`] beyond 2 GiB.
    pub fn with_records(
        &self,
        out: Vec<u8>,
        count: usize,
        max_timestamp: Millis,
    ) -> Result<Bytes, BatchError> {
        let max_timestamp = match self.header.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp,
            _ => max_timestamp,
        };
        self.rewritten(out, self.header.attributes, count, max_timestamp)
    }

    /// The batch without its records: the header keeps the last sequence number of its producer.
    ///
    /// # Errors
    /// None that a header of [`BATCH_OVERHEAD`] bytes could cause.
    pub fn emptied(&self) -> Result<Bytes, BatchError> {
        let out = vec![0; BATCH_OVERHEAD];
        let attributes = self.header.attributes & !7;
        self.rewritten(out, attributes, 0, self.header.max_timestamp)
    }

    fn rewritten(
        &self,
        mut out: Vec<u8>,
        attributes: i16,
        count: usize,
        max_timestamp: Millis,
    ) -> Result<Bytes, BatchError> {
        debug_assert_eq!(self.header.magic, 2);
        let length =
            i32::try_from(out.len() - LOG_OVERHEAD).map_err(|_| BatchError::TooLarge(i32::MAX as usize))?;
        let base_timestamp = if count == 0 { NO_TIMESTAMP } else { self.header.base_timestamp };
        let mut header = [0; BATCH_OVERHEAD];
        header.copy_from_slice(&self.bytes[..BATCH_OVERHEAD]);
        header[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
        header[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
        header[BASE_TIMESTAMP_AT..MAX_TIMESTAMP_AT].copy_from_slice(&base_timestamp.to_be_bytes());
        header[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&max_timestamp.to_be_bytes());
        header[COUNT_AT..].copy_from_slice(&(count as u32).to_be_bytes());
        out[..BATCH_OVERHEAD].copy_from_slice(&header);
        let crc = crc32c::crc32c(&out[ATTRIBUTES_AT..]);
        out[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
        Ok(out.into())
    }
}
