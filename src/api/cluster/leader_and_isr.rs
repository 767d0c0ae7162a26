//! LeaderAndIsr, v0-4. The controller orders to lead and to follow.
//!
//! v1 is_new · v2 broker epoch, topics · v3 reassignments · v4 flexible. Kafka: `KafkaApis.handleLeaderAndIsrRequest`.

use crate::api::Exchange;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leader_and_isr::{LeaderAndIsrRequest, LeaderAndIsrResponse};

/// Obeys, off the runtime's threads: logs may have to be made.
pub async fn handle(exchange: &Exchange, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse {
    let (replicas, epoch) = (exchange.services.replicas.clone(), super::own_epoch(exchange));
    let obeyed =
        tokio::task::spawn_blocking(move || replicas.become_leader_or_follower(&request, epoch)).await;
    obeyed.unwrap_or_else(|_| LeaderAndIsrResponse {
        error_code: ErrorCode::UnknownServerError as i16,
        ..Default::default()
    })
}
