//! The partitions that an assignment has moved from one member to another.
//!
//! Pure. Where a partition of a topic has moved from A to B, none is moved from B to A: the moved one goes back in its
//! stead. Kafka: `AbstractStickyAssignor.PartitionMovements`.

use std::collections::HashMap;

use crate::base::jvm_order::{java_slot, java_slots};

/// From which member to which a partition has moved, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct MemberPair {
    from: usize,
    to: usize,
}

/// The partitions that have moved from one member to another, as Java's hash set has them.
#[derive(Debug, Default)]
struct MovedPartitions {
    /// In the order in which they moved.
    partitions: Vec<usize>,
    /// How many there were at most; Java's set never gets smaller.
    most: usize,
}

/// The movements so far.
#[derive(Debug, Default)]
pub(super) struct PartitionMovements {
    by_partition: HashMap<usize, MemberPair>,
    /// By topic and pair; never empty.
    by_pair: HashMap<(usize, MemberPair), MovedPartitions>,
}

impl PartitionMovements {
    /// Notes that a partition of this topic moves.
    pub(super) fn note(&mut self, partition: usize, topic: usize, from: usize, to: usize) {
        let Some(before) = self.by_partition.remove(&partition) else {
            return self.add(partition, topic, MemberPair { from, to });
        };
        if let Some(moved) = self.by_pair.get_mut(&(topic, before)) {
            moved.partitions.retain(|it| *it != partition);
            if moved.partitions.is_empty() {
                self.by_pair.remove(&(topic, before));
            }
        }
        // A partition that is back where it began has not moved.
        if before.from != to {
            self.add(partition, topic, MemberPair { from: before.from, to });
        }
    }

    fn add(&mut self, partition: usize, topic: usize, pair: MemberPair) {
        self.by_partition.insert(partition, pair);
        let moved = self.by_pair.entry((topic, pair)).or_default();
        moved.partitions.push(partition);
        moved.most = moved.most.max(moved.partitions.len());
    }

    /// The partition that is to be moved in the stead of this one; `hash` gives a partition's hash code in Java.
    pub(super) fn instead_of(
        &self,
        partition: usize,
        topic: usize,
        from: usize,
        to: usize,
        hash: impl Fn(usize) -> i32,
    ) -> usize {
        let from = self.by_partition.get(&partition).map_or(from, |pair| pair.from);
        let back = MemberPair { from: to, to: from };
        let Some(moved) = self.by_pair.get(&(topic, back)) else { return partition };
        let mask = java_slots(moved.most) as i64 - 1;
        let first = moved.partitions.iter().copied().min_by_key(|it| java_slot(hash(*it), mask));
        first.unwrap_or(partition)
    }
}
