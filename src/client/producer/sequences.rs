//! An idempotent producer's numbers: its id, and the sequence of each partition's next record.
//!
//! Pure. A batch keeps its sequence however often it is sent, so that a broker writes it once. If it is not
//! known whether a batch was written, the producer takes a new id, as its sequences cannot go on. Kafka:
//! TransactionManager (KIP-98).

use std::collections::HashMap;

use crate::base::{ProducerEpoch, ProducerId, TopicPartition};

/// The identity of a batch: its producer, and the sequence of its first record in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignedSequence {
    /// The producer's id.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// The sequence of the first record, from 0 to `i32::MAX`.
    pub first: i32,
}

/// The producer id and the sequences that batches get.
#[derive(Clone, Debug, Default)]
#[doc(alias = "TransactionManager")]
pub struct Sequences {
    producer: Option<(ProducerId, ProducerEpoch)>,
    next: HashMap<TopicPartition, i32>,
}

impl Sequences {
    /// Whether a producer id is needed before a batch can be sent.
    pub fn needs_id(&self) -> bool {
        self.producer.is_none()
    }

    /// Begins at 0 in every partition, with this id.
    pub fn begin(&mut self, id: ProducerId, epoch: ProducerEpoch) {
        (self.producer, self.next) = (Some((id, epoch)), HashMap::new());
    }

    /// Gives up its id.
    pub fn give_up(&mut self) {
        *self = Self::default();
    }

    /// The identity of a partition's next batch, of so many records; None without an id.
    pub fn assign(&mut self, partition: &TopicPartition, records: usize) -> Option<AssignedSequence> {
        let (id, epoch) = self.producer?;
        let next = self.next.entry(partition.clone()).or_insert(0);
        let first = *next;
        // After the largest sequence comes 0, as a broker counts too.
        let after = (i64::from(first) + records as i64) % (i64::from(i32::MAX) + 1);
        *next = i32::try_from(after).unwrap_or(0);
        Some(AssignedSequence { id, epoch, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firsts(sequences: &mut Sequences, partition: &TopicPartition, counts: &[usize]) -> Vec<i32> {
        counts.iter().map(|count| sequences.assign(partition, *count).unwrap().first).collect()
    }

    #[test]
    fn each_partition_counts_its_own_records() {
        let (a, b) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let mut sequences = Sequences::default();
        assert!(sequences.needs_id());
        assert_eq!(sequences.assign(&a, 1), None);
        sequences.begin(7, 0);
        assert_eq!(firsts(&mut sequences, &a, &[3, 2, 1]), [0, 3, 5]);
        assert_eq!(sequences.assign(&b, 1), Some(AssignedSequence { id: 7, epoch: 0, first: 0 }));
    }

    #[test]
    fn a_new_id_begins_anew() {
        let a = TopicPartition::new("t", 0);
        let mut sequences = Sequences::default();
        sequences.begin(7, 0);
        assert_eq!(firsts(&mut sequences, &a, &[3]), [0]);
        sequences.give_up();
        assert!(sequences.needs_id());
        sequences.begin(8, 0);
        assert_eq!(sequences.assign(&a, 1), Some(AssignedSequence { id: 8, epoch: 0, first: 0 }));
    }

    #[test]
    fn after_the_largest_sequence_comes_nought() {
        let a = TopicPartition::new("t", 0);
        let mut sequences = Sequences::default();
        sequences.begin(7, 0);
        let most = i32::MAX as usize;
        assert_eq!(firsts(&mut sequences, &a, &[most, 1, 1]), [0, i32::MAX, 0]);
        assert_eq!(firsts(&mut sequences, &a, &[most - 1, 2, 1]), [1, i32::MAX, 1]);
    }
}
