//! The transaction manager's requests, as they are sent to coordinators.
//!
//! Kafka: `Sender.maybeSendAndPollTransactionalRequest`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::ids::by_topic;
use crate::base::{LeaderEpoch, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::{CoordinatorKind, Target};
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::client::producer::batch::ProducerIdAndEpoch;
use crate::client::producer::core::ProducerCore;
use crate::client::producer::transaction_manager::{
    StaleCoordinator, TransactionEnd, TransactionalAnswer, TransactionalRequest,
};
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Request;
use crate::wire::message::add_offsets_to_txn::AddOffsetsToTxnRequest;
use crate::wire::message::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use crate::wire::message::end_txn::EndTxnRequest;
use crate::wire::message::init_producer_id::InitProducerIdRequest;
use crate::wire::message::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

/// The first version of InitProducerId by which a producer can raise its own epoch (KIP-360).
const RAISES_EPOCH_FROM: i16 = 3;

/// Sends a request, and gives its answer in the transaction manager's words.
pub(super) async fn ask(core: Arc<ProducerCore>, request: TransactionalRequest) -> TransactionalAnswer {
    let asked = Asked { core: &core, transactional_id: core.settings().transactional_id.clone() };
    let answer = match request {
        TransactionalRequest::InitProducerId { current } => asked.init_producer_id(current).await,
        TransactionalRequest::AddPartitions { producer, partitions } => {
            asked.add_partitions(producer, &partitions).await
        }
        TransactionalRequest::AddOffsets { producer, group, .. } => {
            asked.add_offsets(producer, group.group_id).await
        }
        TransactionalRequest::TxnOffsetCommit { producer, group, offsets } => {
            asked.commit_offsets(producer, group, offsets).await
        }
        TransactionalRequest::EndTxn { producer, result } => asked.end(producer, result).await,
    };
    answer.unwrap_or_else(TransactionalAnswer::Failed)
}

/// Has a coordinator looked up anew.
pub(super) fn forget(core: &ProducerCore, coordinator: StaleCoordinator) {
    match coordinator {
        StaleCoordinator::Transaction => {
            let id = core.settings().transactional_id.as_deref().unwrap_or_default();
            core.cluster().forget(&Target::Coordinator(CoordinatorKind::Transaction, id.into()));
        }
        StaleCoordinator::Group(group) => {
            core.cluster().forget(&Target::Coordinator(CoordinatorKind::Group, group));
        }
    }
}

struct Asked<'a> {
    core: &'a ProducerCore,
    transactional_id: Option<String>,
}

