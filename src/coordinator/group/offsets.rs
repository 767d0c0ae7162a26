//! How far a group has come in each partition, and what is on its way into the log.
//!
//! Pure. Every commit has a position in the log. Of two commits of a partition the later in the log counts, though one
//! of them may be part of a transaction that ends long after it was written. Kafka: the offsets of `GroupMetadata`,
//! `CommitRecordMetadataAndOffset`.

use std::collections::{BTreeMap, BTreeSet};

use super::request::OffsetCommitValue;
use crate::base::{Offset, ProducerId, TopicPartition};
use crate::coordinator::transaction_result::TransactionResult;

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "CommitRecordMetadataAndOffset")]
pub(super) struct CommittedOffset {
    /// Where its record stands in the log, compared with other commits.
    pub position: Offset,
    /// The offset.
    pub committed: OffsetCommitValue,
}

/// The commits of a group.
#[derive(Debug, Default)]
pub(super) struct GroupOffsets {
    /// What counts.
    committed: BTreeMap<TopicPartition, CommittedOffset>,
    /// The position of the last commit that is being appended, by partition.
    pending: BTreeMap<TopicPartition, Offset>,
    /// What counts once the open transaction of its producer is committed.
    transactional: BTreeMap<ProducerId, BTreeMap<TopicPartition, CommittedOffset>>,
    /// Whether consumers have committed in this generation.
    from_consumers: bool,
    /// Whether transactions have committed in this generation.
    from_transactions: bool,
}

impl GroupOffsets {
    /// How many offsets count.
    pub fn len(&self) -> usize {
        self.committed.len()
    }

    /// Whether there is no offset, neither one that counts nor one on its way.
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty() && self.transactional.is_empty()
    }

    /// The offset of a partition.
    pub fn get(&self, partition: &TopicPartition) -> Option<&OffsetCommitValue> {
        self.committed.get(partition).map(|it| &it.committed)
    }

    /// All partitions with an offset that counts, in order.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.committed.keys()
    }

    /// The producers with an open transaction.
    pub fn producers(&self) -> impl Iterator<Item = ProducerId> {
        self.transactional.keys().copied()
    }

    /// Whether a commit of the partition is on its way.
    pub fn has_pending(&self, partition: &TopicPartition) -> bool {
        self.pending.contains_key(partition)
            || self.transactional.values().any(|offsets| offsets.contains_key(partition))
    }

    /// Whether commits of this generation come both from consumers and from transactions.
    pub fn is_mixed(&self) -> bool {
        self.from_consumers && self.from_transactions
    }

    /// A generation begins.
    pub fn begin_generation(&mut self) {
        self.from_consumers = false;
        self.from_transactions = false;
    }

    /// A commit is being appended.
    pub fn stage<'a>(&mut self, partitions: impl Iterator<Item = &'a TopicPartition>, position: Offset) {
        self.from_consumers = true;
        self.pending.extend(partitions.map(|partition| (partition.clone(), position)));
    }

    /// A commit of a producer's transaction is being appended.
    pub fn stage_in_transaction(
        &mut self,
        producer: ProducerId,
        offsets: impl Iterator<Item = (TopicPartition, OffsetCommitValue)>,
        position: Offset,
    ) {
        self.from_transactions = true;
        let open = self.transactional.entry(producer).or_default();
        open.extend(
            offsets.map(|(partition, committed)| (partition, CommittedOffset { position, committed })),
        );
    }

    /// A commit is in the log. A partition that was deleted meanwhile is passed over.
    pub fn appended(&mut self, partition: TopicPartition, appended: CommittedOffset) {
        let Some(last) = self.pending.get(&partition).copied() else { return };
        if last == appended.position {
            self.pending.remove(&partition);
        }
        self.put(partition, appended);
    }

    /// A commit is not certain to be in the log.
    pub fn failed(&mut self, partition: &TopicPartition, position: Offset) {
        if self.pending.get(partition) == Some(&position) {
            self.pending.remove(partition);
        }
    }

    /// A commit of a transaction is not certain to be in the log.
    pub fn failed_in_transaction(
        &mut self,
        producer: ProducerId,
        partition: &TopicPartition,
        position: Offset,
    ) {
        let Some(open) = self.transactional.get_mut(&producer) else { return };
        if open.get(partition).is_some_and(|it| it.position == position) {
            open.remove(partition);
        }
        if open.is_empty() {
            self.transactional.remove(&producer);
        }
    }

    /// The transaction of a producer has ended.
    pub fn complete_transaction(&mut self, producer: ProducerId, result: TransactionResult) {
        let open = self.transactional.remove(&producer).unwrap_or_default();
        if result == TransactionResult::Commit {
            for (partition, offset) in open {
                self.put(partition, offset);
            }
        }
    }

    /// Takes in what a load has found.
    pub fn restore(
        &mut self,
        committed: BTreeMap<TopicPartition, CommittedOffset>,
        transactional: BTreeMap<ProducerId, BTreeMap<TopicPartition, CommittedOffset>>,
    ) {
        self.committed = committed;
        self.transactional = transactional;
    }

    /// Forgets the partitions; those that had an offset that counted.
    pub fn remove<'a>(
        &mut self,
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
    ) -> Vec<TopicPartition> {
        let mut removed = Vec::new();
        for partition in partitions {
            self.pending.remove(partition);
            for open in self.transactional.values_mut() {
                open.remove(partition);
            }
            if self.committed.remove(partition).is_some() {
                removed.push(partition.clone());
            }
        }
        self.transactional.retain(|_, open| !open.is_empty());
        removed
    }

    /// Forgets the offsets for which `is_expired` holds and no commit is being appended; their partitions.
    pub fn expire(
        &mut self,
        is_expired: impl Fn(&TopicPartition, &OffsetCommitValue) -> bool,
    ) -> Vec<TopicPartition> {
        let expired = self.committed.iter().filter(|(partition, offset)| {
            !self.pending.contains_key(partition) && is_expired(partition, &offset.committed)
        });
        let expired: BTreeSet<_> = expired.map(|(partition, _)| partition.clone()).collect();
        self.committed.retain(|partition, _| !expired.contains(partition));
        expired.into_iter().collect()
    }

    fn put(&mut self, partition: TopicPartition, offset: CommittedOffset) {
        let is_older = self.committed.get(&partition).is_some_and(|it| it.position > offset.position);
        if !is_older {
            self.committed.insert(partition, offset);
        }
    }
}
