//! Produce, v0-8. Appends batches; answers when `acks` is satisfied. Never decides offsets (`log::validate`) nor waits itself
//! (`replica::produce`).
//!
//! v3 message format 2, transactions · v5 log start offset · v7 zstd · v8 errors of single records (KIP-467).
//! With acks=0 nothing is answered, and an error closes the connection. Kafka: `KafkaApis.handleProduceRequest`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::api::Exchange;
use crate::api::named_twice::last_mentions;
use crate::base::{Records, TopicPartition};
use crate::log::validate::check_request;
use crate::net::Answer;
use crate::replica::ProduceOutcome;
use crate::wire::batch::{Batch, LOG_OVERHEAD};
use crate::wire::codec::{Reader, WireError};
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::message::Message;
use crate::wire::message::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};

/// The client id of brokers' own producers, who alone may write to internal topics (`AdminUtils.AdminClientId`).
const ADMIN_CLIENT: &str = "__admin_client";

/// Appends now, in the connection's order; the answer may follow later.
pub fn handle(exchange: Exchange, mut input: Reader) -> BoxFuture<'static, Result<Answer, WireError>> {
    Box::pin(async move {
        let request = ProduceRequest::decode(&mut input, exchange.version())?;
        let acks = request.acks;
        let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
        let (entries, refused) = match entries(&exchange, request) {
            Some(found) => found,
            None => return Ok(Answer::Close),
        };
        let internal_allowed = exchange.header.client_id.as_deref() == Some(ADMIN_CLIENT);
        let pending = exchange.services.replicas.append(acks, timeout, internal_allowed, entries).await;
        if acks == 0 {
            let outcomes = pending.outcomes().await;
            let failed = refused.iter().chain(&outcomes).any(|(_, outcome)| outcome.error != ErrorCode::None);
            return Ok(if failed { Answer::Close } else { Answer::Nothing });
        }
        if pending.is_settled() {
            let outcomes = followed_by(pending.outcomes().await, refused);
            return Ok(Answer::Now(frame::response(&exchange.header, &response(outcomes))?));
        }
        Ok(Answer::Later(Box::pin(async move {
            let outcomes = followed_by(pending.outcomes().await, refused);
            frame::response(&exchange.header, &response(outcomes)).ok()
        })))
    })
}

type Outcomes = Vec<(TopicPartition, ProduceOutcome)>;

/// What was tried comes first in an answer, what was refused before it after that.
fn followed_by(mut outcomes: Outcomes, refused: Outcomes) -> Outcomes {
    outcomes.extend(refused);
    outcomes
}

/// What is to be appended, and what is refused before; None where the request is such that Kafka closes the connection:
/// its reader looks at the first batch of every partition and does not survive there being none. Of a partition named twice
/// the last batches count.
fn entries(exchange: &Exchange, request: ProduceRequest) -> Option<(Vec<(TopicPartition, Bytes)>, Outcomes)> {
    let (mut asked, mut is_transactional) = (Vec::new(), false);
    for topic in request.topics {
        for partition in topic.partitions {
            let id = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            let records = match partition.records? {
                Records::Memory(bytes) => bytes,
                other => other.read().ok()?,
            };
            is_transactional |= begins_transactional(&records)?;
            asked.push((id, records));
        }
    }
    if is_transactional && request.transactional_id.is_none() {
        let refused = ProduceOutcome::refused(ErrorCode::TransactionalIdAuthorizationFailed);
        return Some((
            Vec::new(),
            last_mentions(asked).into_iter().map(|(id, _)| (id, refused.clone())).collect(),
        ));
    }
    let asked = last_mentions(asked);
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    let metadata = exchange.services.metadata.snapshot();
    for (id, records) in asked {
        if metadata.partition(&id).is_none() {
            refused.push((id, ProduceOutcome::refused(ErrorCode::UnknownTopicOrPartition)));
        } else if let Err(error) = check_request(&id, exchange.version(), &records) {
            refused.push((id, ProduceOutcome::refused(ErrorCode::from(&error))));
        } else {
            entries.push((id, records));
        }
    }
    Some((entries, refused))
}

/// Whether the first batch is part of a transaction; None if there is none, or one so short that Kafka's reader fails at it. One that
/// is longer, but not as long as a batch, is refused later.
fn begins_transactional(records: &Bytes) -> Option<bool> {
    /// Up to where the reader looks: the producer's id.
    const LOOKED_AT: usize = 51;
    match Batch::split(records.clone()).next()? {
        Ok(first) => Some(first.header().is_transactional()),
        Err(_) => {
            let size = u32::from_be_bytes(*records.get(8..)?.first_chunk::<4>()?) as usize + LOG_OVERHEAD;
            let is_looked_at = records.get(16) == Some(&2) && (LOOKED_AT..=records.len()).contains(&size);
            is_looked_at.then(|| records[22] & 0x10 != 0)
        }
    }
}

/// The response, partitions grouped by topic in the order they came to be known.
fn response(outcomes: Outcomes) -> ProduceResponse {
    let mut responses: Vec<TopicProduceResponse> = Vec::new();
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    for (id, outcome) in outcomes {
        let partition = partition(id.partition, outcome);
        // Mostly a topic's partitions come together, and one topic only.
        let place = match responses.last() {
            Some(last) if last.name == *id.topic => responses.len() - 1,
            _ => *places.entry(id.topic).or_insert_with_key(|topic| {
                responses.push(TopicProduceResponse { name: topic.to_string(), partitions: Vec::new() });
                responses.len() - 1
            }),
        };
        responses[place].partitions.push(partition);
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
        error_code: outcome.error as i16,
        base_offset: outcome.base_offset,
        log_append_time_ms: outcome.log_append_time,
        log_start_offset: outcome.log_start_offset,
        record_errors: errors.collect(),
        error_message: outcome.error_message,
    }
}
