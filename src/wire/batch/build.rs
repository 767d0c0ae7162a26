//! Makes a format 2 batch out of records: for clients, control markers, conversions and tests.
//!
//! Pure. Kafka: `MemoryRecordsBuilder` for magic 2.

use bytes::Bytes;

use super::{ATTRIBUTES_AT, BATCH_OVERHEAD, BatchError, CRC_AT, LOG_OVERHEAD, TimestampType};
use super::{NO_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP};
use crate::base::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};
use crate::wire::compression::Compression;
use crate::wire::record::{self, Header, RecordHeaders};

/// Gathers records and lays them out as one batch of format 2.
///
/// ```
/// # use barnabas::wire::batch::{Batch, BatchBuilder};
/// let mut builder = BatchBuilder::new();
/// builder.push(1_700_000_000_000, Some(b"key"), Some(b"value"), &[]);
/// let batch = Batch::parse(&builder.build()?)?;
/// assert_eq!(batch.header().record_count, 1);
/// # Ok::<(), barnabas::wire::batch::BatchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    compression: Compression,
    level: Option<i32>,
    append_time: Option<Millis>,
    producer_id: ProducerId,
    producer_epoch: ProducerEpoch,
    base_sequence: i32,
    transactional: bool,
    control: bool,
    base_timestamp: Option<Millis>,
    max_timestamp: Millis,
    last_offset_delta: i32,
    record_count: i32,
    /// Once there is a record: [`BATCH_OVERHEAD`] bytes of room for the header, and the records behind it.
    body: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// An empty, uncompressed batch at offset 0 without producer and leader epoch.
    pub fn new() -> Self {
        Self {
            base_offset: 0,
            leader_epoch: NO_LEADER_EPOCH,
            compression: Compression::None,
            level: None,
            append_time: None,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            transactional: false,
            control: false,
            base_timestamp: None,
            max_timestamp: NO_TIMESTAMP,
            last_offset_delta: -1,
            record_count: 0,
            body: Vec::new(),
        }
    }

    /// Offset of the first record.
    pub fn base_offset(mut self, offset: Offset) -> Self {
        self.base_offset = offset;
        self
    }

    /// Epoch of the leader that appends it.
    pub fn leader_epoch(mut self, epoch: LeaderEpoch) -> Self {
        self.leader_epoch = epoch;
        self
    }

    /// The codec of the records.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// How hard the codec tries, in the codec's own numbers; None for its default.
    pub fn compression_level(mut self, level: Option<i32>) -> Self {
        self.level = level;
        self
    }

    /// Makes room for so many bytes of header and records, so that they need not move while records are added.
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.body.reserve(bytes);
        self
    }

    /// Makes it a `LogAppendTime` batch of this time; else it is `CreateTime`.
    pub fn append_time(mut self, time: Millis) -> Self {
        self.append_time = Some(time);
        self
    }

    /// The idempotent producer that writes it, its epoch, and the first record's sequence number.
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> Self {
        (self.producer_id, self.producer_epoch, self.base_sequence) = (id, epoch, base_sequence);
        self
    }

    /// Whether it is part of a transaction.
    pub fn transactional(mut self, transactional: bool) -> Self {
        self.transactional = transactional;
        self
    }

    /// Whether it holds control records.
    pub fn control(mut self, control: bool) -> Self {
        self.control = control;
        self
    }

    /// Adds a record at the next offset.
    pub fn push(&mut self, timestamp: Millis, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) {
        let offset = self.base_offset + i64::from(self.last_offset_delta) + 1;
        self.push_at(offset, timestamp, key, value, headers);
    }

    /// Adds a record at an offset of its own, not below that of the record before, at most 2147483647 above the base.
    pub fn push_at(
        &mut self,
        offset: Offset,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header],
    ) {
        let mut body = std::mem::take(&mut self.body);
        if body.is_empty() {
            body.resize(BATCH_OVERHEAD, 0);
        }
        self.encode(&mut body, offset, timestamp, key, value, RecordHeaders::List(headers));
        self.body = body;
    }

    /// As [`BatchBuilder::push_at`], with the record appended to `out` instead of the batch's own body.
    pub(in crate::wire) fn encode(
        &mut self,
        out: &mut Vec<u8>,
        offset: Offset,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: RecordHeaders<'_>,
    ) {
        let base = *self.base_timestamp.get_or_insert(timestamp);
        self.last_offset_delta = (offset - self.base_offset) as i32;
        record::encode(out, self.last_offset_delta, timestamp.wrapping_sub(base), key, value, headers);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.record_count += 1;
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.record_count as usize
    }

    /// Whether it has no record yet.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Bytes of header and records before compression.
    pub fn uncompressed_size(&self) -> usize {
        self.body.len().max(BATCH_OVERHEAD)
    }

    /// Whose clock its timestamps come from.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.append_time.is_some() { TimestampType::LogAppendTime } else { TimestampType::CreateTime }
    }

    /// Lays the batch out, checksum included.
    ///
    /// # Errors
    /// [`BatchError::Decompress`] if the codec fails, [`BatchError::TooLarge`] beyond 2 GiB.
    pub fn build(mut self) -> Result<Bytes, BatchError> {
        let mut body = std::mem::take(&mut self.body);
        let size = body.len().max(BATCH_OVERHEAD);
        body.resize(size, 0);
        match self.compression {
            Compression::None => self.finish(body),
            codec => {
                self.finish(codec.compress_behind(BATCH_OVERHEAD, &body[BATCH_OVERHEAD..], self.level)?)
            }
        }
    }

    /// Writes the header into the first bytes of `out`, after which come the records as they are to be stored.
    pub(in crate::wire) fn finish(&self, mut out: Vec<u8>) -> Result<Bytes, BatchError> {
        let length =
            i32::try_from(out.len() - LOG_OVERHEAD).map_err(|_| BatchError::TooLarge(i32::MAX as usize))?;
        let attributes = i16::from(self.compression.id())
            | if self.append_time.is_some() { 8 } else { 0 }
            | if self.transactional { 0x10 } else { 0 }
            | if self.control { 0x20 } else { 0 };
        let mut header = Vec::with_capacity(BATCH_OVERHEAD);
        header.extend_from_slice(&self.base_offset.to_be_bytes());
        header.extend_from_slice(&length.to_be_bytes());
        header.extend_from_slice(&self.leader_epoch.to_be_bytes());
        header.push(2);
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&attributes.to_be_bytes());
        header.extend_from_slice(&self.last_offset_delta.max(0).to_be_bytes());
        header.extend_from_slice(&self.base_timestamp.unwrap_or(NO_TIMESTAMP).to_be_bytes());
        header.extend_from_slice(&self.append_time.unwrap_or(self.max_timestamp).to_be_bytes());
        header.extend_from_slice(&self.producer_id.to_be_bytes());
        header.extend_from_slice(&self.producer_epoch.to_be_bytes());
        header.extend_from_slice(&self.base_sequence.to_be_bytes());
        header.extend_from_slice(&self.record_count.to_be_bytes());
        out[..BATCH_OVERHEAD].copy_from_slice(&header);
        let crc = crc32c::crc32c(&out[ATTRIBUTES_AT..]);
        out[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
        Ok(out.into())
    }

    /// Whether a producer may have written this (`MemoryRecordsBuilder.validateProducerState`).
    pub(in crate::wire) fn check_producer(&self) -> Result<(), BatchError> {
        let message = if self.producer_id == NO_PRODUCER_ID {
            match self.transactional {
                true => "Cannot write transactional messages without a valid producer ID",
                false => return Ok(()),
            }
        } else if self.producer_epoch == NO_PRODUCER_EPOCH {
            "Invalid negative producer epoch"
        } else if self.base_sequence < 0 && !self.control {
            "Invalid negative sequence number used"
        } else {
            return Ok(());
        };
        Err(BatchError::Unsupported(message.into()))
    }
}
