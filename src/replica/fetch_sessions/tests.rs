use bytes::Bytes;

use super::*;
use crate::base::Records;

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn wanted(numbers: &[i32], offset: Offset) -> Vec<(TopicPartition, FetchPartition)> {
    let fetch = FetchPartition {
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

fn asked(id: i32, epoch: i32, partitions: &[i32], forgotten: &[i32]) -> Asked {
    let forgotten = forgotten.iter().map(|number| partition(*number)).collect();
    Asked { id, epoch, partitions: wanted(partitions, 0), forgotten }
}

fn numbers(partitions: &[(TopicPartition, FetchOutcome)]) -> Vec<i32> {
    partitions.iter().map(|(partition, _)| partition.partition).collect()
}

/// The partitions that a client is told of.
fn told(sessions: &mut FetchSessions, turn: Turn, outcomes: &[(TopicPartition, FetchOutcome)]) -> Vec<i32> {
    numbers(&sessions.changed(turn, outcomes.to_vec()).unwrap())
}

/// The turn of the first request in the session.
fn turn(sessions: &mut FetchSessions) -> Turn {
    let Plan::Incremental(turn, _) = sessions.plan(asked(7, 1, &[], &[]), 1) else { panic!("no session") };
    turn
}

fn with_session() -> FetchSessions {
    let mut sessions = FetchSessions::new(2);
    assert_eq!(sessions.plan(asked(0, 0, &[0, 1], &[]), 0), Plan::Full(wanted(&[0, 1], 0)));
    assert_eq!(sessions.begin(7, &wanted(&[0, 1], 0), &[outcome(0, 5, 0), outcome(1, 5, 0)], false, 0), 7);
    sessions
}

#[test]
fn only_changes_are_told() {
    let mut sessions = with_session();
    let Plan::Incremental(turn, all) = sessions.plan(asked(7, 1, &[], &[]), 1) else { panic!("no session") };
    assert_eq!(all.len(), 2);
    assert_eq!(told(&mut sessions, turn, &[outcome(0, 5, 0), outcome(1, 6, 0)]), [1]);
    assert_eq!(told(&mut sessions, turn, &[outcome(0, 5, 10), outcome(1, 6, 0)]), [0]);
}

#[test]
fn what_had_data_waits_for_its_turn() {
    let mut sessions = with_session();
    let turn = turn(&mut sessions);
    assert_eq!(told(&mut sessions, turn, &[outcome(0, 6, 10), outcome(1, 5, 0)]), [0]);
    let Plan::Incremental(_, all) = sessions.plan(asked(7, 2, &[], &[]), 2) else { panic!("no session") };
    assert_eq!(all.iter().map(|(partition, _)| partition.partition).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn errors_are_told_and_so_is_their_end() {
    let mut sessions = with_session();
    let failed = (partition(0), FetchOutcome::refused(ErrorCode::NotLeaderOrFollower));
    let turn = turn(&mut sessions);
    assert_eq!(told(&mut sessions, turn, std::slice::from_ref(&failed)), [0]);
    assert_eq!(told(&mut sessions, turn, &[failed]), [0]);
    assert_eq!(told(&mut sessions, turn, &[outcome(0, 5, 0)]), [0]);
    assert_eq!(told(&mut sessions, turn, &[outcome(0, 5, 0)]), [0; 0]);
}

#[test]
fn a_full_fetch_leaves_the_partitions_in_their_order() {
    let mut sessions = FetchSessions::new(2);
    sessions.begin(7, &wanted(&[0, 1], 0), &[outcome(0, 5, 10), outcome(1, 5, 0)], false, 0);
    let Plan::Incremental(_, all) = sessions.plan(asked(7, 1, &[], &[]), 1) else { panic!("no session") };
    assert_eq!(all.iter().map(|(partition, _)| partition.partition).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_request_that_was_overtaken_while_it_waited_is_refused() {
    let mut sessions = with_session();
    let first = turn(&mut sessions);
    sessions.plan(asked(7, 2, &[], &[]), 1);
    assert_eq!(
        sessions.changed(first, vec![outcome(0, 5, 10)]).unwrap_err(),
        ErrorCode::InvalidFetchSessionEpoch
    );
}

#[test]
fn unknown_sessions_and_wrong_epochs_are_refused() {
    let mut sessions = with_session();
    assert_eq!(sessions.plan(asked(8, 1, &[], &[]), 1), Plan::Refuse(ErrorCode::FetchSessionIdNotFound));
    assert_eq!(sessions.plan(asked(7, 2, &[], &[]), 1), Plan::Refuse(ErrorCode::InvalidFetchSessionEpoch));
}

#[test]
fn forgetting_the_last_partition_ends_the_session() {
    let mut sessions = with_session();
    assert_eq!(sessions.plan(asked(7, 1, &[], &[0, 1]), 1), Plan::Sessionless(vec![]));
    assert!(sessions.is_empty());
}

#[test]
fn asking_for_none_ends_the_session() {
    let mut sessions = with_session();
    assert_eq!(sessions.plan(asked(7, -1, &[0], &[]), 1), Plan::Sessionless(wanted(&[0], 0)));
    assert!(sessions.is_empty());
}

#[test]
fn a_full_cache_keeps_what_is_worth_more() {
    let mut sessions = FetchSessions::new(1);
    let begin = |sessions: &mut FetchSessions, id, size: &[i32], privileged, now| {
        sessions.begin(id, &wanted(size, 0), &[], privileged, now)
    };
    assert_eq!(begin(&mut sessions, 1, &[0], false, 0), 1);
    assert_eq!(begin(&mut sessions, 2, &[0, 1], false, SAFE_FOR), NO_SESSION, "the first is young");
    sessions.plan(asked(1, 1, &[], &[]), SAFE_FOR);
    assert_eq!(begin(&mut sessions, 3, &[0], false, SAFE_FOR + 1), NO_SESSION, "no larger than the first");
    assert_eq!(begin(&mut sessions, 4, &[0, 1], false, SAFE_FOR + 1), 4);
    assert_eq!(begin(&mut sessions, 5, &[0], true, SAFE_FOR + 1), 5, "a follower's");
    assert_eq!(begin(&mut sessions, 6, &[0, 1, 2], false, 2 * SAFE_FOR + 1), NO_SESSION);
    assert_eq!(begin(&mut sessions, 7, &[0], false, 2 * SAFE_FOR + 2), 7, "the follower has not come back");
}
