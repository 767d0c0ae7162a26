//! The replicas of partitions compared, batch by batch.
//!
//! Pure. Kafka: `ReplicaBuffer`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::jvm_order::{self, partition_hash};
use crate::base::{BrokerId, Offset, TopicPartition};

/// A batch as a replica has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchChecksum {
    /// The offset of its last record.
    pub last_offset: Offset,
    /// Its checksum.
    pub checksum: u32,
}

/// What one broker has of a partition from the offset on at which the comparison stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FetchedReplica {
    /// The broker.
    pub broker: BrokerId,
    /// Its high watermark; -1 where the broker did not answer.
    pub high_watermark: Offset,
    /// Its batches, in their order.
    pub batches: Vec<BatchChecksum>,
}

/// Two replicas that have a different batch in the same place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnmatchedChecksum {
    #[serde(flatten)]
    pub at: ReplicaPosition,
    /// A replica and the checksum of its batch.
    pub replica: BrokerId,
    pub checksum: u32,
    /// Another replica and the checksum of its batch.
    pub other_replica: BrokerId,
    pub other_checksum: u32,
}

/// Two replicas whose batches end at different offsets: the comparison cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnmatchedOffset {
    #[serde(flatten)]
    pub at: ReplicaPosition,
    pub replica: BrokerId,
    pub other_replica: BrokerId,
    pub other_offset: Offset,
}

/// A place in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ReplicaPosition {
    pub topic: String,
    pub partition: i32,
    pub offset: Offset,
}

impl ReplicaPosition {
    fn new(id: &TopicPartition, offset: Offset) -> Self {
        Self { topic: id.topic.to_string(), partition: id.partition, offset }
    }
}

/// The partition in which the verified replicas are the furthest behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MaxLag {
    /// Up to where its replicas are the same; None before any replica has answered.
    #[serde(flatten)]
    pub at: Option<ReplicaPosition>,
    /// How many offsets that is behind the high watermark; -1 before any replica has answered.
    pub max_lag: Offset,
    /// How many partitions are compared.
    pub partitions: usize,
}

/// Up to where the replicas of each partition are the same.
#[derive(Clone, Debug)]
pub(super) struct ReplicaComparison {
    /// In the order of Kafka's map.
    partitions: Vec<(TopicPartition, Offset)>,
    max_lag: MaxLag,
}

impl ReplicaComparison {
    /// A comparison of these partitions from these offsets on.
    pub fn new(from: BTreeMap<TopicPartition, Offset>) -> Self {
        let hashed = from.into_iter().map(|(id, offset)| (partition_hash(&id), (id, offset))).collect();
        let partitions = jvm_order::scala_mutable_set(hashed);
        let max_lag = MaxLag { at: None, max_lag: -1, partitions: partitions.len() };
        Self { partitions, max_lag }
    }

    /// Where each partition's next batch is fetched from.
    pub fn positions(&self) -> impl Iterator<Item = &(TopicPartition, Offset)> {
        self.partitions.iter()
    }

    /// The partition that is the furthest behind, as of the last round.
    pub fn max_lag(&self) -> &MaxLag {
        &self.max_lag
    }

    /// Compares what the replicas of each partition have, up to their high watermarks, and adds what differs to
    /// `unmatched`. A partition goes on behind the batches that all its replicas have.
    ///
    /// # Errors
    /// Two replicas have batches that end at different offsets.
    pub fn compare(
        &mut self,
        fetched: &BTreeMap<TopicPartition, Vec<FetchedReplica>>,
        unmatched: &mut Vec<UnmatchedChecksum>,
    ) -> Result<(), UnmatchedOffset> {
        self.max_lag.max_lag = -1;
        for (id, position) in &mut self.partitions {
            let replicas = fetched.get(id).map_or(&[][..], Vec::as_slice);
            for turn in 0.. {
                match compare_turn(id, replicas, turn, unmatched)? {
                    Some(next) => *position = next,
                    None => break,
                }
            }
            let high_watermark = replicas.iter().map(|it| it.high_watermark).max().unwrap_or(-1);
            if high_watermark - *position > self.max_lag.max_lag {
                self.max_lag.max_lag = high_watermark - *position;
                self.max_lag.at = Some(ReplicaPosition::new(id, *position));
            }
        }
        Ok(())
    }
}

