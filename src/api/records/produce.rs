//! Produce, v0-8. Appends batches; answers when `acks` is satisfied. Never decides offsets (`log::validate`) nor waits itself
//! (`replica::produce`).
//!
//! v3 message format 2, transactions · v5 log start offset · v7 zstd · v8 errors of single records (KIP-467).
//! With acks=0 nothing is answered, and an error closes the connection. Kafka: `KafkaApis.handleProduceRequest`.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::api::Exchange;
use crate::api::handling::Handled;
use crate::api::named_twice::last_mentions;
use crate::base::time::millis;
use crate::base::{Records, TopicPartition};
use crate::log::AppendOrigin;
use crate::log::validate::check_request;
use crate::replica::produce::{AppendParams, InternalTopics, ProduceOutcome, RequiredAcks};
use crate::security::{AclOperation, AclResource};
use crate::wire::batch::{Batch, LOG_OVERHEAD, NO_PRODUCER_ID};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};

/// The client id of brokers' own producers, who alone may write to internal topics (`AdminUtils.AdminClientId`).
const ADMIN_CLIENT: &str = "__admin_client";

/// Appends now, in the connection's order; the response may follow later.
pub async fn handle(exchange: &Exchange, request: ProduceRequest) -> Handled<ProduceResponse> {
    let (acks, timeout) = (RequiredAcks::from_wire(request.acks), millis(request.timeout_ms));
    let Some((entries, refused)) = entries(exchange, request) else { return Handled::Close };
    let Some(acks) = acks else {
        let invalid = ProduceOutcome::refused(ErrorCode::InvalidRequiredAcks);
        let invalid = entries.into_iter().map(|(id, _)| (id, invalid.clone()));
        return Handled::Now(response(followed_by(invalid.collect(), refused)));
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
        return if failed { Handled::Close } else { Handled::Unanswered };
    }
    if pending.is_settled() {
        return Handled::Now(response(followed_by(pending.outcomes().await, refused)));
    }
    Handled::Later(Box::pin(async move { response(followed_by(pending.outcomes().await, refused)) }))
}

type ProduceOutcomes = Vec<(TopicPartition, ProduceOutcome)>;

/// What was tried comes first in an answer, what was refused before it after that.
fn followed_by(mut outcomes: ProduceOutcomes, refused: ProduceOutcomes) -> ProduceOutcomes {
    outcomes.extend(refused);
    outcomes
}

/// What is to be appended, and what is refused before; None where the request is such that Kafka closes the connection:
/// its reader looks at the first batch of every partition and does not survive there being none. Of a partition named twice
/// the last batches count.
fn entries(
    exchange: &Exchange,
    request: ProduceRequest,
) -> Option<(Vec<(TopicPartition, Bytes)>, ProduceOutcomes)> {
    let mut asked = Vec::new();
    let mut kinds = BatchKinds::default();
    for topic in request.topics {
        for partition in topic.partitions {
            let id = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            let records = match partition.records? {
                Records::Memory(bytes) => bytes,
                other => other.read().ok()?,
            };
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
        } else if let Err(error) = check_request(&id, exchange.version(), &records) {
            refused.push((id, ProduceOutcome::refused(ErrorCode::from(&error))));
        } else {
            entries.push((id, records));
        }
    }
    Some((entries, followed_by(denied, refused)))
}

/// Why the whole request is refused, if it is: who produces in transactions needs its transactional id, and who uses a
/// producer id without one needs to be allowed that.
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

/// Which kinds of batches a request begins its partitions with.
#[derive(Clone, Copy, Debug, Default)]
struct BatchKinds {
    /// One is part of a transaction.
    transactional: bool,
    /// One has a producer id.
    idempotent: bool,
}

impl BatchKinds {
    /// Looks at a partition's first batch; None if there is none, or one so short that Kafka's reader fails at it. One that
    /// is longer, but not as long as a batch, is refused later.
    fn look_at(&mut self, records: &Bytes) -> Option<()> {
        /// Where the producer id stands in a batch.
        const PRODUCER_ID: std::ops::Range<usize> = 43..51;
        let (transactional, idempotent) = match Batch::split(records.clone()).next()? {
            Ok(first) => (first.header().is_transactional(), first.header().has_producer_id()),
            Err(_) => {
                let size = u32::from_be_bytes(*records.get(8..)?.first_chunk::<4>()?) as usize + LOG_OVERHEAD;
                let is_looked_at =
                    records.get(16) == Some(&2) && (PRODUCER_ID.end..=records.len()).contains(&size);
                let producer_id = records.get(PRODUCER_ID)?.first_chunk::<8>().filter(|_| is_looked_at)?;
                (records[22] & 0x10 != 0, i64::from_be_bytes(*producer_id) > NO_PRODUCER_ID)
            }
        };
        self.transactional |= transactional;
        self.idempotent |= idempotent;
        Some(())
    }
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
