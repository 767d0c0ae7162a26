//! StopReplica, v0-3. The controller orders to stop replicas, and to delete their logs where it says so.
//!
//! v1 broker epoch, topics · v2 flexible · v3 leader epoch and deletion for each partition (KIP-570).
//! Kafka: `KafkaApis.handleStopReplicaRequest`.

use crate::api::Exchange;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::stop_replica::{StopReplicaRequest, StopReplicaResponse};

/// Obeys, off the runtime's threads: directories are renamed.
pub async fn handle(exchange: &Exchange, request: StopReplicaRequest) -> StopReplicaResponse {
    let replicas = exchange.services.replicas.clone();
    let _turn = replicas.turn_to_obey().await;
    let epoch = super::own_epoch(exchange);
    let obeyed = tokio::task::spawn_blocking(move || replicas.stop_replicas(&request, epoch)).await;
    obeyed.unwrap_or_else(|_| StopReplicaResponse {
        error_code: ErrorCode::UnknownServerError as i16,
        ..Default::default()
    })
}
