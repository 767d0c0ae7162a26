//! What a request names more than once. Kafka keeps most requests in a map: the last mention of a partition counts, in
//! the position of the first. Other requests refuse what is named twice (ListOffsets, CreateTopics,
//! CreatePartitions).
//!
//! Pure. The cost grows with the length of the request, not with its square. Kafka: `ProduceRequest`,
//! `FetchRequest.toPartitionDataMap`, `OffsetsForLeaderEpochRequest`, `AlterReplicaLogDirsRequest`.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::TopicPartition;

/// Every partition once: in the position of its first mention, with the content of its last.
pub fn last_mentions<T>(mentions: Vec<(TopicPartition, T)>) -> Vec<(TopicPartition, T)> {
    if mentions.len() < 2 {
        return mentions;
    }
    let mut kept: Vec<(TopicPartition, T)> = Vec::with_capacity(mentions.len());
    let mut slots: HashMap<TopicPartition, usize> = HashMap::with_capacity(mentions.len());
    for (partition, asked) in mentions {
        match slots.entry(partition.clone()) {
            Entry::Occupied(slot) => kept[*slot.get()].1 = asked,
            Entry::Vacant(slot) => {
                slot.insert(kept.len());
                kept.push((partition, asked));
            }
        }
    }
    kept
}

/// The names that are mentioned more than once.
pub fn named_twice<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen = HashSet::new();
    names.into_iter().filter(|name| !seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_mentioned_more_than_once_are_found() {
        assert_eq!(named_twice(["c", "a", "b", "a", "c", "a"]), BTreeSet::from(["a", "c"]));
    }

    #[test]
    fn the_last_mention_counts_in_the_position_of_the_first() {
        let mentions = [("t", 1, 'a'), ("u", 0, 'b'), ("t", 1, 'c'), ("t", 0, 'd'), ("u", 0, 'e')];
        let named = |(topic, partition, asked)| (TopicPartition::new(topic, partition), asked);
        let expected = [("t", 1, 'c'), ("u", 0, 'e'), ("t", 0, 'd')];
        assert_eq!(last_mentions(mentions.map(named).to_vec()), expected.map(named));
    }
}
