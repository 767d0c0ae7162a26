//! ListPartitionReassignments, v0. The reassignments in progress (KIP-455).
//!
//! Kafka: `KafkaApis.handleListPartitionReassignmentsRequest`.

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
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
    let ongoing = found.into_iter().map(|(id, assignment)| {
        let partition = OngoingPartitionReassignment {
            partition_index: id.partition,
            replicas: assignment.replicas,
            adding_replicas: assignment.adding,
            removing_replicas: assignment.removing,
        };
        (id, partition)
    });
    let topics = by_topic(ongoing)
        .map(|(topic, partitions)| OngoingTopicReassignment { name: topic.to_string(), partitions });
    ListPartitionReassignmentsResponse { topics: topics.collect(), ..Default::default() }
}
