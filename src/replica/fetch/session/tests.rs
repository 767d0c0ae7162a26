use bytes::Bytes;

use super::*;
use crate::base::Records;
use crate::log::{LogPosition, LogSnapshot};
use crate::replica::fetch::Isolation;
use crate::replica::machine::ReadFrom;

const CONSUMER: FetchReader =
    FetchReader { replica_id: -1, isolation: Isolation::ReadUncommitted, read_from: ReadFrom::Leader };
const FOLLOWER: FetchReader = FetchReader { replica_id: 2, ..CONSUMER };

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn wanted(numbers: &[i32], offset: Offset) -> Vec<(TopicPartition, PartitionFetch)> {
    let fetch = PartitionFetch {
        offset,
        max_bytes: 100,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: -1,
    };
    numbers.iter().map(|number| (partition(*number), fetch)).collect()
}

fn outcome(number: i32, high_watermark: Offset, bytes: usize) -> (TopicPartition, FetchOutcome) {
    let records = Records::Memory(Bytes::from(vec![0; bytes]));
    let found = FetchOutcome {
        high_watermark,
        log_start_offset: 0,
        records,
        ..FetchOutcome::refused(ErrorCode::None)
    };
    (partition(number), found)
}

fn changes(partitions: &[i32], offset: Offset, forgotten: &[i32]) -> SessionChanges {
    let forgotten = forgotten.iter().map(|number| partition(*number)).collect();
    SessionChanges { partitions: wanted(partitions, offset), forgotten }
}

/// A log that ends, and is replicated, up to these offsets; a record is ten bytes.
fn log(end: Offset, high_watermark: Offset) -> LogSnapshot {
    let at = |offset: Offset| LogPosition::at(offset, 0, u32::try_from(offset * 10).unwrap());
    LogSnapshot {
        log_start_offset: 0,
        log_end: at(end),
        high_watermark: at(high_watermark),
        last_stable: at(high_watermark),
    }
}

fn numbers(partitions: &[(TopicPartition, FetchOutcome)]) -> Vec<i32> {
    partitions.iter().map(|(partition, _)| partition.partition).collect()
}

fn due(session: &FetchSession) -> Vec<i32> {
    session.due().iter().map(|due| due.partition.partition).collect()
}

fn key(session: &FetchSession, number: i32) -> PartitionKey {
    session.keys[&partition(number)]
}

/// Reads what is due, in logs that all have this state, and watches what is to be watched.
fn look(session: &mut FetchSession, now: &LogSnapshot) {
    let reader = session.reader();
    for due in session.due() {
        let position = FetchPosition {
            start: LogPosition::at(due.wanted.offset, 0, u32::try_from(due.wanted.offset * 10).unwrap()),
            bound: reader.bound(now),
            max_bytes: due.wanted.max_bytes,
            throttled: false,
        };
        let found = FoundPosition {
            position,
            high_watermark: now.high_watermark.offset,
            log_start_offset: 0,
            counted_in: reader.is_follower().then_some(0),
        };
        session.found(due.key, Some(found));
        for key in session.unwatched([due.key]) {
            session.watched(key, now);
        }
    }
}

/// A session of partitions 0 and 1, both fetched from offset 5, where their logs end.
fn quiet_session(reader: FetchReader) -> FetchSession {
    let mut session = FetchSession::new(reader, wanted(&[0, 1], 5), 0);
    look(&mut session, &log(5, 5));
    session.answer_first(&[outcome(0, 5, 0), outcome(1, 5, 0)]);
    session
}

fn begin(session: &mut FetchSession, changes: SessionChanges, now: Millis) -> Turn {
    session.begin(session.epoch, session.reader(), changes, now).unwrap()
}

/// The partitions that a client is sent.
fn sent(session: &mut FetchSession, turn: Turn, outcomes: &[(TopicPartition, FetchOutcome)]) -> Vec<i32> {
    numbers(&session.answer(turn, outcomes.to_vec()).unwrap())
}

#[test]
fn only_changes_are_sent() {
    let mut session = quiet_session(CONSUMER);
    let turn = begin(&mut session, SessionChanges::default(), 1);
    assert_eq!(sent(&mut session, turn, &[outcome(0, 5, 0), outcome(1, 6, 0)]), [1]);
    assert_eq!(sent(&mut session, turn, &[outcome(0, 5, 10), outcome(1, 6, 0)]), [0]);
}

#[test]
fn only_what_changed_is_read() {
    for reader in [CONSUMER, FOLLOWER] {
        let mut session = quiet_session(reader);
        assert_eq!(due(&session), [0; 0]);
        let one = key(&session, 1);
        assert_eq!(session.moved(one, &log(6, 6)), Notice { keep: reader.is_follower(), wake: false });
        let turn = begin(&mut session, SessionChanges::default(), 1);
        assert_eq!(due(&session), [1]);
        look(&mut session, &log(6, 6));
        assert_eq!(sent(&mut session, turn, &[outcome(1, 6, 10)]), [1]);
        assert_eq!(due(&session), [1], "the client does not have the record yet");
        let turn = begin(&mut session, changes(&[1], 6, &[]), 2);
        look(&mut session, &log(6, 6));
        assert_eq!(sent(&mut session, turn, &[outcome(1, 6, 0)]), [0; 0]);
        assert_eq!(due(&session), [0; 0]);
    }
}

