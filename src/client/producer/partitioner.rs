//! Which partition a record goes to that names none.
//!
//! Kafka: `Partitioner`, `DefaultPartitioner`, `UniformStickyPartitioner`, `RoundRobinPartitioner`,
//! `StickyPartitionCache`.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use super::murmur2;
use super::record::ProducerRecord;
use crate::base::BrokerId;

/// Chooses partitions.
pub trait Partitioner: Debug + Send + Sync {
    /// The partition of a record, from 0 to below [`PartitionedTopic::count`]. Called once for every record that
    /// names no partition.
    fn partition(&self, record: &ProducerRecord, topic: &PartitionedTopic) -> i32;

    /// The record would begin a batch in the partition `previous`; the partition that it goes to instead, if it is not
    /// to begin one there. The answer about a record that names its partition is not used.
    fn on_new_batch(&self, record: &ProducerRecord, topic: &PartitionedTopic, previous: i32) -> Option<i32> {
        let _ = (record, topic, previous);
        None
    }
}

/// The partitions of a topic, as a partitioner sees them.
#[derive(Debug)]
pub struct PartitionedTopic {
    name: Arc<str>,
    /// The topic's number in the accumulator.
    pub(super) number: u32,
    count: i32,
    /// The partitions that have a leader, in order.
    available: Vec<i32>,
    turns: Arc<PartitionTurns>,
}

/// What the partitioners remember of a topic, across changes of its partitions.
#[derive(Debug)]
#[doc(alias = "StickyPartitionCache")]
struct PartitionTurns {
    /// The partition of the batch that keyless records go to; -1 before the first.
    sticky: AtomicI32,
    /// How many records took turns.
    turn: AtomicUsize,
}

impl PartitionedTopic {
    /// The partitions with these leaders, which follow those of `before`.
    pub(super) fn new(
        name: Arc<str>,
        number: u32,
        leaders: &[Option<BrokerId>],
        before: Option<&Self>,
    ) -> Self {
        let available = (0..).zip(leaders).filter(|(_, leader)| leader.is_some()).map(|(at, _)| at).collect();
        let turns = || Arc::new(PartitionTurns { sticky: AtomicI32::new(-1), turn: AtomicUsize::new(0) });
        let turns = before.map_or_else(turns, |before| before.turns.clone());
        Self { name, number, count: i32::try_from(leaders.len()).unwrap_or(i32::MAX), available, turns }
    }

    /// The topic's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How many partitions it has; at least 1.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// The partitions that have a leader, in order.
    pub fn available(&self) -> &[i32] {
        &self.available
    }

    fn sticky(&self) -> i32 {
        match self.turns.sticky.load(Ordering::Relaxed) {
            chosen if (0..self.count).contains(&chosen) => chosen,
            other => self.next_sticky(other),
        }
    }

    /// Chooses another partition than `previous`, if it is that of the last batch; the one that counts now.
    fn next_sticky(&self, previous: i32) -> i32 {
        let chosen = match self.available.as_slice() {
            [] => fastrand::i32(0..self.count.max(1)),
            [only] => *only,
            available => {
                let others = available.len() - usize::from(available.contains(&previous));
                let at = fastrand::usize(0..others);
                available.iter().copied().filter(|partition| *partition != previous).nth(at).unwrap_or(0)
            }
        };
        let sticky = &self.turns.sticky;
        match sticky.compare_exchange(previous, chosen, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => chosen,
            Err(current) => current.clamp(0, (self.count - 1).max(0)),
        }
    }
}

/// The partition of the key's hash; records without a key go to one partition until its batch is full.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultPartitioner;

impl Partitioner for DefaultPartitioner {
    fn partition(&self, record: &ProducerRecord, topic: &PartitionedTopic) -> i32 {
        match &record.key {
            Some(key) => murmur2::of_key(key, topic.count as usize),
            None => topic.sticky(),
        }
    }

