//! A batch as bytes, and what its broker has answered.
//!
//! Pure. Kafka: `ProducerBatch`, `ProduceResponse.PartitionResponse`.

use bytes::Bytes;

use crate::base::{Millis, Offset, TopicPartition};
use crate::client::error::ClientError;
use crate::client::producer::accumulator::PartitionSlot;
use crate::client::producer::batch::{BatchId, BatchIdentity, BatchPayload};
use crate::wire::batch::{BatchError, with_producer};

/// A batch as it was sent.
#[derive(Clone, Debug)]
pub struct SentBatch {
    /// Its partition's queue.
    pub slot: PartitionSlot,
    /// Its partition.
    pub partition: TopicPartition,
    /// Its name.
    pub id: BatchId,
    /// The batch in format 2.
    pub bytes: Bytes,
    /// By what the broker recognizes it.
    pub identity: Option<BatchIdentity>,
    /// How many records it has.
    pub records: usize,
}

/// Why no bytes could be made of a batch.
#[derive(Clone, Debug)]
pub struct SealFailure {
    /// Its partition's queue.
    pub slot: PartitionSlot,
    /// Its partition.
    pub partition: TopicPartition,
    /// Its name.
    pub id: BatchId,
    /// The codec's error, or that of the format.
    pub error: ClientError,
}

/// What a broker has answered about a batch.
#[derive(Clone, Debug)]
pub struct PartitionAnswer {
    /// Where it was written, or the broker's error, or that of the request.
    pub outcome: Result<WrittenBatch, ClientError>,
    /// The partition's first offset, where the broker names it.
    pub log_start: Option<Offset>,
}

/// Where a batch was written.
#[derive(Clone, Copy, Debug)]
pub struct WrittenBatch {
    /// The first record's offset, where it is known.
    pub base_offset: Option<Offset>,
    /// The leader's time, where the topic takes that as the timestamp.
    pub log_append_time: Option<Millis>,
}

impl PartitionAnswer {
    /// That of a broker that is not to answer (`acks=0`).
    pub fn unanswered() -> Self {
        Self { outcome: Ok(WrittenBatch { base_offset: None, log_append_time: None }), log_start: None }
    }
}

impl SentBatch {
    /// Its records, to be sent again.
    pub(super) fn payload(&self) -> BatchPayload {
        BatchPayload::Sealed { bytes: self.bytes.clone(), identity: self.identity }
    }
}

impl BatchPayload {
    /// The batch as bytes with this identity. May take long where records are compressed.
    ///
    /// # Errors
    /// The codec fails.
    pub fn seal(self, identity: Option<BatchIdentity>, is_transactional: bool) -> Result<Bytes, BatchError> {
        match (self, identity) {
            (Self::Sealed { bytes, identity: sealed_with }, identity) if sealed_with == identity => Ok(bytes),
            (Self::Sealed { bytes, .. }, Some(BatchIdentity { producer, first_sequence })) => {
                Ok(with_producer(&bytes, producer.id, producer.epoch, first_sequence))
            }
            (Self::Sealed { bytes, .. }, None) => Ok(bytes),
            (Self::Open(builder), Some(BatchIdentity { producer, first_sequence })) => builder
                .producer(producer.id, producer.epoch, first_sequence)
                .transactional(is_transactional)
                .build(),
            (Self::Open(builder), None) => builder.build(),
        }
    }
}
