//! AlterReplicaLogDirs, v0-1. Replicas are moved to other data directories of this broker (KIP-113).
//!
//! Kafka: `KafkaApis.handleAlterReplicaLogDirsRequest`.

use std::path::PathBuf;

use crate::api::Exchange;
use crate::api::named_twice::last_mentions;
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_replica_log_dirs::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
};

/// Begins the moves, off the runtime's threads; copying goes on after the answer. Of a partition named twice
/// the last directory counts.
pub async fn handle(exchange: &Exchange, request: AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse {
    if !exchange.is_authorized(AclOperation::Alter, AclResource::CLUSTER) {
        return denied(&request);
    }
    let mut wanted = Vec::new();
    for dir in request.dirs {
        for topic in dir.topics {
            let ids = topic.partitions.iter().map(|at| TopicPartition::new(topic.name.as_str(), *at));
            wanted.extend(ids.map(|id| (id, PathBuf::from(&dir.path))));
        }
    }
    let wanted = last_mentions(wanted);
    let named: Vec<_> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let replicas = exchange.services.replicas.clone();
    let altered = tokio::task::spawn_blocking(move || replicas.log_dirs().alter(wanted)).await;
    let failed = |id| (id, Err(ErrorCode::UnknownServerError));
    let mut altered = altered.unwrap_or_else(|_| named.into_iter().map(failed).collect());
    altered.sort_by(|(one, _), (other, _)| one.cmp(other));
    let results = altered.into_iter().map(|(id, outcome)| {
        let (partition_index, error_code) = (id.partition, outcome.err().unwrap_or_default().code());
        (id, AlterReplicaLogDirPartitionResult { partition_index, error_code })
    });
    let topics = by_topic(results).map(|(topic, partitions)| AlterReplicaLogDirTopicResult {
        topic_name: topic.to_string(),
        partitions,
    });
    AlterReplicaLogDirsResponse { results: topics.collect(), ..Default::default() }
}

/// The answer to a caller that may not change the cluster.
fn denied(request: &AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse {
    let failed = |partition: &i32| AlterReplicaLogDirPartitionResult {
        partition_index: *partition,
        error_code: ErrorCode::ClusterAuthorizationFailed.code(),
    };
    let results =
        request.dirs.iter().flat_map(|dir| &dir.topics).map(|topic| AlterReplicaLogDirTopicResult {
            topic_name: topic.name.clone(),
            partitions: topic.partitions.iter().map(failed).collect(),
        });
    AlterReplicaLogDirsResponse { results: results.collect(), ..Default::default() }
}
