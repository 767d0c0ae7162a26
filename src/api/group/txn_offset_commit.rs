//! TxnOffsetCommit, v0-3. How far a group has come is kept once the producer's transaction is committed.
//!
//! v2 leader epochs · v3 flexible, the group's member and generation (KIP-447). Kafka:
//! `KafkaApis.handleTxnOffsetCommitRequest`.

use super::{
    Committable, ItemErrors, all_refused, check_group_id, claim, grouped, partitions_of, unavailable,
};
use crate::api::Exchange;
use crate::api::named_twice::last_mentions;
use crate::base::{Millis, TopicPartition};
use crate::coordinator::group::request::{OffsetCommitValue, OffsetsCommit};
use crate::coordinator::machine::TransactionalProducer;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};

type TxnCommittedPartition = (TopicPartition, TxnOffsetCommitRequestPartition);

/// Waits until the offsets are in the log, as part of the transaction.
pub async fn handle(exchange: &Exchange, mut request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let names: Vec<_> = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let topics = std::mem::take(&mut request.topics).into_iter().map(|it| (it.name, it.partitions));
    let asked = last_mentions(partitions_of(topics, |it| it.partition_index));
    let transactional_id = AclResource::transactional_id(&request.transactional_id);
    let denial = if !exchange.is_authorized(AclOperation::Write, transactional_id) {
        Some(ErrorCode::TransactionalIdAuthorizationFailed)
    } else if !exchange.may_read_group(&request.group_id) {
        Some(ErrorCode::GroupAuthorizationFailed)
    } else {
        None
    };
    if let Some(denial) = denial {
        return response(all_refused(asked, denial));
    }
    let Committable { kept, refused } = exchange.committable(&names, asked);
    let mut results = if kept.is_empty() { Vec::new() } else { commit(exchange, request, kept).await };
    results.extend(refused);
    if exchange.version() < 2 {
        // Producers of before 2.0 may fail at COORDINATOR_LOAD_IN_PROGRESS (KAFKA-7296).
        let loading = results.iter_mut().filter(|(_, error)| *error == ErrorCode::CoordinatorLoadInProgress);
        loading.for_each(|(_, error)| *error = ErrorCode::CoordinatorNotAvailable);
    }
    response(results)
}

async fn commit(
    exchange: &Exchange,
    request: TxnOffsetCommitRequest,
    asked: Vec<TxnCommittedPartition>,
) -> ItemErrors {
    let now = exchange.services.clock.now();
    let ids: Vec<_> = asked.iter().map(|(id, _)| id.clone()).collect();
    let commit = OffsetsCommit {
        claim: claim(&request.member_id, request.group_instance_id.as_deref(), request.generation_id),
        group: request.group_id.as_str().into(),
        offsets: asked.into_iter().map(|(id, asked)| (id, offset_and_metadata(asked, now))).collect(),
        producer: Some(TransactionalProducer { id: request.producer_id, epoch: request.producer_epoch }),
    };
    let errors = match check_group_id(&request.group_id) {
        Ok(()) => exchange.services.groups.commit(commit).await.map_err(unavailable),
        Err(error) => Err(error),
    };
    match errors {
        Ok(errors) => ids.into_iter().zip(errors).collect(),
        Err(error) => ids.into_iter().map(|id| (id, error)).collect(),
    }
}

fn offset_and_metadata(asked: TxnOffsetCommitRequestPartition, now: Millis) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: asked.committed_offset,
        leader_epoch: Some(asked.committed_leader_epoch).filter(|epoch| *epoch != -1),
        metadata: asked.committed_metadata.unwrap_or_default().into(),
        commit_timestamp: now,
        expire_timestamp: None,
    }
}

fn response(results: ItemErrors) -> TxnOffsetCommitResponse {
    let partition = |partition_index, error: ErrorCode| TxnOffsetCommitResponsePartition {
        partition_index,
        error_code: error.code(),
    };
    let topics = grouped(results, partition).into_iter();
    let topics = topics.map(|(name, partitions)| TxnOffsetCommitResponseTopic { name, partitions });
    TxnOffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}
