//! Records that wait to be sent, gathered into batches, partition by partition.
//!
//! Pure. Time is a parameter, and nothing is sent here: a batch is drained for the broker that leads its partition, and
//! comes back as completed, failed, split or to be sent again. The cost of a call follows what is due, not how many
//! partitions there are. Kafka: `RecordAccumulator`.

mod completion;
mod drain;
mod partition_queue;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

pub use self::completion::{BatchPiece, BatchScope, EndedBatch, SplitBatch};
pub use self::drain::DrainedBatch;
use self::partition_queue::{PartitionQueue, QueueListing};
use super::batch::{BatchId, BatchPayload, ProducerBatch};
use super::compression_ratio::CompressionRatio;
use super::record::ProducerRecord;
use crate::base::{BrokerId, Millis, TopicPartition};
use crate::wire::batch::{BATCH_OVERHEAD, BatchBuilder};
use crate::wire::compression::Compression;

/// How records are gathered.
#[derive(Clone, Copy, Debug)]
pub struct AccumulatorSettings {
    /// Bytes after which a batch is full (`batch.size`).
    pub batch_size: usize,
    /// How long a batch waits for more records (`linger.ms`).
    pub linger: Millis,
    /// How long a batch waits before it is sent again (`retry.backoff.ms`).
    pub retry_backoff: Millis,
    /// The age at which a batch that is not answered has failed (`delivery.timeout.ms`).
    pub delivery_timeout: Millis,
    /// The codec of batches (`compression.type`).
    pub compression: Compression,
    /// The codec's level; None for its default.
    pub compression_level: Option<i32>,
    /// Whether a partition has one batch on its way at most (`max.in.flight.requests.per.connection` of 1).
    pub mutes_partitions: bool,
}

/// Where a partition's queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionSlot {
    topic: u32,
    partition: u32,
}

/// What happens where a record does not fit into its partition's last batch.
#[derive(Debug)]
pub enum NewBatch {
    /// The record is not added, so that another partition can be chosen.
    Refuse,
    /// A batch is begun.
    Begin,
    /// A batch is begun that has the record already: [`AccumulatorSettings::prepare`] has made it.
    Prepared(Box<BatchBuilder>),
}

/// Where a record was added.
#[derive(Debug)]
pub struct AppendedRecord<C> {
    /// Receives the outcome of the batch.
    pub completion: C,
    /// The record's position in the batch, from 0.
    pub index: usize,
    /// Whether the record began the batch.
    pub is_first: bool,
    /// Whether the batch takes no more records.
    pub is_full: bool,
}

/// A partition with a batch to be sent now.
#[derive(Clone, Copy, Debug)]
struct ReadyEntry {
    slot: PartitionSlot,
    number: u64,
}

#[derive(Debug)]
struct TopicQueues<C> {
    name: Arc<str>,
    ratio: CompressionRatio,
    /// The leader of each partition, as far as is known.
    leaders: Vec<Option<BrokerId>>,
    /// By partition; None where no record was added yet.
    partitions: Vec<Option<Box<PartitionQueue<C>>>>,
}

/// The batches of all partitions. Within a partition they leave in the order in which they came.
#[derive(Debug)]
pub struct RecordAccumulator<C> {
    settings: AccumulatorSettings,
    topics: Vec<TopicQueues<C>>,
    /// The position of each topic in `topics`.
    by_name: HashMap<Arc<str>, u32>,
    /// Partitions with a batch to be sent now, by leader. Entries whose number the queue does not name are old.
    ready: HashMap<BrokerId, VecDeque<ReadyEntry>>,
    next_entry: u64,
    /// Leaders for which a partition has become ready since they were last asked for.
    newly_ready: Vec<BrokerId>,
    /// When a partition that lingers or backs off is to be looked at. Entries that its queue does not name are old.
    timers: BinaryHeap<Reverse<(Millis, PartitionSlot)>>,
    /// When the oldest batch of a partition may fail of age; one entry for each partition with batches.
    expiries: BinaryHeap<Reverse<(Millis, PartitionSlot)>>,
    /// Partitions that may not be drained in the state of the transaction manager.
    blocked: Vec<PartitionSlot>,
    /// Topics with a batch whose partition has no leader that is known.
    leaderless: BTreeSet<u32>,
    /// The batches that are not answered yet, those on their way included.
    incomplete: BTreeSet<BatchId>,
    /// Whether a time or a topic was added that [`RecordAccumulator::advance`], [`RecordAccumulator::expire`] or
    /// [`RecordAccumulator::leaderless_topics`] did not report yet.
    wants_attention: bool,
    /// Whether batches are sent before they are full or have lingered.
    hurried: bool,
    next_root: u64,
}

