//! ListOffsets, v0-5. The first offset at or after a timestamp; -1 asks for the end, -2 for the start.
//!
//! v0 many offsets before a timestamp · v1 one · v2 isolation · v4 leader epochs · v5 OFFSET_NOT_AVAILABLE.
//! Kafka: `KafkaApis.handleListOffsetRequest`.

use std::collections::HashSet;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::log::ReadUpTo;
use crate::replica::Isolation;
use crate::replica::machine::ReadFrom;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::list_offsets::{
    ListOffsetPartition, ListOffsetPartitionResponse, ListOffsetRequest, ListOffsetResponse,
    ListOffsetTopicResponse,
};

/// The replica id of a consumer.
const CONSUMER: i32 = -1;
/// The replica id of a tool that reads from any replica.
const DEBUGGING_CONSUMER: i32 = -2;

/// Looks every partition up.
pub async fn handle(exchange: &Exchange, request: ListOffsetRequest) -> ListOffsetResponse {
    let names = request.topics.iter().map(|topic| topic.name.as_str());
    let authorized = exchange.authorized_topics(AclOperation::Describe, names);
    let (known, denied): (Vec<_>, Vec<_>) =
        request.topics.iter().partition(|topic| authorized.contains(&topic.name));
    let isolation = match (request.replica_id, request.isolation_level) {
        (CONSUMER, 0) => Ok(Some(Isolation::ReadUncommitted)),
        (CONSUMER, 1) => Ok(Some(Isolation::ReadCommitted)),
        (CONSUMER, unknown) => {
            log::error!(target: "kafka.server.KafkaApis", "Error while responding to offset request: Unknown isolation level {unknown}");
            Err(ErrorCode::UnknownServerError)
        }
        _ => Ok(None),
    };
    let ids = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|it| (&topic.name, it.partition_index)));
    let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
    for id in ids {
        if !seen.insert(id) {
            twice.insert((id.0.clone(), id.1));
        }
    }
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in known {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for it in &topic.partitions {
            let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
            let is_twice = twice.contains(&(topic.name.clone(), it.partition_index));
            partitions.push(if is_twice && exchange.version() > 0 {
                refused(it, ErrorCode::InvalidRequest)
            } else if exchange.version() == 0 {
                legacy(exchange, &id, it, request.replica_id).await
            } else {
                match isolation {
                    Ok(isolation) => one(exchange, &id, it, isolation, read_from(request.replica_id)).await,
                    Err(error) => refused(it, error),
                }
            });
        }
        topics.push(ListOffsetTopicResponse { name: topic.name.clone(), partitions });
    }
    topics.extend(denied.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|it| refused(it, ErrorCode::TopicAuthorizationFailed));
        ListOffsetTopicResponse { name: topic.name.clone(), partitions: partitions.collect() }
    }));
    ListOffsetResponse { topics, ..Default::default() }
}

fn refused(asked: &ListOffsetPartition, error: ErrorCode) -> ListOffsetPartitionResponse {
    let old_style_offsets = Vec::new();
    ListOffsetPartitionResponse {
        partition_index: asked.partition_index,
        error_code: error.code(),
        old_style_offsets,
        ..Default::default()
    }
}

fn read_from(replica: i32) -> ReadFrom {
    if replica == DEBUGGING_CONSUMER { ReadFrom::AnyReplica } else { ReadFrom::Leader }
}

async fn one(
    exchange: &Exchange,
    id: &TopicPartition,
    asked: &ListOffsetPartition,
    isolation: Option<Isolation>,
    read_from: ReadFrom,
) -> ListOffsetPartitionResponse {
    let epoch = Some(asked.current_leader_epoch).filter(|epoch| *epoch != -1);
    let replicas = &exchange.services.replicas;
    match replicas.find_offset(id, asked.timestamp, isolation, epoch, read_from).await {
        Ok(Some(found)) => ListOffsetPartitionResponse {
            timestamp: found.timestamp,
            offset: found.offset,
            leader_epoch: found.leader_epoch.filter(|_| exchange.version() >= 4).unwrap_or(-1),
            ..refused(asked, ErrorCode::None)
        },
        Ok(None) => refused(asked, ErrorCode::None),
        Err(ErrorCode::OffsetNotAvailable) if exchange.version() < 5 => {
            refused(asked, ErrorCode::LeaderNotAvailable)
        }
        Err(error) => refused(asked, error),
    }
}

async fn legacy(
    exchange: &Exchange,
    id: &TopicPartition,
    asked: &ListOffsetPartition,
    replica: i32,
) -> ListOffsetPartitionResponse {
    let (replicas, most) = (&exchange.services.replicas, asked.max_num_offsets);
    let up_to = if replica == CONSUMER { ReadUpTo::HighWatermark } else { ReadUpTo::LogEnd };
    let read_from = read_from(replica);
    match replicas.find_legacy_offsets(id, asked.timestamp, most, up_to, read_from).await {
        Ok(offsets) => {
            ListOffsetPartitionResponse { old_style_offsets: offsets, ..refused(asked, ErrorCode::None) }
        }
        Err(error) => refused(asked, error),
    }
}
