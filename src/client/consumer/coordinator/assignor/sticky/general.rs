//! The assignment where members are subscribed to different topics.
//!
//! Pure. Every member keeps what it had and may keep; what is left goes to the members with the least; then partitions
//! move as long as that makes the assignment more balanced. Kafka: `AbstractStickyAssignor.generalAssign`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::balance::Balance;
use super::layout::PartitionNumbers;
use super::movements::PartitionMovements;
use super::{DEFAULT_GENERATION, OwnedPartitions};
use crate::base::{TopicPartition, jvm_order};
use crate::client::consumer::coordinator::assignor::{AssignedPartitions, SubscribedMember};

/// How often a partition may move on average. Kafka's algorithm ends by itself where members are honest; this ends it
/// where they are not.
const MOST_MOVES: usize = 64;

/// What the members had: now, and by the generation before.
struct PreviousAssignment {
    /// By member, in the order in which Kafka's maps yield the partitions.
    current: Vec<Vec<TopicPartition>>,
    /// The member that had a partition before its current one.
    earlier: HashMap<TopicPartition, usize>,
}

/// Assigns all partitions; `order` has the places of the members in the order of Java's map.
pub(super) fn assign(
    partition_counts: &BTreeMap<Arc<str>, i32>,
    members: &[SubscribedMember],
    order: &[usize],
    owned: &[OwnedPartitions],
) -> AssignedPartitions {
    let numbers = PartitionNumbers::new(partition_counts);
    let previous = previous(order, owned);
    let mut balance = Balance::new(&numbers, members, order);
    let mut revocation_required = false;
    for (member, had) in previous.current.iter().enumerate() {
        for partition in had.iter().filter_map(|id| numbers.number(id)) {
            if balance.may_have(member, partition) {
                balance.assign(partition, member);
            } else {
                revocation_required = true;
            }
        }
    }
    let earlier = previous.earlier.iter().filter_map(|(id, member)| Some((numbers.number(id)?, *member)));
    Rebalancing {
        numbers: &numbers,
        earlier: earlier.collect(),
        movements: PartitionMovements::default(),
        moves: 0,
    }
    .run(&mut balance, revocation_required);
    let ids = |partitions: Vec<usize>| partitions.into_iter().map(|it| numbers.id(it)).collect();
    balance.into_assigned().into_iter().map(ids).collect()
}

/// The members that name a partition, by the generation in which each had it.
struct Claims<'a> {
    id: &'a TopicPartition,
    by_generation: BTreeMap<i32, usize>,
}

/// What each member had. Where several name a partition, the latest generation counts, and the one before is the
/// earlier member.
fn previous(order: &[usize], owned: &[OwnedPartitions]) -> PreviousAssignment {
    let mut slots: HashMap<&TopicPartition, usize> = HashMap::new();
    let mut partitions: Vec<Claims> = Vec::new();
    for member in order.iter().copied() {
        let OwnedPartitions { partitions: had, generation } = &owned[member];
        for id in had {
            let slot = *slots.entry(id).or_insert_with(|| {
                partitions.push(Claims { id, by_generation: BTreeMap::new() });
                partitions.len() - 1
            });
            let by_generation = &mut partitions[slot].by_generation;
            match generation {
                // Two members cannot have had it in one generation; the first one counts.
                Some(generation) => {
                    by_generation.entry(*generation).or_insert(member);
                }
                None => {
                    by_generation.insert(DEFAULT_GENERATION, member);
                }
            }
        }
    }
    let mut previous = PreviousAssignment { current: vec![Vec::new(); owned.len()], earlier: HashMap::new() };
    let hashed = partitions.into_iter().map(|claims| (jvm_order::partition_hash(claims.id), claims));
    for Claims { id, by_generation } in jvm_order::java_map_by_hash(hashed.collect()) {
        let mut latest = by_generation.into_values().rev();
        if let Some(member) = latest.next() {
            previous.current[member].push(id.clone());
        }
        if let Some(member) = latest.next() {
            previous.earlier.insert(id.clone(), member);
        }
    }
    previous
}

/// Which way partitions have moved, and where they may go back to.
struct Rebalancing<'a> {
    numbers: &'a PartitionNumbers,
    earlier: HashMap<usize, usize>,
    movements: PartitionMovements,
    moves: usize,
}

impl Rebalancing<'_> {
    fn run(&mut self, balance: &mut Balance, revocation_required: bool) {
        let is_new = balance.is_empty();
        let sorted = balance.sorted_partitions();
        let mut unassigned: Vec<usize> =
            sorted.iter().copied().filter(|partition| balance.owner(*partition).is_none()).collect();
        for partition in &unassigned {
            if let Some(member) = balance.least_loaded(*partition) {
                balance.assign(*partition, member);
            }
        }
        let movable: Vec<usize> = sorted.into_iter().filter(|it| balance.is_shared(*it)).collect();
        let shared: HashSet<usize> = movable.iter().copied().collect();
        unassigned.retain(|partition| shared.contains(partition));
        balance.leave_out_fixed_members();
        let before = balance.clone();
        if !revocation_required {
            self.reassign(&unassigned, balance);
        }
        let has_moved = self.reassign(&movable, balance);
        if !is_new && has_moved && balance.score() >= before.score() {
            *balance = before;
        }
    }

    /// Moves partitions until the assignment is balanced or nothing more can be moved; whether any has moved.
    fn reassign(&mut self, partitions: &[usize], balance: &mut Balance) -> bool {
        let mut has_moved = false;
        loop {
            let moves = self.moves;
            for partition in partitions.iter().copied() {
                if balance.is_balanced() || self.moves > MOST_MOVES * self.numbers.len() {
                    break;
                }
                if let Some(member) = self.better_member(partition, balance) {
                    self.move_to(member, partition, balance);
                }
            }
            if self.moves == moves || self.moves > MOST_MOVES * self.numbers.len() {
                return has_moved;
            }
            has_moved = true;
        }
    }

    /// The member that should have the partition rather than its owner: the earlier one, or the one with the least.
    fn better_member(&self, partition: usize, balance: &Balance) -> Option<usize> {
        let load = balance.load(balance.owner(partition)?);
        let is_better = |member: &usize| load > balance.load(*member) + 1;
        let earlier = self.earlier.get(&partition).copied();
        // An earlier member that may no longer have the partition cannot get it back.
        let earlier = earlier.filter(|member| balance.may_have(*member, partition)).filter(is_better);
        earlier.or_else(|| balance.least_loaded(partition).filter(is_better))
    }

    fn move_to(&mut self, member: usize, partition: usize, balance: &mut Balance) {
        let Some(from) = balance.owner(partition) else { return };
        let topic = self.numbers.topic_of(partition);
        let hash = |partition| jvm_order::partition_hash(&self.numbers.id(partition));
        let moved = self.movements.instead_of(partition, topic, from, member, hash);
        let Some(from) = balance.owner(moved) else { return };
        self.movements.note(moved, topic, from, member);
        balance.reassign(moved, from, member);
        self.moves += 1;
    }
}
