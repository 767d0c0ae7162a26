//! Fetched records in a message format that the client reads, converted while they are sent (KIP-283).
//!
//! The first batch is converted at once. The size of the answer is what was fetched, or the size of this
//! batch if that is larger. The batches after it are converted in chunks, up to exactly that size. If they
//! give too little, or a batch cannot be converted, a message whose length is larger than the rest fills it;
//! clients ignore it like any incomplete message. Kafka: `LazyDownConversionRecords`,
//! `LazyDownConversionRecordsSend`.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::base::records::Chunks;
use crate::base::{LazyRecords, Offset, Records, TopicPartition};
use crate::replica::broker_topic_stats::{TopicMeter, TopicStats};
use crate::wire::batch::{BATCH_OVERHEAD, Batch, BatchError, LOG_OVERHEAD};
use crate::wire::convert::down_convert;
use crate::wire::error_code::ErrorCode;

/// How many stored bytes are read and converted at once, unless a batch is larger.
const CHUNK: usize = 128 << 10;

/// Why fetched records cannot be converted.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConversionError {
    /// The records cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A batch is not valid, or has no equivalent in the older format.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl From<&ConversionError> for ErrorCode {
    fn from(error: &ConversionError) -> Self {
        match error {
            ConversionError::Read(_) => Self::UnknownServerError,
            ConversionError::Batch(error) => Self::from(error),
        }
    }
}

/// Whether any batch is of a newer format than `magic`. Reads the records up to the first such batch.
pub(super) fn is_newer(stored: &Records, magic: i8) -> bool {
    StoredBatches::new(stored.clone()).map_while(Result::ok).any(|batch| batch.header().magic > magic)
}

/// Stored records, and the target of their conversion.
#[derive(Clone, Debug)]
pub(super) struct DownConversion {
    partition: TopicPartition,
    magic: i8,
    /// The offset that the client reads from: records before it are left out if each is a message of its own.
    from: Offset,
    /// The first converted batch that is not empty; empty where there is none.
    first: Bytes,
    /// The batches after it.
    rest: StoredBatches,
    size: usize,
    /// How many messages are in the batches converted so far.
    messages: usize,
    /// Counts the messages that are converted.
    stats: Option<Arc<TopicStats>>,
}

impl DownConversion {
    /// The records in message format `magic` (0 or 1), of which the first batch is converted now.
    ///
    /// # Errors
    /// The first batch cannot be read or converted; UNSUPPORTED_COMPRESSION_TYPE where it is compressed with zstd.
    pub fn new(
        partition: TopicPartition,
        stored: &Records,
        magic: i8,
        from: Offset,
    ) -> Result<Self, ConversionError> {
        let mut rest = StoredBatches::new(stored.clone());
        let (mut first, mut messages) = (Bytes::new(), 0);
        while first.is_empty()
            && let Some(batch) = rest.next()
        {
            let batch = batch?;
            first = down_convert(&batch, magic, from, usize::MAX)?;
            messages += messages_in(&batch);
        }
        // What was read with the first batch is read again when the rest is sent.
        rest.read = Bytes::new();
        let size = if first.is_empty() { LOG_OVERHEAD } else { stored.len().max(first.len()) };
        Ok(Self { partition, magic, from, first, rest, size, messages, stats: None })
    }

    /// The same; the messages of the first batch, and all that are converted from now on, are counted.
    pub fn counted(mut self, stats: Arc<TopicStats>) -> Self {
        stats.mark(TopicMeter::FetchMessageConversions, self.messages);
        self.stats = Some(stats);
        self
    }
}

impl LazyRecords for DownConversion {
    fn size(&self) -> usize {
        self.size
    }

    fn memory_size(&self) -> usize {
        // A batch that is not converted keeps the whole chunk in memory that was read with it.
        self.first.len().max(CHUNK) + self.rest.records.memory_size()
    }

    fn file(&self) -> Option<&File> {
        self.rest.records.file()
    }

    fn chunks(&self) -> Chunks {
        let first = Some(self.first.clone()).filter(|first| !first.is_empty());
        Box::new(Converting {
            left: self.size,
            first,
            rest: Some(self.rest.clone()),
            conversion: self.clone(),
        })
    }
}

