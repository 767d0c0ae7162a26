//! AddPartitionsToTxn, v0-2. Partitions enter a producer's transaction, all or none.
//!
//! v2 PRODUCER_FENCED. Kafka: `KafkaApis.handleAddPartitionToTxnRequest`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{authorize_transactional_id, check_protocol, for_version};
use crate::admin::names::is_internal;
use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::coordinator::machine::TransactionalProducer;
use crate::coordinator::txn::TxnRequest;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::add_partitions_to_txn::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
};

/// Adds the partitions; each is answered the same, but where one keeps the others out.
pub async fn handle(exchange: &Exchange, request: AddPartitionsToTxnRequest) -> AddPartitionsToTxnResponse {
    let partitions = partitions(&request);
    let transactional_id = request.transactional_id.as_str();
    let allowed =
        check_protocol(exchange).and_then(|()| authorize_transactional_id(exchange, transactional_id));
    if let Err(error) = allowed {
        return respond(partitions.into_iter().map(|partition| (partition, error)));
    }
    let checked = check(exchange, &partitions);
    if checked.iter().any(|(_, error)| *error != ErrorCode::None) {
        let errors = checked.into_iter().map(|(partition, error)| match error {
            ErrorCode::None => (partition.clone(), ErrorCode::OperationNotAttempted),
            error => (partition.clone(), error),
        });
        return respond(errors);
    }
    let add = TxnRequest::AddPartitions {
        transactional_id: transactional_id.into(),
        producer: TransactionalProducer { id: request.producer_id, epoch: request.producer_epoch },
        partitions: partitions.iter().cloned().collect(),
    };
    let outcome = exchange.services.transactions.request(transactional_id, add).await;
    let error = for_version(outcome.err().unwrap_or_default(), exchange.version(), 2);
    respond(partitions.into_iter().map(|partition| (partition, error)))
}

/// The partitions that are asked for, each once.
fn partitions(request: &AddPartitionsToTxnRequest) -> BTreeSet<TopicPartition> {
    let mut partitions = BTreeSet::new();
    for topic in &request.topics {
        let name: Arc<str> = topic.name.as_str().into();
        partitions.extend(topic.partitions.iter().map(|number| TopicPartition::new(name.clone(), *number)));
    }
    partitions
}

/// What keeps each partition out of the transaction, if anything does.
fn check<'a>(
    exchange: &Exchange,
    partitions: &'a BTreeSet<TopicPartition>,
) -> Vec<(&'a TopicPartition, ErrorCode)> {
    let topics = partitions.iter().map(|partition| &*partition.topic).filter(|topic| !is_internal(topic));
    let authorized = exchange.authorized_topics(AclOperation::Write, topics);
    let cluster = exchange.services.metadata.snapshot();
    let check = |partition: &TopicPartition| {
        if is_internal(&partition.topic) || !authorized.contains(&partition.topic) {
            ErrorCode::TopicAuthorizationFailed
        } else if cluster.partition(partition).is_none() {
            ErrorCode::UnknownTopicOrPartition
        } else {
            ErrorCode::None
        }
    };
    partitions.iter().map(|partition| (partition, check(partition))).collect()
}

fn respond(errors: impl Iterator<Item = (TopicPartition, ErrorCode)>) -> AddPartitionsToTxnResponse {
    let mut by_topic: BTreeMap<Arc<str>, Vec<AddPartitionsToTxnPartitionResult>> = BTreeMap::new();
    for (TopicPartition { topic, partition: partition_index }, error) in errors {
        let error_code = error.code();
        let result = AddPartitionsToTxnPartitionResult { partition_index, error_code };
        by_topic.entry(topic).or_default().push(result);
    }
    let topic =
        |(name, results): (Arc<str>, _)| AddPartitionsToTxnTopicResult { name: (*name).into(), results };
    AddPartitionsToTxnResponse { results: by_topic.into_iter().map(topic).collect(), ..Default::default() }
}
