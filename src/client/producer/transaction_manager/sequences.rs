//! The sequences of an idempotent producer: which batch has which, and what follows from an answer.
//!
//! Pure. A batch keeps its sequence however often it is sent, so that a broker writes it once. Where it is not known
//! whether a batch was written, the epoch is raised and the sequences of its partition begin anew (KIP-360). Kafka:
//! `TransactionManager.TopicPartitionBookkeeper`.

use std::collections::HashMap;

use crate::base::{Offset, TopicPartition};
use crate::client::producer::batch::{BatchId, BatchIdentity, ProducerIdAndEpoch};
use crate::wire::batch::add_to_sequence;

/// How many batches of a partition may have a sequence from the first one on that waits for its answer: as many as a
/// broker remembers of each producer. Of a batch that is older, a broker cannot find out that it has written it.
const MOST_TRACKED: u64 = 5;

/// A batch that has a sequence and is not answered for good.
#[derive(Clone, Copy, Debug)]
struct TrackedBatch {
    id: BatchId,
    first: i32,
    records: usize,
    producer: ProducerIdAndEpoch,
    /// How many batches of the partition got a sequence before it.
    number: u64,
    /// Whether it got another sequence since it was sent the last time.
    is_reset: bool,
}

impl TrackedBatch {
    fn last(&self) -> i32 {
        advanced(self.first, self.records - 1)
    }
}

/// The sequences of a partition.
#[derive(Debug, Default)]
#[doc(alias = "TopicPartitionEntry")]
struct PartitionSequences {
    /// The producer that the sequences belong to; None before the first batch.
    producer: Option<ProducerIdAndEpoch>,
    /// That of the next batch's first record.
    next: i32,
    /// That of the last record that was acknowledged with this producer.
    last_acked: Option<i32>,
    /// The offset of the last record that was acknowledged.
    last_acked_offset: Option<Offset>,
    /// In the order of their sequences.
    tracked: Vec<TrackedBatch>,
    /// How many batches have got a sequence.
    assigned: u64,
    /// The sequence that must be next, if the batches that were given up have been written after all.
    unresolved: Option<i32>,
}

impl PartitionSequences {
    /// Begins at 0 with this producer, the batches that are not answered first.
    fn start_at_beginning(&mut self, producer: ProducerIdAndEpoch) {
        let mut next = 0;
        for batch in &mut self.tracked {
            (batch.first, batch.producer, batch.is_reset) = (next, producer, true);
            next = advanced(next, batch.records);
        }
        (self.producer, self.next, self.last_acked) = (Some(producer), next, None);
    }

    /// How many batches the broker may have written from the first one on that is not answered; those that are answered
    /// count, too, for it remembers them before that one.
    fn unanswered_span(&self) -> u64 {
        self.tracked.first().map_or(0, |first| self.assigned - first.number)
    }

    fn is_next(&self, sequence: i32) -> bool {
        sequence == self.last_acked.map_or(0, |last| add_to_sequence(last, 1))
    }
}

/// The sequences of all partitions.
#[derive(Debug, Default)]
pub(super) struct TopicPartitionBookkeeper {
    partitions: HashMap<TopicPartition, PartitionSequences>,
    /// How many partitions have sequences that are not resolved.
    unresolved: usize,
}

/// How the sequences of a partition without tracked batches were resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResolvedSequences {
    /// Every batch was written.
    Complete,
    /// Batches are missing.
    Incomplete(TopicPartition),
}

