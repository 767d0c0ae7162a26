//! Which member has which partitions, and how many, so that the next move is found without a search.
//!
//! Pure. Topics with the same subscribers are one class: their partitions can go to the same members. For each class
//! its subscribers and the owners of its partitions are sorted by their loads. Kafka: the maps and the sorted set of
//! `AbstractStickyAssignor.balance`.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use super::super::{SubscribedMember, java_compare};
use super::layout::PartitionNumbers;

/// A member in the order in which members get partitions: by how many they have, then by id.
type LoadedMember = (usize, usize);

/// The topics that the same members are subscribed to.
#[derive(Clone, Debug)]
struct TopicClass {
    subscribers: Vec<usize>,
    /// The subscribers, sorted.
    by_load: BTreeSet<LoadedMember>,
    /// The members that have partitions of the class, sorted.
    owners: BTreeSet<LoadedMember>,
}

/// A member's side of the assignment.
#[derive(Clone, Debug)]
struct MemberLoad {
    /// Its place by its id.
    rank: usize,
    /// The classes it is subscribed to.
    classes: Vec<usize>,
    /// How many partitions it may have at most.
    most: usize,
    partitions: Vec<usize>,
    /// How many partitions of a class it has; none that is 0.
    by_class: HashMap<usize, usize>,
    /// Whether its partitions may move.
    is_fixed: bool,
}

/// An assignment in the making.
#[derive(Clone, Debug)]
pub(super) struct Balance {
    classes: Vec<TopicClass>,
    /// The class of each partition.
    class_of: Vec<usize>,
    members: Vec<MemberLoad>,
    /// The members by their ranks.
    by_rank: Vec<usize>,
    /// All members whose partitions may move.
    by_load: BTreeSet<LoadedMember>,
    owners: Vec<Option<usize>>,
    /// What [`Balance::is_balanced`] has found, until a partition moves.
    is_balanced: Cell<Option<bool>>,
}

impl Balance {
    /// Nothing is assigned to any of the members.
    pub(super) fn new(numbers: &PartitionNumbers, members: &[SubscribedMember], order: &[usize]) -> Self {
        let mut by_rank: Vec<usize> = (0..members.len()).collect();
        by_rank.sort_by(|one, other| java_compare(&members[*one].id, &members[*other].id));
        let mut loads: Vec<MemberLoad> = members.iter().map(|_| MemberLoad::new()).collect();
        by_rank.iter().enumerate().for_each(|(rank, member)| loads[*member].rank = rank);

        let mut subscribers: Vec<Vec<usize>> = vec![Vec::new(); numbers.topics()];
        for member in order.iter().copied() {
            let topics = &members[member].subscription.topics;
            let topics: BTreeSet<usize> = topics.iter().filter_map(|name| numbers.topic(name)).collect();
            loads[member].most = topics.iter().map(|topic| numbers.partitions_of(*topic)).sum();
            topics.into_iter().for_each(|topic| subscribers[topic].push(member));
        }
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut classes: Vec<TopicClass> = Vec::new();
        let mut class_of_topic = Vec::with_capacity(subscribers.len());
        for subscribers in subscribers {
            let class = *known.entry(subscribers.clone()).or_insert_with(|| {
                subscribers.iter().for_each(|member| loads[*member].classes.push(classes.len()));
                let by_load = subscribers.iter().map(|member| (0, loads[*member].rank)).collect();
                classes.push(TopicClass { subscribers, by_load, owners: BTreeSet::new() });
                classes.len() - 1
            });
            class_of_topic.push(class);
        }
        let class_of =
            (0..numbers.len()).map(|partition| class_of_topic[numbers.topic_of(partition)]).collect();
        Self {
            by_load: loads.iter().map(|load| (0, load.rank)).collect(),
            owners: vec![None; numbers.len()],
            members: loads,
            is_balanced: Cell::new(None),
            classes,
            class_of,
            by_rank,
        }
    }

    /// Whether the member is subscribed to the partition's topic.
    pub(super) fn may_have(&self, member: usize, partition: usize) -> bool {
        self.classes[self.class_of[partition]].by_load.contains(&self.loaded(member))
    }

    /// Whether several members may have the partition.
    pub(super) fn is_shared(&self, partition: usize) -> bool {
        self.classes[self.class_of[partition]].subscribers.len() > 1
    }

    /// The member that has the partition.
    pub(super) fn owner(&self, partition: usize) -> Option<usize> {
        self.owners[partition]
    }

    /// How many partitions a member has.
    pub(super) fn load(&self, member: usize) -> usize {
        self.members[member].partitions.len()
    }

