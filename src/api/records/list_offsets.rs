//! ListOffsets, v0-5. The first offset at or after a timestamp; -1 asks for the end, -2 for the start.
//!
//! v0 many offsets before a timestamp · v1 one · v2 isolation · v4 leader epochs · v5 OFFSET_NOT_AVAILABLE.
//! Kafka: `KafkaApis.handleListOffsetRequest`.

use std::collections::HashSet;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::replica::Isolation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::list_offsets::{
    ListOffsetPartition, ListOffsetPartitionResponse, ListOffsetRequest, ListOffsetResponse,
    ListOffsetTopicResponse,
};

/// What stands for a consumer among replica ids.
const CONSUMER: i32 = -1;
/// What stands for a tool that reads from any replica.
const DEBUGGING_CONSUMER: i32 = -2;

/// Looks every partition up.
pub async fn handle(exchange: &Exchange, request: ListOffsetRequest) -> ListOffsetResponse {
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
    let topics = request.topics.iter().map(|topic| ListOffsetTopicResponse {
        name: topic.name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|it| {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                if twice.contains(&(topic.name.clone(), it.partition_index)) && exchange.version() > 0 {
                    return refused(it, ErrorCode::InvalidRequest);
                }
                if exchange.version() == 0 {
                    return legacy(exchange, &id, it, request.replica_id);
                }
                match isolation {
                    Ok(isolation) => {
                        one(exchange, &id, it, isolation, request.replica_id != DEBUGGING_CONSUMER)
                    }
                    Err(error) => refused(it, error),
                }
            })
            .collect(),
    });
    ListOffsetResponse { topics: topics.collect(), ..Default::default() }
}

fn refused(asked: &ListOffsetPartition, error: ErrorCode) -> ListOffsetPartitionResponse {
    let old_style_offsets = Vec::new();
    ListOffsetPartitionResponse {
        partition_index: asked.partition_index,
        error_code: error as i16,
        old_style_offsets,
        ..Default::default()
    }
}

fn one(
    exchange: &Exchange,
    id: &TopicPartition,
    asked: &ListOffsetPartition,
    isolation: Option<Isolation>,
    leader_only: bool,
) -> ListOffsetPartitionResponse {
    let epoch = Some(asked.current_leader_epoch).filter(|epoch| *epoch != -1);
    match exchange.services.replicas.list_offset(id, asked.timestamp, isolation, epoch, leader_only) {
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

fn legacy(
    exchange: &Exchange,
    id: &TopicPartition,
    asked: &ListOffsetPartition,
    replica: i32,
) -> ListOffsetPartitionResponse {
    let (replicas, most) = (&exchange.services.replicas, asked.max_num_offsets);
    let (consumer, leader_only) = (replica == CONSUMER, replica != DEBUGGING_CONSUMER);
    match replicas.legacy_offsets(id, asked.timestamp, most, consumer, leader_only) {
        Ok(offsets) => {
            ListOffsetPartitionResponse { old_style_offsets: offsets, ..refused(asked, ErrorCode::None) }
        }
        Err(error) => refused(asked, error),
    }
}
