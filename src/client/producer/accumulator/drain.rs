//! Batches leave for the brokers that lead their partitions.
//!
//! Pure. Kafka: `RecordAccumulator.ready` and `drain`.

use std::cmp::Reverse;

use super::partition_queue::QueueListing;
use super::{PartitionSlot, RecordAccumulator};
use crate::base::{BrokerId, Millis, TopicPartition};
use crate::client::producer::batch::{BatchId, BatchIdentity, BatchPayload};
use crate::client::producer::transaction_manager::TransactionManager;

/// A batch on its way to a broker.
#[derive(Debug)]
pub struct DrainedBatch {
    /// Its partition's queue.
    pub slot: PartitionSlot,
    /// Its partition.
    pub partition: TopicPartition,
    /// Its name.
    pub id: BatchId,
    /// Its records.
    pub payload: BatchPayload,
    /// By what the broker recognizes it, where the producer is idempotent.
    pub identity: Option<BatchIdentity>,
    /// How many records it has.
    pub records: usize,
    /// How long it has waited, in milliseconds.
    pub queued: Millis,
}

impl<C: Clone> RecordAccumulator<C> {
    /// Applies that time has passed; when the next batch becomes ready.
    pub fn advance(&mut self, now: Millis) -> Option<Millis> {
        while let Some(Reverse((at, slot))) = self.timers.peek().copied() {
            let is_current = self.queue_mut(slot).is_some_and(|queue| queue.timer_at == Some(at));
            if is_current && at > now {
                return Some(at);
            }
            self.timers.pop();
            if is_current {
                if let Some(queue) = self.queue_mut(slot) {
                    queue.timer_at = None;
                }
                self.evaluate(slot, now);
            }
        }
        None
    }

    /// Whether a partition is ready for this broker.
    pub fn has_ready(&mut self, broker: BrokerId) -> bool {
        while let Some(entry) = self.ready.get(&broker).and_then(|listed| listed.front().copied()) {
            let listing = self.queue_mut(entry.slot).map(|queue| queue.listing);
            if listing == Some(QueueListing::Ready(entry.number)) {
                return true;
            }
            self.ready.get_mut(&broker).and_then(|listed| listed.pop_front());
        }
        false
    }

    /// Takes the first batch of every partition that can be sent to this broker, up to `max_size` bytes in all; one at
    /// least, however large it is.
    pub fn drain(
        &mut self,
        broker: BrokerId,
        max_size: usize,
        now: Millis,
        mut transactions: Option<&mut TransactionManager>,
    ) -> Vec<DrainedBatch> {
        let (mut drained, mut size) = (Vec::new(), 0);
        let rounds = self.ready.get(&broker).map_or(0, |listed| listed.len());
        for _ in 0..rounds {
            let Some(entry) = self.ready.get_mut(&broker).and_then(|listed| listed.pop_front()) else {
                break;
            };
            let slot = entry.slot;
            let listing = self.queue_mut(slot).map(|queue| queue.listing);
            if listing != Some(QueueListing::Ready(entry.number)) {
                continue;
            }
            let Some(next) = self.first_size(slot, broker, now) else {
                self.relist(slot, now);
                continue;
            };
            if size + next > max_size && !drained.is_empty() {
                self.ready.entry(broker).or_default().push_front(entry);
                break;
            }
            match self.drain_one(slot, now, transactions.as_deref_mut()) {
                Some(batch) => {
                    size += next;
                    drained.push(batch);
                }
                None => self.block(slot),
            }
        }
        drained
    }

    /// The size of the first batch of a partition that can be sent to this broker now.
    fn first_size(&mut self, slot: PartitionSlot, broker: BrokerId, now: Millis) -> Option<usize> {
        let (settings, hurried) = (self.settings, self.hurried);
        let ratio = self.topics[slot.topic as usize].ratio.estimate();
        let queue = self.queue_mut(slot)?;
        let due = queue.sendable_at(&settings, hurried).is_some_and(|at| at <= now);
        if queue.leader != Some(broker) || queue.is_muted || !due {
            return None;
        }
        match queue.waiting.front()?.payload.as_ref()? {
            BatchPayload::Open(builder) => Some(super::written(builder.uncompressed_size(), ratio)),
            BatchPayload::Sealed { bytes, .. } => Some(bytes.len()),
        }
    }

    fn drain_one(
        &mut self,
        slot: PartitionSlot,
        now: Millis,
        transactions: Option<&mut TransactionManager>,
    ) -> Option<DrainedBatch> {
        let mutes = self.settings.mutes_partitions;
        let queue = self.queue_mut(slot)?;
        let first = queue.waiting.front()?;
        let identity = match transactions {
            Some(transactions) => Some(transactions.assign(&queue.id, first.id, first.records)?),
            None => None,
        };
        let (id, records, queued) = (first.id, first.records, now - first.created);
        let partition = queue.id.clone();
        let payload = queue.drain_first()?;
        queue.is_muted = mutes;
        self.relist(slot, now);
        Some(DrainedBatch { slot, partition, id, payload, identity, records, queued })
    }

    fn relist(&mut self, slot: PartitionSlot, now: Millis) {
        if let Some(queue) = self.queue_mut(slot) {
            queue.listing = QueueListing::None;
        }
        self.evaluate(slot, now);
    }

    fn block(&mut self, slot: PartitionSlot) {
        if let Some(queue) = self.queue_mut(slot) {
            queue.listing = QueueListing::Blocked;
            self.blocked.push(slot);
        }
    }

    /// Has every blocked partition tried again: the state of the transaction manager has changed.
    pub fn unblock(&mut self, now: Millis) {
        for slot in std::mem::take(&mut self.blocked) {
            self.unblock_one(slot, now);
        }
    }

    pub(super) fn unblock_one(&mut self, slot: PartitionSlot, now: Millis) {
        if self.queue_mut(slot).is_some_and(|queue| queue.listing == QueueListing::Blocked) {
            self.relist(slot, now);
        } else {
            self.evaluate(slot, now);
        }
    }
}
