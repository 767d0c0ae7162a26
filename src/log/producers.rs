//! What a partition remembers of its producers: sequence numbers for idempotence, transactions for stability.
//!
//! Pure. Decides on appends by data alone: no clock, no files (the log keeps the `.snapshot` files, [`snapshot`] knows
//! their bytes). Kafka: `ProducerStateManager`, `ProducerAppendInfo`.

mod change;
mod entry;
pub mod snapshot;

use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

pub use change::Change;
pub use entry::{BatchMetadata, ProducerEntry};
use snapshot::SnapshotError;

use crate::base::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId, TopicPartition};
use crate::wire::batch::BatchHeader;
use crate::wire::error_code::ErrorCode;

/// Why a batch of an idempotent or transactional producer is not appended. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProducerError {
    /// A newer instance of the producer has taken over.
    #[error(
        "Producer's epoch at offset {offset} in {partition} is {epoch}, which is smaller than the last seen epoch {current}"
    )]
    InvalidEpoch {
        /// Where it was to be appended.
        partition: TopicPartition,
        /// The offset it would have had.
        offset: Offset,
        /// Its epoch.
        epoch: ProducerEpoch,
        /// The epoch seen last.
        current: ProducerEpoch,
    },
    /// A new epoch has to begin with sequence number 0.
    #[error(
        "Invalid sequence number for new epoch at offset {offset} in partition {partition}: {epoch} (request epoch), \
         {sequence} (seq. number)"
    )]
    NewEpochSequence {
        /// Where it was to be appended.
        partition: TopicPartition,
        /// The offset it would have had.
        offset: Offset,
        /// Its epoch.
        epoch: ProducerEpoch,
        /// Its first sequence number.
        sequence: i32,
    },
    /// A batch before it is missing, or it was appended long ago.
    #[error(
        "Out of order sequence number for producerId {producer_id} at offset {offset} in partition {partition}: \
         {sequence} (incoming seq. number), {current} (current end sequence number)"
    )]
    OutOfOrderSequence {
        /// Where it was to be appended.
        partition: TopicPartition,
        /// The producer.
        producer_id: ProducerId,
        /// The offset it would have had.
        offset: Offset,
        /// Its first sequence number.
        sequence: i32,
        /// The last sequence number appended.
        current: i32,
    },
    /// A batch outside any transaction from a producer that has one open.
    #[error(
        "Expected transactional write from producer {producer_id} at offset {offset} in partition {partition}"
    )]
    InvalidTransactionState {
        /// Where it was to be appended.
        partition: TopicPartition,
        /// The producer.
        producer_id: ProducerId,
        /// The offset it would have had.
        offset: Offset,
    },
    /// A marker from a coordinator that has been replaced.
    #[error(
        "Invalid coordinator epoch for producerId {producer_id} at offset {offset} in partition {partition}: \
         {epoch} (zombie), {current} (current)"
    )]
    CoordinatorFenced {
        /// Where it was to be appended.
        partition: TopicPartition,
        /// Whose transaction it ends.
        producer_id: ProducerId,
        /// The offset it would have had.
        offset: Offset,
        /// The coordinator's epoch.
        epoch: LeaderEpoch,
        /// The largest epoch of a coordinator so far.
        current: LeaderEpoch,
    },
    /// A transaction was completed that never began here.
    #[error(
        "Attempted to complete transaction {transaction:?} on partition {partition} which was not started"
    )]
    NotStarted {
        /// Where.
        partition: TopicPartition,
        /// Which.
        transaction: CompletedTransaction,
    },
}

impl From<&ProducerError> for ErrorCode {
    fn from(error: &ProducerError) -> Self {
        match error {
            ProducerError::InvalidEpoch { .. } => Self::InvalidProducerEpoch,
            ProducerError::NewEpochSequence { .. } | ProducerError::OutOfOrderSequence { .. } => {
                Self::OutOfOrderSequenceNumber
            }
            ProducerError::InvalidTransactionState { .. } => Self::InvalidTxnState,
            ProducerError::CoordinatorFenced { .. } => Self::TransactionCoordinatorFenced,
            ProducerError::NotStarted { .. } => Self::UnknownServerError,
        }
    }
}

/// A transaction whose marker is in the log; what an entry of the transaction index is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTransaction {
    /// Whose it was.
    pub producer_id: ProducerId,
    /// Its first batch's first offset.
    pub first_offset: Offset,
    /// The marker's offset.
    pub last_offset: Offset,
    /// Whether it was aborted.
    pub aborted: bool,
}

