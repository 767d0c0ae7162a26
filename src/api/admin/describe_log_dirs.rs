//! DescribeLogDirs, v0-2. The logs in each data directory of this broker, with the moves in progress
//! (KIP-113).
//!
//! v2 flexible. Kafka: `KafkaApis.handleDescribeLogDirsRequest`.

use std::collections::HashSet;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
use crate::replica::ReplicaInDir;
use crate::security::{AclOperation, AclResource};
use crate::wire::message::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResult,
    DescribeLogDirsTopic,
};

/// Describes the directories. A topic is in the answer even if none of its partitions is asked for.
pub async fn handle(exchange: &Exchange, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    if !exchange.is_authorized(AclOperation::Describe, AclResource::CLUSTER) {
        // Kafka 2.7 answers without an error here: the caller sees no directories.
        return DescribeLogDirsResponse::default();
    }
    let named: Option<HashSet<TopicPartition>> = request.topics.map(|topics| {
        let partitions = topics.iter().flat_map(|topic| {
            topic.partition_index.iter().map(|at| TopicPartition::new(topic.topic.as_str(), *at))
        });
        partitions.collect()
    });
    let wanted = |id: &TopicPartition| named.as_ref().is_none_or(|named| named.contains(id));
    let described = exchange.services.replicas.log_dirs().describe();
    let results = described.into_iter().map(|(dir, found)| {
        let log_dir = dir.display().to_string();
        match found {
            Ok(replicas) => {
                DescribeLogDirsResult { log_dir, topics: topics(&replicas, wanted), ..Default::default() }
            }
            Err(error) => DescribeLogDirsResult { log_dir, error_code: error.code(), ..Default::default() },
        }
    });
    DescribeLogDirsResponse { results: results.collect(), ..Default::default() }
}

fn topics(replicas: &[ReplicaInDir], wanted: impl Fn(&TopicPartition) -> bool) -> Vec<DescribeLogDirsTopic> {
    let partition = |it: &ReplicaInDir| DescribeLogDirsPartition {
        partition_index: it.partition.partition,
        partition_size: i64::try_from(it.size).unwrap_or(i64::MAX),
        offset_lag: it.lag,
        is_future_key: it.is_future,
    };
    // A topic of which no partition is wanted is named all the same, as Kafka does.
    let topics = by_topic(replicas.iter().map(|it| (&it.partition, it))).map(|(topic, replicas)| {
        let wanted = replicas.into_iter().filter(|it| wanted(&it.partition));
        DescribeLogDirsTopic { name: topic.to_string(), partitions: wanted.map(partition).collect() }
    });
    topics.collect()
}