    /// Whether no member has a partition.
    pub(super) fn is_empty(&self) -> bool {
        self.members.iter().all(|member| member.partitions.is_empty())
    }

    /// The member with the least partitions of those that may have this one.
    pub(super) fn least_loaded(&self, partition: usize) -> Option<usize> {
        let (_, rank) = self.classes[self.class_of[partition]].by_load.first()?;
        Some(self.by_rank[*rank])
    }

    /// All partitions, those that the fewest members may have first.
    pub(super) fn sorted_partitions(&self) -> Vec<usize> {
        let mut sorted: Vec<usize> = (0..self.owners.len()).collect();
        sorted.sort_by_key(|partition| self.classes[self.class_of[*partition]].subscribers.len());
        sorted
    }

    /// Assigns a partition that no member has.
    pub(super) fn assign(&mut self, partition: usize, member: usize) {
        self.change(member, |load| load.partitions.push(partition), self.class_of[partition], 1);
        self.owners[partition] = Some(member);
    }

    /// Moves a partition from one member to another.
    pub(super) fn reassign(&mut self, partition: usize, from: usize, to: usize) {
        let class = self.class_of[partition];
        self.change(from, |load| load.partitions.retain(|it| *it != partition), class, -1);
        self.assign(partition, to);
    }

    /// Changes the partitions of a member, with all that is sorted by their number.
    fn change(&mut self, member: usize, change: impl FnOnce(&mut MemberLoad), class: usize, by: isize) {
        self.is_balanced.set(None);
        let before = self.loaded(member);
        let load = &mut self.members[member];
        let owned_before: Vec<usize> = load.by_class.keys().copied().collect();
        change(load);
        let count = load.by_class.entry(class).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            load.by_class.remove(&class);
        }
        let after = self.loaded(member);
        let load = &self.members[member];
        for subscribed in &load.classes {
            let by_load = &mut self.classes[*subscribed].by_load;
            by_load.remove(&before);
            by_load.insert(after);
        }
        for owned in owned_before {
            self.classes[owned].owners.remove(&before);
        }
        for owned in load.by_class.keys() {
            self.classes[*owned].owners.insert(after);
        }
        if self.by_load.remove(&before) {
            self.by_load.insert(after);
        }
    }

    fn loaded(&self, member: usize) -> LoadedMember {
        (self.load(member), self.members[member].rank)
    }

    /// Leaves out the members that have all they may have, none of which another member may have.
    pub(super) fn leave_out_fixed_members(&mut self) {
        for member in 0..self.members.len() {
            let load = &self.members[member];
            let is_full = load.partitions.len() >= load.most;
            if is_full && !load.partitions.iter().any(|partition| self.is_shared(*partition)) {
                self.by_load.remove(&self.loaded(member));
                self.members[member].is_fixed = true;
            }
        }
    }

    /// Whether no partition can move to a member that has fewer than its owner, or all members have as many but one.
    pub(super) fn is_balanced(&self) -> bool {
        let known = self.is_balanced.get();
        let found = known.unwrap_or_else(|| self.find_balanced());
        self.is_balanced.set(Some(found));
        found
    }

    fn find_balanced(&self) -> bool {
        let (Some((least, _)), Some((most, _))) = (self.by_load.first(), self.by_load.last()) else {
            return true;
        };
        if least + 1 >= *most {
            return true;
        }
        !self.by_load.iter().any(|(load, rank)| {
            let member = &self.members[self.by_rank[*rank]];
            *load < member.most && member.classes.iter().any(|class| self.has_owner_above(*class, *load))
        })
    }

    fn has_owner_above(&self, class: usize, load: usize) -> bool {
        self.classes[class].owners.last().is_some_and(|(most, _)| *most > load)
    }

    /// The differences between the loads of all pairs of members, added up as Java adds integers; less is better.
    pub(super) fn score(&self) -> i32 {
        let movable = self.members.iter().filter(|member| !member.is_fixed);
        let mut loads: Vec<i64> = movable.map(|member| member.partitions.len() as i64).collect();
        loads.sort_unstable();
        let (mut score, mut smaller) = (0i64, 0i64);
        for (at, load) in (0i64..).zip(loads) {
            score = score.wrapping_add(load.wrapping_mul(at).wrapping_sub(smaller));
            smaller += load;
        }
        score as i32
    }

    /// The partitions of each member.
    pub(super) fn into_assigned(self) -> Vec<Vec<usize>> {
        self.members.into_iter().map(|member| member.partitions).collect()
    }
}

impl MemberLoad {
    fn new() -> Self {
        Self {
            rank: 0,
            classes: Vec::new(),
            most: 0,
            partitions: Vec::new(),
            by_class: HashMap::new(),
            is_fixed: false,
        }
    }
}
