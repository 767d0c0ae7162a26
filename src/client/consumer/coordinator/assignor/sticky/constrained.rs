//! The assignment where all members are subscribed to the same topics.
//!
//! Pure. Every member keeps what it had, up to its share. What is left goes to the members with less than their share,
//! and where that is not enough, members with more give partitions away. Kafka:
//! `AbstractStickyAssignor.constrainedAssign`.
//!
//! A partition that two members of the latest generation name counts as that of neither, and one that does not exist
//! is left out; Kafka 2.7.2 would assign it twice, or fail.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::layout::PartitionNumbers;
use super::{DEFAULT_GENERATION, OwnedPartitions, StickyAssignment, TransferredPartition};
use crate::client::consumer::coordinator::assignor::{SubscribedMember, java_compare};

/// The places of members by how far they are from their shares.
#[derive(Default)]
struct FilledMembers {
    /// Less than the smaller share.
    unfilled: Vec<usize>,
    /// Exactly the smaller share.
    at_least: VecDeque<usize>,
    /// Exactly the larger share; where both shares are the same, in `at_least`, too.
    at_most: VecDeque<usize>,
}

/// An assignment in the making.
struct ConstrainedAssignment {
    numbers: PartitionNumbers,
    assigned: Vec<VecDeque<usize>>,
    /// The partitions without a member, in their order.
    unassigned: VecDeque<usize>,
    /// Whether another member had the partition and cannot keep it.
    is_revoked: Vec<bool>,
    transferred: BTreeMap<usize, usize>,
}

/// Assigns all partitions; `order` has the places of the members in the order of Java's map.
pub(super) fn assign(
    partition_counts: &BTreeMap<Arc<str>, i32>,
    members: &[SubscribedMember],
    order: &[usize],
    owned: &[OwnedPartitions],
) -> StickyAssignment {
    let numbers = PartitionNumbers::new(partition_counts);
    let least = numbers.len() / members.len().max(1);
    let most = numbers.len().div_ceil(members.len().max(1));
    let (owned, claimed_twice) = valid(&numbers, owned);
    let mut making = ConstrainedAssignment {
        assigned: vec![VecDeque::new(); members.len()],
        unassigned: VecDeque::new(),
        is_revoked: claimed_twice,
        transferred: BTreeMap::new(),
        numbers,
    };
    let mut filled = making.keep(order, &owned, least, most);
    filled.unfilled.sort_by(|one, other| java_compare(&members[*one].id, &members[*other].id));
    making.fill(&mut filled, least);
    making.steal(&mut filled, least);
    making.share_the_rest(&mut filled);
    making.finish()
}

/// What each member of the latest generation had, and which partitions several of them name.
fn valid(numbers: &PartitionNumbers, owned: &[OwnedPartitions]) -> (Vec<Vec<usize>>, Vec<bool>) {
    let latest = owned.iter().filter_map(|it| it.generation).fold(DEFAULT_GENERATION, i32::max);
    let mut claims: Vec<Option<usize>> = vec![None; numbers.len()];
    let mut claimed_twice = vec![false; numbers.len()];
    let mut valid = Vec::with_capacity(owned.len());
    for (member, had) in owned.iter().enumerate() {
        let mut kept = Vec::new();
        if had.generation.unwrap_or(DEFAULT_GENERATION) == latest {
            for partition in had.partitions.iter().filter_map(|id| numbers.number(id)) {
                match claims[partition] {
                    None => kept.push(partition),
                    Some(other) => claimed_twice[partition] |= other != member,
                }
                claims[partition].get_or_insert(member);
            }
        }
        valid.push(kept);
    }
    valid.iter_mut().for_each(|kept| kept.retain(|partition| !claimed_twice[*partition]));
    (valid, claimed_twice)
}

impl ConstrainedAssignment {
    /// Every member keeps what it had, up to the larger share.
    fn keep(&mut self, order: &[usize], owned: &[Vec<usize>], least: usize, most: usize) -> FilledMembers {
        let mut filled = FilledMembers::default();
        let mut is_assigned = vec![false; self.numbers.len()];
        for member in order.iter().copied() {
            let (kept, revoked) = owned[member].split_at(owned[member].len().min(most));
            kept.iter().for_each(|partition| is_assigned[*partition] = true);
            revoked.iter().for_each(|partition| self.is_revoked[*partition] = true);
            self.assigned[member].extend(kept);
            if owned[member].len() < least {
                filled.unfilled.push(member);
                continue;
            }
            if kept.len() == least {
                filled.at_least.push_back(member);
            }
            if kept.len() == most {
                filled.at_most.push_back(member);
            }
        }
        self.unassigned = (0..self.numbers.len()).filter(|partition| !is_assigned[*partition]).collect();
        filled
    }

    /// Members with less than the smaller share get one partition each in turn.
    fn fill(&mut self, filled: &mut FilledMembers, least: usize) {
        while !filled.unfilled.is_empty() && !self.unassigned.is_empty() {
            let mut still = Vec::with_capacity(filled.unfilled.len());
            for member in std::mem::take(&mut filled.unfilled) {
                if let Some(partition) = self.unassigned.pop_front() {
                    self.give(partition, member);
                    if self.assigned[member].len() == least {
                        filled.at_least.push_back(member);
                        continue;
                    }
                }
                still.push(member);
            }
            filled.unfilled = still;
        }
    }

    /// Members at the larger share give partitions to those that still have less than the smaller one.
    fn steal(&mut self, filled: &mut FilledMembers, least: usize) {
        for member in std::mem::take(&mut filled.unfilled) {
            while self.assigned[member].len() < least {
                let overfull = filled.at_most.pop_front();
                let Some(partition) = overfull.and_then(|member| self.assigned[member].pop_front()) else {
                    break;
                };
                self.assigned[member].push_back(partition);
                self.transferred.insert(partition, member);
            }
            filled.at_least.push_back(member);
        }
    }

    /// What is left goes to members at the smaller share, one each.
    fn share_the_rest(&mut self, filled: &mut FilledMembers) {
        while let Some(partition) = self.unassigned.pop_front() {
            let Some(member) = filled.at_least.pop_front() else { break };
            self.give(partition, member);
        }
    }

    fn give(&mut self, partition: usize, member: usize) {
        self.assigned[member].push_back(partition);
        if self.is_revoked[partition] {
            self.transferred.insert(partition, member);
        }
    }

    fn finish(self) -> StickyAssignment {
        let Self { numbers, assigned, transferred, .. } = self;
        let ids = |partitions: VecDeque<usize>| partitions.into_iter().map(|it| numbers.id(it)).collect();
        let transferred = transferred
            .into_iter()
            .map(|(partition, to)| TransferredPartition { partition: numbers.id(partition), to });
        StickyAssignment {
            transferred: Some(transferred.collect()),
            assigned: assigned.into_iter().map(ids).collect(),
        }
    }
}
