//! Records deleted from the start of partitions.
//!
//! Kafka: `RecordsToDelete`, `DeletedRecords`, `DeleteRecordsResult` (KIP-107).

use std::collections::BTreeMap;

use super::Admin;
use super::item_api::{ItemApi, OF_LEADER};
use super::item_results::{AnsweredItems, ItemResults};
use crate::base::ids::by_topic;
use crate::base::{Offset, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
};

/// The offset that deletes all records below the high watermark.
const HIGH_WATERMARK: Offset = -1;

impl Admin {
    /// Deletes the records below an offset of each partition; None deletes all that are replicated (below the high
    /// watermark). Of each partition, the offset of the first record that is left, its low watermark.
    ///
    /// Errors of a partition: it does not exist, it has no leader, the offset is beyond the high watermark, the
    /// caller may not delete its records.
    pub async fn delete_records(
        &self,
        before: impl IntoIterator<Item = (TopicPartition, Option<Offset>)>,
    ) -> ItemResults<TopicPartition, Offset> {
        let before: BTreeMap<_, _> = before.into_iter().collect();
        let partitions: Vec<_> = before.keys().cloned().collect();
        self.call_each(&DeleteRecordsApi(before), partitions).await
    }
}

struct DeleteRecordsApi(BTreeMap<TopicPartition, Option<Offset>>);

impl ItemApi for DeleteRecordsApi {
    type Item = TopicPartition;
    type Outcome = Offset;
    type Request = DeleteRecordsRequest;

    const PASSING: &'static [ErrorCode] = OF_LEADER;

    fn target(&self, partition: &TopicPartition) -> Target {
        Target::Leader(partition.clone())
    }

    fn request(&self, partitions: &[TopicPartition], timeout_ms: i32) -> DeleteRecordsRequest {
        let deletions = partitions.iter().map(|id| {
            let offset = self.0.get(id).copied().flatten().unwrap_or(HIGH_WATERMARK);
            (id, DeleteRecordsPartition { partition_index: id.partition, offset })
        });
        let topics = by_topic(deletions);
        let topics =
            topics.map(|(name, partitions)| DeleteRecordsTopic { name: name.to_string(), partitions });
        DeleteRecordsRequest { topics: topics.collect(), timeout_ms }
    }

    fn read(
        &self,
        _: &[TopicPartition],
        answer: DeleteRecordsResponse,
        found: &mut AnsweredItems<TopicPartition, Offset>,
    ) -> Result<(), ClientError> {
        for topic in &answer.topics {
            for it in &topic.partitions {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                found.insert_checked(&id, it.error_code, None, it.low_watermark);
            }
        }
        Ok(())
    }
}
