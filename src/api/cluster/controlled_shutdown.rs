//! ControlledShutdown, v0-3. A broker wants to stop; the controller moves its leaderships away and says what is left.
//!
//! v2 broker epoch · v3 flexible. Kafka: `KafkaApis.handleControlledShutdownRequest`.

use crate::api::Exchange;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::controlled_shutdown::{
    ControlledShutdownRequest, ControlledShutdownResponse, RemainingPartition,
};

/// Asks the controller, where this broker is it.
pub async fn handle(exchange: &Exchange, request: ControlledShutdownRequest) -> ControlledShutdownResponse {
    let controller = &exchange.services.controller;
    match controller.controlled_shutdown(request.broker_id, request.broker_epoch).await {
        Ok(left) => {
            let left = left.into_iter().map(|it| RemainingPartition {
                topic_name: it.topic.to_string(),
                partition_index: it.partition,
            });
            ControlledShutdownResponse {
                error_code: ErrorCode::None as i16,
                remaining_partitions: left.collect(),
            }
        }
        Err(error) => {
            // Who has moved on from being the controller says so in these words here, and nowhere else.
            let error =
                if error == ErrorCode::NotController { ErrorCode::StaleControllerEpoch } else { error };
            ControlledShutdownResponse { error_code: error as i16, ..Default::default() }
        }
    }
}
