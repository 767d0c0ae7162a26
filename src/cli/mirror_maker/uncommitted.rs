//! What a stream has given to the producer and has not committed yet.
//!
//! Pure.

use std::collections::BTreeMap;

use crate::base::{Offset, TopicPartition};
use crate::client::OffsetAndMetadata;

/// The offsets behind the records that the producer has accepted. They may be committed once it has written the
/// records.
#[derive(Debug, Default)]
pub(super) struct UncommittedOffsets(BTreeMap<TopicPartition, Offset>);

impl UncommittedOffsets {
    /// The producer has accepted a record, and all before it.
    pub(super) fn accepted(&mut self, partition: &TopicPartition, offset: Offset) {
        match self.0.get_mut(partition) {
            Some(next) => *next = offset + 1,
            None => {
                self.0.insert(partition.clone(), offset + 1);
            }
        }
    }

    /// Takes all.
    pub(super) fn take(&mut self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        let taken = std::mem::take(&mut self.0);
        taken.into_iter().map(|(partition, next)| (partition, OffsetAndMetadata::new(next))).collect()
    }

    /// Puts back what could not be committed, except where more records were accepted since.
    pub(super) fn put_back(&mut self, offsets: BTreeMap<TopicPartition, OffsetAndMetadata>) {
        for (partition, next) in offsets {
            self.0.entry(partition).or_insert(next.offset);
        }
    }

    /// Forgets partitions that are another member's now, which begins where the group has committed.
    pub(super) fn forget<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            self.0.remove(partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_behind_the_last_record_is_committed_once() {
        let (one, other) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let mut uncommitted = UncommittedOffsets::default();
        uncommitted.accepted(&one, 5);
        uncommitted.accepted(&one, 9);
        uncommitted.accepted(&other, 0);
        let taken = uncommitted.take();
        let offsets: Vec<_> = taken.values().map(|next| next.offset).collect();
        assert_eq!(offsets, [10, 1]);
        assert!(uncommitted.take().is_empty());
        uncommitted.accepted(&other, 1);
        uncommitted.put_back(taken);
        uncommitted.forget([&one]);
        assert_eq!(uncommitted.take()[&other].offset, 2, "more was accepted since");
    }
}
