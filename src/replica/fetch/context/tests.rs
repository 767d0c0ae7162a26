use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::base::{BrokerId, Offset};
use crate::replica::fetch::Isolation;
use crate::replica::machine::ReadFrom;
use crate::replica::tests::{NOW, Room, batch, partition};

const PATIENT: Duration = Duration::from_secs(3600);

fn params(replica_id: BrokerId) -> FetchParams {
    FetchParams {
        replica_id,
        max_wait: Duration::ZERO,
        min_bytes: 1,
        max_bytes: 1 << 20,
        hard_max_bytes: false,
        isolation: Isolation::ReadUncommitted,
        read_from: ReadFrom::Leader,
    }
}

fn request(id: i32, epoch: i32, wanted: &[(i32, Offset)], forgotten: &[i32]) -> SessionRequest {
    let fetch = |offset| PartitionFetch {
        offset,
        max_bytes: 1 << 20,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: 0,
    };
    SessionRequest {
        id,
        epoch,
        partitions: wanted.iter().map(|(number, offset)| (partition(*number), fetch(*offset))).collect(),
        forgotten: forgotten.iter().map(|number| partition(*number)).collect(),
    }
}

async fn fetch(room: &Room, params: FetchParams, request: SessionRequest) -> SessionAnswer {
    let context = room.replicas.fetch_context(request, params.reader());
    let outcomes =
        room.replicas.fetch_for(&context, params, FetchCaller::default(), std::future::pending()).await;
    room.replicas.answer_fetch(&context, outcomes, 7..)
}

fn numbers(answer: &SessionAnswer) -> Vec<i32> {
    answer.outcomes.iter().map(|(id, _)| id.partition).collect()
}

/// Three partitions led here, with brokers 1 and 2 in sync, and a session of all of them.
async fn room_with_session(replica_id: BrokerId) -> Room {
    let room = Room::new();
    for number in 0..3 {
        room.become_replica(number, 1, 0, &[1, 2]);
    }
    let answer = fetch(&room, params(replica_id), request(0, 0, &[(0, 0), (1, 0), (2, 0)], &[])).await;
    assert_eq!((answer.error, answer.session_id, numbers(&answer)), (ErrorCode::None, 7, vec![0, 1, 2]));
    room
}

#[tokio::test]
async fn unknown_sessions_and_wrong_epochs_are_refused() {
    let room = room_with_session(-1).await;
    for (id, epoch, expected) in
        [(8, 1, ErrorCode::FetchSessionIdNotFound), (7, 2, ErrorCode::InvalidFetchSessionEpoch)]
    {
        let context = room.replicas.fetch_context(request(id, epoch, &[], &[]), params(-1).reader());
        assert_eq!(context.refusal(), Some(expected));
    }
}

#[tokio::test]
async fn forgetting_the_last_partition_ends_the_session() {
    let room = room_with_session(-1).await;
    let answer = fetch(&room, params(-1), request(7, 1, &[], &[0, 1, 2])).await;
    assert_eq!((answer.error, answer.session_id, numbers(&answer)), (ErrorCode::None, 0, vec![]));
    assert!(room.replicas.fetch_sessions.is_empty());
}

#[tokio::test]
async fn asking_for_none_ends_the_session() {
    let room = room_with_session(-1).await;
    let answer = fetch(&room, params(-1), request(7, -1, &[(0, 0)], &[])).await;
    assert_eq!((answer.session_id, numbers(&answer)), (0, vec![0]));
    assert!(room.replicas.fetch_sessions.is_empty());
}

#[tokio::test]
async fn a_waiting_fetch_of_a_session_is_answered_with_what_moved() {
    let room = room_with_session(2).await;
    let patient = FetchParams { max_wait: PATIENT, ..params(2) };
    let mut waiting = pin!(fetch(&room, patient, request(7, 1, &[], &[])));
    assert!(waiting.as_mut().now_or_never().is_none());
    room.produce(1, &["a"]).await;
    let answer = waiting.await;
    assert_eq!(numbers(&answer), [1]);
    assert_eq!(answer.outcomes[0].1.records.len(), batch(&["a"]).len());
}

#[tokio::test]
async fn a_follower_gets_the_high_watermark_without_records() {
    let room = room_with_session(2).await;
    room.produce(0, &["a"]).await;
    let answer = fetch(&room, params(2), request(7, 1, &[], &[])).await;
    assert_eq!((numbers(&answer), answer.outcomes[0].1.high_watermark), (vec![0], 0));
    let patient = FetchParams { max_wait: PATIENT, ..params(2) };
    // The follower has the record now, which moves the high watermark; no record follows.
    let answer = fetch(&room, patient, request(7, 2, &[(0, 1)], &[])).await;
    assert_eq!((numbers(&answer), answer.outcomes[0].1.high_watermark), (vec![0], 1));
    assert!(answer.outcomes[0].1.records.is_empty());
    // Now there is nothing to send any more.
    assert!(fetch(&room, patient, request(7, 3, &[], &[])).now_or_never().is_none());
}

