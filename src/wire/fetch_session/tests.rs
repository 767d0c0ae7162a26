use super::*;

fn at(partition: i32, offset: i64) -> (TopicPartition, i64) {
    (TopicPartition::new("t", partition), offset)
}

fn ids(partitions: &[i32]) -> Vec<TopicPartition> {
    partitions.iter().map(|it| TopicPartition::new("t", *it)).collect()
}

fn answer(error: ErrorCode, session_id: i32, named: &[i32], session: &mut FetchSessionHandler<i64>) -> bool {
    session.answered(error, session_id, &ids(named))
}

#[test]
fn a_request_names_what_has_changed_since_the_last_one() {
    let mut session = FetchSessionHandler::default();
    let full = session.request(vec![at(0, 5), at(1, 6)]);
    assert_eq!((full.session_id, full.session_epoch, full.to_send.len()), (0, 0, 2));
    assert!(answer(ErrorCode::None, 9, &[0, 1], &mut session));
    let next = session.request(vec![at(0, 7), at(1, 6), at(2, 0)]);
    assert_eq!((next.session_id, next.session_epoch), (9, 1));
    assert_eq!((next.to_send, next.to_forget), (vec![at(0, 7), at(2, 0)], vec![]));
    assert!(answer(ErrorCode::None, 9, &[2], &mut session));
    let next = session.request(vec![at(2, 0)]);
    assert_eq!((next.session_epoch, next.to_send, next.to_forget), (2, vec![], ids(&[0, 1])));
    assert_eq!(session.wanted(&ids(&[0])[0]), None);
}

#[test]
fn a_broker_without_sessions_is_asked_for_everything_each_time() {
    let mut session = FetchSessionHandler::default();
    for _ in 0..2 {
        let request = session.request(vec![at(0, 5)]);
        assert_eq!((request.session_id, request.session_epoch, request.to_send), (0, 0, vec![at(0, 5)]));
        assert!(answer(ErrorCode::None, 0, &[0], &mut session));
    }
}

#[test]
fn a_session_that_the_broker_does_not_know_is_begun_anew() {
    for (error, id) in [
        (ErrorCode::FetchSessionIdNotFound, 0),
        (ErrorCode::InvalidFetchSessionEpoch, 9),
        (ErrorCode::UnknownServerError, 9),
    ] {
        let mut session = FetchSessionHandler::default();
        session.request(vec![at(0, 5)]);
        assert!(answer(ErrorCode::None, 9, &[0], &mut session));
        session.request(vec![at(0, 5)]);
        assert!(!answer(error, 0, &[], &mut session));
        let request = session.request(vec![at(0, 5)]);
        assert_eq!(
            (request.session_id, request.session_epoch, request.to_send.len()),
            (id, 0, 1),
            "{error:?}"
        );
    }
}

#[test]
fn an_answer_with_other_partitions_is_of_no_use() {
    let mut session = FetchSessionHandler::default();
    session.request(vec![at(0, 5), at(1, 5)]);
    assert!(!answer(ErrorCode::None, 9, &[0], &mut session), "a full answer names all");
    session.request(vec![at(0, 5)]);
    assert!(!answer(ErrorCode::None, 9, &[4], &mut session));
    session.request(vec![at(0, 5)]);
    assert!(answer(ErrorCode::None, 9, &[0], &mut session));
    session.request(vec![at(0, 5)]);
    assert!(!answer(ErrorCode::None, 9, &[4], &mut session));
    assert_eq!(session.request(vec![at(0, 5)]).session_epoch, 0, "the session ends");
}

#[test]
fn the_epoch_begins_again_behind_the_largest() {
    let mut session = FetchSessionHandler::default();
    session.request(vec![at(0, 5)]);
    assert!(answer(ErrorCode::None, 9, &[0], &mut session));
    session.epoch = i32::MAX;
    assert!(answer(ErrorCode::None, 9, &[], &mut session));
    assert_eq!(session.request(vec![at(0, 5)]).session_epoch, 1);
    session.failed();
    assert_eq!(session.request(vec![at(0, 5)]).session_epoch, 0);
}

fn wants(offsets: &[(i32, i64)]) -> Vec<(TopicPartition, i64)> {
    offsets.iter().map(|(number, offset)| at(*number, *offset)).collect()
}

fn begun() -> FetchSessionHandler<i64> {
    let mut session = FetchSessionHandler::default();
    let full = session.request(wants(&[(0, 5), (1, 5)]));
    assert_eq!((full.session_id, full.session_epoch, full.to_send.len()), (0, 0, 2));
    assert!(session.answered(ErrorCode::None, 77, &ids(&[0, 1])));
    session
}

#[test]
fn only_what_changed_is_sent() {
    let mut session = begun();
    let next = session.request(wants(&[(0, 5), (1, 9), (2, 0)]));
    assert_eq!((next.session_id, next.session_epoch), (77, 1));
    assert_eq!(next.to_send, wants(&[(1, 9), (2, 0)]));
    assert!(next.to_forget.is_empty());
    assert!(session.answered(ErrorCode::None, 77, &ids(&[2])));
    let next = session.request(wants(&[(0, 5)]));
    assert_eq!((next.session_epoch, next.to_send.len()), (2, 0));
    assert_eq!(next.to_forget, ids(&[1, 2]));
}

#[test]
fn a_session_from_which_everything_is_gone_is_empty() {
    assert!(FetchSessionHandler::<i64>::default().is_empty());
    let mut session = begun();
    assert_eq!(session.request(Vec::new()).to_forget.len(), 2);
    assert!(session.is_empty());
    assert!(session.answered(ErrorCode::None, 0, &[]));
    assert!(session.request(Vec::new()).to_forget.is_empty());
}

#[test]
fn a_leader_that_forgot_the_session_is_asked_for_a_new_one() {
    let mut session = begun();
    session.request(wants(&[(0, 6)]));
    assert!(!session.answered(ErrorCode::FetchSessionIdNotFound, 0, &[]));
    let again = session.request(wants(&[(0, 6), (1, 5)]));
    assert_eq!((again.session_id, again.session_epoch, again.to_send.len()), (0, 0, 2));
}

#[test]
fn an_unanswered_request_ends_the_session() {
    let mut session = begun();
    session.request(wants(&[(0, 6)]));
    session.failed();
    let again = session.request(wants(&[(0, 6), (1, 5)]));
    assert_eq!((again.session_id, again.session_epoch, again.to_send.len()), (77, 0, 2));
}

#[test]
fn answers_that_do_not_fit_are_of_no_use() {
    let mut session = FetchSessionHandler::default();
    session.request(wants(&[(0, 5), (1, 5)]));
    assert!(!session.answered(ErrorCode::None, 77, &ids(&[0])), "a full answer names everything");
    let mut session = begun();
    session.request(wants(&[(0, 6)]));
    assert!(!session.answered(ErrorCode::None, 77, &ids(&[9])), "9 was not asked for");
    assert_eq!(session.request(wants(&[(0, 6)])).session_epoch, 0);
}

#[test]
fn without_sessions_every_request_is_full() {
    let mut session = FetchSessionHandler::default();
    for round in 0..3 {
        let full = session.request(wants(&[(0, round)]));
        assert_eq!((full.session_id, full.session_epoch, full.to_send.len()), (0, 0, 1));
        assert!(session.answered(ErrorCode::None, 0, &ids(&[0])));
    }
}
