//! InitProducerId, v0-4. An id for an idempotent producer, from the block of ids that this broker claimed.
//!
//! v2 flexible · v3 a producer's present id and epoch (KIP-360) · v4 PRODUCER_FENCED. A transactional id needs a
//! transaction coordinator, which is not there yet: it is answered COORDINATOR_NOT_AVAILABLE.
//! Kafka: `KafkaApis.handleInitProducerIdRequest`, `ProducerIdManager`.

use crate::api::Exchange;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

/// Assigns an id.
pub async fn handle(exchange: &Exchange, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let refused = |error: ErrorCode| InitProducerIdResponse {
        error_code: error.code(),
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let (operation, resource, denial) = match request.transactional_id.as_deref() {
        Some(id) => {
            let denial = ErrorCode::TransactionalIdAuthorizationFailed;
            (AclOperation::Write, AclResource::transactional_id(id), denial)
        }
        None => (AclOperation::IdempotentWrite, AclResource::CLUSTER, ErrorCode::ClusterAuthorizationFailed),
    };
    if !exchange.is_authorized(operation, resource) {
        return refused(denial);
    }
    let most = exchange.services.config.transaction_max_timeout_ms;
    match request.transactional_id.as_deref() {
        Some("") => refused(ErrorCode::InvalidRequest),
        Some(_) if !(1..=most).contains(&request.transaction_timeout_ms) => {
            refused(ErrorCode::InvalidTransactionTimeout)
        }
        Some(_) => refused(ErrorCode::CoordinatorNotAvailable),
        None => match exchange.services.producer_ids.next().await {
            Ok(producer_id) => {
                InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
            }
            Err(error) => {
                log::error!(target: "kafka.coordinator.transaction.ProducerIdManager", "No producer id: {error}");
                refused(ErrorCode::UnknownServerError)
            }
        },
    }
}