impl<C: Clone> RecordAccumulator<C> {
    /// Nothing gathered yet.
    pub fn new(settings: AccumulatorSettings) -> Self {
        Self {
            settings,
            topics: Vec::new(),
            by_name: HashMap::new(),
            ready: HashMap::new(),
            next_entry: 0,
            newly_ready: Vec::new(),
            timers: BinaryHeap::new(),
            expiries: BinaryHeap::new(),
            blocked: Vec::new(),
            leaderless: BTreeSet::new(),
            incomplete: BTreeSet::new(),
            wants_attention: false,
            hurried: false,
            next_root: 0,
        }
    }

    /// Applies the leaders of a topic's partitions, in the partitions' order; the topic's number.
    pub fn set_leaders(&mut self, topic: &Arc<str>, leaders: Vec<Option<BrokerId>>, now: Millis) -> u32 {
        let number = *self.by_name.entry(topic.clone()).or_insert_with(|| {
            self.topics.push(TopicQueues {
                name: topic.clone(),
                ratio: CompressionRatio::default(),
                leaders: Vec::new(),
                partitions: Vec::new(),
            });
            (self.topics.len() - 1) as u32
        });
        self.leaderless.remove(&number);
        let queues = &mut self.topics[number as usize];
        queues.leaders = leaders;
        let mut moved = Vec::new();
        for (partition, queue) in (0..).zip(&mut queues.partitions) {
            let Some(queue) = queue else { continue };
            let leader = queues.leaders.get(partition as usize).copied().flatten();
            if std::mem::replace(&mut queue.leader, leader) != leader {
                if matches!(queue.listing, QueueListing::Ready(_)) {
                    queue.listing = QueueListing::None;
                }
            } else if leader.is_some() {
                continue;
            }
            moved.push(PartitionSlot { topic: number, partition });
        }
        moved.into_iter().for_each(|slot| self.evaluate(slot, now));
        number
    }

    /// Forgets the leader of a partition, whose batches wait until it is known again.
    pub fn forget_leader(&mut self, slot: PartitionSlot) {
        let topic = &mut self.topics[slot.topic as usize];
        if let Some(leader) = topic.leaders.get_mut(slot.partition as usize) {
            *leader = None;
        }
        if let Some(Some(queue)) = topic.partitions.get_mut(slot.partition as usize) {
            queue.leader = None;
        }
        self.leaderless.insert(slot.topic);
    }

    /// The topics with a batch whose partition has no leader that is known.
    pub fn leaderless_topics(&self) -> Vec<Arc<str>> {
        self.leaderless.iter().map(|topic| self.topics[*topic as usize].name.clone()).collect()
    }

    /// Whether a batch's partition has no leader that is known.
    pub fn has_leaderless(&self) -> bool {
        !self.leaderless.is_empty()
    }

