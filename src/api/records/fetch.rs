//! Fetch, v0-12. Batches from an offset on, at once or once there is enough; sessions send only what changed.
//!
//! v3 response limit · v4 isolation, aborted transactions · v5 log start offset · v7 sessions (KIP-227) · v9 leader epochs ·
//! v11 rack, preferred replica (KIP-392) · v12 flexible, last fetched epoch. Kafka: `KafkaApis.handleFetchRequest`.

use std::time::Duration;

use crate::api::Exchange;
use crate::api::authorize::AuthorizedTopics;
use crate::api::named_twice::last_mentions;
use crate::base::TopicPartition;
use crate::net::disk_reads;
use crate::replica::fetch_sessions::{Asked, Plan};
use crate::replica::old_formats::READS_FORMAT_2;
use crate::replica::{FetchOutcome, FetchParams, FetchPartition, Isolation, Location};
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::{
    AbortedTransaction, EpochEndOffset, FetchRequest, FetchResponse, FetchablePartitionResponse,
    FetchableTopicResponse,
};

/// What is fetched, in the order of the answer.
type Wanted = Vec<(TopicPartition, FetchPartition)>;
/// What was found of it.
type Outcomes = Vec<(TopicPartition, FetchOutcome)>;

/// Plans with the caller's session, fetches, and leaves of the outcomes what the caller has to be told.
pub async fn handle(exchange: &Exchange, request: FetchRequest) -> FetchResponse {
    let replicas = &exchange.services.replicas;
    let now = exchange.services.clock.now();
    let (version, isolation) = (exchange.version(), request.isolation_level);
    let params = params(exchange, &request);
    let (rack, session_id) = (request.rack_id.clone(), request.session_id);
    let near = Location { rack: &rack, listener: &exchange.caller.listener };
    let asked = asked(version, request);
    // An answer to a request that cannot be names the partitions of the request, whatever else its session holds.
    let named = if isolation_level(isolation).is_err() { ids(&asked.partitions) } else { Vec::new() };
    let plan = replicas.fetch_sessions().lock().plan(asked, now);
    if let Err(error) = isolation_level(isolation)
        && plan.partitions().iter().any(|(id, _)| is_known(exchange, id))
    {
        log::error!(target: "kafka.server.KafkaApis", "Error when handling request: Unknown isolation level {isolation}");
        let refused = named.into_iter().map(|id| (id, FetchOutcome::refused(error))).collect();
        return FetchResponse { error_code: error as i16, ..response(version, session_id, refused) };
    }
    match plan {
        Plan::Refuse(error) => FetchResponse { error_code: error as i16, ..Default::default() },
        Plan::Sessionless(wanted) if version < READS_FORMAT_2 => {
            let (wanted, outcomes) = fetch(exchange, near, params, wanted).await;
            respond(exchange, 0, down_converted(exchange, params, wanted, outcomes).await)
        }
        Plan::Sessionless(wanted) => respond(exchange, 0, fetch(exchange, near, params, wanted).await.1),
        Plan::Full(wanted) => {
            let (wanted, outcomes) = fetch(exchange, near, params, wanted).await;
            let id = fastrand::i32(1..);
            let follower = params.replica_id >= 0;
            let id = replicas.fetch_sessions().lock().begin(id, &wanted, &outcomes, follower, now);
            respond(exchange, id, outcomes)
        }
        Plan::Incremental(turn, wanted) => {
            let outcomes = fetch(exchange, near, params, wanted).await.1;
            let changed = replicas.fetch_sessions().lock().changed(turn, outcomes);
            match changed {
                Ok(changed) => respond(exchange, turn.id, changed),
                Err(error) => {
                    FetchResponse { error_code: error as i16, session_id: turn.id, ..Default::default() }
                }
            }
        }
    }
}

/// What is wanted and what was found of it, with the partitions that are not known behind the others. A client that has
/// closed its side is answered with what there is, so that nothing waits for it.
async fn fetch(
    exchange: &Exchange,
    near: Location<'_>,
    params: FetchParams,
    wanted: Wanted,
) -> (Wanted, Outcomes) {
    let replicas = &exchange.services.replicas;
    let (wanted, denied) = authorized(exchange, params.replica_id >= 0, wanted);
    let outcomes = tokio::select! {
        biased;
        outcomes = replicas.fetch_near(near, params, &wanted) => outcomes,
        () = exchange.caller.gone.cancelled() => {
            replicas.fetch_near(near, FetchParams { max_wait: Duration::ZERO, ..params }, &wanted).await
        }
    };
    let is_unknown = |outcome: &FetchOutcome| outcome.error == ErrorCode::UnknownTopicOrPartition;
    if denied.is_empty() && !outcomes.iter().any(|(_, outcome)| is_unknown(outcome)) {
        return (wanted, outcomes);
    }
    let refused = |wanted: (TopicPartition, FetchPartition)| {
        let outcome = FetchOutcome::refused(ErrorCode::TopicAuthorizationFailed);
        (wanted.clone(), (wanted.0, outcome))
    };
    let mut both: Vec<_> = wanted.into_iter().zip(outcomes).collect();
    both.sort_by_key(|(_, (_, outcome))| is_unknown(outcome));
    both.extend(denied.into_iter().map(refused));
    both.into_iter().unzip()
}