impl Asked<'_> {
    fn id(&self) -> String {
        self.transactional_id.clone().unwrap_or_default()
    }

    /// Sends a request to the coordinator of the transactional id, or to any broker without one.
    async fn send<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let Some(id) = &self.transactional_id else {
            return self.core.cluster().call(&Target::Any, request).await;
        };
        let target = Target::Coordinator(CoordinatorKind::Transaction, id.as_str().into());
        let versions = self.core.cluster().usable_versions(&target, ApiKey::InitProducerId).await?;
        if let Some(transactions) = self.core.state.lock().machine.transactions_mut() {
            transactions.coordinator_ready(*versions.end() >= RAISES_EPOCH_FROM);
        }
        self.core.cluster().call(&target, request).await
    }

    async fn init_producer_id(
        &self,
        current: Option<ProducerIdAndEpoch>,
    ) -> Result<TransactionalAnswer, ClientError> {
        let timeout = self.core.settings().transaction_timeout.as_millis();
        let timeout = i32::try_from(timeout).unwrap_or(i32::MAX);
        let request = InitProducerIdRequest {
            transactional_id: self.transactional_id.clone(),
            transaction_timeout_ms: if self.transactional_id.is_some() { timeout } else { i32::MAX },
            producer_id: current.map_or(-1, |producer| producer.id),
            producer_epoch: current.map_or(-1, |producer| producer.epoch),
        };
        let answer = self.send(&request).await?;
        let producer = ProducerIdAndEpoch { id: answer.producer_id, epoch: answer.producer_epoch };
        Ok(match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None if producer.id >= 0 && producer.epoch >= 0 => {
                TransactionalAnswer::Producer(producer)
            }
            ErrorCode::None => TransactionalAnswer::Whole(ErrorCode::UnknownServerError),
            error => TransactionalAnswer::Whole(error),
        })
    }

    async fn add_partitions(
        &self,
        producer: ProducerIdAndEpoch,
        partitions: &[TopicPartition],
    ) -> Result<TransactionalAnswer, ClientError> {
        let numbered = partitions.iter().map(|it| (it, it.partition));
        let topics = by_topic(numbered)
            .map(|(topic, partitions)| AddPartitionsToTxnTopic { name: topic.to_string(), partitions });
        let request = AddPartitionsToTxnRequest {
            transactional_id: self.id(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            topics: topics.collect(),
        };
        let answer = self.send(&request).await?;
        let results = answer.results.iter().flat_map(|topic| {
            let name: Arc<str> = topic.name.as_str().into();
            let of = move |partition| TopicPartition { topic: name.clone(), partition };
            topic.results.iter().map(move |it| (of(it.partition_index), ErrorCode::from_code(it.error_code)))
        });
        Ok(TransactionalAnswer::Partitions(results.collect()))
    }

    async fn add_offsets(
        &self,
        producer: ProducerIdAndEpoch,
        group_id: String,
    ) -> Result<TransactionalAnswer, ClientError> {
        let request = AddOffsetsToTxnRequest {
            transactional_id: self.id(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            group_id,
        };
        Ok(TransactionalAnswer::Whole(ErrorCode::from_code(self.send(&request).await?.error_code)))
    }

    async fn commit_offsets(
        &self,
        producer: ProducerIdAndEpoch,
        group: ConsumerGroupMetadata,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> Result<TransactionalAnswer, ClientError> {
        let numbered = offsets.into_iter().map(|(id, offset)| {
            let number = id.partition;
            (id, committed(number, offset))
        });
        let topics = by_topic(numbered)
            .map(|(topic, partitions)| TxnOffsetCommitRequestTopic { name: topic.to_string(), partitions });
        let target = Target::Coordinator(CoordinatorKind::Group, group.group_id.as_str().into());
        let request = TxnOffsetCommitRequest {
            transactional_id: self.id(),
            group_id: group.group_id,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            generation_id: group.generation_id,
            member_id: group.member_id,
            group_instance_id: group.group_instance_id,
            topics: topics.collect(),
        };
        let answer = self.core.cluster().call(&target, &request).await?;
        let results = answer.topics.iter().flat_map(|topic| {
            let name: Arc<str> = topic.name.as_str().into();
            let of = move |partition| TopicPartition { topic: name.clone(), partition };
            topic
                .partitions
                .iter()
                .map(move |it| (of(it.partition_index), ErrorCode::from_code(it.error_code)))
        });
        Ok(TransactionalAnswer::Partitions(results.collect()))
    }

    async fn end(
        &self,
        producer: ProducerIdAndEpoch,
        result: TransactionEnd,
    ) -> Result<TransactionalAnswer, ClientError> {
        let request = EndTxnRequest {
            transactional_id: self.id(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            committed: result == TransactionEnd::Commit,
        };
        Ok(TransactionalAnswer::Whole(ErrorCode::from_code(self.send(&request).await?.error_code)))
    }
}

/// An offset as the request carries it.
fn committed(partition: i32, offset: OffsetAndMetadata) -> TxnOffsetCommitRequestPartition {
    const UNKNOWN: LeaderEpoch = -1;
    TxnOffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: offset.offset,
        committed_leader_epoch: offset.leader_epoch.unwrap_or(UNKNOWN),
        committed_metadata: Some(offset.metadata),
    }
}
