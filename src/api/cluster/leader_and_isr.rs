//! LeaderAndIsr, v0-4. The controller orders to lead and to follow.
//!
//! v1 is_new · v2 broker epoch, topics · v3 reassignments · v4 flexible. Kafka: `KafkaApis.handleLeaderAndIsrRequest`.

use crate::api::Exchange;
use crate::replica::log_configs::{InitializingLogs, LogSettings};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leader_and_isr::{LeaderAndIsrRequest, LeaderAndIsrResponse};
use crate::zk::znode::config_entity::EntityType;

/// Obeys, off the runtime's threads: logs may have to be made. What they are configured with is read from ZooKeeper
/// before, and waited for where ZooKeeper does not answer, as Kafka does.
pub async fn handle(exchange: &Exchange, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse {
    let replicas = exchange.services.replicas.clone();
    let _turn = replicas.turn_to_obey().await;
    let initializing = replicas.initialize_logs(&request);
    let settings = read(exchange, &initializing).await;
    // Not earlier: the session in which the order came may have ended meanwhile.
    let epoch = super::own_epoch(exchange);
    let obeyed = tokio::task::spawn_blocking(move || {
        let response = replicas.become_leader_or_follower(&request, epoch, &settings);
        initializing.finish();
        response
    });
    obeyed.await.unwrap_or_else(|_| LeaderAndIsrResponse {
        error_code: ErrorCode::UnknownServerError as i16,
        ..Default::default()
    })
}

/// Reads what the logs to be made are configured with; a topic whose configs cannot be read is left out.
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
