//! AlterPartitionReassignments, v0. Begins and cancels reassignments of partitions (KIP-455).
//!
//! Kafka: `KafkaApis.handleAlterPartitionReassignmentsRequest`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::Exchange;
use crate::base::TopicPartition;
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
    let mut responses: Vec<ReassignableTopicResponse> = Vec::new();
    for (id, outcome) in begun {
        let mut partition = ReassignablePartitionResponse {
            partition_index: id.partition,
            error_message: None,
            ..Default::default()
        };
        if let Err(refusal) = outcome {
            partition.error_code = refusal.code.code();
            partition.error_message = refusal.text();
        }
        match responses.last_mut().filter(|topic| topic.name == *id.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => responses
                .push(ReassignableTopicResponse { name: id.topic.to_string(), partitions: vec![partition] }),
        }
    }
    AlterPartitionReassignmentsResponse { responses, ..Default::default() }
}