#[test]
fn what_is_fetched_otherwise_is_read() {
    let mut session = quiet_session(CONSUMER);
    begin(&mut session, changes(&[1, 2], 3, &[0]), 1);
    assert_eq!(due(&session), [1, 2]);
}

#[test]
fn a_change_between_the_read_and_the_watch_is_not_missed() {
    let mut session = FetchSession::new(CONSUMER, wanted(&[0], 5), 0);
    let zero = key(&session, 0);
    let (turn, position) = (
        session.first_turn(),
        FetchPosition {
            start: LogPosition::at(5, 0, 50),
            bound: LogPosition::at(5, 0, 50),
            max_bytes: 100,
            throttled: false,
        },
    );
    let found = FoundPosition { position, high_watermark: 5, log_start_offset: 0, counted_in: None };
    session.found(zero, Some(found));
    session.wait(turn, 1);
    assert_eq!(session.verdict(turn), DelayedVerdict::Waits);
    session.watched(zero, &log(6, 6));
    assert_eq!(session.verdict(turn), DelayedVerdict::Satisfied);
}

#[test]
fn a_change_of_a_watched_partition_is_newer_than_a_read() {
    let mut session = quiet_session(FOLLOWER);
    let zero = key(&session, 0);
    begin(&mut session, changes(&[0], 5, &[]), 1);
    session.moved(zero, &log(6, 5));
    let position = FetchPosition {
        start: LogPosition::at(5, 0, 50),
        bound: LogPosition::at(5, 0, 50),
        max_bytes: 100,
        throttled: false,
    };
    let found = FoundPosition { position, high_watermark: 5, log_start_offset: 0, counted_in: Some(0) };
    session.found(zero, Some(found));
    assert_eq!(due(&session), [0]);
}

#[test]
fn a_waiting_fetch_adds_up_what_becomes_readable() {
    let mut session = quiet_session(CONSUMER);
    let turn = begin(&mut session, SessionChanges::default(), 1);
    session.wait(turn, 30);
    let (zero, one) = (key(&session, 0), key(&session, 1));
    let waits = Notice { keep: true, wake: false };
    assert_eq!(session.moved(zero, &log(6, 6)), waits);
    assert_eq!(session.moved(one, &log(6, 6)), waits);
    assert_eq!(session.moved(one, &log(6, 6)), waits, "counted once");
    assert_eq!(session.moved(one, &log(7, 7)), Notice { keep: true, wake: true });
    assert_eq!(session.verdict(turn), DelayedVerdict::Satisfied);
    assert_eq!(due(&session), [0, 1]);
}

#[test]
fn a_waiting_follower_is_sent_a_newer_high_watermark() {
    let mut session = quiet_session(FOLLOWER);
    let turn = begin(&mut session, SessionChanges::default(), 1);
    session.wait(turn, 1);
    let zero = key(&session, 0);
    assert_eq!(session.moved(zero, &log(5, 5)), Notice { keep: true, wake: false });
    // The client was sent 5; what was appended before that is sent with the records.
    let mut behind = quiet_session(FOLLOWER);
    let turn = begin(&mut behind, changes(&[0], 6, &[]), 2);
    look(&mut behind, &log(6, 5));
    behind.wait(turn, 1);
    assert_eq!(behind.verdict(turn), DelayedVerdict::Waits);
    let zero = key(&behind, 0);
    assert_eq!(behind.moved(zero, &log(6, 6)), Notice { keep: true, wake: true });
    assert_eq!(behind.verdict(turn), DelayedVerdict::HasNews);
    assert!(behind.moved(zero, &log(7, 6)).wake);
    assert_eq!(behind.verdict(turn), DelayedVerdict::Satisfied);
}

#[test]
fn a_waiting_consumer_is_woken_by_records_only() {
    let mut session = FetchSession::new(CONSUMER, wanted(&[0], 5), 0);
    look(&mut session, &log(5, 3));
    session.answer_first(&[outcome(0, 3, 0)]);
    let turn = begin(&mut session, SessionChanges::default(), 1);
    session.wait(turn, 1);
    let zero = key(&session, 0);
    assert_eq!(session.moved(zero, &log(5, 4)), Notice { keep: true, wake: false });
    assert_eq!(due(&session), [0], "but the next answer has the high watermark");
}

#[test]
fn another_role_is_examined() {
    let mut session = quiet_session(CONSUMER);
    let turn = begin(&mut session, SessionChanges::default(), 1);
    session.wait(turn, 1);
    let zero = key(&session, 0);
    assert!(session.role_changed(zero));
    assert_eq!(session.verdict(turn), DelayedVerdict::Examine);
    assert_eq!(session.take_to_examine().len(), 1);
    assert_eq!(session.verdict(turn), DelayedVerdict::Waits);
    session.examined(zero, None);
    assert_eq!(session.verdict(turn), DelayedVerdict::Satisfied);
}

