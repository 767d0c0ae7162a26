//! Fetch requests, and the records in their answers.
//!
//! Pure. Leaves out control records, records before the position, and with read_committed those of aborted
//! transactions. Kafka: Fetcher.CompletedFetch.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::Consumed;
use crate::base::{LeaderEpoch, Offset, Records, TopicPartition};
use crate::client::error::ClientError;
use crate::client::settings::ConsumerSettings;
use crate::wire::batch::{Batch, BatchError, TimestampType};
use crate::wire::control::ControlType;
use crate::wire::message::fetch::*;

/// A partition that is fetched.
pub(super) struct FetchedPartition {
    /// Which one.
    pub(super) partition: TopicPartition,
    /// From where on.
    pub(super) offset: Offset,
    /// The leader epoch in which the leader is known; -1 for none.
    pub(super) leader_epoch: LeaderEpoch,
}

/// A full fetch, without a session, of these partitions from these offsets.
pub(super) fn request(settings: &ConsumerSettings, partitions: &[FetchedPartition]) -> FetchRequest {
    let mut topics: BTreeMap<&str, Vec<FetchPartition>> = BTreeMap::new();
    for FetchedPartition { partition: id, offset, leader_epoch } in partitions {
        topics.entry(&id.topic).or_default().push(FetchPartition {
            partition: id.partition,
            current_leader_epoch: *leader_epoch,
            fetch_offset: *offset,
            partition_max_bytes: settings.max_partition_fetch_bytes,
            ..Default::default()
        });
    }
    let topics =
        topics.into_iter().map(|(topic, partitions)| FetchTopic { topic: topic.to_owned(), partitions });
    FetchRequest {
        replica_id: -1,
        max_wait_ms: i32::try_from(settings.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: settings.fetch_min_bytes,
        max_bytes: settings.fetch_max_bytes,
        isolation_level: settings.read_committed.into(),
        topics: topics.collect(),
        ..Default::default()
    }
}

/// Appends a partition's records from `position` on to `out`; returns the next position.
///
/// # Errors The bytes are no records.
pub(super) fn records(
    id: &TopicPartition,
    position: Offset,
    answer: &FetchablePartitionResponse,
    read_committed: bool,
    out: &mut VecDeque<Consumed>,
) -> Result<Offset, ClientError> {
    let Some(Records::Memory(bytes)) = &answer.record_set else { return Ok(position) };
    let mut next = position;
    let mut aborted = Aborted::new(answer);
    for batch in Batch::split(bytes.clone()) {
        let batch = batch?;
        batch.check_crc()?;
        let header = batch.header();
        let left_out = aborted.leaves_out(&batch)? && read_committed;
        if !header.is_control() && !left_out {
            let append_time = header.timestamp_type() == TimestampType::LogAppendTime;
            for record in batch.records()? {
                let record = record?;
                if record.offset >= position {
                    out.push_back(Consumed { partition: id.clone(), record, append_time });
                }
            }
        }
        next = next.max(header.next_offset());
    }
    Ok(next)
}

/// Knows which producers have an aborted transaction open at the present batch.
struct Aborted {
    /// Producer and first offset, by offset.
    begins: VecDeque<(i64, Offset)>,
    inside: HashSet<i64>,
}

impl Aborted {
    fn new(answer: &FetchablePartitionResponse) -> Self {
        let transactions = answer.aborted_transactions.iter().flatten();
        let mut begins: Vec<_> = transactions.map(|it| (it.producer_id, it.first_offset)).collect();
        begins.sort_by_key(|(_, offset)| *offset);
        Self { begins: begins.into(), inside: HashSet::new() }
    }

    /// Whether the batch belongs to an aborted transaction; batches are given in order.
    fn leaves_out(&mut self, batch: &Batch) -> Result<bool, BatchError> {
        let header = batch.header();
        while let Some((producer, _)) = self.begins.pop_front_if(|(_, first)| *first <= header.last_offset())
        {
            self.inside.insert(producer);
        }
        if !header.has_producer_id() || !header.is_transactional() {
            return Ok(false);
        }
        if header.is_control() {
            let marker = batch.records()?.next().transpose()?;
            let key = marker.and_then(|record| record.key).unwrap_or_default();
            if ControlType::parse(&key)? == ControlType::Abort {
                self.inside.remove(&header.producer_id);
            }
        }
        Ok(self.inside.contains(&header.producer_id))
    }
}

#[cfg(test)]
mod tests;
