//! Which brokers get a new partition's replicas: spread evenly, and over racks where brokers have them.
//!
//! Pure. Kafka: `AdminUtils.assignReplicasToBrokers`. The first replicas go round the brokers from a start.
//! The other replicas of a partition follow at a distance that grows with every round, so that no two brokers
//! share all their partitions.

use std::collections::{BTreeMap, BTreeSet};

use super::AdminError;
use crate::base::BrokerId;

/// A broker that replicas can be assigned to, and its rack.
pub type BrokerAndRack = (BrokerId, Option<String>);

/// How many partitions could be written to a topic's znode at most, which ZooKeeper limits to a megabyte. Kafka assigns
/// replicas to any number, and runs out of memory.
const MOST_PARTITIONS: i32 = 150_000;

/// Where going round the brokers begins: the position of the first partition, and the distance of its second
/// replica.
#[derive(Clone, Copy, Debug)]
pub struct PlacementStart {
    /// The index among the brokers of the first replica of partition 0, even if only later partitions are
    /// assigned.
    pub broker: usize,
    /// The distance to the second replica.
    pub shift: usize,
}

/// The replicas of `count` partitions from number `first` on, over `brokers` in the order of their ids.
///
/// # Errors
/// INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, and `AdminOperationException` where only some brokers name a rack.
pub fn assign_replicas(
    brokers: &[BrokerAndRack],
    count: i32,
    replication_factor: i32,
    first: i32,
    start: PlacementStart,
) -> Result<BTreeMap<i32, Vec<BrokerId>>, AdminError> {
    if count <= 0 {
        return Err(AdminError::InvalidPartitions("Number of partitions must be larger than 0.".to_owned()));
    }
    if count > MOST_PARTITIONS {
        return Err(AdminError::InvalidPartitions(format!(
            "{count} partitions do not fit the znode of a topic, which has room for {MOST_PARTITIONS} at most."
        )));
    }
    let factor = check_factor(replication_factor, brokers.len())?;
    let order = match brokers.iter().filter(|(_, rack)| rack.is_some()).count() {
        0 => brokers.to_vec(),
        named if named == brokers.len() => alternate_racks(brokers),
        _ => {
            return Err(AdminError::operation(
                "Not all brokers have rack information for replica rack aware assignment.",
            ));
        }
    };
    let racks = order.iter().filter_map(|(_, rack)| rack.as_deref()).collect::<BTreeSet<_>>().len();
    let size = order.len();
    let mut shift = start.shift;
    let mut assigned = BTreeMap::new();
    for partition in first..first.saturating_add(count) {
        let number = usize::try_from(partition).unwrap_or(0);
        if number > 0 && number.is_multiple_of(size) {
            shift += 1;
        }
        let leader = (number + start.broker) % size;
        let replicas = if racks == 0 {
            in_turn(&order, leader, shift, factor)
        } else {
            over_racks(&order, leader, shift, factor, racks)
        };
        assigned.insert(partition, replicas);
    }
    Ok(assigned)
}

fn check_factor(replication_factor: i32, brokers: usize) -> Result<usize, AdminError> {
    match usize::try_from(replication_factor) {
        Ok(factor @ 1..) if factor <= brokers => Ok(factor),
        Ok(1..) => Err(AdminError::InvalidReplicationFactor(format!(
            "Replication factor: {replication_factor} larger than available brokers: {brokers}."
        ))),
        _ => {
            Err(AdminError::InvalidReplicationFactor("Replication factor must be larger than 0.".to_owned()))
        }
    }
}

/// The index of the broker of the replica number `at` after the first.
fn broker_index(leader: usize, shift: usize, at: usize, size: usize) -> usize {
    (leader + 1 + (shift + at) % (size - 1)) % size
}

fn in_turn(order: &[BrokerAndRack], leader: usize, shift: usize, factor: usize) -> Vec<BrokerId> {
    let others = (0..factor - 1).map(|at| broker_index(leader, shift, at, order.len()));
    std::iter::once(leader).chain(others).map(|index| order[index].0).collect()
}