#[tokio::test]
async fn a_consumer_is_sent_a_log_start_that_has_moved() {
    let room = room_with_session(-1).await;
    room.become_replica(0, 1, 1, &[1]);
    room.produce(0, &["a"]).await;
    let answer = fetch(&room, params(-1), request(7, 1, &[(0, 1)], &[])).await;
    assert_eq!(numbers(&answer), [0]);
    assert_eq!(numbers(&fetch(&room, params(-1), request(7, 2, &[], &[])).await), [0; 0]);
    room.replicas
        .partition(&partition(0))
        .unwrap()
        .log()
        .unwrap()
        .increment_log_start_offset(1, "test")
        .unwrap();
    let answer = fetch(&room, params(-1), request(7, 3, &[], &[])).await;
    assert_eq!((numbers(&answer), answer.outcomes[0].1.log_start_offset), (vec![0], 1));
}

#[tokio::test]
async fn what_a_throttled_client_is_not_sent_it_is_sent_next() {
    let room = room_with_session(-1).await;
    room.become_replica(0, 1, 1, &[1]);
    room.produce(0, &["a"]).await;
    let context = room.replicas.fetch_context(request(7, 1, &[], &[]), params(-1).reader());
    let caller = FetchCaller::default();
    let outcomes = room.replicas.fetch_for(&context, params(-1), caller, std::future::pending()).await;
    assert_eq!(context.to_be_sent(&outcomes).len(), 1);
    let throttled = context.throttled_answer();
    assert_eq!((throttled.error, throttled.session_id, numbers(&throttled)), (ErrorCode::None, 7, vec![]));
    let answer = fetch(&room, params(-1), request(7, 2, &[], &[])).await;
    assert_eq!((numbers(&answer), answer.outcomes[0].1.records.len()), (vec![0], batch(&["a"]).len()));
    // The throttled request is overtaken now.
    assert_eq!(context.throttled_answer().error, ErrorCode::InvalidFetchSessionEpoch);
    assert_eq!(context.to_be_sent(&outcomes).len(), 0);
}

#[tokio::test]
async fn another_leader_is_noticed_by_a_session_that_does_not_wait() {
    let room = room_with_session(-1).await;
    assert_eq!(numbers(&fetch(&room, params(-1), request(7, 1, &[], &[])).await), [0; 0]);
    room.become_replica(1, 2, 1, &[2]);
    let answer = fetch(&room, params(-1), request(7, 2, &[], &[])).await;
    assert_eq!((numbers(&answer), answer.outcomes[0].1.error), (vec![1], ErrorCode::NotLeaderOrFollower));
}

#[tokio::test]
async fn a_follower_that_fetches_is_in_sync_in_partitions_that_nothing_is_appended_to() {
    let room = room_with_session(2).await;
    let lag_max = room.replicas.config.replica_lag_time_max_ms;
    for (epoch, now) in (1..).zip([NOW + lag_max, NOW + 2 * lag_max, NOW + 3 * lag_max]) {
        room.clock.set(now);
        assert_eq!(numbers(&fetch(&room, params(2), request(7, epoch, &[], &[])).await), [0; 0]);
    }
    room.produce(0, &["a"]).await;
    let tick = || room.replicas.partition(&partition(0)).unwrap().tick(room.clock.now());
    assert_eq!(tick(), None, "it had everything at its last fetch");
    room.clock.set(NOW + 4 * lag_max);
    assert_eq!(tick(), None);
    room.clock.set(NOW + 4 * lag_max + 1);
    assert_eq!(tick().unwrap().isr, [1], "it has not come for the record");
}

#[tokio::test]
async fn denied_partitions_come_last_and_do_not_end_the_wait() {
    let room = room_with_session(-1).await;
    let deny = |id: &TopicPartition| id.partition == 0;
    let caller = FetchCaller { near: None, denies: Some(&deny) };
    let patient = FetchParams { max_wait: PATIENT, ..params(-1) };
    let context = room.replicas.fetch_context(request(7, 1, &[], &[]), patient.reader());
    let mut waiting = pin!(room.replicas.fetch_for(&context, patient, caller, std::future::pending()));
    assert!(waiting.as_mut().now_or_never().is_none());
    room.become_replica(1, 1, 1, &[1]);
    room.produce(1, &["a"]).await;
    let answer = room.replicas.answer_fetch(&context, waiting.await, 7..);
    assert_eq!(numbers(&answer), [1, 0]);
    assert_eq!(answer.outcomes[1].1.error, ErrorCode::TopicAuthorizationFailed);
}
