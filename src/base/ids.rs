//! Identifiers and positions, in Kafka's own terms.
//!
//! Pure.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A broker's id: the name of its znode under `/brokers/ids`; -1 where there is none.
pub type BrokerId = i32;
/// A record's position in its partition, from 0; -1 where it is not known.
pub type Offset = i64;
/// How often a partition's leadership has changed, from 0; -1 where it is not known.
pub type LeaderEpoch = i32;
/// The id of an idempotent or transactional producer, from 0; -1 where there is none.
pub type ProducerId = i64;
/// How often a producer id was taken over, from 0; -1 where there is none.
pub type ProducerEpoch = i16;
/// Milliseconds: since the Unix epoch for timestamps, else a duration.
pub type Millis = i64;

/// A partition of a topic; printed as Kafka prints it, `topic-0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.topic, self.partition)
    }
}

/// Groups items of partitions that follow each other by their topic, as most requests and answers carry them.
///
/// Example: items of `a-0`, `a-1`, `b-0` yield the two of `a`, then the one of `b`. Partitions that are sorted by topic
/// yield each topic once.
pub fn by_topic<T>(
    items: impl IntoIterator<Item = (impl Borrow<TopicPartition>, T)>,
) -> impl Iterator<Item = (Arc<str>, Vec<T>)> {
    let mut items = items.into_iter().peekable();
    std::iter::from_fn(move || {
        let (partition, first) = items.next()?;
        let topic = partition.borrow().topic.clone();
        let mut group = vec![first];
        while let Some((_, item)) = items.next_if(|(other, _)| other.borrow().topic == topic) {
            group.push(item);
        }
        Some((topic, group))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_that_follow_each_other_are_grouped_by_topic() {
        let partitions =
            [("a", 0), ("a", 1), ("b", 0), ("a", 2)].map(|(topic, at)| TopicPartition::new(topic, at));
        let groups: Vec<_> = by_topic(partitions.iter().map(|it| (it, it.partition))).collect();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        assert_eq!(groups, [(a.clone(), vec![0, 1]), (b, vec![0]), (a, vec![2])]);
        assert_eq!(by_topic(Vec::<(TopicPartition, ())>::new()).count(), 0);
    }
}