#[test]
fn a_follower_that_has_everything_fetches_with_every_request() {
    let mut session = quiet_session(FOLLOWER);
    let (zero, one) = (key(&session, 0), key(&session, 1));
    let idle = |at| Some(IdleFetch { leader_epoch: 0, at });
    begin(&mut session, SessionChanges::default(), 100);
    assert_eq!(session.idle_fetch(zero), idle(100));
    session.moved(zero, &log(6, 5));
    begin(&mut session, SessionChanges::default(), 200);
    assert_eq!((session.idle_fetch(zero), session.idle_fetch(one)), (idle(100), idle(200)));
    assert_eq!(session.due()[0].idle, idle(100));
    look(&mut session, &log(6, 5));
    assert_eq!(session.idle_fetch(zero), None, "the look counts itself");
    session.role_changed(one);
    assert_eq!(session.idle_fetch(one), None, "another leader epoch");
}

#[test]
fn a_request_that_names_a_partition_counts_once_it_is_read() {
    let mut session = quiet_session(FOLLOWER);
    begin(&mut session, SessionChanges::default(), 100);
    begin(&mut session, changes(&[0], 4, &[]), 200);
    assert_eq!(session.idle_fetch(key(&session, 0)), Some(IdleFetch { leader_epoch: 0, at: 100 }));
}

#[test]
fn what_had_data_waits_for_its_turn() {
    let mut session = quiet_session(CONSUMER);
    let turn = begin(&mut session, SessionChanges::default(), 1);
    assert_eq!(sent(&mut session, turn, &[outcome(0, 6, 10), outcome(1, 5, 0)]), [0]);
    session.make_all_due();
    assert_eq!(due(&session), [1, 0]);
}

#[test]
fn errors_are_sent_and_so_is_their_end() {
    let mut session = quiet_session(CONSUMER);
    let failed = (partition(0), FetchOutcome::refused(ErrorCode::NotLeaderOrFollower));
    let turn = begin(&mut session, SessionChanges::default(), 1);
    assert_eq!(sent(&mut session, turn, std::slice::from_ref(&failed)), [0]);
    assert_eq!(due(&session), [0], "it is read until it is well");
    assert_eq!(sent(&mut session, turn, &[failed]), [0]);
    assert_eq!(sent(&mut session, turn, &[outcome(0, 5, 0)]), [0]);
    assert_eq!(sent(&mut session, turn, &[outcome(0, 5, 0)]), [0; 0]);
}

#[test]
fn a_full_fetch_leaves_the_partitions_in_their_order() {
    let mut session = FetchSession::new(CONSUMER, wanted(&[0, 1], 0), 0);
    session.answer_first(&[outcome(0, 5, 10), outcome(1, 5, 0)]);
    assert_eq!(due(&session), [0, 1]);
}

#[test]
fn a_request_that_was_overtaken_while_it_waited_is_refused() {
    let mut session = quiet_session(CONSUMER);
    let first = begin(&mut session, SessionChanges::default(), 1);
    session.wait(first, 1);
    begin(&mut session, SessionChanges::default(), 1);
    assert_eq!(session.verdict(first), DelayedVerdict::Satisfied);
    assert_eq!(
        session.answer(first, vec![outcome(0, 5, 10)]).unwrap_err(),
        ErrorCode::InvalidFetchSessionEpoch
    );
}

#[test]
fn another_reader_sees_everything_anew() {
    let mut session = quiet_session(CONSUMER);
    let zero = key(&session, 0);
    let committed = FetchReader { isolation: Isolation::ReadCommitted, ..CONSUMER };
    session.begin(1, committed, SessionChanges::default(), 1).unwrap();
    assert_eq!(due(&session), [0, 1]);
    assert!(!session.moved(zero, &log(6, 6)).keep, "what was watched before is watched no more");
}

#[test]
fn a_follower_that_the_isr_may_take_in_is_counted_once_more() {
    let mut session = quiet_session(FOLLOWER);
    let zero = key(&session, 0);
    begin(&mut session, SessionChanges::default(), 100);
    session.isr_changed(zero);
    assert_eq!(session.idle_fetch(zero), Some(IdleFetch { leader_epoch: 0, at: 100 }));
    // What a request reads after it has waited is not applied as a follower's fetch.
    let position = FetchPosition {
        start: LogPosition::at(5, 0, 50),
        bound: LogPosition::at(5, 0, 50),
        max_bytes: 100,
        throttled: false,
    };
    let found = FoundPosition { position, high_watermark: 5, log_start_offset: 0, counted_in: None };
    session.found(zero, Some(found));
    assert_eq!(due(&session), [0]);
    look(&mut session, &log(5, 5));
    assert_eq!(due(&session), [0; 0]);
}
