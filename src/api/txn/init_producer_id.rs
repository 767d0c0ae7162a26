//! InitProducerId, v0-4. A producer gets its id and epoch.
//!
//! v2 flexible · v3 a producer's present id and epoch (KIP-360) · v4 PRODUCER_FENCED. Without a transactional id the
//! producer is idempotent only, and any broker gives it an id of the block that the broker has claimed.
//! Kafka: `KafkaApis.handleInitProducerIdRequest`, `TransactionCoordinator.handleInitProducerId`.

use super::{authorize_transactional_id, for_version};
use crate::api::Exchange;
use crate::coordinator::machine::TransactionalProducer;
use crate::coordinator::txn::{InitTransactionalProducer, TxnRequest};
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

/// What stands for no producer id.
const NO_PRODUCER_ID: i64 = -1;
/// What stands for no epoch.
const NO_PRODUCER_EPOCH: i16 = -1;

/// Assigns an id and an epoch.
pub async fn handle(exchange: &Exchange, request: InitProducerIdRequest) -> InitProducerIdResponse {
    match init(exchange, request).await {
        Ok(TransactionalProducer { id, epoch }) => {
            InitProducerIdResponse { producer_id: id, producer_epoch: epoch, ..Default::default() }
        }
        Err(error) => InitProducerIdResponse {
            error_code: for_version(error, exchange.version(), 4).code(),
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            ..Default::default()
        },
    }
}

async fn init(
    exchange: &Exchange,
    request: InitProducerIdRequest,
) -> Result<TransactionalProducer, ErrorCode> {
    match request.transactional_id.as_deref() {
        Some(id) => authorize_transactional_id(exchange, id)?,
        None if !exchange.is_authorized(AclOperation::IdempotentWrite, AclResource::CLUSTER) => {
            return Err(ErrorCode::ClusterAuthorizationFailed);
        }
        None => {}
    }
    let expected = match (request.producer_id, request.producer_epoch) {
        (NO_PRODUCER_ID, NO_PRODUCER_EPOCH) => None,
        (NO_PRODUCER_ID, _) | (_, NO_PRODUCER_EPOCH) => return Err(ErrorCode::InvalidRequest),
        (id, epoch) => Some(TransactionalProducer { id, epoch }),
    };
    let timeout_ms = request.transaction_timeout_ms;
    let longest = exchange.services.config.transaction_max_timeout_ms;
    match request.transactional_id.as_deref() {
        None => idempotent(exchange).await,
        Some("") => Err(ErrorCode::InvalidRequest),
        Some(_) if !(1..=longest).contains(&timeout_ms) => Err(ErrorCode::InvalidTransactionTimeout),
        Some(id) => {
            let init = InitTransactionalProducer { transactional_id: id.into(), timeout_ms, expected };
            exchange.services.transactions.request(id, TxnRequest::InitProducerId(init)).await
        }
    }
}

/// An id for a producer without transactions.
async fn idempotent(exchange: &Exchange) -> Result<TransactionalProducer, ErrorCode> {
    match exchange.services.producer_ids.next().await {
        Ok(id) => Ok(TransactionalProducer { id, epoch: 0 }),
        Err(error) => {
            log::error!(target: "kafka.coordinator.transaction.ProducerIdManager", "No producer id: {error}");
            Err(ErrorCode::UnknownServerError)
        }
    }
}
