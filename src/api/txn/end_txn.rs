//! EndTxn, v0-2. A producer commits or aborts its transaction.
//!
//! v2 PRODUCER_FENCED. Answered when the end is decided in the log; the markers follow.
//! Kafka: `KafkaApis.handleEndTxnRequest`.

use super::{authorize_transactional_id, check_protocol, for_version};
use crate::api::Exchange;
use crate::coordinator::machine::TransactionalProducer;
use crate::coordinator::txn::{TransactionResult, TxnRequest};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::end_txn::{EndTxnRequest, EndTxnResponse};

/// Ends the transaction.
pub async fn handle(exchange: &Exchange, request: EndTxnRequest) -> EndTxnResponse {
    let error = end(exchange, request).await.err().unwrap_or_default();
    let error_code = for_version(error, exchange.version(), 2).code();
    EndTxnResponse { error_code, ..Default::default() }
}

async fn end(exchange: &Exchange, request: EndTxnRequest) -> Result<(), ErrorCode> {
    let transactional_id = request.transactional_id.as_str();
    check_protocol(exchange)?;
    authorize_transactional_id(exchange, transactional_id)?;
    let end = TxnRequest::EndTxn {
        transactional_id: transactional_id.into(),
        producer: TransactionalProducer { id: request.producer_id, epoch: request.producer_epoch },
        result: TransactionResult::of(request.committed),
    };
    exchange.services.transactions.request(transactional_id, end).await.map(drop)
}