    /// The topics that records were sent to.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.topics.iter().map(|topic| &topic.name)
    }

    /// Adds a record at the end of its partition's last batch. `topic` is the number from
    /// [`RecordAccumulator::set_leaders`], `reserved` the bytes of memory that the record occupies. None where a new
    /// batch is needed and `new_batch` refuses it.
    pub fn append(
        &mut self,
        (topic, partition): (u32, i32),
        record: &ProducerRecord,
        reserved: usize,
        now: Millis,
        new_batch: NewBatch,
        completion: impl FnOnce(&TopicPartition) -> C,
    ) -> Option<AppendedRecord<C>> {
        let slot = PartitionSlot { topic, partition: u32::try_from(partition).unwrap_or(0) };
        let ratio = self.topics[topic as usize].ratio.estimate();
        let AccumulatorSettings { batch_size, .. } = self.settings;
        let size = record.size_bound();
        let settings = self.settings;
        let queue = self.queue_or_begin(slot);
        let fits =
            |last: &ProducerBatch<C>| !last.is_closed && written(last.size(), ratio) + size <= batch_size;
        let is_first = !queue.waiting.back().is_some_and(fits);
        let prepared = match new_batch {
            NewBatch::Refuse if is_first => return None,
            NewBatch::Prepared(builder) if is_first => Some(*builder),
            _ => None,
        };
        let is_added = prepared.is_some();
        let begun = is_first.then(|| queue.begin(&settings, now, prepared, completion));
        let several = queue.waiting.len() > 1;
        let last = queue.waiting.back_mut()?;
        let Some(BatchPayload::Open(builder)) = &mut last.payload else { return None };
        if !is_added {
            push(builder, record, now);
        }
        let index = last.records;
        last.records += 1;
        last.reserved += reserved;
        last.is_closed = written(last.size(), ratio) >= batch_size;
        let is_full = last.is_closed || several;
        let completion = last.completion.clone();
        if begun.is_some() {
            self.number_last(slot);
        }
        if is_first || is_full {
            self.evaluate(slot, now);
        }
        Some(AppendedRecord { completion, index, is_first, is_full })
    }

    /// Names the batch that was just begun.
    fn number_last(&mut self, slot: PartitionSlot) {
        let id = BatchId::new(self.next_root);
        self.next_root += 1;
        self.incomplete.insert(id);
        let timeout = self.settings.delivery_timeout;
        let Some(queue) = self.queue_mut(slot) else { return };
        let Some(last) = queue.waiting.back_mut() else { return };
        last.id = id;
        let expiry = last.created.saturating_add(timeout);
        if !std::mem::replace(&mut queue.has_expiry, true) {
            self.wants_attention = true;
            self.expiries.push(Reverse((expiry, slot)));
        }
    }

    /// Whether a batch of the partition is still open for a transaction to be noted, and notes `transaction` in it:
    /// true once for each transaction.
    pub fn enters(&mut self, (topic, partition): (u32, i32), transaction: u64) -> bool {
        let slot = PartitionSlot { topic, partition: u32::try_from(partition).unwrap_or(0) };
        let queue = self.queue_or_begin(slot);
        queue.transaction.replace(transaction) != Some(transaction)
    }

    /// Sends batches before they are full or have lingered, as long as this is set: for a flush, a commit, the end of
    /// the producer, or where memory is exhausted.
    pub fn hurry(&mut self, hurried: bool, now: Millis) {
        if std::mem::replace(&mut self.hurried, hurried) || !hurried {
            return;
        }
        for Reverse((at, slot)) in std::mem::take(&mut self.timers).into_vec() {
            if let Some(queue) = self.queue_mut(slot).filter(|queue| queue.timer_at == Some(at)) {
                queue.timer_at = None;
                self.evaluate(slot, now);
            }
        }
    }

    /// Notes how well a batch of the topic was compressed.
    pub fn observe_ratio(&mut self, slot: PartitionSlot, uncompressed: usize, compressed: usize) {
        if uncompressed > 0 {
            self.topics[slot.topic as usize].ratio.observe(compressed as f32 / uncompressed as f32);
        }
    }

    /// Whether every batch is answered.
    pub fn is_empty(&self) -> bool {
        self.incomplete.is_empty()
    }

    /// A mark that is passed once every batch that exists now is answered.
    pub fn flush_mark(&self) -> BatchId {
        BatchId::new(self.next_root)
    }

    /// Whether every batch before the mark is answered.
    pub fn has_passed(&self, mark: BatchId) -> bool {
        self.incomplete.first().is_none_or(|first| *first >= mark)
    }

    /// The leaders for which a partition has become ready since the last call.
    pub fn take_newly_ready(&mut self) -> Vec<BrokerId> {
        std::mem::take(&mut self.newly_ready)
    }

    /// Notes a leader as one for which a partition has become ready.
    pub fn note_ready(&mut self, leader: BrokerId) {
        if !self.newly_ready.contains(&leader) {
            self.newly_ready.push(leader);
        }
    }

    /// Whether the sender must look at times and leaders anew; asked once for each such change.
    pub fn take_attention(&mut self) -> bool {
        std::mem::take(&mut self.wants_attention)
    }

    fn queue_mut(&mut self, slot: PartitionSlot) -> Option<&mut PartitionQueue<C>> {
        self.topics[slot.topic as usize].partitions.get_mut(slot.partition as usize)?.as_deref_mut()
    }

    fn queue_or_begin(&mut self, slot: PartitionSlot) -> &mut PartitionQueue<C> {
        let topic = &mut self.topics[slot.topic as usize];
        let at = slot.partition as usize;
        if topic.partitions.len() <= at {
            topic.partitions.resize_with(at + 1, || None);
        }
        let leader = topic.leaders.get(at).copied().flatten();
        topic.partitions[at].get_or_insert_with(|| {
            let id = TopicPartition { topic: topic.name.clone(), partition: at as i32 };
            Box::new(PartitionQueue::new(id, leader))
        })
    }

    /// Lists a partition where it belongs: as ready, to be looked at later, or without a leader.
    fn evaluate(&mut self, slot: PartitionSlot, now: Millis) {
        let (settings, hurried) = (self.settings, self.hurried);
        let Some(queue) = self.queue_mut(slot) else { return };
        if queue.listing != QueueListing::None || queue.is_muted {
            return;
        }
        let Some(at) = queue.sendable_at(&settings, hurried) else { return };
        let Some(leader) = queue.leader else {
            self.wants_attention |= self.leaderless.insert(slot.topic);
            return;
        };
        if at <= now {
            let number = self.next_entry;
            self.next_entry += 1;
            if let Some(queue) = self.queue_mut(slot) {
                queue.listing = QueueListing::Ready(number);
            }
            self.ready.entry(leader).or_default().push_back(ReadyEntry { slot, number });
            self.note_ready(leader);
        } else if queue.timer_at.is_none_or(|earlier| at < earlier) {
            queue.timer_at = Some(at);
            self.timers.push(Reverse((at, slot)));
            self.wants_attention = true;
        }
    }
}

/// How many bytes a batch of this size before compression is likely to have (`MemoryRecordsBuilder`, with its margin).
fn written(size: usize, ratio: f32) -> usize {
    BATCH_OVERHEAD + (size.saturating_sub(BATCH_OVERHEAD) as f32 * ratio) as usize
}

fn push(builder: &mut BatchBuilder, record: &ProducerRecord, now: Millis) {
    let timestamp = record.timestamp.unwrap_or(now);
    builder.push(timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
}

impl AccumulatorSettings {
    /// What is to be done with a record for which there is no room. One that has a batch of its own is put into it
    /// here, so that no lock is held while a large record is copied.
    pub(super) fn prepare(&self, record: &ProducerRecord, now: Millis) -> NewBatch {
        if record.size_bound() < self.batch_size {
            return NewBatch::Begin;
        }
        let mut builder = self.builder(record.size_bound());
        push(&mut builder, record, now);
        NewBatch::Prepared(Box::new(builder))
    }

    fn builder(&self, capacity: usize) -> BatchBuilder {
        BatchBuilder::new()
            .compression(self.compression)
            .compression_level(self.compression_level)
            .capacity(capacity)
    }
}

#[cfg(test)]
mod tests;
