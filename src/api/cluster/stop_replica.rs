//! StopReplica, v0-3. The controller stops replicas, and has the logs deleted that the request marks.
//!
//! v1 broker epoch, topics · v2 flexible · v3 leader epoch and deletion for each partition (KIP-570).
//! Kafka: `KafkaApis.handleStopReplicaRequest`.

use std::collections::HashSet;
use std::sync::Arc;

use crate::api::Exchange;
use crate::base::{LeaderAndIsr, TopicPartition};
use crate::replica::controller_epoch::RequestEpochs;
use crate::replica::orders::{OrderOutcomes, ReplicaStop, StopReplicaOrder, StoppedLog};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::stop_replica::{
    StopReplicaPartitionError, StopReplicaRequest, StopReplicaResponse,
};

/// Applies the request, off the runtime's threads: directories are renamed.
pub async fn handle(exchange: &Exchange, request: StopReplicaRequest) -> StopReplicaResponse {
    let role_changes = exchange.services.replicas.role_changes().clone();
    let order = decoded(request);
    let _turn = role_changes.turn().await;
    let own_epoch = super::own_epoch(exchange);
    let stopping = tokio::task::spawn_blocking(move || role_changes.stop_replicas(order, own_epoch));
    encoded(stopping.await.unwrap_or(Err(ErrorCode::UnknownServerError)))
}

/// The content of a request of any version, each partition once.
fn decoded(request: StopReplicaRequest) -> StopReplicaOrder {
    let fate = |delete: bool| if delete { StoppedLog::Deleted } else { StoppedLog::Kept };
    let of_all = fate(request.delete_partitions);
    let without_epoch = |topic: Arc<str>, number: i32| ReplicaStop {
        partition: TopicPartition::new(topic, number),
        leader_epoch: LeaderAndIsr::NO_EPOCH,
        log: of_all,
    };
    let mut replicas = Vec::new();
    for it in request.ungrouped_partitions {
        replicas.push(without_epoch(it.topic_name.into(), it.partition_index));
    }
    for topic in request.topics {
        let name: Arc<str> = topic.name.into();
        replicas.extend(topic.partition_indexes.iter().map(|number| without_epoch(name.clone(), *number)));
    }
    for topic in request.topic_states {
        let name: Arc<str> = topic.topic_name.into();
        replicas.extend(topic.partition_states.into_iter().map(|it| ReplicaStop {
            partition: TopicPartition::new(name.clone(), it.partition_index),
            leader_epoch: it.leader_epoch,
            log: fate(it.delete_partition),
        }));
    }
    let mut seen = HashSet::new();
    replicas.retain(|it| seen.insert(it.partition.clone()));
    let epochs = RequestEpochs { controller: request.controller_epoch, broker: request.broker_epoch };
    StopReplicaOrder { epochs, replicas }
}

fn encoded(outcomes: Result<OrderOutcomes, ErrorCode>) -> StopReplicaResponse {
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => return StopReplicaResponse { error_code: error.code(), ..Default::default() },
    };
    let errors = outcomes.into_iter().map(|(id, outcome)| StopReplicaPartitionError {
        topic_name: id.topic.to_string(),
        partition_index: id.partition,
        error_code: outcome.err().unwrap_or_default().code(),
    });
    StopReplicaResponse { partition_errors: errors.collect(), ..Default::default() }
}

#[cfg(test)]
mod tests;