/// A conversion in progress.
struct Converting {
    conversion: DownConversion,
    first: Option<Bytes>,
    /// None once all batches were converted.
    rest: Option<StoredBatches>,
    /// How many bytes are still to come.
    left: usize,
}

impl Iterator for Converting {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let converted = match self.first.take() {
            Some(first) => Ok(first),
            None => self.convert(),
        };
        let mut chunk = match converted {
            Ok(chunk) if chunk.is_empty() => filler(self.left),
            Ok(chunk) => chunk,
            Err(error) => {
                self.left = 0;
                return Some(Err(error));
            }
        };
        chunk.truncate(self.left);
        self.left -= chunk.len();
        Some(Ok(chunk))
    }
}

impl Converting {
    /// The next batches, converted; empty if none are left.
    ///
    /// # Errors
    /// The stored records cannot be read.
    fn convert(&mut self) -> io::Result<Bytes> {
        let DownConversion { partition, magic, from, stats, .. } = &self.conversion;
        let (mut read, mut converted) = (0, Vec::new());
        while let Some(rest) = &mut self.rest
            && (converted.is_empty() || read < CHUNK && converted.len() < self.left)
        {
            let batch = rest.next().map(|batch| {
                let batch = batch?;
                read += batch.bytes().len();
                let converted = down_convert(&batch, *magic, *from, usize::MAX)?;
                if let Some(stats) = stats {
                    stats.mark(TopicMeter::FetchMessageConversions, messages_in(&batch));
                }
                Ok(converted)
            });
            match batch {
                Some(Ok(batch)) => converted.extend_from_slice(&batch),
                Some(Err(ConversionError::Read(error))) => return Err(error),
                Some(Err(ConversionError::Batch(error))) => {
                    // The client fetches this batch again, and gets the error then.
                    log::debug!(target: "kafka.server.KafkaApis", "Down-conversion of records of partition {partition} ends: {error}");
                    self.rest = None;
                }
                None => self.rest = None,
            }
        }
        Ok(converted.into())
    }
}

/// How many messages a batch holds; of one whose records were compacted away, how many it held.
fn messages_in(batch: &Batch) -> usize {
    let header = batch.header();
    usize::try_from(header.last_offset() - header.base_offset + 1).unwrap_or(0)
}

/// A message whose length field is larger than the `left` bytes that it fills.
fn filler(left: usize) -> Bytes {
    let mut message = vec![0; (left + 1).clamp(LOG_OVERHEAD, CHUNK)];
    message[..8].copy_from_slice(&(-1_i64).to_be_bytes());
    let length = i32::try_from((left + 1).max(BATCH_OVERHEAD)).unwrap_or(i32::MAX);
    message[8..LOG_OVERHEAD].copy_from_slice(&length.to_be_bytes());
    message.into()
}

/// The batches of stored records in order, read a chunk at a time. An incomplete batch at the end is left
/// out; ends after the first error.
#[derive(Clone, Debug)]
struct StoredBatches {
    records: Records,
    /// The position of the chunk among the records.
    position: usize,
    read: Bytes,
}

impl StoredBatches {
    fn new(records: Records) -> Self {
        Self { records, position: 0, read: Bytes::new() }
    }
}

impl Iterator for StoredBatches {
    type Item = Result<Batch, ConversionError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let needed = match Batch::parse(&self.read) {
                Ok(batch) => {
                    self.position += batch.bytes().len();
                    self.read.advance(batch.bytes().len());
                    return Some(Ok(batch));
                }
                Err(BatchError::Incomplete { need, .. }) => need,
                Err(error) => {
                    (self.position, self.read) = (self.records.len(), Bytes::new());
                    return Some(Err(error.into()));
                }
            };
            if self.position + needed > self.records.len() {
                return None;
            }
            match self.records.read_at(self.position, needed.max(CHUNK)) {
                Ok(read) => self.read = read,
                Err(error) => {
                    (self.position, self.read) = (self.records.len(), Bytes::new());
                    return Some(Err(error.into()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