impl TopicPartitionBookkeeper {
    /// The identity of the partition's next batch to be sent, with a sequence of its own if it has none yet; None while
    /// it must wait for the batches before it.
    ///
    /// A producer's first batch goes alone: a broker that does not know the producer accepts any sequence, so that a
    /// batch behind a first one that is refused would be written in its place (`ProducerAppendInfo.checkSequence`).
    pub(super) fn assign(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        records: usize,
        current: ProducerIdAndEpoch,
    ) -> Option<BatchIdentity> {
        let entry = match self.partitions.get_mut(partition) {
            Some(entry) => entry,
            None => self.partitions.entry(partition.clone()).or_default(),
        };
        if let Some(at) = entry.tracked.iter().position(|batch| batch.id == id) {
            // A batch that is sent again goes alone: those behind it wait until it is answered.
            let batch = entry.tracked.get_mut(at).filter(|_| at == 0)?;
            batch.is_reset = false;
            return Some(BatchIdentity { producer: batch.producer, first_sequence: batch.first });
        }
        if entry.unresolved.is_some() || entry.unanswered_span() >= MOST_TRACKED {
            return None;
        }
        if entry.producer != Some(current) {
            if !entry.tracked.is_empty() {
                return None;
            }
            entry.start_at_beginning(current);
        }
        if entry.last_acked.is_none() && !entry.tracked.is_empty() {
            return None;
        }
        let first = entry.next;
        entry.next = advanced(first, records);
        let number = entry.assigned;
        entry.assigned += 1;
        entry.tracked.push(TrackedBatch { id, first, records, producer: current, number, is_reset: false });
        Some(BatchIdentity { producer: current, first_sequence: first })
    }

    /// Whether a batch has a sequence.
    pub(super) fn has_sequence(&self, partition: &TopicPartition, id: BatchId) -> bool {
        self.tracked(partition, id).is_some()
    }

    fn tracked(&self, partition: &TopicPartition, id: BatchId) -> Option<&TrackedBatch> {
        self.partitions.get(partition)?.tracked.iter().find(|batch| batch.id == id)
    }

    /// Applies that the broker has a batch of this identity.
    pub(super) fn acknowledge(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        identity: BatchIdentity,
        records: usize,
        base_offset: Option<Offset>,
    ) {
        let Some(entry) = self.partitions.get_mut(partition) else { return };
        let tracked =
            entry.tracked.iter().position(|batch| batch.id == id).map(|at| entry.tracked.remove(at));
        // A batch whose sequence begins anew was written with the one that it was sent with.
        let last = tracked.map_or(advanced(identity.first_sequence, records - 1), |batch| batch.last());
        let is_current = tracked.is_some() || entry.producer == Some(identity.producer);
        if is_current && entry.last_acked.is_none_or(|acked| is_after(last, acked)) {
            entry.last_acked = Some(last);
        }
        let last_offset = base_offset.map(|base| base.saturating_add(records as i64 - 1));
        entry.last_acked_offset = entry.last_acked_offset.max(last_offset);
    }

    /// Forgets a batch; how many records it had, and whether it was tracked.
    pub(super) fn forget(&mut self, partition: &TopicPartition, id: BatchId) {
        if let Some(entry) = self.partitions.get_mut(partition) {
            entry.tracked.retain(|batch| batch.id != id);
        }
    }

    /// Gives the pieces of a batch the sequences of the whole, in order.
    pub(super) fn split(&mut self, partition: &TopicPartition, id: BatchId, pieces: &[(BatchId, usize)]) {
        let Some(entry) = self.partitions.get_mut(partition) else { return };
        let Some(at) = entry.tracked.iter().position(|batch| batch.id == id) else { return };
        let whole = entry.tracked.remove(at);
        let mut first = whole.first;
        let pieces: Vec<_> = pieces
            .iter()
            .map(|(id, records)| {
                let piece = TrackedBatch { id: *id, first, records: *records, ..whole };
                first = advanced(first, *records);
                piece
            })
            .collect();
        entry.assigned += (pieces.len() as u64).saturating_sub(1);
        entry.tracked.splice(at..at, pieces);
    }

    /// Forgets a batch that was certainly not written; the sequences after it close the gap.
    pub(super) fn close_gap(&mut self, partition: &TopicPartition, id: BatchId) {
        let Some(entry) = self.partitions.get_mut(partition) else { return };
        let Some(at) = entry.tracked.iter().position(|batch| batch.id == id) else { return };
        let gone = entry.tracked.remove(at);
        entry.next = reduced(entry.next, gone.records);
        for batch in &mut entry.tracked[at..] {
            (batch.first, batch.is_reset) = (reduced(batch.first, gone.records), true);
        }
    }

