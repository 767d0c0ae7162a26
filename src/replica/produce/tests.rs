use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::base::{BrokerId, LeaderEpoch};
use crate::config::TopicConfig;
use crate::replica::tests::{Room, batch, of_client, partition};

/// A topic's config with these overrides.
fn topic(overrides: &[(&str, &str)]) -> TopicConfig {
    let overrides: BTreeMap<_, _> =
        overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    TopicConfig::with_overrides(&TopicConfig::default(), &overrides).unwrap()
}

/// Looks once whether a produce has come to an end.
fn polled<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

async fn outcome(pending: PendingProduce) -> ProduceOutcome {
    pending.outcomes().await.remove(0).1
}

/// Broker 1 leads at this epoch with these in sync.
fn leading(epoch: LeaderEpoch, isr: &[BrokerId], overrides: &[(&str, &str)]) -> Room {
    let room = Room::with(&[], topic(overrides));
    assert_eq!(room.become_replica(0, 1, epoch, isr), ErrorCode::None);
    room
}

#[tokio::test]
async fn offsets_go_on_where_the_log_ends() {
    let room = leading(0, &[1], &[]);
    for (acks, expected) in [(1, 0), (-1, 2), (0, 4)] {
        let pending = room.append(0, acks, batch(&["a", "b"]));
        assert!(pending.is_settled(), "no other replica is in sync");
        let outcome = outcome(pending).await;
        assert_eq!((outcome.error, outcome.base_offset), (ErrorCode::None, expected));
        assert_eq!((outcome.log_append_time, outcome.log_start_offset), (-1, 0));
    }
}

#[tokio::test]
async fn the_append_time_is_returned_if_the_topic_has_log_append_time() {
    let room = leading(0, &[1], &[("message.timestamp.type", "LogAppendTime")]);
    assert_eq!(outcome(room.append(0, 1, batch(&["a"]))).await.log_append_time, room.clock.now());
}

#[tokio::test]
async fn all_means_all_in_sync() {
    let room = leading(0, &[1, 2, 3], &[]);
    let pending = room.append(0, -1, batch(&["a", "b"]));
    assert!(!pending.is_settled());
    let mut waiting = pin!(outcome(pending));
    room.follow(2, 2, 0).await;
    room.follow(3, 1, 0).await;
    assert!(polled(waiting.as_mut()).is_none(), "3 has but one of two");
    room.follow(3, 2, 0).await;
    let done = waiting.await;
    assert_eq!((done.error, done.base_offset), (ErrorCode::None, 0));
}

#[tokio::test]
async fn waiting_produces_fail_when_another_broker_leads() {
    let room = leading(0, &[1, 2, 3], &[]);
    let pending = room.append(0, -1, batch(&["a"]));
    assert_eq!(room.become_replica(0, 2, 1, &[2, 3]), ErrorCode::None);
    assert_eq!(outcome(pending).await.error, ErrorCode::NotLeaderOrFollower);
    assert_eq!(outcome(room.append(0, 1, batch(&["b"]))).await.error, ErrorCode::NotLeaderOrFollower);
}

#[tokio::test]
async fn a_timeout_still_returns_the_offset() {
    let room = leading(0, &[1, 2], &[]);
    let entries = vec![(partition(0), batch(&["a"]).into())];
    let timed_out =
        outcome(room.replicas.append_records(of_client(-1, Duration::from_millis(1)), entries).await).await;
    assert_eq!((timed_out.error, timed_out.base_offset), (ErrorCode::RequestTimedOut, 0));
}

#[tokio::test]
async fn too_few_in_sync_refuse_acks_of_all_only() {
    let room = leading(0, &[1], &[("min.insync.replicas", "2")]);
    let refused = outcome(room.append(0, -1, batch(&["a"]))).await;
    assert_eq!((refused.error, refused.base_offset), (ErrorCode::NotEnoughReplicas, -1));
    assert_eq!(refused.log_start_offset, 0);
    assert_eq!(outcome(room.append(0, 1, batch(&["a"]))).await.base_offset, 0);
}

#[tokio::test]
async fn refusals_have_the_texts_of_kafkas() {
    let room = leading(0, &[1], &[("max.message.bytes", "500")]);
    let large = "x".repeat(600);
    let mut broken = batch(&["a"]).to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let mut base_100 = crate::wire::batch::BatchBuilder::new().base_offset(100);
    base_100.push(1, None, Some(b"a"), &[]);
    for (number, acks, records, expected, start) in [
        (0, 1, broken.into(), ErrorCode::CorruptMessage, -1),
        (0, 1, batch(&[&large]), ErrorCode::MessageTooLarge, -1),
        (0, 1, base_100.build().unwrap(), ErrorCode::InvalidRecord, 0),
        (7, 1, batch(&["a"]), ErrorCode::UnknownTopicOrPartition, -1),
    ] {
        let refused = outcome(room.append(number, acks, records)).await;
        assert_eq!((refused.error, refused.base_offset), (expected, -1));
        assert_eq!((refused.log_append_time, refused.log_start_offset), (-1, start), "{expected:?}");
    }
}

#[tokio::test]
async fn records_at_fault_are_named() {
    let room = leading(0, &[1], &[("cleanup.policy", "compact")]);
    let refused = outcome(room.append(0, -1, batch(&["no key"]))).await;
    assert_eq!((refused.error, refused.log_start_offset), (ErrorCode::InvalidRecord, 0));
    assert_eq!(refused.record_errors.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0]);
    assert_eq!(refused.error_message.as_deref(), Some("One or more records have been rejected"));
}

#[tokio::test]
async fn internal_topics_are_for_those_allowed() {
    let room = leading(0, &[1], &[]);
    let id = TopicPartition::new("__consumer_offsets", 0);
    for (internal_topics, expected) in [
        (InternalTopics::Refused, ErrorCode::InvalidTopicException),
        (InternalTopics::Allowed, ErrorCode::UnknownTopicOrPartition),
    ] {
        let entries = vec![(id.clone(), batch(&["a"]).into())];
        let params = AppendParams { internal_topics, ..of_client(1, Duration::ZERO) };
        let refused = outcome(room.replicas.append_records(params, entries).await).await;
        assert_eq!(refused.error, expected);
    }
}

#[test]
fn acks_are_none_one_or_all() {
    let known = [(0, RequiredAcks::None), (1, RequiredAcks::Leader), (-1, RequiredAcks::All)];
    assert!(known.iter().all(|(acks, expected)| RequiredAcks::from_wire(*acks) == Some(*expected)));
    assert!([2, -2, i16::MAX].iter().all(|acks| RequiredAcks::from_wire(*acks).is_none()));
}
