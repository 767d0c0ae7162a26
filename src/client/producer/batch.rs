//! A batch of one partition, from its first record to its answer.
//!
//! Pure. Kafka: `ProducerBatch`.

use std::fmt;

use bytes::Bytes;

use crate::base::{Millis, ProducerEpoch, ProducerId};
use crate::wire::batch::BatchBuilder;

/// A batch's name, by which the batches of a partition are in order. Where a batch is split, the pieces come in the
/// order of their records between the batches before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    root: u64,
    first_record: u32,
}

impl BatchId {
    /// The `root`th batch that was begun.
    pub fn new(root: u64) -> Self {
        Self { root, first_record: 0 }
    }

    /// The piece of this batch that begins with the record at `index`.
    pub fn piece(self, index: usize) -> Self {
        Self { first_record: self.first_record + index as u32, ..self }
    }
}

/// A producer's id and epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdAndEpoch {
    /// The id; not negative.
    pub id: ProducerId,
    /// The epoch; not negative.
    pub epoch: ProducerEpoch,
}

impl fmt::Display for ProducerIdAndEpoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "(producerId={}, epoch={})", self.id, self.epoch)
    }
}

/// By what a broker recognizes a batch that it has written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchIdentity {
    /// The producer.
    pub producer: ProducerIdAndEpoch,
    /// The sequence of the first record, from 0 to `i32::MAX`.
    pub first_sequence: i32,
}

/// The records of a batch.
#[derive(Clone, Debug)]
pub enum BatchPayload {
    /// Records as they were added.
    Open(BatchBuilder),
    /// Bytes as they were sent, with this identity.
    Sealed {
        /// The batch, with its header.
        bytes: Bytes,
        /// What is in its header.
        identity: Option<BatchIdentity>,
    },
}

impl BatchPayload {
    /// Bytes of header and records; before compression for records that were not sent yet.
    pub fn size(&self) -> usize {
        match self {
            Self::Open(builder) => builder.uncompressed_size(),
            Self::Sealed { bytes, .. } => bytes.len(),
        }
    }
}

/// A batch that waits to be sent or is on its way. Its completion `C` is notified of the outcome.
#[derive(Debug)]
pub struct ProducerBatch<C> {
    /// Its name.
    pub id: BatchId,
    /// Receives the outcome of its records.
    pub completion: C,
    /// How many records it has.
    pub records: usize,
    /// When its first record was added, in milliseconds since the Unix epoch.
    pub created: Millis,
    /// How often it was sent without success.
    pub attempts: u32,
    /// Bytes of `buffer.memory` that it occupies.
    pub reserved: usize,
    /// When it was put back the last time, or created.
    pub(super) last_attempt: Millis,
    /// No record is added any more.
    pub(super) is_closed: bool,
    /// Its records; None while it is on its way.
    pub(super) payload: Option<BatchPayload>,
}

impl<C> ProducerBatch<C> {
    /// Bytes of its records and header, as far as they are known; 0 while it is on its way.
    pub(super) fn size(&self) -> usize {
        self.payload.as_ref().map_or(0, BatchPayload::size)
    }
}
