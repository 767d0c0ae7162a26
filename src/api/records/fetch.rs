//! Fetch, v0-12. Batches from an offset on, at once or once there are enough bytes; in a session only what
//! changed.
//!
//! v3 response limit · v4 isolation, aborted transactions · v5 log start offset · v7 sessions (KIP-227) · v9
//! leader epochs · v11 rack, preferred replica (KIP-392) · v12 flexible, last fetched epoch. Kafka:
//! `KafkaApis.handleFetchRequest`.

use std::time::{Duration, Instant};

use crate::api::Exchange;
use crate::api::authorize::AuthorizedTopics;
use crate::api::handling::Handled;
use crate::api::named_twice::last_mentions;
use crate::base::ids::by_topic;
use crate::base::{Records, TopicPartition};
use crate::net::disk_reads;
use crate::replica::machine::ReadFrom;
use crate::replica::old_formats::READS_FORMAT_2;
use crate::replica::{
    FetchCaller, FetchContext, FetchOutcome, FetchParams, Isolation, Location, PartitionFetch, SessionRequest,
};
use crate::security::{AclOperation, AclResource};
use crate::wire::codec::Writer;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Message;
use crate::wire::message::fetch::{
    AbortedTransaction, EpochEndOffset, FetchRequest, FetchResponse, FetchablePartitionResponse,
    FetchableTopicResponse,
};

/// What was found of a partition.
type AnsweredFetches = Vec<(TopicPartition, FetchOutcome)>;

/// Applies the request to the caller's session, fetches, and answers with those outcomes that the caller does
/// not know yet. A consumer over its quota is sent nothing of what was fetched.
pub async fn handle(exchange: &Exchange, request: FetchRequest) -> Handled<FetchResponse> {
    let replicas = &exchange.services.replicas;
    let (version, isolation) = (exchange.version(), request.isolation_level);
    let params = params(exchange, &request);
    let (rack, session_id) = (request.rack_id.clone(), request.session_id);
    let near = Location { rack: &rack, listener: &exchange.caller.listener };
    let request = session_request(version, request);
    // An error of the whole request is answered for the partitions of the request, whatever else its session
    // contains.
    let named = if isolation_level(isolation).is_err() { ids(&request.partitions) } else { Vec::new() };
    let context = replicas.fetch_context(request, params.reader());
    if let Err(error) = isolation_level(isolation)
        && context.any(|id| is_known(exchange, id))
    {
        log::error!(target: "kafka.server.KafkaApis", "Error when handling request: Unknown isolation level {isolation}");
        let refused = named.into_iter().map(|id| (id, FetchOutcome::refused(error))).collect();
        let response = response(version, session_id, refused);
        return Handled::Now(FetchResponse { error_code: error.code(), ..response });
    }
    let authorized = authorized(exchange, params.replica_id >= 0, &context);
    let denies = |id: &TopicPartition| !authorized.contains(&id.topic);
    let caller = FetchCaller { near: Some(near), denies: authorized.is_partial().then_some(&denies) };
    let mut outcomes = replicas.fetch_for(&context, params, caller, exchange.caller.gone.cancelled()).await;
    let is_metered = params.replica_id < 0 && exchange.is_metered();
    if is_metered {
        let throttle = exchange.record_fetch(response_size(version, &context, &outcomes));
        if !throttle.is_zero() {
            return Handled::Metered(throttled(version, &context, throttle));
        }
    }
    if version < READS_FORMAT_2
        && let Some(wanted) = context.sessionless()
    {
        outcomes = down_converted(exchange, params, wanted, outcomes).await;
    }
    let answer = replicas.answer_fetch(&context, outcomes, std::iter::repeat_with(|| fastrand::i32(1..)));
    let session_id = answer.session_id;
    let follower = Some(params.replica_id).filter(|id| *id >= 0);
    replicas.count_bytes_out(follower, &answer.outcomes);
    let response = match answer.error {
        ErrorCode::None => respond(exchange, session_id, answer.outcomes),
        error => FetchResponse { error_code: error.code(), session_id, ..Default::default() },
    };
    if is_metered { Handled::Metered(response) } else { Handled::Now(response) }
}

