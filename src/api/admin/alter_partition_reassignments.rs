//! AlterPartitionReassignments, v0. Begins and cancels reassignments of partitions (KIP-455).
//!
//! Kafka: `KafkaApis.handleAlterPartitionReassignmentsRequest`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
use crate::controller::reply::ApiError;
use crate::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartitionResponse,
    ReassignableTopicResponse,
};

/// Sends the request to the controller, if this broker is it.
pub async fn handle(
    exchange: &Exchange,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let mut wanted = BTreeMap::new();
    for topic in request.topics {
        let name: Arc<str> = topic.name.into();
        let partitions = topic.partitions.into_iter();
        wanted.extend(
            partitions.map(|it| (TopicPartition::new(name.clone(), it.partition_index), it.replicas)),
        );
    }
    let begun = match exchange.services.controller.alter_reassignments(wanted).await {
        Ok(begun) => begun,
        Err(error) => {
            return AlterPartitionReassignmentsResponse {
                error_code: error.code(),
                error_message: Some(error.message().to_owned()),
                ..Default::default()
            };
        }
    };
    let results = begun.into_iter().map(|(id, outcome)| {
        let refusal = outcome.err();
        let result = ReassignablePartitionResponse {
            partition_index: id.partition,
            error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
            error_message: refusal.and_then(ApiError::text),
        };
        (id, result)
    });
    let responses = by_topic(results)
        .map(|(topic, partitions)| ReassignableTopicResponse { name: topic.to_string(), partitions });
    AlterPartitionReassignmentsResponse { responses: responses.collect(), ..Default::default() }
}