/// What the caller may fetch, and what it may not: a follower everything or nothing, a consumer by topic.
fn authorized(exchange: &Exchange, is_follower: bool, wanted: Wanted) -> (Wanted, Wanted) {
    if is_follower {
        return match exchange.is_authorized(AclOperation::ClusterAction, AclResource::CLUSTER) {
            true => (wanted, Vec::new()),
            false => (Vec::new(), wanted),
        };
    }
    match exchange.authorized_topics(AclOperation::Read, wanted.iter().map(|(id, _)| &*id.topic)) {
        AuthorizedTopics::Every => (wanted, Vec::new()),
        authorized => wanted.into_iter().partition(|(id, _)| authorized.contains(&id.topic)),
    }
}

fn is_known(exchange: &Exchange, id: &TopicPartition) -> bool {
    !matches!(exchange.services.replicas.partition(id), Err(ErrorCode::UnknownTopicOrPartition))
}

fn ids(wanted: &Wanted) -> Vec<TopicPartition> {
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
    wanted: Wanted,
    outcomes: Outcomes,
) -> Outcomes {
    let (version, follower) = (exchange.version(), params.replica_id >= 0);
    let mut converted = Outcomes::with_capacity(outcomes.len());
    for ((_, from), (id, outcome)) in wanted.into_iter().zip(outcomes) {
        if outcome.records.is_empty() {
            converted.push((id, outcome));
            continue;
        }
        let (replicas, stored, of) =
            (exchange.services.replicas.clone(), outcome.records.clone(), id.clone());
        let work = move || replicas.down_convert(version, follower, &of, from.offset, outcome);
        let outcome = disk_reads::run(stored.file(), work).await;
        let failed = |_| FetchOutcome::refused(ErrorCode::UnknownServerError);
        converted.push((id, outcome.unwrap_or_else(failed)));
    }
    converted
}

fn params(exchange: &Exchange, request: &FetchRequest) -> FetchParams {
    let follower = request.replica_id >= 0;
    let max_bytes = request.max_bytes.min(exchange.services.config.fetch_max_bytes);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    FetchParams {
        replica_id: request.replica_id,
        max_wait,
        min_bytes: request.min_bytes.min(max_bytes),
        max_bytes,
        hard_max_bytes: exchange.version() <= 2,
        isolation: isolation_level(request.isolation_level).unwrap_or_default(),
        leader_only: follower || exchange.version() < 11,
    }
}

/// What the request says of its session; before version 7 there are none.
fn asked(version: i16, request: FetchRequest) -> Asked {
    let partitions = request.topics.into_iter().flat_map(|topic| {
        let name: std::sync::Arc<str> = topic.topic.into();
        topic.partitions.into_iter().map(move |it| {
            let wanted = FetchPartition {
                offset: it.fetch_offset,
                max_bytes: it.partition_max_bytes,
                // Here any negative epoch stands for none, elsewhere only -1.
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
    Asked { id: request.session_id, epoch, partitions, forgotten: forgotten.collect() }
}

fn respond(exchange: &Exchange, session_id: i32, mut outcomes: Outcomes) -> FetchResponse {
    let version = exchange.version();
    exchange.services.replicas.refuse_zstd(version, &mut outcomes);
    response(version, session_id, outcomes)
}

fn response(version: i16, session_id: i32, outcomes: Outcomes) -> FetchResponse {
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    for (id, outcome) in outcomes {
        let partition = partition(version, id.partition, outcome);
        match responses.last_mut().filter(|topic| topic.topic == *id.topic) {
            Some(topic) => topic.partition_responses.push(partition),
            None => {
                let topic = id.topic.to_string();
                responses.push(FetchableTopicResponse { topic, partition_responses: vec![partition] });
            }
        }
    }
    let session_id = if version < 7 { 0 } else { session_id };
    FetchResponse { session_id, responses, ..Default::default() }
}

fn partition(version: i16, partition: i32, outcome: FetchOutcome) -> FetchablePartitionResponse {
    let aborted = outcome.aborted.map(|aborted| {
        let entry = |it: &crate::log::AbortedTransaction| AbortedTransaction {
            producer_id: it.producer_id,
            first_offset: it.first_offset,
        };
        aborted.iter().map(entry).collect()
    });
    let diverging = outcome.diverging.map(|(epoch, end_offset)| EpochEndOffset { epoch, end_offset });
    let preferred = outcome.preferred_read_replica.filter(|_| version >= 11).unwrap_or(-1);
    // Clients before version 5 of Metadata's kin know no storage error.
    let error = match outcome.error {
        ErrorCode::KafkaStorageError if version <= 5 => ErrorCode::NotLeaderOrFollower,
        error => error,
    };
    FetchablePartitionResponse {
        partition,
        error_code: error as i16,
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
