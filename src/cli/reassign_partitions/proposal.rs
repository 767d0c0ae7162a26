//! The assignment that `--generate` proposes: each topic's partitions spread over the brokers anew.
//!
//! Pure. Kafka: `ReassignPartitionsCommand.calculateAssignment`.

use std::collections::BTreeMap;

use crate::admin::AdminError;
use crate::admin::placement::{BrokerAndRack, PlacementStart, assign_replicas};
use crate::base::jvm_order::{self, partition_hash};
use crate::base::{BrokerId, TopicPartition};

/// The replicas of each partition.
pub(super) type PartitionAssignment = BTreeMap<TopicPartition, Vec<BrokerId>>;

/// Replicas for the partitions of `current` on these brokers; `start` is asked for each topic where its first partition
/// begins.
///
/// A topic keeps the replication factor of one of its partitions: of that which is the first in Kafka's map.
///
/// # Errors
/// As [`assign_replicas`].
pub(super) fn propose(
    current: &PartitionAssignment,
    brokers: &[BrokerAndRack],
    mut start: impl FnMut() -> PlacementStart,
) -> Result<PartitionAssignment, AdminError> {
    let mut topics = BTreeMap::<&str, Vec<(i32, &Vec<BrokerId>)>>::new();
    for (id, replicas) in current {
        topics.entry(&id.topic).or_default().push((partition_hash(id), replicas));
    }
    let mut proposed = PartitionAssignment::new();
    for (topic, partitions) in topics {
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        let first = jvm_order::scala_mutable_set(partitions).first().map_or(0, |replicas| replicas.len());
        let factor = i32::try_from(first).unwrap_or(i32::MAX);
        let assigned = assign_replicas(brokers, count, factor, 0, start())?;
        let of_topic = |(partition, replicas)| (TopicPartition::new(topic, partition), replicas);
        proposed.extend(assigned.into_iter().map(of_topic));
    }
    Ok(proposed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(of: &[(&str, i32, &[i32])]) -> PartitionAssignment {
        of.iter().map(|(topic, at, replicas)| (TopicPartition::new(*topic, *at), replicas.to_vec())).collect()
    }

    fn brokers(ids: &[i32]) -> Vec<BrokerAndRack> {
        ids.iter().map(|id| (*id, None)).collect()
    }

    fn at_first() -> PlacementStart {
        PlacementStart { broker: 0, shift: 0 }
    }

    #[test]
    fn each_topic_goes_round_the_brokers_with_as_many_replicas_as_it_has() {
        let now = current(&[("a", 0, &[1, 2]), ("a", 1, &[1, 2]), ("b", 0, &[3])]);
        let proposed = propose(&now, &brokers(&[4, 5]), at_first).unwrap();
        assert_eq!(proposed, current(&[("a", 0, &[4, 5]), ("a", 1, &[5, 4]), ("b", 0, &[4])]));
    }

    #[test]
    fn of_partitions_that_differ_the_first_of_kafkas_map_counts() {
        // Kafka's map has t-2 before t-0.
        let now = current(&[("t", 0, &[2, 3]), ("t", 1, &[2, 3, 1]), ("t", 2, &[1, 3, 2])]);
        let refusal = propose(&now, &brokers(&[1]), at_first).unwrap_err();
        assert_eq!(refusal.to_string(), "Replication factor: 3 larger than available brokers: 1.");
    }
}
