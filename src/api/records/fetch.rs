//! Fetch, v0-12. Batches from an offset on, at once or once there is enough; sessions send only what changed.
//!
//! v3 response limit · v4 isolation, aborted transactions · v5 log start offset · v7 sessions (KIP-227) · v9 leader epochs ·
//! v11 rack, preferred replica (KIP-392) · v12 flexible, last fetched epoch. Kafka: `KafkaApis.handleFetchRequest`.

use std::time::Duration;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::replica::old_formats::READS_FORMAT_2;
use crate::replica::sessions::{Asked, Plan};
use crate::replica::{FetchOutcome, FetchParams, FetchPartition, Isolation, Location};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::{
    AbortedTransaction, EpochEndOffset, FetchRequest, FetchResponse, FetchablePartitionResponse,
    FetchableTopicResponse,
};

/// Plans with the caller's session, fetches, and leaves of the outcomes what the caller has to be told.
pub async fn handle(exchange: &Exchange, request: FetchRequest) -> FetchResponse {
    let replicas = &exchange.services.replicas;
    let now = crate::base::Clock::System.now();
    let params = params(exchange, &request);
    let rack = request.rack_id.clone();
    let near = Location { rack: &rack, listener: &exchange.caller.listener };
    let plan = replicas.sessions().lock().plan(asked(exchange.version(), request), now);
    match plan {
        Plan::Refuse(error) => FetchResponse { error_code: error as i16, ..Default::default() },
        Plan::Sessionless(partitions) if exchange.version() < READS_FORMAT_2 => {
            let outcomes = replicas.fetch(params, partitions.clone()).await;
            respond(exchange, 0, down_converted(exchange, params, partitions, outcomes).await)
        }
        Plan::Sessionless(partitions) => {
            respond(exchange, 0, replicas.fetch_near(near, params, partitions).await)
        }
        Plan::Full(partitions) => {
            let outcomes = replicas.fetch_near(near, params, partitions.clone()).await;
            let id = fastrand::i32(1..);
            let follower = params.replica_id >= 0;
            let id = replicas.sessions().lock().begin(id, &partitions, &outcomes, follower, now);
            respond(exchange, id, outcomes)
        }
        Plan::Incremental(turn, partitions) => {
            let outcomes = replicas.fetch_near(near, params, partitions).await;
            let changed = replicas.sessions().lock().changed(turn, outcomes);
            match changed {
                Ok(changed) => respond(exchange, turn.id, changed),
                Err(error) => {
                    FetchResponse { error_code: error as i16, session_id: turn.id, ..Default::default() }
                }
            }
        }
    }
}

/// The outcomes with their records in an older format, off the runtime's threads.
async fn down_converted(
    exchange: &Exchange,
    params: FetchParams,
    wanted: Vec<(TopicPartition, FetchPartition)>,
    mut outcomes: Vec<(TopicPartition, FetchOutcome)>,
) -> Vec<(TopicPartition, FetchOutcome)> {
    let (replicas, version) = (exchange.services.replicas.clone(), exchange.version());
    let ids: Vec<_> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let converting = tokio::task::spawn_blocking(move || {
        replicas.down_convert(version, params.replica_id >= 0, &wanted, &mut outcomes);
        outcomes
    });
    let refused = |id| (id, FetchOutcome::refused(ErrorCode::UnknownServerError));
    converting.await.unwrap_or_else(|_| ids.into_iter().map(refused).collect())
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
        isolation: if request.isolation_level == 1 {
            Isolation::ReadCommitted
        } else {
            Isolation::ReadUncommitted
        },
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
    Asked { id: request.session_id, epoch, partitions: partitions.collect(), forgotten: forgotten.collect() }
}

fn respond(
    exchange: &Exchange,
    session_id: i32,
    mut outcomes: Vec<(TopicPartition, FetchOutcome)>,
) -> FetchResponse {
    let version = exchange.version();
    exchange.services.replicas.refuse_zstd(version, &mut outcomes);
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
