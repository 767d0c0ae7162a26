//! LeaderAndIsr, v0-4. The controller makes this broker leader or follower of partitions.
//!
//! v1 is_new · v2 broker epoch, topics · v3 reassignments · v4 flexible. Kafka: `KafkaApis.handleLeaderAndIsrRequest`.

use std::sync::Arc;

use crate::api::Exchange;
use crate::base::{LeaderAndIsr, TopicPartition};
use crate::replica::controller_epoch::RequestEpochs;
use crate::replica::log_configs::{InitializingLogs, LogSettings};
use crate::replica::machine::LeadershipState;
use crate::replica::orders::{LeaderAndIsrOrder, OrderOutcomes, PartitionOrder, Reassigned};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leader_and_isr::{
    LeaderAndIsrPartitionError, LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrResponse,
};
use crate::zk::znode::config_entity::EntityType;

/// Applies the request, off the runtime's threads: logs may have to be created. Their configs are read from
/// ZooKeeper before. The handler waits for ZooKeeper as Kafka's does.
pub async fn handle(exchange: &Exchange, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse {
    let replicas = exchange.services.replicas.clone();
    let order = decoded(request);
    let _turn = replicas.role_changes().turn().await;
    let initializing = replicas.log_configs().initialize(&order);
    let settings = read(exchange, &initializing).await;
    // Not earlier: the session in which the request came may have ended meanwhile.
    let own_epoch = super::own_epoch(exchange);
    let changing = tokio::task::spawn_blocking(move || {
        let named: Vec<_> = order.partitions.iter().map(|order| order.partition.clone()).collect();
        let outcomes = replicas.role_changes().become_leader_or_follower(order, own_epoch, &settings);
        initializing.finish();
        encoded(outcomes, named)
    });
    changing.await.unwrap_or_else(|_| LeaderAndIsrResponse {
        error_code: ErrorCode::UnknownServerError.code(),
        ..Default::default()
    })
}

/// Reads the configs of the logs to be created; a topic whose configs cannot be read is left out.
async fn read(exchange: &Exchange, initializing: &InitializingLogs) -> LogSettings {
    let topics = initializing.topics();
    let own = exchange.services.configs.fetch_each(EntityType::Topics, &topics).await;
    let own = topics.into_iter().zip(own).filter_map(|(topic, own)| {
        own.inspect_err(|error| {
            log::error!(target: "state.change.logger", "The configs of topic {topic} cannot be read: {error}");
        })
        .ok()
        .map(|own| (topic, own))
    });
    initializing.settings(own)
}

/// The content of a request of any version.
fn decoded(request: LeaderAndIsrRequest) -> LeaderAndIsrOrder {
    let controller_epoch = request.controller_epoch;
    let mut partitions = Vec::new();
    for mut state in request.ungrouped_partition_states {
        let topic = std::mem::take(&mut state.topic_name);
        partitions.push(partition(topic.into(), state, controller_epoch));
    }
    for topic in request.topic_states {
        let name: Arc<str> = topic.topic_name.into();
        let states = topic.partition_states.into_iter();
        partitions.extend(states.map(|state| partition(name.clone(), state, controller_epoch)));
    }
    let epochs = RequestEpochs { controller: controller_epoch, broker: request.broker_epoch };
    LeaderAndIsrOrder { epochs, partitions }
}

fn partition(topic: Arc<str>, state: LeaderAndIsrPartitionState, controller_epoch: i32) -> PartitionOrder {
    let leadership = LeaderAndIsr {
        leader: state.leader,
        leader_epoch: state.leader_epoch,
        isr: state.isr,
        zk_version: state.zk_version,
    };
    PartitionOrder {
        partition: TopicPartition::new(topic, state.partition_index),
        state: LeadershipState::new(leadership, state.replicas, controller_epoch),
        is_new: state.is_new,
        reassignment: Reassigned {
            adding: state.adding_replicas.len(),
            removing: state.removing_replicas.len(),
        },
    }
}

/// The response. A request that is refused as a whole has the error for each partition, too.
fn encoded(outcomes: Result<OrderOutcomes, ErrorCode>, named: Vec<TopicPartition>) -> LeaderAndIsrResponse {
    let (error, outcomes) = match outcomes {
        Ok(outcomes) => (ErrorCode::None, outcomes),
        Err(error) => (error, named.into_iter().map(|id| (id, Err(error))).collect()),
    };
    let errors = outcomes.into_iter().map(|(id, outcome)| LeaderAndIsrPartitionError {
        topic_name: id.topic.to_string(),
        partition_index: id.partition,
        error_code: outcome.err().unwrap_or_default().code(),
    });
    LeaderAndIsrResponse { error_code: error.code(), partition_errors: errors.collect() }
}

#[cfg(test)]
mod tests;
