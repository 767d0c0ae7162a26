use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::replica::tests::{Room, batch, partition};

const FULL: i32 = 1 << 20;

fn consumer(max_wait: Duration) -> FetchParams {
    FetchParams {
        replica_id: -1,
        max_wait,
        min_bytes: 1,
        max_bytes: FULL,
        hard_max_bytes: false,
        isolation: Isolation::ReadUncommitted,
        read_from: ReadFrom::Leader,
    }
}

fn follower(replica_id: BrokerId) -> FetchParams {
    FetchParams { replica_id, ..consumer(Duration::ZERO) }
}

fn from(offset: Offset) -> PartitionFetch {
    PartitionFetch {
        offset,
        max_bytes: FULL,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: -1,
    }
}

async fn one(room: &Room, params: FetchParams, number: i32, wanted: PartitionFetch) -> FetchOutcome {
    let mut outcomes = room.replicas.fetch(params, &[(partition(number), wanted)]).await;
    outcomes.remove(0).1
}

/// Polls a fetch once, to see whether it has ended.
fn polled<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn what_was_produced_is_fetched() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    assert_eq!(room.produce(0, &["a", "b"]).await, 0);
    assert_eq!(room.produce(0, &["c"]).await, 2);
    let found = one(&room, consumer(Duration::ZERO), 0, from(1)).await;
    assert_eq!((found.error, found.high_watermark, found.log_start_offset), (ErrorCode::None, 3, 0));
    assert_eq!(found.last_stable_offset, 3);
    assert_eq!(found.aborted, None);
    // The batch with offset 1 begins at 0 and is returned whole, with the leader's epoch in it.
    assert_eq!(found.records.len(), batch(&["a", "b"]).len() + batch(&["c"]).len());
    assert_eq!(one(&room, consumer(Duration::ZERO), 0, from(3)).await.records.len(), 0);
}

#[tokio::test]
async fn errors_are_answered_alone_and_at_once() {
    let room = Room::new();
    room.become_replica(0, 1, 3, &[1]);
    let patient = consumer(Duration::from_secs(3600));
    let epoch = |epoch| PartitionFetch { current_leader_epoch: Some(epoch), ..from(0) };
    for (number, wanted, expected) in [
        (0, from(1), ErrorCode::OffsetOutOfRange),
        (0, from(-5), ErrorCode::OffsetOutOfRange),
        (9, from(0), ErrorCode::UnknownTopicOrPartition),
        (0, epoch(2), ErrorCode::FencedLeaderEpoch),
        (0, epoch(4), ErrorCode::UnknownLeaderEpoch),
    ] {
        let found = one(&room, patient, number, wanted).await;
        assert_eq!(found.error, expected);
        assert_eq!((found.high_watermark, found.last_stable_offset, found.log_start_offset), (-1, -1, -1));
    }
}

#[tokio::test]
async fn an_answer_has_one_batch_at_least_but_no_incomplete_first_one() {
    let room = Room::new();
    let size = i32::try_from(batch(&["a"]).len()).unwrap();
    for number in [0, 1] {
        room.become_replica(number, 1, 0, &[1]);
        room.produce(number, &["a"]).await;
        room.produce(number, &["b"]).await;
    }
    let sizes = async |params: FetchParams, wanted: PartitionFetch| {
        let found = room.replicas.fetch(params, &[(partition(0), wanted), (partition(1), wanted)]).await;
        found.iter().map(|(_, found)| i32::try_from(found.records.len()).unwrap()).collect::<Vec<_>>()
    };
    let params = consumer(Duration::ZERO);
    let limited = |max_bytes| FetchParams { max_bytes, ..params };
    assert_eq!(sizes(params, from(0)).await, [2 * size, 2 * size]);
    assert_eq!(sizes(limited(1), from(0)).await, [size, 0]);
    assert_eq!(sizes(limited(2 * size + 10), from(0)).await, [2 * size, 0], "10 bytes are no batch");
    assert_eq!(sizes(limited(3 * size + 10), from(0)).await, [2 * size, size + 10], "but may follow one");
    assert_eq!(sizes(params, PartitionFetch { max_bytes: 0, ..from(0) }).await, [size, 0]);
    let old = FetchParams { hard_max_bytes: true, ..params };
    assert_eq!(sizes(old, PartitionFetch { max_bytes: 10, ..from(0) }).await, [10, 10], "before version 3");
}

#[tokio::test]
async fn a_fetch_waits_until_there_is_enough() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    let size = i32::try_from(batch(&["a"]).len()).unwrap();
    let params = FetchParams { min_bytes: 2 * size, ..consumer(Duration::from_secs(3600)) };
    let mut fetch = pin!(one(&room, params, 0, from(0)));
    assert!(polled(fetch.as_mut()).is_none());
    room.produce(0, &["a"]).await;
    assert!(polled(fetch.as_mut()).is_none(), "one batch is not enough");
    room.produce(0, &["b"]).await;
    assert_eq!(fetch.await.high_watermark, 2);
}

#[tokio::test]
async fn a_fetch_ends_with_what_there_is_when_its_time_is_over() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    let found = one(&room, consumer(Duration::from_millis(5)), 0, from(0)).await;
    assert_eq!((found.error, found.high_watermark, found.records.len()), (ErrorCode::None, 0, 0));
}

