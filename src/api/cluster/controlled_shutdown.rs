//! ControlledShutdown, v0-3. A broker is about to stop; the controller moves its leaderships away and answers
//! with the rest.
//!
//! v2 broker epoch · v3 flexible. Kafka: `KafkaApis.handleControlledShutdownRequest`.

use crate::api::Exchange;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::controlled_shutdown::{
    ControlledShutdownRequest, ControlledShutdownResponse, RemainingPartition,
};

/// Sends the request to the controller, if this broker is it.
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
            // Only this API answers in these words when the broker is no longer the controller.
            let error =
                if error == ErrorCode::NotController { ErrorCode::StaleControllerEpoch } else { error };
            ControlledShutdownResponse { error_code: error as i16, ..Default::default() }
        }
    }
}