/// The bytes of the response as Kafka counts them: with its length, before any records are converted.
fn response_size(version: i16, context: &FetchContext, outcomes: &AnsweredFetches) -> usize {
    let response = response(version, 0, context.to_be_sent(outcomes));
    let mut out = Writer::framed();
    // A response that does not fit its version fails again where it is sent.
    if response.encode(&mut out, version).is_ok() { out.len() } else { 0 }
}

/// The response to a consumer over its quota.
fn throttled(version: i16, context: &FetchContext, throttle: Duration) -> FetchResponse {
    let answer = context.throttled_answer();
    let throttle_time_ms = i32::try_from(throttle.as_millis()).unwrap_or(i32::MAX);
    let response = response(version, answer.session_id, answer.outcomes);
    FetchResponse { error_code: answer.error.code(), throttle_time_ms, ..response }
}

/// What the caller may fetch: a follower everything or nothing, a consumer by topic.
fn authorized(exchange: &Exchange, is_follower: bool, context: &FetchContext) -> AuthorizedTopics {
    if is_follower {
        return match exchange.is_authorized(AclOperation::ClusterAction, AclResource::CLUSTER) {
            true => AuthorizedTopics::Every,
            false => AuthorizedTopics::Named(Default::default()),
        };
    }
    let without_names = exchange.authorized_topics(AclOperation::Read, []);
    if !without_names.is_partial() {
        return without_names;
    }
    let topics = context.topics();
    exchange.authorized_topics(AclOperation::Read, topics.iter().map(|name| &**name))
}

fn is_known(exchange: &Exchange, id: &TopicPartition) -> bool {
    !matches!(exchange.services.replicas.partition(id), Err(ErrorCode::UnknownTopicOrPartition))
}

fn ids(wanted: &[(TopicPartition, PartitionFetch)]) -> Vec<TopicPartition> {
    wanted.iter().map(|(id, _)| id.clone()).collect()
}

/// The isolation level of an id.
///
/// # Errors
/// UNKNOWN_SERVER_ERROR where there is no such level.
fn isolation_level(id: i8) -> Result<Isolation, ErrorCode> {
    match id {
        0 => Ok(Isolation::ReadUncommitted),
        1 => Ok(Isolation::ReadCommitted),
        _ => Err(ErrorCode::UnknownServerError),
    }
}

/// The outcomes with their records in an older format, off the runtime's threads.
async fn down_converted(
    exchange: &Exchange,
    params: FetchParams,
    wanted: &[(TopicPartition, PartitionFetch)],
    outcomes: AnsweredFetches,
) -> AnsweredFetches {
    let (version, reader) = (exchange.version(), params.reader());
    let began = Instant::now();
    let mut converted = AnsweredFetches::with_capacity(outcomes.len());
    for ((_, from), (id, outcome)) in wanted.iter().zip(outcomes) {
        if outcome.records.is_empty() {
            converted.push((id, outcome));
            continue;
        }
        let from = from.offset;
        let (replicas, stored, of) =
            (exchange.services.replicas.clone(), outcome.records.clone(), id.clone());
        let work = move || replicas.down_convert(version, &reader, &of, from, outcome);
        let outcome = disk_reads::run(stored.file(), work).await;
        let failed = |_| FetchOutcome::refused(ErrorCode::UnknownServerError);
        converted.push((id, outcome.unwrap_or_else(failed)));
    }
    if converted.iter().any(|(_, outcome)| matches!(outcome.records, Records::Lazy(_))) {
        exchange.services.request_metrics.count_conversions(began.elapsed());
    }
    converted
}