/// The producers of one partition and its open transactions, up to an offset of its log.
#[derive(Clone, Debug)]
pub struct Producers {
    partition: TopicPartition,
    expiration: Millis,
    entries: HashMap<ProducerId, ProducerEntry>,
    /// Transactions without a marker: the producer by the first offset.
    ongoing: BTreeMap<Offset, ProducerId>,
    /// Transactions completed since the log's marks took them over: the marker's offset by the first offset.
    completed: BTreeMap<Offset, Offset>,
    end_offset: Offset,
}

impl Producers {
    /// No producer yet, up to offset 0. A producer is forgotten `expiration` milliseconds after its last batch.
    pub fn new(partition: TopicPartition, expiration: Millis) -> Self {
        Self {
            partition,
            expiration,
            entries: HashMap::new(),
            ongoing: BTreeMap::new(),
            completed: BTreeMap::new(),
            end_offset: 0,
        }
    }

    /// The offset up to which batches are accounted for (`mapEndOffset`).
    pub fn end_offset(&self) -> Offset {
        self.end_offset
    }

    /// Sets the offset below which all records are included.
    pub fn set_end_offset(&mut self, offset: Offset) {
        self.end_offset = offset;
    }

    /// Whether there is nothing that would be lost.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known of a producer.
    pub fn entry(&self, id: ProducerId) -> Option<&ProducerEntry> {
        self.entries.get(&id)
    }

    /// All producers, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &ProducerEntry> {
        self.entries.values()
    }

    /// The batch in the log that a client's batch repeats, among the last five of its producer.
    pub fn duplicate_of(&self, batch: &BatchHeader) -> Option<BatchMetadata> {
        if !batch.has_producer_id() {
            return None;
        }
        self.entries.get(&batch.producer_id)?.duplicate_of(batch)
    }

    /// Makes what was checked so.
    pub fn apply(&mut self, change: Change) {
        for update in change.into_updates() {
            for (first_offset, producer_id) in update.started {
                self.ongoing.insert(first_offset, producer_id);
            }
            let id = update.entry.producer_id;
            match self.entries.get_mut(&id) {
                Some(entry) => entry.update(update.entry),
                None => {
                    self.entries.insert(id, update.entry);
                }
            }
        }
    }

    /// The last stable offset once this transaction is complete: where the next open one begins, or after its marker.
    pub fn last_stable_offset(&self, completed: &CompletedTransaction) -> Offset {
        self.ongoing
            .iter()
            .find(|(_, producer_id)| **producer_id != completed.producer_id)
            .map_or(completed.last_offset + 1, |(first, _)| *first)
    }

    /// Takes a transaction from those without a marker; the log's marks take it over ([`Producers::take_completed`]).
    ///
    /// # Errors
    /// [`ProducerError::NotStarted`] if none begins at its first offset.
    pub fn complete(&mut self, completed: &CompletedTransaction) -> Result<(), ProducerError> {
        if self.ongoing.remove(&completed.first_offset).is_none() {
            let partition = self.partition.clone();
            return Err(ProducerError::NotStarted { partition, transaction: *completed });
        }
        self.completed.insert(completed.first_offset, completed.last_offset);
        Ok(())
    }

    /// The transactions completed since the last call: the offset of each one's marker by its first offset. Readers of
    /// committed records stop before them until the markers are replicated.
    pub fn take_completed(&mut self) -> BTreeMap<Offset, Offset> {
        std::mem::take(&mut self.completed)
    }

    /// First offset of the first transaction without a marker.
    pub fn first_undecided_offset(&self) -> Option<Offset> {
        self.ongoing.keys().next().copied()
    }

    /// The log now starts at `log_start`.
    pub fn truncate_head(&mut self, log_start: Offset) {
        self.end_offset = self.end_offset.max(log_start);
    }

    /// Removes all producers; the log is empty and goes on at `offset`.
    pub fn truncate_fully(&mut self, offset: Offset) {
        self.entries.clear();
        self.ongoing.clear();
        self.completed.clear();
        self.end_offset = offset;
    }

    /// Forgets producers without an open transaction whose last batch is older than the expiration.
    pub fn remove_expired(&mut self, now: Millis) {
        let expiration = self.expiration;
        self.entries.retain(|_, entry| !entry.is_expired(now, expiration));
    }

    /// The bytes of a snapshot file; its name is to be [`Producers::end_offset`].
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::write(self.entries.values())
    }

    /// Removes all producers and loads those of the snapshot file named `offset`, without expired ones.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are no sound snapshot; then nothing is changed.
    pub fn load(&mut self, snapshot: &[u8], offset: Offset, now: Millis) -> Result<(), SnapshotError> {
        let entries = snapshot::read(snapshot)?;
        self.truncate_fully(offset);
        for entry in entries.into_iter().filter(|entry| !entry.is_expired(now, self.expiration)) {
            if let Some(first) = entry.transaction_start {
                self.ongoing.insert(first, entry.producer_id);
            }
            self.entries.insert(entry.producer_id, entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
