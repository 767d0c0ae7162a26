//! AddOffsetsToTxn, v0-2. A group's offsets enter a producer's transaction: the partition of `__consumer_offsets` that
//! the group belongs to.
//!
//! v2 PRODUCER_FENCED. The offsets themselves come with TxnOffsetCommit. Kafka:
//! `KafkaApis.handleAddOffsetsToTxnRequest`.

use super::{authorize_transactional_id, check_protocol, for_version};
use crate::admin::names::OFFSETS_TOPIC;
use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::coordinator::machine::TransactionalProducer;
use crate::coordinator::txn::TxnRequest;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

/// Adds the group's partition.
pub async fn handle(exchange: &Exchange, request: AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse {
    let error = add(exchange, request).await.err().unwrap_or_default();
    let error_code = for_version(error, exchange.version(), 2).code();
    AddOffsetsToTxnResponse { error_code, ..Default::default() }
}

async fn add(exchange: &Exchange, request: AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
    let (transactional_id, group_id) = (request.transactional_id.as_str(), request.group_id.as_str());
    check_protocol(exchange)?;
    authorize_transactional_id(exchange, transactional_id)?;
    if !exchange.is_authorized(AclOperation::Read, AclResource::group(group_id)) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    let partition = exchange.services.groups.partition_for(group_id);
    let add = TxnRequest::AddPartitions {
        transactional_id: transactional_id.into(),
        producer: TransactionalProducer { id: request.producer_id, epoch: request.producer_epoch },
        partitions: [TopicPartition::new(OFFSETS_TOPIC, partition)].into(),
    };
    exchange.services.transactions.request(transactional_id, add).await.map(drop)
}
