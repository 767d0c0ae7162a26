use bytes::Bytes;

use super::*;
use crate::base::Records;
use crate::client::consumer::error::ConsumerError;
use crate::client::consumer::records::ConsumerRecords;
use crate::client::metadata::PartitionLeader;
use crate::client::settings::OffsetReset;
use crate::wire::batch::BatchBuilder;
use crate::wire::message::fetch::{FetchablePartitionResponse, FetchableTopicResponse};

/// A fetcher and the positions that it serves.
struct Play {
    fetcher: ConsumerFetcher,
    state: SubscriptionState,
}

fn id(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

impl Play {
    /// Partitions at offset 0 whose leaders are these brokers.
    fn new(leaders: &[BrokerId], settings: ConsumerSettings) -> Self {
        let mut state = SubscriptionState::new(settings.offset_reset);
        state.assign_from_user((0..leaders.len()).map(|it| id(it as i32))).unwrap();
        for (partition, broker) in leaders.iter().enumerate() {
            let leader = Some(PartitionLeader { broker: *broker, epoch: 3 });
            state
                .seek(&id(partition as i32), ConsumerPosition { offset: 0, offset_epoch: None, leader })
                .unwrap();
        }
        Self { fetcher: ConsumerFetcher::new(Arc::new(settings)), state }
    }

    /// The requests sent: broker, and the partitions named with their offsets.
    fn send(&mut self, now: Millis) -> Vec<(BrokerId, Vec<(i32, Offset)>)> {
        let named = |request: FetchRequest| -> Vec<(i32, Offset)> {
            let all = request.topics.into_iter().flat_map(|topic| topic.partitions);
            all.map(|it| (it.partition, it.fetch_offset)).collect()
        };
        let requests = self.fetcher.requests(&self.state, now);
        requests.into_iter().map(|(broker, request)| (broker, named(request))).collect()
    }

    fn answer(&mut self, broker: BrokerId, parts: Vec<FetchablePartitionResponse>) -> Option<usize> {
        let responses = vec![FetchableTopicResponse { topic: "t".to_owned(), partition_responses: parts }];
        self.fetcher.answered(broker, FetchResponse { session_id: 9, responses, ..Default::default() }, 0)
    }

    fn take(&mut self, most: usize) -> Result<ConsumerRecords, ConsumerError> {
        match self.fetcher.take(&mut self.state, most, 0)? {
            TakenRecords::Records(records) => Ok(records),
            TakenRecords::Unpack(task) => panic!("{task:?} is small"),
        }
    }

    fn offset(&self, partition: i32) -> Option<Offset> {
        self.state.position(&id(partition)).map(|it| it.offset)
    }
}

fn settings() -> ConsumerSettings {
    ConsumerSettings { offset_reset: OffsetReset::None, ..ConsumerSettings::new("h:1") }
}

fn batch(base_offset: Offset, count: usize) -> Bytes {
    let mut builder = BatchBuilder::new().base_offset(base_offset).leader_epoch(3);
    (0..count).for_each(|_| builder.push(1, None, Some(b"v"), &[]));
    builder.build().unwrap()
}

fn part(partition: i32, bytes: Bytes) -> FetchablePartitionResponse {
    FetchablePartitionResponse {
        partition,
        high_watermark: 100,
        record_set: Some(Records::Memory(bytes)),
        ..Default::default()
    }
}

fn failure(partition: i32, error: ErrorCode) -> FetchablePartitionResponse {
    FetchablePartitionResponse { partition, error_code: error.code(), ..Default::default() }
}

fn lengths(records: &ConsumerRecords) -> Vec<(i32, usize)> {
    records.partitions().map(|id| (id.partition, records.of_partition(id).count())).collect()
}

#[test]
fn each_leader_has_one_fetch_in_flight() {
    let mut play = Play::new(&[1, 2, 1], settings());
    assert_eq!(play.send(0), [(1, vec![(0, 0), (2, 0)]), (2, vec![(1, 0)])]);
    assert_eq!(play.send(0), []);
    play.answer(2, vec![part(1, batch(0, 3))]).unwrap();
    assert_eq!(play.send(0), [(2, vec![(1, 3)])], "one fetch is asked for ahead");
    play.answer(2, vec![part(1, batch(3, 3))]).unwrap();
    assert_eq!(play.send(0), [], "and no more before the first is taken");
    assert_eq!(lengths(&play.take(4).unwrap()), [(1, 4)]);
    assert_eq!((play.offset(1), play.send(0)), (Some(4), vec![(2, vec![(1, 6)])]));
    assert_eq!(lengths(&play.take(10).unwrap()), [(1, 2)]);
    assert_eq!(play.state.lag(&id(1), false), Some(94));
}

#[test]
fn no_more_is_fetched_ahead_than_the_buffer_may_hold() {
    let mut play = Play::new(&[1], ConsumerSettings { fetch_max_bytes: 10, ..settings() });
    play.send(0);
    play.answer(1, vec![part(0, batch(0, 3))]).unwrap();
    assert_eq!(play.send(0), []);
    play.take(10).unwrap();
    assert_eq!(play.send(0), [(1, vec![(0, 3)])]);
}

#[test]
fn a_paused_partition_keeps_what_was_fetched() {
    let mut play = Play::new(&[1, 1], settings());
    play.send(0);
    play.answer(1, vec![part(0, batch(0, 2)), part(1, batch(0, 2))]).unwrap();
    play.state.pause(&id(0)).unwrap();
    assert_eq!(lengths(&play.take(10).unwrap()), [(1, 2)]);
    assert!(play.take(10).unwrap().is_empty());
    play.state.resume(&id(0)).unwrap();
    assert_eq!(lengths(&play.take(10).unwrap()), [(0, 2)]);
}

#[test]
fn what_was_fetched_in_an_older_leader_epoch_is_fetched_again() {
    let mut play = Play::new(&[1], settings());
    play.send(0);
    play.answer(1, vec![part(0, batch(0, 4))]).unwrap();
    assert_eq!(lengths(&play.take(2).unwrap()), [(0, 2)]);
    // The position is valid, and the log of the next leader parts from that of the last one behind it.
    play.state.leader_changed(&id(0), PartitionLeader { broker: 1, epoch: 4 });
    play.state.skip_validation(&id(0));
    assert!(play.take(10).unwrap().is_empty());
    assert_eq!(play.send(0), [(1, vec![(0, 2)])]);
    play.answer(1, vec![part(0, batch(2, 1))]).unwrap();
    assert_eq!(lengths(&play.take(10).unwrap()), [(0, 1)]);
}

#[test]
fn what_was_fetched_before_a_seek_is_dropped() {
    let mut play = Play::new(&[1], settings());
    play.send(0);
    play.answer(1, vec![part(0, batch(0, 2))]).unwrap();
    let leader = Some(PartitionLeader { broker: 1, epoch: 3 });
    play.state.seek(&id(0), ConsumerPosition { offset: 50, offset_epoch: None, leader }).unwrap();
    assert!(play.take(10).unwrap().is_empty());
    assert_eq!(play.send(0), [(1, vec![(0, 50)])]);
    play.state.unsubscribe();
    play.answer(1, vec![part(0, batch(50, 2))]).unwrap();
    play.fetcher.retain_assigned(&play.state);
    assert!(play.take(10).unwrap().is_empty());
}

#[test]
fn records_come_before_the_error_behind_them() {
    let mut play = Play::new(&[1, 1], settings());
    play.send(0);
    play.answer(1, vec![part(0, batch(0, 2)), failure(1, ErrorCode::TopicAuthorizationFailed)]).unwrap();
    assert_eq!(lengths(&play.take(10).unwrap()), [(0, 2)]);
    assert_eq!(play.take(10).unwrap_err(), ConsumerError::TopicAuthorization(vec!["t".to_owned()]));
    assert!(play.take(10).unwrap().is_empty(), "the error is returned once");
}

#[test]
fn damaged_records_are_an_error_until_the_position_is_behind_them() {
    let mut play = Play::new(&[1], settings());
    play.send(0);
    let mut bytes = batch(2, 1).to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    play.answer(1, vec![part(0, [batch(0, 2), bytes.into()].concat().into())]).unwrap();
    assert_eq!(lengths(&play.take(10).unwrap()), [(0, 2)]);
    for _ in 0..2 {
        assert!(matches!(play.take(10), Err(ConsumerError::Records { offset: 2, .. })));
    }
    let leader = Some(PartitionLeader { broker: 1, epoch: 3 });
    play.state.seek(&id(0), ConsumerPosition { offset: 3, offset_epoch: None, leader }).unwrap();
    assert!(play.take(10).unwrap().is_empty());
}

#[test]
fn errors_of_a_stale_leader_ask_for_metadata_and_wait() {
    for error in
        [ErrorCode::NotLeaderOrFollower, ErrorCode::FencedLeaderEpoch, ErrorCode::UnknownTopicOrPartition]
    {
        let mut play = Play::new(&[1], settings());
        play.send(0);
        play.answer(1, vec![failure(0, error)]).unwrap();
        assert!(play.take(10).unwrap().is_empty());
        assert!(play.fetcher.take_needs_metadata(), "{error:?}");
        assert_eq!((play.send(0), play.fetcher.next_retry(0)), (vec![], Some(100)));
        assert_eq!(play.send(100).len(), 1);
    }
    let mut play = Play::new(&[1], settings());
    play.send(0);
    play.answer(1, vec![failure(0, ErrorCode::UnknownLeaderEpoch)]).unwrap();
    play.take(10).unwrap();
    assert!(!play.fetcher.take_needs_metadata(), "the broker will know the epoch soon");
    assert_eq!(play.send(100).len(), 1);
}

#[test]
fn an_offset_out_of_range_is_reset_unless_the_policy_is_to_fail() {
    let out_of_range = || vec![failure(0, ErrorCode::OffsetOutOfRange)];
    let mut play = Play::new(&[1], settings());
    play.send(0);
    play.answer(1, out_of_range()).unwrap();
    assert_eq!(play.take(10).unwrap_err(), ConsumerError::OffsetOutOfRange { partition: id(0), position: 0 });
    let mut play = Play::new(&[1], ConsumerSettings { offset_reset: OffsetReset::Earliest, ..settings() });
    play.send(0);
    play.answer(1, out_of_range()).unwrap();
    play.take(10).unwrap();
    assert_eq!(play.state.needing_reset(0).len(), 1);
}

#[test]
fn a_preferred_replica_is_fetched_from_until_it_fails() {
    let preferring =
        || vec![FetchablePartitionResponse { preferred_read_replica: 2, ..part(0, Bytes::new()) }];
    let mut play = Play::new(&[1], settings());
    play.send(0);
    play.answer(1, preferring()).unwrap();
    play.take(10).unwrap();
    assert_eq!(play.send(0), [(2, vec![(0, 0)])]);
    play.answer(2, vec![failure(0, ErrorCode::OffsetOutOfRange)]).unwrap();
    play.take(10).unwrap();
    assert_eq!(play.send(0), [(1, vec![])], "the leader's session has the partition already");
    play.answer(1, preferring()).unwrap();
    play.take(10).unwrap();
    assert_eq!(play.send(0), [(2, vec![])]);
    play.fetcher.failed(2, &mut play.state, 0);
    assert_eq!(play.send(0), [(1, vec![])], "the replica cannot be reached");
}

#[test]
fn an_answer_of_no_use_is_not_asked_for_again_at_once() {
    let mut play = Play::new(&[1], settings());
    play.send(0);
    assert_eq!(play.answer(1, vec![part(0, Bytes::new()), part(7, batch(0, 1))]), None);
    assert_eq!(play.send(99), []);
    assert_eq!(play.send(100), [(1, vec![(0, 0)])]);
}
