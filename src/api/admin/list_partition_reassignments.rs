//! ListPartitionReassignments, v0. The reassignments in progress (KIP-455).
//!
//! Kafka: `KafkaApis.handleListPartitionReassignmentsRequest`.

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
    OngoingTopicReassignment,
};

/// Sends the request to the controller, if this broker is it.
pub async fn handle(
    exchange: &Exchange,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let asked = request.topics.map(|topics| {
        let partitions = topics.iter().flat_map(|topic| {
            topic.partition_indexes.iter().map(|at| TopicPartition::new(topic.name.as_str(), *at))
        });
        partitions.collect()
    });
    let found = match exchange.services.controller.list_reassignments(asked).await {
        Ok(found) => found,
        Err(error) => {
            return ListPartitionReassignmentsResponse {
                error_code: error.code(),
                error_message: Some(error.message().to_owned()),
                ..Default::default()
            };
        }
    };
    let mut topics: Vec<OngoingTopicReassignment> = Vec::new();
    for (id, assignment) in found {
        let partition = OngoingPartitionReassignment {
            partition_index: id.partition,
            replicas: assignment.replicas,
            adding_replicas: assignment.adding,
            removing_replicas: assignment.removing,
        };
        match topics.last_mut().filter(|topic| topic.name == *id.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics
                .push(OngoingTopicReassignment { name: id.topic.to_string(), partitions: vec![partition] }),
        }
    }
    ListPartitionReassignmentsResponse { topics, ..Default::default() }
}
