//! What a poll returns: records of several partitions, read in place from the bytes of their batches.
//!
//! Pure. Every record was checked before a poll returned it, so that reading them again does not fail. Iterating by
//! reference allocates nothing. Kafka: `ConsumerRecords`, `ConsumerRecord`.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::wire::batch::TimestampType;
use crate::wire::record::iter::BatchBase;
use crate::wire::record::{Header, RecordHeaders, RecordView};

mod into_iter;

pub use into_iter::OwnedRecords;
pub(in crate::client) use into_iter::UnreadPosition;

/// A record and where it lies. Key, value and headers share the memory of the batch that they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// Its partition.
    pub partition: TopicPartition,
    /// Its offset in the partition.
    pub offset: Offset,
    /// The leader epoch in which it was written; None of formats 0 and 1.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Its timestamp in milliseconds since the Unix epoch; -1 where it has none.
    pub timestamp: Millis,
    /// Whose clock the timestamp comes from.
    pub timestamp_type: TimestampType,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; None is a tombstone in compacted topics.
    pub value: Option<Bytes>,
    /// Its headers in order.
    pub headers: Vec<Header>,
}

/// A record of [`ConsumerRecords`], borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerRecordRef<'a> {
    /// Its partition.
    pub partition: &'a TopicPartition,
    /// Its offset in the partition.
    pub offset: Offset,
    /// The leader epoch in which it was written; None of formats 0 and 1.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Its timestamp in milliseconds since the Unix epoch; -1 where it has none.
    pub timestamp: Millis,
    /// Whose clock the timestamp comes from.
    pub timestamp_type: TimestampType,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value; None is a tombstone in compacted topics.
    pub value: Option<&'a [u8]>,
    /// Its headers in order.
    pub headers: RecordHeaders<'a>,
}

/// Checked records of one batch, one behind the other in the layout of format 2.
#[derive(Clone, Debug)]
pub(super) struct RecordChunk {
    /// Begins with the first record; may hold more than the records counted.
    pub(super) bytes: Bytes,
    /// How many records are to be read. Invariant: so many can be read.
    pub(super) count: usize,
    pub(super) base: BatchBase,
    pub(super) timestamp_type: TimestampType,
    pub(super) leader_epoch: Option<LeaderEpoch>,
}

impl RecordChunk {
    /// A record of the chunk.
    #[inline]
    fn record<'a>(&self, partition: &'a TopicPartition, view: &RecordView<'a>) -> ConsumerRecordRef<'a> {
        ConsumerRecordRef {
            partition,
            offset: self.base.offset(view.offset_delta),
            leader_epoch: self.leader_epoch,
            timestamp: self.base.timestamp(view.timestamp_delta),
            timestamp_type: self.timestamp_type,
            key: view.key,
            value: view.value,
            headers: view.headers,
        }
    }
}

/// The records of one partition in the order of their offsets.
#[derive(Clone, Debug)]
struct PartitionRecords {
    partition: TopicPartition,
    /// Invariant: none is without records.
    chunks: VecDeque<RecordChunk>,
}

/// The records that a poll returned, partition by partition.
#[derive(Clone, Debug, Default)]
pub struct ConsumerRecords {
    /// Invariant: each partition stands once in a row; none is without records.
    parts: Vec<PartitionRecords>,
    count: usize,
}

impl ConsumerRecords {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The partitions that have records.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.parts.iter().map(|part| &part.partition)
    }

    /// The records of one partition.
    pub fn of_partition(&self, partition: &TopicPartition) -> RecordsIter<'_> {
        let at = self.parts.iter().position(|part| part.partition == *partition);
        RecordsIter::new(at.map_or(&[], |at| &self.parts[at..=at]))
    }

    /// All records, partition by partition, in the order of their offsets in each.
    pub fn iter(&self) -> RecordsIter<'_> {
        RecordsIter::new(&self.parts)
    }

    /// Adds records of a partition behind those that it has.
    pub(super) fn push(&mut self, partition: &TopicPartition, chunk: RecordChunk) {
        self.count += chunk.count;
        match self.parts.iter_mut().rev().find(|part| part.partition == *partition) {
            Some(part) => part.chunks.push_back(chunk),
            None => {
                self.parts.push(PartitionRecords { partition: partition.clone(), chunks: [chunk].into() });
            }
        }
    }
}

impl<'a> IntoIterator for &'a ConsumerRecords {
    type Item = ConsumerRecordRef<'a>;
    type IntoIter = RecordsIter<'a>;

    fn into_iter(self) -> RecordsIter<'a> {
        self.iter()
    }
}

/// Iterates over [`ConsumerRecords`] by reference.
#[derive(Clone, Debug)]
pub struct RecordsIter<'a> {
    parts: std::slice::Iter<'a, PartitionRecords>,
    part: Option<&'a PartitionRecords>,
    /// The index of the next chunk of the partition.
    next_chunk: usize,
    chunk: Option<&'a RecordChunk>,
    rest: &'a [u8],
    /// Records of the chunk not read yet.
    left: usize,
}

impl<'a> RecordsIter<'a> {
    fn new(parts: &'a [PartitionRecords]) -> Self {
        Self { parts: parts.iter(), part: None, next_chunk: 0, chunk: None, rest: &[], left: 0 }
    }

    /// Goes on to the next chunk; None behind the last.
    fn advance(&mut self) -> Option<()> {
        let chunk = loop {
            if let Some(chunk) = self.part.and_then(|part| part.chunks.get(self.next_chunk)) {
                break chunk;
            }
            (self.part, self.next_chunk) = (Some(self.parts.next()?), 0);
        };
        self.next_chunk += 1;
        self.chunk = Some(chunk);
        self.rest = &chunk.bytes;
        self.left = chunk.count;
        Some(())
    }
}

impl<'a> Iterator for RecordsIter<'a> {
    type Item = ConsumerRecordRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<ConsumerRecordRef<'a>> {
        while self.left == 0 {
            self.advance()?;
        }
        let view = RecordView::parse(self.rest).ok()?;
        self.rest = &self.rest[view.size..];
        self.left -= 1;
        Some(self.chunk?.record(&self.part?.partition, &view))
    }
}

#[cfg(test)]
mod tests;
