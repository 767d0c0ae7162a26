//! OffsetDelete, v0. Offsets of partitions that the group does not consume are deleted (KIP-496).
//!
//! Kafka: `KafkaApis.handleOffsetDeleteRequest`.

use super::{check_group_id, grouped, unavailable};
use crate::api::Exchange;
use crate::api::named_twice::last_mentions;
use crate::base::TopicPartition;
use crate::coordinator::group::request::OffsetsDelete;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

/// Deletes what may be deleted; an error of the group stands for all.
pub async fn handle(exchange: &Exchange, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    match delete(exchange, request).await {
        Ok(results) => {
            let partition = |partition_index, error: ErrorCode| OffsetDeleteResponsePartition {
                partition_index,
                error_code: error.code(),
            };
            let topics = grouped(results, partition).into_iter();
            let topics = topics.map(|(name, partitions)| OffsetDeleteResponseTopic { name, partitions });
            OffsetDeleteResponse { topics: topics.collect(), ..Default::default() }
        }
        Err(error) => OffsetDeleteResponse { error_code: error.code(), ..Default::default() },
    }
}

async fn delete(
    exchange: &Exchange,
    request: OffsetDeleteRequest,
) -> Result<Vec<(TopicPartition, ErrorCode)>, ErrorCode> {
    let group = request.group_id.as_str();
    if !exchange.is_authorized(AclOperation::Delete, AclResource::group(group)) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    let authorized = exchange
        .authorized_topics(AclOperation::Read, request.topics.iter().map(|topic| topic.name.as_str()));
    let metadata = exchange.services.metadata.snapshot();
    let asked = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| (TopicPartition::new(topic.name.as_str(), it.partition_index), ()))
    });
    let (mut partitions, mut refused) = (Vec::new(), Vec::new());
    for (id, ()) in last_mentions(asked.collect()) {
        if !authorized.contains(&id.topic) {
            refused.push((id, ErrorCode::TopicAuthorizationFailed));
        } else if metadata.partition(&id).is_none() {
            refused.push((id, ErrorCode::UnknownTopicOrPartition));
        } else {
            partitions.push(id);
        }
    }
    check_group_id(group)?;
    let delete = OffsetsDelete { group: group.into(), partitions: partitions.clone() };
    let errors = exchange.services.groups.delete_offsets(delete).await.map_err(unavailable)??;
    Ok(refused.into_iter().chain(partitions.into_iter().zip(errors)).collect())
}
