//! Checks the batches of one append against what is remembered, changing nothing. Kafka: `ProducerAppendInfo`.
//!
//! Pure.

use std::collections::BTreeMap;

use super::{BatchMetadata, CompletedTransaction, ProducerEntry, ProducerError, Producers};
use crate::base::{Millis, Offset, ProducerEpoch, ProducerId};
use crate::log::validate::AppendOrigin;
use crate::wire::batch::{BatchHeader, NO_PRODUCER_EPOCH, NO_SEQUENCE};
use crate::wire::control::EndTransactionMarker;

/// What an append will change once it is in the log; applied by [`Producers::apply`] or dropped.
#[derive(Clone, Debug)]
pub struct Change {
    origin: AppendOrigin,
    updates: BTreeMap<ProducerId, Update>,
}

/// One producer's part of a [`Change`].
#[derive(Clone, Debug)]
pub(super) struct Update {
    /// What the append adds: only the new batches, the newest epochs.
    pub(super) entry: ProducerEntry,
    /// Transactions that begin: first offset and producer.
    pub(super) started: Vec<(Offset, ProducerId)>,
    /// Epoch and last sequence number before the append.
    before: (ProducerEpoch, i32),
}

impl Change {
    /// An append of this origin, without batches yet.
    pub fn new(origin: AppendOrigin) -> Self {
        Self { origin, updates: BTreeMap::new() }
    }

    pub(super) fn into_updates(self) -> impl Iterator<Item = Update> {
        self.updates.into_values()
    }

    /// Adds a batch as it will be in the log. Batches without a producer are none of our business and pass.
    /// `marker` is what [`EndTransactionMarker::of_batch`] reads in it.
    ///
    /// # Errors
    /// [`ProducerError`] if it may not be appended; sequence numbers are only looked at when a client writes, stale
    /// epochs only when this broker leads.
    pub fn append(
        &mut self,
        producers: &Producers,
        batch: &BatchHeader,
        marker: Option<EndTransactionMarker>,
    ) -> Result<Option<CompletedTransaction>, ProducerError> {
        if !batch.has_producer_id() {
            return Ok(None);
        }
        let update =
            self.updates.entry(batch.producer_id).or_insert_with(|| Update::of(producers, batch.producer_id));
        let check = Check { producers, origin: self.origin, batch };
        match marker {
            Some(marker) => check.marker(update, marker).map(Some),
            // A control batch without records: its transaction has been cleaned from the log.
            None if batch.is_control() => Ok(None),
            None => check.data(update).map(|()| None),
        }
    }
}

impl Update {
    fn of(producers: &Producers, id: ProducerId) -> Self {
        let mut entry = ProducerEntry::new(id);
        let mut before = (NO_PRODUCER_EPOCH, NO_SEQUENCE);
        if let Some(current) = producers.entry(id) {
            before = (current.epoch, current.last_sequence());
            entry.epoch = current.epoch;
            entry.coordinator_epoch = current.coordinator_epoch;
            entry.last_timestamp = current.last_timestamp;
            entry.transaction_start = current.transaction_start;
        }
        Self { entry, started: Vec::new(), before }
    }
}

struct Check<'a> {
    producers: &'a Producers,
    origin: AppendOrigin,
    batch: &'a BatchHeader,
}

impl Check<'_> {
    fn data(&self, update: &mut Update) -> Result<(), ProducerError> {
        let batch = self.batch;
        self.epoch(&update.entry)?;
        if self.origin == AppendOrigin::Client {
            self.sequence(update)?;
        }
        let (first, last) = (batch.base_offset, batch.last_offset());
        let timestamp: Millis = batch.max_timestamp;
        let offset_delta = last.wrapping_sub(first) as i32;
        update.entry.add_batch(
            batch.producer_epoch,
            BatchMetadata {
                last_sequence: batch.last_sequence(),
                last_offset: last,
                offset_delta,
                timestamp,
            },
        );
        match update.entry.transaction_start {
            Some(_) if !batch.is_transactional() => Err(ProducerError::InvalidTransactionState {
                partition: self.producers.partition.clone(),
                producer_id: batch.producer_id,
                offset: first,
            }),
            None if batch.is_transactional() => {
                update.entry.transaction_start = Some(first);
                update.started.push((first, batch.producer_id));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn marker(
        &self,
        update: &mut Update,
        marker: EndTransactionMarker,
    ) -> Result<CompletedTransaction, ProducerError> {
        let batch = self.batch;
        let offset = batch.base_offset;
        self.epoch(&update.entry)?;
        self.coordinator(&update.entry, marker)?;
        let first_offset = update.entry.transaction_start.unwrap_or_else(|| {
            update.started.push((offset, batch.producer_id));
            offset
        });
        update.entry.set_epoch(batch.producer_epoch);
        update.entry.transaction_start = None;
        update.entry.coordinator_epoch = marker.coordinator_epoch;
        update.entry.last_timestamp = batch.max_timestamp;
        Ok(CompletedTransaction {
            producer_id: batch.producer_id,
            first_offset,
            last_offset: offset,
            aborted: !marker.committed,
        })
    }

    fn epoch(&self, entry: &ProducerEntry) -> Result<(), ProducerError> {
        if self.batch.producer_epoch >= entry.epoch || self.origin == AppendOrigin::Replication {
            return Ok(());
        }
        Err(ProducerError::InvalidEpoch {
            partition: self.producers.partition.clone(),
            offset: self.batch.base_offset,
            epoch: self.batch.producer_epoch,
            current: entry.epoch,
        })
    }

    fn sequence(&self, update: &Update) -> Result<(), ProducerError> {
        let (batch, partition) = (self.batch, &self.producers.partition);
        let (epoch, sequence, offset) = (batch.producer_epoch, batch.base_sequence, batch.base_offset);
        if epoch != update.entry.epoch {
            if sequence == 0 || update.entry.epoch == NO_PRODUCER_EPOCH {
                return Ok(());
            }
            return Err(ProducerError::NewEpochSequence {
                partition: partition.clone(),
                offset,
                epoch,
                sequence,
            });
        }
        let (epoch_before, sequence_before) = update.before;
        let current = match update.entry.batches.back() {
            Some(last) => last.last_sequence,
            None if epoch == epoch_before => sequence_before,
            None => NO_SEQUENCE,
        };
        // Without an epoch all its records are gone (retention, DeleteRecords): any sequence number begins anew.
        if epoch_before == NO_PRODUCER_EPOCH || follows(current, sequence) {
            return Ok(());
        }
        let producer_id = batch.producer_id;
        Err(ProducerError::OutOfOrderSequence {
            partition: partition.clone(),
            producer_id,
            offset,
            sequence,
            current,
        })
    }

    fn coordinator(&self, entry: &ProducerEntry, marker: EndTransactionMarker) -> Result<(), ProducerError> {
        if marker.coordinator_epoch >= entry.coordinator_epoch || self.origin == AppendOrigin::Replication {
            return Ok(());
        }
        Err(ProducerError::CoordinatorFenced {
            partition: self.producers.partition.clone(),
            producer_id: self.batch.producer_id,
            offset: self.batch.base_offset,
            epoch: marker.coordinator_epoch,
            current: entry.coordinator_epoch,
        })
    }
}

fn follows(last: i32, next: i32) -> bool {
    i64::from(next) == i64::from(last) + 1 || (next == 0 && last == i32::MAX)
}