fn params(exchange: &Exchange, request: &FetchRequest) -> FetchParams {
    let follower = request.replica_id >= 0;
    let mut max_bytes = request.max_bytes.min(exchange.services.config.fetch_max_bytes);
    if !follower && let Some(quota) = exchange.max_fetch_in_quota_window() {
        // More would be throttled each time, and the consumer would never get it.
        max_bytes = max_bytes.min(quota);
    }
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    FetchParams {
        replica_id: request.replica_id,
        max_wait,
        min_bytes: request.min_bytes.min(max_bytes),
        max_bytes,
        hard_max_bytes: exchange.version() <= 2,
        isolation: isolation_level(request.isolation_level).unwrap_or_default(),
        read_from: if follower || exchange.version() < 11 { ReadFrom::Leader } else { ReadFrom::AnyReplica },
    }
}

/// The session fields of the request; before version 7 there is no session.
fn session_request(version: i16, request: FetchRequest) -> SessionRequest {
    let partitions = request.topics.into_iter().flat_map(|topic| {
        let name: std::sync::Arc<str> = topic.topic.into();
        topic.partitions.into_iter().map(move |it| {
            let wanted = PartitionFetch {
                offset: it.fetch_offset,
                max_bytes: it.partition_max_bytes,
                // In Fetch any negative epoch means none, in other requests only -1.
                current_leader_epoch: Some(it.current_leader_epoch).filter(|epoch| *epoch >= 0),
                last_fetched_epoch: Some(it.last_fetched_epoch).filter(|epoch| *epoch >= 0),
                log_start_offset: it.log_start_offset,
            };
            (TopicPartition::new(name.clone(), it.partition), wanted)
        })
    });
    let forgotten = request.forgotten_topics_data.into_iter().flat_map(|topic| {
        let name: std::sync::Arc<str> = topic.topic.into();
        topic.partitions.into_iter().map(move |partition| TopicPartition::new(name.clone(), partition))
    });
    let epoch = if version < 7 { -1 } else { request.session_epoch };
    let partitions = last_mentions(partitions.collect());
    SessionRequest { id: request.session_id, epoch, partitions, forgotten: forgotten.collect() }
}

fn respond(exchange: &Exchange, session_id: i32, mut outcomes: AnsweredFetches) -> FetchResponse {
    let version = exchange.version();
    exchange.services.replicas.refuse_zstd(version, &mut outcomes);
    response(version, session_id, outcomes)
}

fn response(version: i16, session_id: i32, outcomes: AnsweredFetches) -> FetchResponse {
    let partitions = outcomes.into_iter().map(|(id, outcome)| {
        let partition = partition(version, id.partition, outcome);
        (id, partition)
    });
    let responses = by_topic(partitions)
        .map(|(topic, partition_responses)| FetchableTopicResponse {
            topic: topic.to_string(),
            partition_responses,
        })
        .collect();
    let session_id = if version < 7 { 0 } else { session_id };
    FetchResponse { session_id, responses, ..Default::default() }
}

fn partition(version: i16, partition: i32, outcome: FetchOutcome) -> FetchablePartitionResponse {
    let aborted = outcome.aborted.map(|aborted| {
        let entry = |it: &crate::log::LogAbortedTransaction| AbortedTransaction {
            producer_id: it.producer_id,
            first_offset: it.first_offset,
        };
        aborted.iter().map(entry).collect()
    });
    let diverging = outcome.diverging.map(|end| EpochEndOffset { epoch: end.epoch, end_offset: end.offset });
    let preferred = outcome.preferred_read_replica.filter(|_| version >= 11).unwrap_or(-1);
    // Clients of this version do not know KAFKA_STORAGE_ERROR.
    let error = match outcome.error {
        ErrorCode::KafkaStorageError if version <= 5 => ErrorCode::NotLeaderOrFollower,
        error => error,
    };
    FetchablePartitionResponse {
        partition,
        error_code: error.code(),
        high_watermark: outcome.high_watermark,
        last_stable_offset: outcome.last_stable_offset,
        log_start_offset: outcome.log_start_offset,
        aborted_transactions: aborted,
        diverging_epoch: diverging.unwrap_or_default(),
        preferred_read_replica: preferred,
        record_set: Some(outcome.records),
        ..Default::default()
    }
}
