//! The batches of one partition: those that wait, and those on their way.
//!
//! Pure. Kafka: the deques of `RecordAccumulator`, `Sender.inFlightBatches`.

use std::collections::VecDeque;

use super::AccumulatorSettings;
use crate::base::{BrokerId, Millis, TopicPartition};
use crate::client::producer::batch::{BatchId, BatchPayload, ProducerBatch};
use crate::wire::batch::BatchBuilder;

/// The list of the accumulator that a partition is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueListing {
    /// None of those.
    None,
    /// Those that a leader can be sent, by the entry of this number. Entries with another number are old.
    Ready(u64),
    /// Those that the transaction manager blocks.
    Blocked,
}

/// The batches of a partition.
#[derive(Debug)]
pub(super) struct PartitionQueue<C> {
    pub(super) id: TopicPartition,
    pub(super) leader: Option<BrokerId>,
    /// In the order of their names; the last one may be open for more records.
    pub(super) waiting: VecDeque<ProducerBatch<C>>,
    /// In the order in which they were drained.
    pub(super) in_flight: Vec<ProducerBatch<C>>,
    /// Whether a batch is on its way and no other may be drained meanwhile.
    pub(super) is_muted: bool,
    pub(super) listing: QueueListing,
    /// The entry of the accumulator's timers that counts.
    pub(super) timer_at: Option<Millis>,
    /// Whether the accumulator's expiries have an entry.
    pub(super) has_expiry: bool,
    /// The last transaction that the partition entered.
    pub(super) transaction: Option<u64>,
    /// The size of the last batch, for which the next one has room.
    last_size: usize,
}

impl<C> PartitionQueue<C> {
    pub(super) fn new(id: TopicPartition, leader: Option<BrokerId>) -> Self {
        Self {
            id,
            leader,
            waiting: VecDeque::new(),
            in_flight: Vec::new(),
            is_muted: false,
            listing: QueueListing::None,
            timer_at: None,
            has_expiry: false,
            transaction: None,
            last_size: 0,
        }
    }

    /// Closes the last batch and begins another, `prepared` or empty.
    pub(super) fn begin(
        &mut self,
        settings: &AccumulatorSettings,
        now: Millis,
        prepared: Option<BatchBuilder>,
        completion: impl FnOnce(&TopicPartition) -> C,
    ) {
        if let Some(last) = self.waiting.back_mut() {
            last.is_closed = true;
            self.last_size = last.size();
        }
        self.waiting.push_back(ProducerBatch {
            id: BatchId::new(0),
            completion: completion(&self.id),
            records: 0,
            created: now,
            attempts: 0,
            reserved: 0,
            last_attempt: now,
            is_closed: false,
            payload: Some(BatchPayload::Open(prepared.unwrap_or_else(|| settings.builder(self.last_size)))),
        });
    }

    /// When the first batch may be sent; None without a batch that waits.
    pub(super) fn sendable_at(&self, settings: &AccumulatorSettings, hurried: bool) -> Option<Millis> {
        let first = self.waiting.front()?;
        if first.attempts > 0 {
            return Some(first.last_attempt.saturating_add(settings.retry_backoff));
        }
        let waits = !(hurried || first.is_closed || self.waiting.len() > 1);
        Some(first.created.saturating_add(if waits { settings.linger } else { 0 }))
    }

    /// Takes the first batch that waits, without its records, which are on their way from now on.
    pub(super) fn drain_first(&mut self) -> Option<BatchPayload> {
        let mut first = self.waiting.pop_front()?;
        first.is_closed = true;
        let payload = first.payload.take()?;
        self.last_size = payload.size();
        self.in_flight.push(first);
        Some(payload)
    }

    /// Takes a batch that is on its way; None where it was given up meanwhile.
    pub(super) fn take_in_flight(&mut self, id: BatchId) -> Option<ProducerBatch<C>> {
        let at = self.in_flight.iter().position(|batch| batch.id == id)?;
        Some(self.in_flight.remove(at))
    }

    /// Puts a batch among those that wait, in the order of their names.
    pub(super) fn insert(&mut self, batch: ProducerBatch<C>) {
        let at = self.waiting.iter().position(|other| other.id > batch.id).unwrap_or(self.waiting.len());
        self.waiting.insert(at, batch);
    }

    /// When the oldest batch was created.
    pub(super) fn oldest(&self) -> Option<Millis> {
        let waiting = self.waiting.front().into_iter();
        waiting.chain(&self.in_flight).map(|batch| batch.created).min()
    }

    /// Takes the batches that satisfy `test`, in the order of their names.
    pub(super) fn take_where(&mut self, test: impl Fn(&ProducerBatch<C>) -> bool) -> Vec<ProducerBatch<C>> {
        let mut taken: Vec<_> = self.in_flight.extract_if(.., |batch| test(batch)).collect();
        for batch in std::mem::take(&mut self.waiting) {
            if test(&batch) {
                taken.push(batch);
            } else {
                self.waiting.push_back(batch);
            }
        }
        taken.sort_by_key(|batch| batch.id);
        taken
    }
}
