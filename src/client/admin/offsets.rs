//! Offsets of partitions by time: the first, the next, or that of a timestamp.
//!
//! Kafka: `OffsetSpec`, `ListOffsetsOptions`, `ListOffsetsResult`.

use std::collections::BTreeMap;

use super::Admin;
use super::item_api::{ItemApi, OF_LEADER};
use super::item_results::{AnsweredItems, ItemResults};
use crate::base::ids::by_topic;
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::list_offsets::{
    ListOffsetPartition, ListOffsetPartitionResponse, ListOffsetRequest, ListOffsetResponse, ListOffsetTopic,
};

/// Which offset of a partition is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// That of the first record.
    Earliest,
    /// That of the next record to be appended; of the next one that a reader of committed records would get, where
    /// those are asked for.
    Latest,
    /// That of the first record whose timestamp is this one or later, in milliseconds since the Unix epoch.
    Timestamp(Millis),
}

impl OffsetSpec {
    /// The timestamp that stands for it in the protocol.
    fn timestamp(self) -> Millis {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::Timestamp(timestamp) => timestamp,
        }
    }
}

/// How offsets are looked up.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListOffsetsOptions {
    read_committed: bool,
}

impl ListOffsetsOptions {
    /// Looks them up as a reader of committed records would see them (`isolation.level`).
    pub fn read_committed(self) -> Self {
        Self { read_committed: true }
    }
}

/// The offset that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(alias = "ListOffsetsResultInfo")]
pub struct FoundOffset {
    /// The offset; None where no record is that young.
    pub offset: Option<Offset>,
    /// The timestamp of its record, where one was asked for.
    pub timestamp: Option<Millis>,
    /// The leader epoch that it was written in, where that is known.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl Admin {
    /// Offsets of partitions, each by its own rule.
    ///
    /// Errors of a partition: it does not exist, it has no leader within the call's time, the caller may not describe
    /// it.
    pub async fn list_offsets(
        &self,
        specs: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
        options: ListOffsetsOptions,
    ) -> ItemResults<TopicPartition, FoundOffset> {
        let specs: BTreeMap<_, _> = specs.into_iter().collect();
        let partitions: Vec<_> = specs.keys().cloned().collect();
        self.call_each(&ListOffsetsApi { specs, options }, partitions).await
    }
}

struct ListOffsetsApi {
    specs: BTreeMap<TopicPartition, OffsetSpec>,
    options: ListOffsetsOptions,
}

impl ItemApi for ListOffsetsApi {
    type Item = TopicPartition;
    type Outcome = FoundOffset;
    type Request = ListOffsetRequest;

    const PASSING: &'static [ErrorCode] = OF_LEADER;

    fn target(&self, partition: &TopicPartition) -> Target {
        Target::Leader(partition.clone())
    }

    fn request(&self, partitions: &[TopicPartition], _: i32) -> ListOffsetRequest {
        let asked = partitions.iter().map(|id| {
            let timestamp = self.specs.get(id).map_or(-1, |spec| spec.timestamp());
            (id, ListOffsetPartition { partition_index: id.partition, timestamp, ..Default::default() })
        });
        let topics = by_topic(asked);
        let topics = topics.map(|(name, partitions)| ListOffsetTopic { name: name.to_string(), partitions });
        ListOffsetRequest {
            replica_id: -1,
            isolation_level: self.options.read_committed.into(),
            topics: topics.collect(),
        }
    }

    fn read(
        &self,
        _: &[TopicPartition],
        answer: ListOffsetResponse,
        found: &mut AnsweredItems<TopicPartition, FoundOffset>,
    ) -> Result<(), ClientError> {
        for topic in &answer.topics {
            for it in &topic.partitions {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                found.insert_checked(&id, it.error_code, None, found_offset(it));
            }
        }
        Ok(())
    }

    /// A topic that was just created is not known to every broker, and a partition may be without a leader for a
    /// while.
    fn may_pass(&self, error: &ClientError) -> bool {
        error.is_retriable()
    }
}

/// Version 0 answers with a list, all others with one offset.
fn found_offset(it: &ListOffsetPartitionResponse) -> FoundOffset {
    let offset = it.old_style_offsets.first().copied().unwrap_or(it.offset);
    FoundOffset {
        offset: Some(offset).filter(|offset| *offset >= 0),
        timestamp: Some(it.timestamp).filter(|timestamp| *timestamp >= 0),
        leader_epoch: Some(it.leader_epoch).filter(|epoch| *epoch >= 0),
    }
}
