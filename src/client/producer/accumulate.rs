//! Records that wait to be sent, gathered into batches, partition by partition.
//!
//! Pure. Time is a parameter, nothing is sent here. Kafka: RecordAccumulator.

use std::collections::{BTreeMap, VecDeque};

use super::sequences::AssignedSequence;
use crate::base::{Millis, TopicPartition};
use crate::wire::batch::BatchBuilder;
use crate::wire::compression::Compression;
use crate::wire::record::Header;

/// A record before it has an offset (Kafka's `ProducerRecord`, without topic and partition).
#[derive(Clone, Debug, Default)]
pub struct ProducerRecord {
    /// Its key, if it has one.
    pub key: Option<bytes::Bytes>,
    /// Its value; None makes a tombstone.
    pub value: Option<bytes::Bytes>,
    /// Its headers in order.
    pub headers: Vec<Header>,
    /// Its time in milliseconds since the epoch.
    pub timestamp: Millis,
}

/// A batch of one partition that waits or is being sent; a `T` waits for the outcome of each record.
#[derive(Debug)]
pub struct Pending<T> {
    /// Where they go.
    pub partition: TopicPartition,
    /// The records.
    pub batch: BatchBuilder,
    /// Its producer id, epoch and first sequence, once an idempotent producer has assigned them.
    pub sequence: Option<AssignedSequence>,
    /// What waits for the outcome of each record, in the records' order.
    pub waiting: Vec<T>,
    /// When the first record was added, in milliseconds since the Unix epoch.
    pub since: Millis,
    /// How often the batch was sent without success.
    pub tries: u32,
    /// Not sent again before this time.
    pub not_before: Millis,
    full: bool,
}

impl<T> Pending<T> {
    /// Bytes before compression.
    pub fn size(&self) -> usize {
        self.batch.uncompressed_size()
    }
}

/// How records are gathered.
#[derive(Clone, Copy, Debug)]
pub struct Gathering {
    /// Bytes after which a batch is full.
    pub batch_size: usize,
    /// How long a batch waits for more.
    pub linger: Millis,
    /// The codec of batches.
    pub compression: Compression,
}

/// What adding a record has changed. The sender looks for batches to send if either is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// The record began a batch, which now has a time at which it is due.
    pub begun: bool,
    /// A batch of the partition need not wait for more.
    pub full: bool,
}

/// The batches of all partitions. Within a partition they leave in the order they came.
#[derive(Debug)]
#[doc(alias = "RecordAccumulator")]
pub struct Accumulator<T> {
    gathering: Gathering,
    queues: BTreeMap<TopicPartition, VecDeque<Pending<T>>>,
    bytes: usize,
    records: usize,
}

impl<T> Accumulator<T> {
    /// Nothing gathered yet.
    pub fn new(gathering: Gathering) -> Self {
        Self { gathering, queues: BTreeMap::new(), bytes: 0, records: 0 }
    }

    /// Bytes that wait or are on their way, before compression.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits or is on its way.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Adds a record at the end of its partition's last batch, or of a new one where it does not fit.
    pub fn add(
        &mut self,
        partition: &TopicPartition,
        record: &ProducerRecord,
        waiting: T,
        now: Millis,
    ) -> Added {
        let Gathering { batch_size, compression, .. } = self.gathering;
        let size = size_bound(record);
        let queue = self.queues.entry(partition.clone()).or_default();
        let fits = |last: &Pending<T>| !last.full && last.tries == 0 && last.size() + size <= batch_size;
        let begun = !queue.back().is_some_and(fits);
        if begun {
            if let Some(last) = queue.back_mut() {
                last.full = true;
            }
            queue.push_back(Pending {
                partition: partition.clone(),
                batch: BatchBuilder::new().compression(compression),
                sequence: None,
                waiting: Vec::new(),
                since: now,
                tries: 0,
                not_before: 0,
                full: false,
            });
        }
        let several = queue.len() > 1;
        let Some(last) = queue.back_mut() else { return Added { begun, full: false } };
        let before = last.size();
        last.batch.push(record.timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
        last.waiting.push(waiting);
        last.full = last.size() >= batch_size;
        self.bytes += last.size() - before;
        self.records += 1;
        Added { begun, full: last.full || several }
    }

    /// Takes the first batch of every partition that may be sent now, until it is completed or put back.
    pub fn take_due(&mut self, now: Millis) -> Vec<Pending<T>> {
        self.take(now, Some(self.gathering.linger))
    }

    /// As [`Self::take_due`], with the batches that still linger: the producer is being flushed.
    pub fn take_all(&mut self, now: Millis) -> Vec<Pending<T>> {
        self.take(now, None)
    }

    fn take(&mut self, now: Millis, linger: Option<Millis>) -> Vec<Pending<T>> {
        let mut taken = Vec::new();
        for queue in self.queues.values_mut() {
            let several = queue.len() > 1;
            let due = |first: &mut Pending<T>| {
                now >= first.not_before
                    && (several
                        || first.full
                        || first.tries > 0
                        || linger.is_none_or(|linger| now >= first.since + linger))
            };
            taken.extend(queue.pop_front_if(due));
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        taken
    }

    /// Counts a batch that was taken as completed.
    pub fn settle(&mut self, pending: &Pending<T>) {
        self.records = self.records.saturating_sub(pending.waiting.len());
        let size = pending.size().saturating_sub(crate::wire::batch::BATCH_OVERHEAD);
        self.bytes = self.bytes.saturating_sub(size);
    }

    /// Puts a batch back in front, to be sent again from `not_before` on.
    pub fn put_back(&mut self, mut pending: Pending<T>, not_before: Millis) {
        pending.tries += 1;
        pending.not_before = not_before;
        self.queues.entry(pending.partition.clone()).or_default().push_front(pending);
    }

    /// When the next batch may be sent, if any waits.
    pub fn next_due(&self) -> Option<Millis> {
        let linger = self.gathering.linger;
        self.queues
            .values()
            .filter_map(|queue| queue.front())
            .map(
                |first| {
                    if first.full { first.not_before } else { first.not_before.max(first.since + linger) }
                },
            )
            .min()
    }
}

/// The most bytes that a record takes in a batch.
fn size_bound(record: &ProducerRecord) -> usize {
    let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, bytes::Bytes::len);
    let headers: usize = record.headers.iter().map(|(name, value)| 10 + name.len() + length(value)).sum();
    36 + length(&record.key) + length(&record.value) + headers
}

/// The most bytes that a record takes as a batch of its own.
pub fn lone_size(record: &ProducerRecord) -> usize {
    crate::wire::batch::BATCH_OVERHEAD + size_bound(record)
}

#[cfg(test)]
mod tests;
