//! Records that are given away one by one, and share the memory of the batches that they came in.
//!
//! Pure.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::{ConsumerRecord, ConsumerRecordRef, ConsumerRecords, PartitionRecords, RecordChunk};
use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::wire::record::{RecordHeaders, RecordView};

/// Iterates over [`ConsumerRecords`] by value; a key, a value and a header's value count as users of their batch's
/// memory.
#[derive(Debug, Default)]
pub struct OwnedRecords {
    /// Invariant: the chunks begin with records that were not given away yet.
    parts: VecDeque<PartitionRecords>,
}

/// The first record of a partition that was not given away yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) struct UnreadPosition {
    pub(in crate::client) partition: TopicPartition,
    pub(in crate::client) offset: Offset,
    pub(in crate::client) leader_epoch: Option<LeaderEpoch>,
}

impl ConsumerRecord {
    /// The record, borrowed.
    pub fn borrowed(&self) -> ConsumerRecordRef<'_> {
        ConsumerRecordRef {
            partition: &self.partition,
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            timestamp: self.timestamp,
            timestamp_type: self.timestamp_type,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: RecordHeaders::List(&self.headers),
        }
    }
}

impl ConsumerRecordRef<'_> {
    /// A copy of its own.
    pub fn to_owned(&self) -> ConsumerRecord {
        self.sharing(Bytes::copy_from_slice)
    }

    fn sharing(&self, share: impl Fn(&[u8]) -> Bytes) -> ConsumerRecord {
        ConsumerRecord {
            partition: self.partition.clone(),
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            timestamp: self.timestamp,
            timestamp_type: self.timestamp_type,
            key: self.key.map(&share),
            value: self.value.map(&share),
            headers: self.headers.iter().map(|(key, value)| (key.into_owned(), value.map(&share))).collect(),
        }
    }
}

impl PartitionRecords {
    /// Takes the first record off; None if there are no more.
    fn pop(&mut self) -> Option<ConsumerRecord> {
        let chunk = self.chunks.front_mut()?;
        let view = RecordView::parse(&chunk.bytes).ok()?;
        let record = chunk.record(&self.partition, &view).sharing(|part| chunk.bytes.slice_ref(part));
        let size = view.size;
        chunk.count -= 1;
        if chunk.count == 0 {
            self.chunks.pop_front();
        } else {
            chunk.bytes.advance(size);
        }
        Some(record)
    }

    fn unread(&self) -> Option<UnreadPosition> {
        let chunk: &RecordChunk = self.chunks.front()?;
        let view = RecordView::parse(&chunk.bytes).ok()?;
        let (partition, leader_epoch) = (self.partition.clone(), chunk.leader_epoch);
        Some(UnreadPosition { partition, offset: chunk.base.offset(view.offset_delta), leader_epoch })
    }
}

impl OwnedRecords {
    /// Whether all records were given away.
    pub(in crate::client) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Where the records begin that were not given away yet.
    pub(in crate::client) fn unread(&self) -> impl Iterator<Item = UnreadPosition> {
        self.parts.iter().filter_map(PartitionRecords::unread)
    }

    /// Drops the records of a partition; where they began.
    pub(in crate::client) fn remove(&mut self, partition: &TopicPartition) -> Option<UnreadPosition> {
        let at = self.parts.iter().position(|part| part.partition == *partition)?;
        self.parts.remove(at)?.unread()
    }

    /// The records that were not given away yet.
    pub(in crate::client) fn take_rest(&mut self) -> ConsumerRecords {
        let parts: Vec<_> = std::mem::take(&mut self.parts).into();
        let count = parts.iter().flat_map(|part| &part.chunks).map(|chunk| chunk.count).sum();
        ConsumerRecords { parts, count }
    }
}

impl IntoIterator for ConsumerRecords {
    type Item = ConsumerRecord;
    type IntoIter = OwnedRecords;

    fn into_iter(self) -> OwnedRecords {
        OwnedRecords { parts: self.parts.into() }
    }
}

impl Iterator for OwnedRecords {
    type Item = ConsumerRecord;

    fn next(&mut self) -> Option<ConsumerRecord> {
        loop {
            let part = self.parts.front_mut()?;
            let record = part.pop();
            if part.chunks.is_empty() || record.is_none() {
                self.parts.pop_front();
            }
            if record.is_some() {
                return record;
            }
        }
    }
}
