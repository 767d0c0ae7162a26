//! OffsetForLeaderEpoch, v0-3. Where a leader epoch ends, so that followers and consumers see whether their log diverged.
//!
//! v1 the epoch found · v2 the caller's leader epoch (KIP-320) · v3 replica id. Kafka:
//! `KafkaApis.handleOffsetForLeaderEpochRequest`.

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartitionResult,
    OffsetForLeaderTopicResult,
};

/// Looks every partition up.
pub async fn handle(
    exchange: &Exchange,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let replicas = &exchange.services.replicas;
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let id = TopicPartition::new(topic.name.as_str(), asked.partition_index);
            let epoch = Some(asked.current_leader_epoch).filter(|epoch| *epoch != -1);
            let found = replicas.offset_for_leader_epoch(&id, asked.leader_epoch, epoch, true);
            let (error, (leader_epoch, end_offset)) = match found {
                Ok(found) => (crate::wire::error_code::ErrorCode::None, found),
                Err(error) => (error, (-1, -1)),
            };
            OffsetForLeaderPartitionResult {
                error_code: error as i16,
                partition_index: asked.partition_index,
                leader_epoch,
                end_offset,
            }
        });
        OffsetForLeaderTopicResult { partitions: partitions.collect(), name: topic.name }
    });
    OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() }
}
