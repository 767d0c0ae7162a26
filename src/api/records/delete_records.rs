//! DeleteRecords, v0-2. Deletes the records before an offset, and answers when no live replica has them any more.
//!
//! v2 flexible. Kafka: `KafkaApis.handleDeleteRecordsRequest`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopicResult,
};

/// Deletes in every partition by itself; of one that is named twice the last offset counts.
pub async fn handle(exchange: &Exchange, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let names = request.topics.iter().map(|topic| topic.name.as_str());
    let authorized = exchange.authorized_topics(AclOperation::Delete, names);
    let replicas = &exchange.services.replicas;
    let metadata = exchange.services.metadata.snapshot();
    let asked = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|it| (TopicPartition::new(topic.name.as_str(), it.partition_index), it.offset))
    });
    let asked: BTreeMap<_, _> = asked.collect();
    let (asked, denied): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|(id, _)| authorized.contains(&id.topic));
    let (known, unknown): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|(id, _)| metadata.partition(id).is_some());
    let limit = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let mut outcomes = replicas.delete_records(limit, known).await;
    let denied = denied.into_iter().map(|(id, _)| (id, ErrorCode::TopicAuthorizationFailed));
    let unknown = unknown.into_iter().map(|(id, _)| (id, ErrorCode::UnknownTopicOrPartition));
    outcomes.extend(denied.chain(unknown).map(|(id, error)| (id, Err(error.into()))));

    let mut topics: Vec<DeleteRecordsTopicResult> = Vec::new();
    for (id, outcome) in outcomes {
        let result = DeleteRecordsPartitionResult {
            partition_index: id.partition,
            low_watermark: outcome.unwrap_or_else(|refusal| refusal.low_watermark),
            error_code: outcome.err().map_or(ErrorCode::None, |refusal| refusal.error).code(),
        };
        match topics.iter_mut().find(|topic| *topic.name == *id.topic) {
            Some(topic) => topic.partitions.push(result),
            None => {
                topics.push(DeleteRecordsTopicResult { name: id.topic.to_string(), partitions: vec![result] })
            }
        }
    }
    DeleteRecordsResponse { topics, ..Default::default() }
}