    fn on_new_batch(&self, record: &ProducerRecord, topic: &PartitionedTopic, previous: i32) -> Option<i32> {
        let next = topic.next_sticky(previous);
        record.key.is_none().then_some(next)
    }
}

/// All records go to one partition until its batch is full, those with a key, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct UniformStickyPartitioner;

impl Partitioner for UniformStickyPartitioner {
    fn partition(&self, _record: &ProducerRecord, topic: &PartitionedTopic) -> i32 {
        topic.sticky()
    }

    fn on_new_batch(&self, _record: &ProducerRecord, topic: &PartitionedTopic, previous: i32) -> Option<i32> {
        Some(topic.next_sticky(previous))
    }
}

/// The partitions that have a leader take turns, record by record. (Java's loses a turn with each batch that is begun,
/// KAFKA-9965.)
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobinPartitioner;

impl Partitioner for RoundRobinPartitioner {
    fn partition(&self, _record: &ProducerRecord, topic: &PartitionedTopic) -> i32 {
        let turn = topic.turns.turn.fetch_add(1, Ordering::Relaxed);
        match topic.available.as_slice() {
            [] => (turn % topic.count.max(1) as usize) as i32,
            available => available[turn % available.len()],
        }
    }
}

/// The partitioner of a Java class (`partitioner.class`); None for a class that is not Kafka's own.
pub(in crate::client) fn of_class(name: &str) -> Option<Arc<dyn Partitioner>> {
    match name.strip_prefix("org.apache.kafka.clients.producer.")? {
        "internals.DefaultPartitioner" => Some(Arc::new(DefaultPartitioner)),
        "UniformStickyPartitioner" => Some(Arc::new(UniformStickyPartitioner)),
        "RoundRobinPartitioner" => Some(Arc::new(RoundRobinPartitioner)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(leaders: &[Option<BrokerId>]) -> PartitionedTopic {
        PartitionedTopic::new("t".into(), 0, leaders, None)
    }

    #[test]
    fn keyless_records_stay_with_a_partition_until_its_batch_is_full() {
        let topic = topic(&[Some(1), None, Some(2), Some(1)]);
        let record = ProducerRecord::new("t", "v");
        let first = DefaultPartitioner.partition(&record, &topic);
        assert!(topic.available().contains(&first));
        for _ in 0..20 {
            let before = DefaultPartitioner.partition(&record, &topic);
            DefaultPartitioner.on_new_batch(&record, &topic, (before + 1) % 4);
            assert_eq!(
                DefaultPartitioner.partition(&record, &topic),
                before,
                "another partition's batch was full"
            );
            DefaultPartitioner.on_new_batch(&record, &topic, before);
            let after = UniformStickyPartitioner.partition(&record.clone().key("k"), &topic);
            assert!(after != before && after != 1, "{before} {after}");
        }
    }

    #[test]
    fn a_partition_that_is_gone_is_chosen_no_more() {
        let before = topic(&[Some(1), Some(1), Some(1)]);
        before.turns.sticky.store(2, Ordering::Relaxed);
        let after = PartitionedTopic::new("t".into(), 0, &[None, Some(1)], Some(&before));
        assert_eq!(DefaultPartitioner.partition(&ProducerRecord::new("t", "v"), &after), 1);
    }

    #[test]
    fn available_partitions_take_turns() {
        let topic = topic(&[Some(1), None, Some(2)]);
        let record = ProducerRecord::new("t", "v").key("k");
        let chosen: Vec<_> = (0..4).map(|_| RoundRobinPartitioner.partition(&record, &topic)).collect();
        assert_eq!(chosen, [0, 2, 0, 2]);
    }

    #[test]
    fn kafkas_own_partitioners_have_their_class_names() {
        assert!(of_class("org.apache.kafka.clients.producer.RoundRobinPartitioner").is_some());
        assert!(of_class("org.apache.kafka.clients.producer.internals.DefaultPartitioner").is_some());
        assert!(of_class("com.example.Mine").is_none());
    }
}
