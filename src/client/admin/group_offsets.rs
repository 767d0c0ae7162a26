//! Offsets that a group has committed: listed, set and deleted.
//!
//! Kafka: `ListConsumerGroupOffsetsResult`, `AlterConsumerGroupOffsetsResult` (KIP-396),
//! `DeleteConsumerGroupOffsetsResult` (KIP-496).

use std::collections::{BTreeMap, BTreeSet};

use super::Admin;
use super::groups::coordinator;
use super::item_api::{ItemApi, OF_COORDINATOR};
use super::item_results::{AnsweredItems, ItemResults};
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
use crate::client::OffsetAndMetadata;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
};
use crate::wire::message::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic, OffsetDeleteResponse,
};
use crate::wire::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponse, OffsetFetchResponsePartition,
};

impl Admin {
    /// The offsets that a group has committed: of these partitions, or of all that it has committed for None. A
    /// partition of the given ones without an offset has None.
    ///
    /// # Errors
    /// The coordinator cannot be found or refuses. A partition alone can fail, too: its topic may not be described.
    pub async fn list_consumer_group_offsets(
        &self,
        group_id: &str,
        partitions: Option<BTreeSet<TopicPartition>>,
    ) -> Result<ItemResults<TopicPartition, Option<OffsetAndMetadata>>, ClientError> {
        let request = |_| {
            let topics = partitions.as_ref().map(|partitions| {
                let topics = by_topic(partitions.iter().map(|it| (it, it.partition)));
                let topics = topics.map(|(name, partition_indexes)| OffsetFetchRequestTopic {
                    name: name.to_string(),
                    partition_indexes,
                });
                topics.collect()
            });
            OffsetFetchRequest { group_id: group_id.to_owned(), topics, require_stable: false }
        };
        let answer = self.call(&coordinator(group_id), request, check_fetched).await?;
        let all = answer.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|it| {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                (id, ClientError::check(it.error_code, None).map(|()| committed(it)))
            })
        });
        let Some(partitions) = partitions else { return Ok(all.collect()) };
        let asked: Vec<_> = partitions.into_iter().collect();
        let mut found = AnsweredItems::new(&asked);
        for (id, offset) in all {
            found.insert(&id, offset);
        }
        Ok(found.finish().collect())
    }

    /// Sets the offsets of a group without members, as if it had committed them.
    ///
    /// Errors of a partition: the group has members (`UNKNOWN_MEMBER_ID`), the metadata is too large, the caller may
    /// not read the group or the topic.
    pub async fn alter_consumer_group_offsets(
        &self,
        group_id: &str,
        offsets: impl IntoIterator<Item = (TopicPartition, OffsetAndMetadata)>,
    ) -> ItemResults<TopicPartition, ()> {
        let offsets: BTreeMap<_, _> = offsets.into_iter().collect();
        let partitions: Vec<_> = offsets.keys().cloned().collect();
        self.call_each(&CommitOffsetsApi { group_id: group_id.to_owned(), offsets }, partitions).await
    }

    /// Deletes offsets of a group.
    ///
    /// Errors of a partition: the group does not exist or is subscribed to the topic (`GROUP_SUBSCRIBED_TO_TOPIC`),
    /// the caller may not delete the group's offsets.
    pub async fn delete_consumer_group_offsets(
        &self,
        group_id: &str,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> ItemResults<TopicPartition, ()> {
        self.call_each(&DeleteOffsetsApi(group_id.to_owned()), partitions).await
    }
}

/// The error of a whole answer. Before version 2 it stands at each partition.
fn check_fetched(answer: &OffsetFetchResponse) -> Result<(), ClientError> {
    ClientError::check(answer.error_code, None)?;
    let mut all = answer.topics.iter().flat_map(|topic| &topic.partitions);
    let moved = all.find(|it| OF_COORDINATOR.contains(&ErrorCode::from_code(it.error_code)));
    moved.map_or(Ok(()), |it| ClientError::check(it.error_code, None))
}

fn committed(it: &OffsetFetchResponsePartition) -> Option<OffsetAndMetadata> {
    (it.committed_offset >= 0).then(|| OffsetAndMetadata {
        offset: it.committed_offset,
        leader_epoch: Some(it.committed_leader_epoch).filter(|epoch| *epoch >= 0),
        metadata: it.metadata.clone().unwrap_or_default(),
    })
}

struct CommitOffsetsApi {
    group_id: String,
    offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
}

impl ItemApi for CommitOffsetsApi {
    type Item = TopicPartition;
    type Outcome = ();
    type Request = OffsetCommitRequest;

    const PASSING: &'static [ErrorCode] = OF_COORDINATOR;

    fn target(&self, _: &TopicPartition) -> Target {
        coordinator(&self.group_id)
    }

    fn request(&self, partitions: &[TopicPartition], _: i32) -> OffsetCommitRequest {
        let offsets = partitions.iter().filter_map(|id| {
            let offset = self.offsets.get(id)?;
            let partition = OffsetCommitRequestPartition {
                partition_index: id.partition,
                committed_offset: offset.offset,
                committed_leader_epoch: offset.leader_epoch.unwrap_or(-1),
                committed_metadata: Some(offset.metadata.clone()),
                ..Default::default()
            };
            Some((id, partition))
        });
        let topics = by_topic(offsets);
        let topics =
            topics.map(|(name, partitions)| OffsetCommitRequestTopic { name: name.to_string(), partitions });
        OffsetCommitRequest {
            group_id: self.group_id.clone(),
            topics: topics.collect(),
            ..Default::default()
        }
    }

    fn read(
        &self,
        _: &[TopicPartition],
        answer: OffsetCommitResponse,
        found: &mut AnsweredItems<TopicPartition, ()>,
    ) -> Result<(), ClientError> {
        for topic in &answer.topics {
            for it in &topic.partitions {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                found.insert_checked(&id, it.error_code, None, ());
            }
        }
        Ok(())
    }
}

/// Of the group of this id.
struct DeleteOffsetsApi(String);

impl ItemApi for DeleteOffsetsApi {
    type Item = TopicPartition;
    type Outcome = ();
    type Request = OffsetDeleteRequest;

    const PASSING: &'static [ErrorCode] = OF_COORDINATOR;

    fn target(&self, _: &TopicPartition) -> Target {
        coordinator(&self.0)
    }

    fn request(&self, partitions: &[TopicPartition], _: i32) -> OffsetDeleteRequest {
        let partition = |id: &TopicPartition| OffsetDeleteRequestPartition { partition_index: id.partition };
        let topics = by_topic(partitions.iter().map(|id| (id, partition(id))));
        let topics =
            topics.map(|(name, partitions)| OffsetDeleteRequestTopic { name: name.to_string(), partitions });
        OffsetDeleteRequest { group_id: self.0.clone(), topics: topics.collect() }
    }

    fn read(
        &self,
        _: &[TopicPartition],
        answer: OffsetDeleteResponse,
        found: &mut AnsweredItems<TopicPartition, ()>,
    ) -> Result<(), ClientError> {
        ClientError::check(answer.error_code, None)?;
        for topic in &answer.topics {
            for it in &topic.partitions {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                found.insert_checked(&id, it.error_code, None, ());
            }
        }
        Ok(())
    }
}
