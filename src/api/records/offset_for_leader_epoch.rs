//! OffsetForLeaderEpoch, v0-3. The end of a leader epoch, by which followers and consumers notice that their
//! log diverged.
//!
//! v1 the epoch found · v2 the caller's leader epoch (KIP-320) · v3 replica id. Kafka:
//! `KafkaApis.handleOffsetForLeaderEpochRequest`.

use crate::api::Exchange;
use crate::api::authorize::AuthorizedTopics;
use crate::api::named_twice::last_mentions;
use crate::base::TopicPartition;
use crate::log::epochs::EpochEnd;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartitionResult,
    OffsetForLeaderTopicResult,
};

/// Looks every partition up; of one that is named twice the last epoch counts.
pub async fn handle(
    exchange: &Exchange,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    // A follower needs ClusterAction on the cluster, a consumer Describe on the topic (KIP-320).
    let authorized = if exchange.is_authorized_on_cluster(AclOperation::ClusterAction) {
        AuthorizedTopics::Every
    } else {
        let names = request.topics.iter().map(|topic| topic.name.as_str());
        exchange.authorized_topics(AclOperation::Describe, names)
    };
    let replicas = &exchange.services.replicas;
    let asked = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|asked| (TopicPartition::new(topic.name.as_str(), asked.partition_index), asked))
    });
    let mut topics: Vec<OffsetForLeaderTopicResult> = Vec::new();
    let mentions = last_mentions(asked.collect());
    let (asked, denied): (Vec<_>, Vec<_>) =
        mentions.into_iter().partition(|(id, _)| authorized.contains(&id.topic));
    for (id, asked) in asked.into_iter().chain(denied) {
        let epoch = Some(asked.current_leader_epoch).filter(|epoch| *epoch != -1);
        let found = if authorized.contains(&id.topic) {
            replicas.offset_for_leader_epoch(&id, asked.leader_epoch, epoch)
        } else {
            Err(ErrorCode::TopicAuthorizationFailed)
        };
        let (error, end) = match found {
            Ok(end) => (ErrorCode::None, end),
            Err(error) => (error, EpochEnd::UNKNOWN),
        };
        let result = OffsetForLeaderPartitionResult {
            error_code: error.code(),
            partition_index: id.partition,
            leader_epoch: end.epoch,
            end_offset: end.offset,
        };
        match topics.iter_mut().find(|topic| *topic.name == *id.topic) {
            Some(topic) => topic.partitions.push(result),
            None => {
                let name = id.topic.to_string();
                topics.push(OffsetForLeaderTopicResult { name, partitions: vec![result] });
            }
        }
    }
    OffsetForLeaderEpochResponse { topics, ..Default::default() }
}