#[tokio::test]
async fn a_fetch_learns_at_once_that_the_leader_is_another_or_the_partition_is_gone() {
    let room = Room::new();
    let patient = consumer(Duration::from_secs(3600));
    room.become_replica(0, 1, 0, &[1]);
    room.become_replica(1, 1, 0, &[1]);
    let mut moved = pin!(one(&room, patient, 0, from(0)));
    let mut deleted = pin!(one(&room, patient, 1, from(0)));
    assert!(polled(moved.as_mut()).is_none() && polled(deleted.as_mut()).is_none());
    room.become_replica(0, 2, 1, &[2]);
    assert_eq!(moved.await.error, ErrorCode::NotLeaderOrFollower);
    room.stop(1, -2, true);
    let error = deleted.await.error;
    assert!(
        [ErrorCode::NotLeaderOrFollower, ErrorCode::UnknownTopicOrPartition].contains(&error),
        "{error:?}"
    );
}

#[tokio::test]
async fn consumers_see_what_every_follower_in_sync_has() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1, 2]);
    room.produce(0, &["a"]).await;
    let mut waiting = pin!(one(&room, consumer(Duration::from_secs(3600)), 0, from(0)));
    assert!(polled(waiting.as_mut()).is_none());
    let found = one(&room, follower(2), 0, from(0)).await;
    assert_eq!(found.records.len(), batch(&["a"]).len(), "followers see all");
    assert!(polled(waiting.as_mut()).is_none(), "the follower has asked for it, but has nothing yet");
    let found = one(&room, follower(2), 0, from(1)).await;
    assert_eq!(found.high_watermark, 1);
    assert_eq!(waiting.await.high_watermark, 1);
}

#[tokio::test]
async fn a_waiting_follower_is_woken_by_records_only() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1, 2, 3]);
    let patient = FetchParams { max_wait: Duration::from_secs(3600), ..follower(2) };
    let mut waiting = pin!(one(&room, patient, 0, from(0)));
    assert!(polled(waiting.as_mut()).is_none());
    // Its own fetch, and the other follower's, do not wake it.
    assert_eq!(one(&room, follower(3), 0, from(0)).await.records.len(), 0);
    assert!(polled(waiting.as_mut()).is_none());
    room.produce(0, &["a"]).await;
    assert_eq!(waiting.await.records.len(), batch(&["a"]).len());
}

#[tokio::test]
async fn a_replica_outside_the_assignment_reads_but_counts_for_nothing() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["a"]).await;
    let found = one(&room, follower(5), 0, from(0)).await;
    assert_eq!((found.error, found.high_watermark), (ErrorCode::None, 1));
    assert!(!found.records.is_empty());
}

#[tokio::test]
async fn readers_of_committed_records_get_an_empty_list_of_aborted_transactions() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["a"]).await;
    let params = FetchParams { isolation: Isolation::ReadCommitted, ..consumer(Duration::ZERO) };
    assert_eq!(one(&room, params, 0, from(0)).await.aborted, Some(vec![]));
}

#[tokio::test]
async fn a_caller_whose_log_has_diverged_learns_where() {
    let room = Room::new();
    room.become_replica(0, 1, 2, &[1]);
    room.produce(0, &["a", "b"]).await;
    room.become_replica(0, 1, 5, &[1]);
    room.produce(0, &["c"]).await;
    let at = |offset, epoch| PartitionFetch { last_fetched_epoch: Some(epoch), ..from(offset) };
    for (wanted, expected) in [
        (at(2, 2), None),
        (at(3, 5), None),
        (at(3, 2), Some(EpochEnd { epoch: 2, offset: 2 })), // it has a third record of epoch 2
        (at(3, 4), Some(EpochEnd { epoch: 2, offset: 2 })), // it has an epoch that was never here
    ] {
        let found = one(&room, follower(2), 0, wanted).await;
        assert_eq!((found.error, found.diverging), (ErrorCode::None, expected));
        assert!(expected.is_none() || found.records.is_empty() && found.high_watermark == 3);
    }
    assert_eq!(one(&room, follower(2), 0, at(-1, 2)).await.error, ErrorCode::OffsetOutOfRange);
}

#[tokio::test]
async fn a_follower_answers_readers_that_may_read_from_it() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["a"]).await;
    room.become_replica(0, 2, 1, &[1, 2]);
    let params = consumer(Duration::ZERO);
    assert_eq!(one(&room, params, 0, from(0)).await.error, ErrorCode::NotLeaderOrFollower);
    let found = one(&room, FetchParams { read_from: ReadFrom::AnyReplica, ..params }, 0, from(0)).await;
    assert_eq!((found.error, found.high_watermark), (ErrorCode::None, 1));
    assert!(!found.records.is_empty());
}

#[tokio::test]
async fn the_rest_of_an_old_segment_is_not_waited_for() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["a"]).await;
    let log = room.replicas.partition(&partition(0)).unwrap().log().unwrap();
    log.roll().unwrap();
    room.produce(0, &["b"]).await;
    let params = FetchParams { min_bytes: FULL, ..consumer(Duration::from_secs(3600)) };
    assert_eq!(one(&room, params, 0, from(0)).await.records.len(), batch(&["a"]).len());
}