/// Compares the batch that is the `turn`th of each replica. The offset behind it, if all replicas have it below their
/// high watermarks.
fn compare_turn(
    id: &TopicPartition,
    replicas: &[FetchedReplica],
    turn: usize,
    unmatched: &mut Vec<UnmatchedChecksum>,
) -> Result<Option<Offset>, UnmatchedOffset> {
    let mut first: Option<(BrokerId, BatchChecksum)> = None;
    let mut in_all = !replicas.is_empty();
    for replica in replicas {
        let batch = replica.batches.get(turn).filter(|batch| batch.last_offset < replica.high_watermark);
        let Some(batch) = batch else {
            in_all = false;
            continue;
        };
        let Some((broker, expected)) = first else {
            first = Some((replica.broker, *batch));
            continue;
        };
        if expected.last_offset != batch.last_offset {
            return Err(UnmatchedOffset {
                at: ReplicaPosition::new(id, expected.last_offset),
                replica: broker,
                other_replica: replica.broker,
                other_offset: batch.last_offset,
            });
        }
        if expected.checksum != batch.checksum {
            unmatched.push(UnmatchedChecksum {
                at: ReplicaPosition::new(id, batch.last_offset),
                replica: broker,
                checksum: expected.checksum,
                other_replica: replica.broker,
                other_checksum: batch.checksum,
            });
        }
    }
    Ok(first.filter(|_| in_all).map(|(_, batch)| batch.last_offset + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(partition: i32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    fn replica(broker: i32, high_watermark: i64, batches: &[(i64, u32)]) -> FetchedReplica {
        let batch = |(last_offset, checksum): &(i64, u32)| BatchChecksum {
            last_offset: *last_offset,
            checksum: *checksum,
        };
        FetchedReplica { broker, high_watermark, batches: batches.iter().map(batch).collect() }
    }

    fn compare(
        from: &[(i32, i64)],
        fetched: Vec<Vec<FetchedReplica>>,
    ) -> (ReplicaComparison, Result<Vec<UnmatchedChecksum>, UnmatchedOffset>) {
        let mut comparison = ReplicaComparison::new(
            from.iter().map(|(partition, offset)| (id(*partition), *offset)).collect(),
        );
        let mut unmatched = Vec::new();
        let found = comparison.compare(&(0..).map(id).zip(fetched).collect(), &mut unmatched);
        (comparison, found.map(|()| unmatched))
    }

    fn lag(comparison: &ReplicaComparison) -> (i64, i32, i64) {
        let MaxLag { at, max_lag, .. } = comparison.max_lag();
        let at = at.as_ref().unwrap();
        (*max_lag, at.partition, at.offset)
    }

    #[test]
    fn a_partition_goes_on_behind_what_all_replicas_have() {
        let two = vec![replica(1, 30, &[(9, 5), (19, 6), (29, 7)]), replica(2, 30, &[(9, 5), (19, 6)])];
        let (comparison, found) = compare(&[(0, 0)], vec![two]);
        assert_eq!(found, Ok(vec![]));
        assert_eq!(lag(&comparison), (10, 0, 20));
    }

    #[test]
    fn nothing_above_a_high_watermark_is_compared() {
        let two = vec![replica(1, 10, &[(9, 5), (19, 6)]), replica(2, 10, &[(9, 5), (19, 99)])];
        let (comparison, found) = compare(&[(0, 0)], vec![two]);
        assert_eq!(found, Ok(vec![]));
        assert_eq!(lag(&comparison), (0, 0, 10));
    }

    #[test]
    fn a_batch_that_differs_is_told_and_passed() {
        let three = vec![replica(1, 9, &[(2, 5)]), replica(2, 9, &[(2, 6)]), replica(3, 9, &[(2, 5)])];
        let (comparison, found) = compare(&[(0, 0)], vec![three]);
        let unmatched = &found.unwrap()[..];
        assert!(
            matches!(
                unmatched,
                [UnmatchedChecksum { replica: 1, checksum: 5, other_replica: 2, other_checksum: 6, .. }]
            ),
            "{unmatched:?}"
        );
        assert_eq!(lag(&comparison), (6, 0, 3));
    }

    #[test]
    fn offsets_that_differ_end_the_comparison() {
        let two = vec![replica(1, 9, &[(2, 5)]), replica(2, 9, &[(3, 5)])];
        let (_, found) = compare(&[(0, 0)], vec![two]);
        let at = ReplicaPosition::new(&id(0), 2);
        assert_eq!(found, Err(UnmatchedOffset { at, replica: 1, other_replica: 2, other_offset: 3 }));
    }

    #[test]
    fn a_broker_that_did_not_answer_holds_its_partitions_up() {
        let two = vec![replica(1, 10, &[(9, 5)]), replica(2, -1, &[])];
        let (comparison, found) = compare(&[(0, 0), (1, 7)], vec![two, vec![replica(2, -1, &[])]]);
        assert_eq!(found, Ok(vec![]));
        assert_eq!(lag(&comparison), (10, 0, 0));
    }
}
