//! Which thread of a group's consumers reads which partition: by ranges of each topic, or in turn.
//!
//! Pure. Every consumer computes the assignment of all partitions for itself, from the same znodes. Kafka:
//! `PartitionAssignor` of `kafka.consumer`, with its `RangeAssignor` and `RoundRobinAssignor`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::base::{TopicPartition, jvm_order};

/// How a group of ZooKeeper consumers divides partitions (`partition.assignment.strategy`). All consumers of a group
/// must have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZookeeperAssignmentStrategy {
    /// Each topic's partitions in ranges.
    #[default]
    Range,
    /// The partitions of all topics in turn.
    RoundRobin,
}

/// A thread of a consumer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConsumerThreadId {
    /// `CONSUMER-THREAD`, as the owner of a partition is named. Threads are in the order of these names.
    name: Arc<str>,
    /// The id of its consumer.
    pub(super) consumer: Arc<str>,
}

impl ConsumerThreadId {
    pub(super) fn new(consumer: &Arc<str>, thread: i32) -> Self {
        Self { name: format!("{consumer}-{thread}").into(), consumer: consumer.clone() }
    }
}

impl fmt::Display for ConsumerThreadId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// Partition → the thread that reads it.
pub(super) type OwnerMap = BTreeMap<TopicPartition, ConsumerThreadId>;

/// A group as its znodes describe it. Kafka: `AssignmentContext`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupView {
    /// Topic → the threads that want to read it.
    pub(super) threads: BTreeMap<Arc<str>, BTreeSet<ConsumerThreadId>>,
    /// Topic → its partitions.
    pub(super) partitions: BTreeMap<Arc<str>, BTreeSet<i32>>,
}

impl GroupView {
    /// The assignment of all partitions that a consumer wants to read.
    pub(super) fn assign(&self, strategy: ZookeeperAssignmentStrategy) -> OwnerMap {
        match strategy {
            ZookeeperAssignmentStrategy::Range => self.by_range(),
            ZookeeperAssignmentStrategy::RoundRobin => self.in_turn(),
        }
    }

    fn partitions_of(&self, topic: &Arc<str>) -> impl Iterator<Item = TopicPartition> {
        let numbers = self.partitions.get(topic).into_iter().flatten();
        numbers.map(|at| TopicPartition { topic: topic.clone(), partition: *at })
    }

    /// The first threads get one partition more than the others.
    fn by_range(&self) -> OwnerMap {
        let mut owners = OwnerMap::new();
        for (topic, threads) in self.threads.iter().filter(|(_, threads)| !threads.is_empty()) {
            let mut partitions: Vec<_> = self.partitions_of(topic).collect();
            let (each, more) = (partitions.len() / threads.len(), partitions.len() % threads.len());
            for (at, thread) in threads.iter().enumerate() {
                let share = partitions.drain(..each + usize::from(at < more));
                owners.extend(share.map(|partition| (partition, thread.clone())));
            }
        }
        owners
    }

    /// Partitions in the order of their names' hashes go to the threads in the order of the threads' names. A thread
    /// that does not read a partition's topic is passed over.
    fn in_turn(&self) -> OwnerMap {
        let threads: BTreeSet<_> = self.threads.values().flatten().collect();
        let mut partitions: Vec<_> =
            self.threads.keys().flat_map(|topic| self.partitions_of(topic)).collect();
        partitions.sort_by_cached_key(|partition| jvm_order::hash_code(&partition.to_string()));
        let mut turns = threads.iter().cycle();
        let owner = |partition: TopicPartition| {
            let readers = self.threads.get(&partition.topic)?;
            // One round of all threads finds a reader if there is one.
            let thread = turns.by_ref().take(threads.len()).find(|thread| readers.contains(**thread))?;
            Some((partition, (*thread).clone()))
        };
        partitions.into_iter().filter_map(owner).collect()
    }
}

#[cfg(test)]
mod tests;