/// As [`in_turn`], passing over racks that have a replica while others have none, and over brokers likewise.
fn over_racks(
    order: &[BrokerAndRack],
    leader: usize,
    shift: usize,
    factor: usize,
    racks: usize,
) -> Vec<BrokerId> {
    let mut used_racks = BTreeSet::from([order[leader].1.as_deref()]);
    let mut replicas = vec![order[leader].0];
    let mut at = 0;
    while replicas.len() < factor {
        let (broker, rack) = &order[broker_index(leader, shift * racks, at, order.len())];
        let rack_is_free = !used_racks.contains(&rack.as_deref()) || used_racks.len() == racks;
        if rack_is_free && !replicas.contains(broker) {
            replicas.push(*broker);
            used_racks.insert(rack.as_deref());
        }
        at += 1;
    }
    replicas
}

/// The brokers with the racks in turns: the first broker of each rack, then the second of each, …
fn alternate_racks(brokers: &[BrokerAndRack]) -> Vec<BrokerAndRack> {
    let mut by_rack = BTreeMap::<Option<&str>, Vec<&BrokerAndRack>>::new();
    for broker in brokers {
        by_rack.entry(broker.1.as_deref()).or_default().push(broker);
    }
    by_rack.values_mut().for_each(|brokers| brokers.sort());
    let longest = by_rack.values().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|at| {
            by_rack.values().filter_map(move |brokers| brokers.get(at)).map(|broker| (*broker).clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(count: i32) -> Vec<BrokerAndRack> {
        (0..count).map(|id| (id, None)).collect()
    }

    fn assign(
        brokers: &[BrokerAndRack],
        count: i32,
        factor: i32,
        broker: usize,
        shift: usize,
    ) -> Vec<Vec<BrokerId>> {
        assign_replicas(brokers, count, factor, 0, PlacementStart { broker, shift })
            .unwrap()
            .into_values()
            .collect()
    }

    #[test]
    fn replicas_go_round_and_shift_with_every_round() {
        let assigned = assign(&plain(5), 10, 3, 0, 0);
        assert_eq!(assigned[0], [0, 1, 2]);
        assert_eq!(assigned[4], [4, 0, 1]);
        assert_eq!(assigned[5], [0, 2, 3]);
        assert_eq!(assigned[9], [4, 1, 2]);
    }

    #[test]
    fn more_partitions_than_a_znode_holds_are_refused_before_they_are_assigned() {
        let start = PlacementStart { broker: 0, shift: 0 };
        let refusal = assign_replicas(&plain(1), i32::MAX, 1, 5, start).unwrap_err();
        assert!(matches!(refusal, AdminError::InvalidPartitions(_)), "{refusal}");
    }

    #[test]
    fn every_rack_gets_a_replica() {
        let racks = ["a", "b", "c", "c", "a", "b"];
        let brokers: Vec<BrokerAndRack> =
            (0..).zip(racks).map(|(id, rack)| (id, Some(rack.to_owned()))).collect();
        for (start, shift) in (0..6).flat_map(|start| (0..6).map(move |shift| (start, shift))) {
            for replicas in assign(&brokers, 12, 3, start, shift) {
                let used: BTreeSet<_> = replicas.iter().map(|id| racks[*id as usize]).collect();
                assert_eq!(used.len(), 3, "{replicas:?}");
            }
        }
    }

    #[test]
    fn impossible_arguments_are_refused_in_kafkas_words() {
        let refusal = |brokers: &[BrokerAndRack], count, factor| {
            assign_replicas(brokers, count, factor, 0, PlacementStart { broker: 0, shift: 0 })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(refusal(&plain(1), 1, 3), "Replication factor: 3 larger than available brokers: 1.");
        assert_eq!(refusal(&plain(1), 1, 0), "Replication factor must be larger than 0.");
        assert_eq!(refusal(&plain(1), 0, 1), "Number of partitions must be larger than 0.");
    }

    #[test]
    fn one_broker_takes_everything() {
        assert_eq!(assign(&plain(1), 3, 1, 0, 0), [[0], [0], [0]]);
    }
}
