//! Batches end: answered, sent again, split, expired or aborted.
//!
//! Pure. Kafka: `RecordAccumulator.reenqueue`, `splitAndReenqueue`, `expiredBatches`, `abortBatches`.

use std::cmp::Reverse;

use super::{PartitionSlot, RecordAccumulator};
use crate::base::{Millis, TopicPartition};
use crate::client::producer::batch::{BatchId, BatchPayload, ProducerBatch};
use crate::client::producer::record::size_bound;
use crate::wire::batch::{Batch, BatchBuilder, BatchError};

/// A batch that was given up, and its partition.
#[derive(Debug)]
pub struct EndedBatch<C> {
    /// The partition.
    pub partition: TopicPartition,
    /// The batch.
    pub batch: ProducerBatch<C>,
}

/// A batch that was split.
#[derive(Debug)]
pub struct SplitBatch<C> {
    /// The completion of the batch as a whole.
    pub whole: C,
    /// Its pieces, in the order of their records.
    pub pieces: Vec<BatchPiece<C>>,
}

/// A piece of a batch that was split.
#[derive(Debug)]
pub struct BatchPiece<C> {
    /// Its name.
    pub id: BatchId,
    /// How many records it has.
    pub records: usize,
    /// Receives its outcome.
    pub completion: C,
}

impl<C: Clone> RecordAccumulator<C> {
    /// A batch that is on its way; None where it was given up meanwhile.
    pub fn in_flight(&mut self, slot: PartitionSlot, id: BatchId) -> Option<&ProducerBatch<C>> {
        self.queue_mut(slot)?.in_flight.iter().find(|batch| batch.id == id)
    }

    /// Takes a batch that was on its way and is answered for good; None where it was given up meanwhile.
    pub fn complete(&mut self, slot: PartitionSlot, id: BatchId, now: Millis) -> Option<ProducerBatch<C>> {
        let queue = self.queue_mut(slot)?;
        queue.is_muted = false;
        let batch = queue.take_in_flight(id);
        self.incomplete.remove(&id);
        self.unblock_one(slot, now);
        batch
    }

    /// Puts a batch back that is to be sent again, after the time of backing off.
    pub fn retry(&mut self, slot: PartitionSlot, id: BatchId, payload: BatchPayload, now: Millis) {
        let Some(queue) = self.queue_mut(slot) else { return };
        queue.is_muted = false;
        if let Some(mut batch) = queue.take_in_flight(id) {
            batch.attempts += 1;
            batch.last_attempt = now;
            batch.payload = Some(payload);
            queue.insert(batch);
        }
        self.unblock_one(slot, now);
    }

    /// Puts the records of a batch back in smaller batches, as the broker found it too large; its pieces, and the
    /// completion of the whole. None where the batch was given up meanwhile.
    ///
    /// # Errors
    /// The batch cannot be read.
    pub fn split(
        &mut self,
        slot: PartitionSlot,
        id: BatchId,
        batch: &Batch,
        now: Millis,
        mut completion: impl FnMut(&TopicPartition) -> C,
    ) -> Result<Option<SplitBatch<C>>, BatchError> {
        let settings = self.settings;
        let pieces = pieces_of(batch, settings.batch_size, || settings.builder(0))?;
        let ratio = batch.bytes().len() as f32 / uncompressed_size(&pieces).max(1) as f32;
        self.topics[slot.topic as usize].ratio.raise(ratio);
        let Some(queue) = self.queue_mut(slot) else { return Ok(None) };
        queue.is_muted = false;
        let Some(whole) = queue.take_in_flight(id) else { return Ok(None) };
        let (mut first, mut reserved, mut made) = (0, whole.reserved, Vec::new());
        for builder in pieces {
            let (piece, records) = (id.piece(first), builder.len());
            let share = whole.reserved * records / whole.records.max(1);
            let is_last = first + records >= whole.records;
            let share = if is_last { reserved } else { share.min(reserved) };
            reserved -= share;
            first += records;
            let completion = completion(&queue.id);
            made.push(BatchPiece { id: piece, records, completion: completion.clone() });
            queue.insert(ProducerBatch {
                id: piece,
                completion,
                records,
                created: whole.created,
                attempts: whole.attempts,
                reserved: share,
                last_attempt: whole.last_attempt,
                is_closed: true,
                payload: Some(BatchPayload::Open(builder)),
            });
        }
        self.incomplete.remove(&id);
        self.incomplete.extend(made.iter().map(|piece| piece.id));
        self.unblock_one(slot, now);
        Ok(Some(SplitBatch { whole: whole.completion, pieces: made }))
    }

