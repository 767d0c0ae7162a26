//! Produce, v0-8. Decodes the batches' headers, which go on from here decoded; appends them; answers when `acks` is
//! satisfied. Never decides offsets (`log::validate`) nor waits itself (`replica::produce`).
//!
//! v3 message format 2, transactions · v5 log start offset · v7 zstd · v8 errors of single records (KIP-467).
//! With acks=0 nothing is answered, and an error closes the connection. Kafka: `KafkaApis.handleProduceRequest`.

pub mod produced_records;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use produced_records::{BatchKinds, validate_records};

use crate::api::Exchange;
use crate::api::handling::Handled;
use crate::api::named_twice::last_mentions;
use crate::base::time::millis;
use crate::base::{Records, TopicPartition};
use crate::log::AppendOrigin;
use crate::quota::values::ClientQuotaType;
use crate::replica::produce::{AppendParams, InternalTopics, ProduceOutcome, RequiredAcks};
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;
use crate::wire::message::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};

/// The client id of brokers' own producers, which alone may write to internal topics
/// (`AdminUtils.AdminClientId`).
const ADMIN_CLIENT: &str = "__admin_client";

/// Appends now, in the connection's order; the response may follow later.
pub async fn handle(exchange: &Exchange, request: ProduceRequest) -> Handled<ProduceResponse> {
    let (acks, timeout) = (RequiredAcks::from_wire(request.acks), millis(request.timeout_ms));
    let Some((entries, refused)) = entries(exchange, request) else { return Handled::Close };
    let Some(acks) = acks else {
        let invalid = ProduceOutcome::refused(ErrorCode::InvalidRequiredAcks);
        let invalid = entries.into_iter().map(|(id, _)| (id, invalid.clone()));
        return Handled::Now(metered(exchange, response(followed_by(invalid.collect(), refused))));
    };
    let internal_topics = match exchange.header.client_id.as_deref() {
        Some(ADMIN_CLIENT) => InternalTopics::Allowed,
        _ => InternalTopics::Refused,
    };
    let params =
        AppendParams { acks, timeout, internal_topics, origin: AppendOrigin::Client, leader_epoch: None };
    let pending = exchange.services.replicas.append_records(params, entries).await;
    if acks == RequiredAcks::None {
        let outcomes = pending.outcomes().await;
        let failed = refused.iter().chain(&outcomes).any(|(_, outcome)| outcome.error != ErrorCode::None);
        let throttle = exchange.record_produce();
        if failed {
            return Handled::Close;
        }
        // A caller that gets no answer is not throttled by its time, but by its bytes.
        let throttle = exchange.record_throttle(ClientQuotaType::Produce, throttle, Duration::ZERO);
        return Handled::Unanswered(throttle);
    }
    if pending.is_settled() || exchange.is_metered() {
        let outcomes = followed_by(pending.outcomes().await, refused);
        return Handled::Now(metered(exchange, response(outcomes)));
    }
    Handled::Later(Box::pin(async move { response(followed_by(pending.outcomes().await, refused)) }))
}

/// Counts the request's bytes; the response has the time for which its sender is throttled for them.
fn metered(exchange: &Exchange, mut response: ProduceResponse) -> ProduceResponse {
    response.throttle_time_ms = i32::try_from(exchange.record_produce().as_millis()).unwrap_or(i32::MAX);
    response
}

type ProduceOutcomes = Vec<(TopicPartition, ProduceOutcome)>;

/// What was tried comes first in an answer, what was refused before it after that.
fn followed_by(mut outcomes: ProduceOutcomes, refused: ProduceOutcomes) -> ProduceOutcomes {
    outcomes.extend(refused);
    outcomes
}

/// What is to be appended, and what is refused before; None where the request is such that Kafka closes the
/// connection: its reader looks at the first batch of every partition and does not survive there being none.
/// Of a partition named twice the last batches count.
fn entries(
    exchange: &Exchange,
    request: ProduceRequest,
) -> Option<(Vec<(TopicPartition, MemoryRecords)>, ProduceOutcomes)> {
    let mut asked = Vec::new();
    let mut kinds = BatchKinds::default();
    for topic in request.topics {
        for partition in topic.partitions {
            let id = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            let records = match partition.records? {
                Records::Memory(bytes) => bytes,
                other => other.read().ok()?,
            };
            let records = produced_records::decode(exchange.version(), records);
            kinds.look_at(&records)?;
            asked.push((id, records));
        }
    }
    let asked = last_mentions(asked);
    if let Some(error) = denial(exchange, &kinds, request.transactional_id.as_deref()) {
        let refused = ProduceOutcome::refused(error);
        return Some((Vec::new(), asked.into_iter().map(|(id, _)| (id, refused.clone())).collect()));
    }
    let authorized = exchange.authorized_topics(AclOperation::Write, asked.iter().map(|(id, _)| &*id.topic));
    let (mut entries, mut denied, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let metadata = exchange.services.metadata.snapshot();
    for (id, records) in asked {
        if !authorized.contains(&id.topic) {
            denied.push((id, ProduceOutcome::refused(ErrorCode::TopicAuthorizationFailed)));
        } else if metadata.partition(&id).is_none() {
            refused.push((id, ProduceOutcome::refused(ErrorCode::UnknownTopicOrPartition)));
        } else if let Err(error) = validate_records(exchange.version(), &records) {
            refused.push((id, ProduceOutcome::refused(error)));
        } else {
            entries.push((id, records));
        }
    }
    Some((entries, followed_by(denied, refused)))
}

/// Why the whole request is refused, if it is: a producer in transactions needs its transactional id, and one
/// that uses a producer id without transactions needs a permission for that.
fn denial(exchange: &Exchange, kinds: &BatchKinds, transactional_id: Option<&str>) -> Option<ErrorCode> {
    if kinds.transactional {
        let may = transactional_id
            .is_some_and(|id| exchange.is_authorized(AclOperation::Write, AclResource::transactional_id(id)));
        return (!may).then_some(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    let may =
        !kinds.idempotent || exchange.is_authorized(AclOperation::IdempotentWrite, AclResource::CLUSTER);
    (!may).then_some(ErrorCode::ClusterAuthorizationFailed)
}

/// The response, partitions grouped by topic in the order they came to be known.
fn response(outcomes: ProduceOutcomes) -> ProduceResponse {
    let mut responses: Vec<TopicProduceResponse> = Vec::new();
    let mut slots: HashMap<Arc<str>, usize> = HashMap::new();
    for (id, outcome) in outcomes {
        let partition = partition(id.partition, outcome);
        // Mostly a topic's partitions come together, and one topic only.
        let slot = match responses.last() {
            Some(last) if last.name == *id.topic => responses.len() - 1,
            _ => *slots.entry(id.topic).or_insert_with_key(|topic| {
                responses.push(TopicProduceResponse { name: topic.to_string(), partitions: Vec::new() });
                responses.len() - 1
            }),
        };
        responses[slot].partitions.push(partition);
    }
    ProduceResponse { responses, ..Default::default() }
}

fn partition(partition_index: i32, outcome: ProduceOutcome) -> PartitionProduceResponse {
    let errors = outcome.record_errors.into_iter().map(|(batch_index, message)| BatchIndexAndErrorMessage {
        batch_index,
        batch_index_error_message: message,
    });
    PartitionProduceResponse {
        partition_index,
        error_code: outcome.error.code(),
        base_offset: outcome.base_offset,
        log_append_time_ms: outcome.log_append_time,
        log_start_offset: outcome.log_start_offset,
        record_errors: errors.collect(),
        error_message: outcome.error_message,
    }
}
