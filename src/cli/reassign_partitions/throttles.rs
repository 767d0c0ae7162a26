//! Which replicas and brokers a reassignment throttles.
//!
//! Pure. Kafka: `ReassignPartitionsCommand.calculateProposedMoveMap`, `calculateLeaderThrottles`,
//! `calculateFollowerThrottles`, `calculateReassigningBrokers`.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::TargetReplicas;
use crate::base::{BrokerId, TopicPartition};
use crate::client::admin::PartitionReassignment;

/// The rate at which a broker sends throttled replicas.
const LEADER_RATE: &str = "leader.replication.throttled.rate";
/// The rate at which a broker fetches throttled replicas.
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";
/// The rate at which a broker moves replicas between its directories.
pub(super) const LOG_DIR_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";
/// The replicas of a topic from which throttled records are sent.
const LEADER_REPLICAS: &str = "leader.replication.throttled.replicas";
/// The replicas of a topic that fetch throttled records.
const FOLLOWER_REPLICAS: &str = "follower.replication.throttled.replicas";

/// The rates that a broker has for a reassignment between brokers.
pub(super) const INTER_BROKER_RATES: [&str; 2] = [LEADER_RATE, FOLLOWER_RATE];
/// All throttles of a broker that a reassignment sets.
pub(super) const BROKER_THROTTLES: [&str; 3] = [LEADER_RATE, FOLLOWER_RATE, LOG_DIR_RATE];
/// All throttles of a topic that a reassignment sets.
pub(super) const TOPIC_THROTTLES: [&str; 2] = [LEADER_REPLICAS, FOLLOWER_REPLICAS];

/// A partition's move: the brokers that have its records, and those that fetch them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PartitionMove {
    sources: BTreeSet<BrokerId>,
    /// Invariant: none of `sources`.
    destinations: BTreeSet<BrokerId>,
}

/// The moves of all partitions that are being moved or will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MoveMap(BTreeMap<TopicPartition, PartitionMove>);

impl MoveMap {
    /// The moves in progress, and in their place or beside them those that are proposed; `replicas` are those that the
    /// proposed partitions have now.
    pub fn proposed(
        in_progress: &BTreeMap<TopicPartition, PartitionReassignment>,
        proposed: &[TargetReplicas],
        replicas: &BTreeMap<TopicPartition, Vec<BrokerId>>,
    ) -> Self {
        let mut moves = BTreeMap::new();
        for (id, reassignment) in in_progress {
            let removing = &reassignment.removing_replicas;
            let all = reassignment.replicas.iter().chain(&reassignment.adding_replicas);
            let destinations = all.filter(|id| !removing.contains(id)).copied().collect();
            let sources = reassignment.replicas.iter().copied().collect();
            moves.insert(id.clone(), PartitionMove { sources, destinations });
        }
        for target in proposed {
            let destinations = target.replicas.iter().copied().collect();
            let sources = BTreeSet::new();
            moves.insert(target.partition.clone(), PartitionMove { sources, destinations });
        }
        for (id, it) in &mut moves {
            it.sources.extend(replicas.get(id).into_iter().flatten());
            it.destinations.retain(|broker| !it.sources.contains(broker));
        }
        Self(moves)
    }

    /// The throttles of each topic, with their values.
    pub fn topic_throttles(&self) -> BTreeMap<String, [(&'static str, String); 2]> {
        let mut lists = BTreeMap::<String, [BTreeSet<String>; 2]>::new();
        for (id, it) in &self.0 {
            let [sources, destinations] = lists.entry(id.topic.to_string()).or_default();
            let named = |broker: &BrokerId| format!("{}:{broker}", id.partition);
            sources.extend(it.sources.iter().map(named));
            destinations.extend(it.destinations.iter().map(named));
        }
        let joined = |list: BTreeSet<String>| list.into_iter().collect::<Vec<_>>().join(",");
        let throttles = lists.into_iter().map(|(topic, [sources, destinations])| {
            let values = [(LEADER_REPLICAS, joined(sources)), (FOLLOWER_REPLICAS, joined(destinations))];
            (topic, values)
        });
        throttles.collect()
    }

    /// The brokers that take part.
    pub fn brokers(&self) -> BTreeSet<BrokerId> {
        self.0.values().flat_map(|it| it.sources.iter().chain(&it.destinations)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(partition: i32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    fn target(partition: i32, replicas: &[i32]) -> TargetReplicas {
        TargetReplicas { partition: id(partition), replicas: replicas.to_vec() }
    }

    fn throttles(moves: &MoveMap) -> [String; 2] {
        moves.topic_throttles()["t"].clone().map(|(_, value)| value)
    }

    #[test]
    fn leaders_are_throttled_where_the_records_are_and_followers_where_they_go() {
        let replicas = BTreeMap::from([(id(0), vec![1, 2]), (id(10), vec![3])]);
        let moves = MoveMap::proposed(&BTreeMap::new(), &[target(10, &[2]), target(0, &[2, 3])], &replicas);
        // The entries are sorted as texts.
        assert_eq!(throttles(&moves), ["0:1,0:2,10:3", "0:3,10:2"]);
        assert_eq!(moves.brokers(), BTreeSet::from([1, 2, 3]));
    }

    #[test]
    fn a_move_in_progress_stays_throttled_beside_a_new_one() {
        let in_progress = PartitionReassignment {
            replicas: vec![2, 3, 1],
            adding_replicas: vec![3],
            removing_replicas: vec![1],
        };
        let in_progress = BTreeMap::from([(id(0), in_progress)]);
        let replicas = BTreeMap::from([(id(1), vec![2, 1])]);
        let moves = MoveMap::proposed(&in_progress, &[target(1, &[2, 3, 1])], &replicas);
        // All replicas in progress count as sources, as in Kafka.
        assert_eq!(throttles(&moves), ["0:1,0:2,0:3,1:1,1:2", "1:3"]);
    }

    #[test]
    fn a_new_move_of_a_partition_takes_the_place_of_the_old_one() {
        let in_progress =
            PartitionReassignment { replicas: vec![9], adding_replicas: vec![8], removing_replicas: vec![] };
        let in_progress = BTreeMap::from([(id(0), in_progress)]);
        let replicas = BTreeMap::from([(id(0), vec![1])]);
        let moves = MoveMap::proposed(&in_progress, &[target(0, &[1])], &replicas);
        assert_eq!(throttles(&moves), ["0:1", ""]);
        assert_eq!(moves.brokers(), BTreeSet::from([1]));
    }

    #[test]
    fn a_partition_that_does_not_exist_has_no_sources() {
        let moves = MoveMap::proposed(&BTreeMap::new(), &[target(7, &[2])], &BTreeMap::new());
        assert_eq!(throttles(&moves), ["", "7:2"]);
    }
}