    /// Gives up the batches that are too old; the time at which the next may be.
    pub fn expire(&mut self, now: Millis) -> (Vec<EndedBatch<C>>, Option<Millis>) {
        let timeout = self.settings.delivery_timeout;
        let mut expired = Vec::new();
        while let Some(Reverse((at, slot))) = self.expiries.peek().copied() {
            if at > now {
                return (expired, Some(at));
            }
            self.expiries.pop();
            let Some(queue) = self.queue_mut(slot) else { continue };
            let batches = queue.take_where(|batch| batch.created.saturating_add(timeout) <= now);
            let next = queue.oldest();
            queue.has_expiry = next.is_some();
            let partition = queue.id.clone();
            if let Some(created) = next {
                self.expiries.push(Reverse((created.saturating_add(timeout), slot)));
            }
            self.end(&partition, batches, &mut expired);
            self.unblock_one(slot, now);
        }
        (expired, None)
    }

    /// Gives up every batch that waits and satisfies `test`; with [`BatchScope::All`] those on their way, too.
    pub fn abort(
        &mut self,
        scope: BatchScope,
        now: Millis,
        test: impl Fn(&TopicPartition, BatchId) -> bool,
    ) -> Vec<EndedBatch<C>> {
        let mut aborted = Vec::new();
        for topic in 0..self.topics.len() {
            for at in 0..self.topics[topic].partitions.len() {
                let Some(queue) = self.topics[topic].partitions[at].as_deref_mut() else { continue };
                let partition = queue.id.clone();
                let batches = queue.take_where(|batch| {
                    (scope == BatchScope::All || batch.payload.is_some()) && test(&partition, batch.id)
                });
                self.end(&partition, batches, &mut aborted);
                self.unblock_one(PartitionSlot { topic: topic as u32, partition: at as u32 }, now);
            }
        }
        aborted
    }

    fn end(
        &mut self,
        partition: &TopicPartition,
        batches: Vec<ProducerBatch<C>>,
        ended: &mut Vec<EndedBatch<C>>,
    ) {
        for batch in batches {
            self.incomplete.remove(&batch.id);
            ended.push(EndedBatch { partition: partition.clone(), batch });
        }
    }
}

/// Which batches are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchScope {
    /// Those that wait to be sent, for the first time or again.
    Waiting,
    /// Those on their way, too.
    All,
}

/// The records of a batch in batches of at most `batch_size` bytes before compression, of one record at least. There
/// are several of them, so that a batch that is refused again and again ends as single records.
fn pieces_of(
    batch: &Batch,
    batch_size: usize,
    begin: impl Fn() -> BatchBuilder,
) -> Result<Vec<BatchBuilder>, BatchError> {
    let records = batch.all_records()?;
    let mut whole = begin();
    for record in &records {
        whole.push(record.timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
    }
    let most = batch_size.min(whole.uncompressed_size() / 2);
    let mut pieces: Vec<BatchBuilder> = Vec::new();
    for record in &records {
        let size = size_bound(&record.key, &record.value, &record.headers);
        let fits = |last: &BatchBuilder| last.uncompressed_size() + size <= most;
        if !pieces.last().is_some_and(fits) {
            pieces.push(begin());
        }
        if let Some(last) = pieces.last_mut() {
            last.push(record.timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
        }
    }
    Ok(pieces)
}

fn uncompressed_size(pieces: &[BatchBuilder]) -> usize {
    pieces.iter().map(BatchBuilder::uncompressed_size).sum()
}
