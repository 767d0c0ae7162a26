//! The order in which Java's hash tables give partitions away, which shows in what its tools print.
//!
//! Pure. Java: `HashMap`; Kafka: `TopicPartition.hashCode`.

use crate::base::TopicPartition;

/// The size that a table begins with.
const FIRST_SIZE: usize = 16;

/// Puts partitions in the order of a hash table that they were added to in the order of the slice.
pub fn sort_as_hash_map<T>(entries: &mut [T], partition: impl Fn(&T) -> &TopicPartition) {
    let mut size = FIRST_SIZE;
    while entries.len() * 4 > size * 3 {
        size *= 2;
    }
    // Entries of one bucket keep their order.
    entries.sort_by_key(|entry| spread(hash(partition(entry))) as usize & (size - 1));
}

fn hash(partition: &TopicPartition) -> u32 {
    let topic = partition.topic.encode_utf16().fold(0, |hash: u32, unit| step(hash, u32::from(unit)));
    step(step(1, partition.partition.cast_unsigned()), topic)
}

fn step(hash: u32, next: u32) -> u32 {
    hash.wrapping_mul(31).wrapping_add(next)
}

fn spread(hash: u32) -> u32 {
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(topic: &str, count: i32) -> Vec<i32> {
        let mut partitions: Vec<_> = (0..count).map(|at| TopicPartition::new(topic, at)).collect();
        sort_as_hash_map(&mut partitions, |it| it);
        partitions.iter().map(|it| it.partition).collect()
    }

    #[test]
    fn partitions_stand_as_in_kafkas_output() {
        // As kafka-verifiable-consumer.sh prints the partitions of a topic "p".
        assert_eq!(order("p", 2), [1, 0]);
    }

    #[test]
    fn a_table_grows_once_three_quarters_are_full() {
        assert_eq!(order("t", 12).len(), 12);
        let (few, many) = (order("t", 12), order("t", 13));
        assert_ne!(few, many[..12], "the table of 13 entries has twice the buckets");
    }
}
