//! All partitions of a group's topics as numbers, in the order in which Kafka sorts them.
//!
//! Pure. The numbers follow the order of the topics' names, then that of the partitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::java_compare;
use crate::base::TopicPartition;

/// A topic whose partitions are assigned.
struct NumberedTopic {
    name: Arc<str>,
    /// The number of its partition 0.
    first: usize,
    partitions: usize,
}

/// The partitions, each with a number from 0.
pub(super) struct PartitionNumbers {
    topics: Vec<NumberedTopic>,
    by_name: HashMap<Arc<str>, usize>,
    /// The topic of each partition, by its place in `topics`.
    topic_of: Vec<usize>,
}

impl PartitionNumbers {
    /// Numbers the partitions of these topics.
    pub(super) fn new(partition_counts: &BTreeMap<Arc<str>, i32>) -> Self {
        let mut sorted: Vec<_> = partition_counts.iter().collect();
        sorted.sort_by(|(one, _), (other, _)| java_compare(one, other));
        let mut numbers = Self { topics: Vec::new(), by_name: HashMap::new(), topic_of: Vec::new() };
        for (at, (name, count)) in sorted.into_iter().enumerate() {
            let (first, partitions) = (numbers.topic_of.len(), usize::try_from(*count).unwrap_or(0));
            numbers.topics.push(NumberedTopic { name: name.clone(), first, partitions });
            numbers.by_name.insert(name.clone(), at);
            numbers.topic_of.extend(std::iter::repeat_n(at, partitions));
        }
        numbers
    }

    /// How many partitions there are.
    pub(super) fn len(&self) -> usize {
        self.topic_of.len()
    }

    /// How many topics there are.
    pub(super) fn topics(&self) -> usize {
        self.topics.len()
    }

    /// A topic's place.
    pub(super) fn topic(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The topic of a partition.
    pub(super) fn topic_of(&self, partition: usize) -> usize {
        self.topic_of[partition]
    }

    /// How many partitions a topic has.
    pub(super) fn partitions_of(&self, topic: usize) -> usize {
        self.topics[topic].partitions
    }

    /// A partition's number; None if it does not exist.
    pub(super) fn number(&self, id: &TopicPartition) -> Option<usize> {
        let topic = &self.topics[self.topic(&id.topic)?];
        let at = usize::try_from(id.partition).ok()?;
        (at < topic.partitions).then_some(topic.first + at)
    }

    /// The partition of a number.
    pub(super) fn id(&self, number: usize) -> TopicPartition {
        let topic = &self.topics[self.topic_of[number]];
        let partition = i32::try_from(number - topic.first).unwrap_or(i32::MAX);
        TopicPartition { topic: topic.name.clone(), partition }
    }
}