    /// Begins the sequences of a partition anew, the batches that are not answered first.
    pub(super) fn start_at_beginning(&mut self, partition: &TopicPartition, producer: ProducerIdAndEpoch) {
        let entry = self.partitions.entry(partition.clone()).or_default();
        entry.start_at_beginning(producer);
        self.unresolved -= usize::from(entry.unresolved.take().is_some());
    }

    /// Forgets a partition.
    pub(super) fn reset_partition(&mut self, partition: &TopicPartition) {
        if let Some(entry) = self.partitions.get_mut(partition) {
            self.unresolved -= usize::from(entry.unresolved.take().is_some());
            let tracked = std::mem::take(&mut entry.tracked);
            *entry = PartitionSequences { tracked, ..PartitionSequences::default() };
        }
    }

    /// Forgets all partitions.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Notes that a batch was given up, and that it is not known whether it was written.
    pub(super) fn mark_unresolved(&mut self, partition: &TopicPartition, id: BatchId) {
        let Some(entry) = self.partitions.get_mut(partition) else { return };
        let Some(batch) = entry.tracked.iter().find(|batch| batch.id == id) else { return };
        let next = add_to_sequence(batch.last(), 1);
        let later = entry.unresolved.filter(|known| is_after(*known, next)).unwrap_or(next);
        self.unresolved += usize::from(entry.unresolved.replace(later).is_none());
    }

    /// The partitions with unresolved sequences that no batch is on its way to any more.
    pub(super) fn resolve(&mut self) -> Vec<ResolvedSequences> {
        if self.unresolved == 0 {
            return Vec::new();
        }
        let mut resolved = Vec::new();
        for (partition, entry) in &mut self.partitions {
            if entry.unresolved.is_some() && entry.tracked.is_empty() {
                entry.unresolved = None;
                self.unresolved -= 1;
                let complete = entry.is_next(entry.next);
                resolved.push(if complete {
                    ResolvedSequences::Complete
                } else {
                    ResolvedSequences::Incomplete(partition.clone())
                });
            }
        }
        resolved
    }

    /// What is known of a batch that the broker found out of order.
    pub(super) fn disorder(&self, partition: &TopicPartition, id: BatchId) -> SequenceDisorder {
        let Some(entry) = self.partitions.get(partition) else { return SequenceDisorder::default() };
        let Some(batch) = entry.tracked.iter().find(|batch| batch.id == id) else {
            return SequenceDisorder::default();
        };
        SequenceDisorder {
            is_reset: batch.is_reset,
            is_next: entry.is_next(batch.first),
            unresolved: entry.unresolved.is_some(),
            is_next_unresolved: entry.unresolved == Some(batch.first),
            last_acked_offset: entry.last_acked_offset,
        }
    }
}

/// What is known of a batch that the broker found out of order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SequenceDisorder {
    /// It got another sequence since it was sent.
    pub(super) is_reset: bool,
    /// It follows the last batch that was acknowledged.
    pub(super) is_next: bool,
    /// Its partition has batches of which it is not known whether they were written.
    pub(super) unresolved: bool,
    /// It follows those.
    pub(super) is_next_unresolved: bool,
    /// The offset of the partition's last record that was acknowledged.
    pub(super) last_acked_offset: Option<Offset>,
}

/// The sequence so many records after `first`; after `i32::MAX` comes 0.
fn advanced(first: i32, records: usize) -> i32 {
    add_to_sequence(first, i32::try_from(records).unwrap_or(i32::MAX))
}

/// The sequence so many records before `sequence`.
fn reduced(sequence: i32, records: usize) -> i32 {
    sequence.wrapping_sub(records as i32) & i32::MAX
}

/// Whether a sequence comes after another one, across the end of the numbers, too.
fn is_after(sequence: i32, other: i32) -> bool {
    let distance = sequence.wrapping_sub(other) & i32::MAX;
    distance != 0 && distance < i32::MAX / 2
}
