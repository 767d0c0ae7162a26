use super::*;

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn wants(offsets: &[(i32, Offset)]) -> Vec<(TopicPartition, Want)> {
    let want = |offset| Want { offset, log_start: 0, leader_epoch: 0 };
    offsets.iter().map(|(number, offset)| (partition(*number), want(*offset))).collect()
}

/// The request for these partitions and no others.
fn request(session: &mut Session, wanted: Vec<(TopicPartition, Want)>) -> Option<FetcherRequest> {
    let unwanted = session.partitions.keys().filter(|known| !wanted.iter().any(|(id, _)| id == *known));
    let unwanted: Vec<_> = unwanted.cloned().map(|partition| (partition, None)).collect();
    let wanted = wanted.into_iter().map(|(partition, want)| (partition, Some(want)));
    session.request(wanted.chain(unwanted).collect())
}

fn begun() -> Session {
    let mut session = Session::default();
    let full = request(&mut session, wants(&[(0, 5), (1, 5)])).unwrap();
    assert_eq!((full.session_id, full.session_epoch, full.send.len()), (0, 0, 2));
    assert!(session.answered(ErrorCode::None, 77, &[partition(0), partition(1)]));
    session
}

#[test]
fn only_what_changed_is_sent() {
    let mut session = begun();
    let next = request(&mut session, wants(&[(0, 5), (1, 9), (2, 0)])).unwrap();
    assert_eq!((next.session_id, next.session_epoch), (77, 1));
    assert_eq!(next.send, wants(&[(1, 9), (2, 0)]));
    assert!(next.forget.is_empty());
    assert!(session.answered(ErrorCode::None, 77, &[partition(2)]));
    let next = request(&mut session, wants(&[(0, 5)])).unwrap();
    assert_eq!((next.session_epoch, next.send.len()), (2, 0));
    assert_eq!(next.forget, [partition(1), partition(2)]);
}

#[test]
fn nothing_wanted_and_nothing_to_forget_is_no_request() {
    assert_eq!(request(&mut Session::default(), Vec::new()), None);
    let mut session = begun();
    assert_eq!(request(&mut session, Vec::new()).unwrap().forget.len(), 2);
    assert!(session.answered(ErrorCode::None, 0, &[]));
    assert_eq!(request(&mut session, Vec::new()), None);
}

#[test]
fn a_leader_that_forgot_the_session_is_asked_for_a_new_one() {
    let mut session = begun();
    request(&mut session, wants(&[(0, 6)])).unwrap();
    assert!(!session.answered(ErrorCode::FetchSessionIdNotFound, 0, &[]));
    let again = request(&mut session, wants(&[(0, 6), (1, 5)])).unwrap();
    assert_eq!((again.session_id, again.session_epoch, again.send.len()), (0, 0, 2));
}

#[test]
fn an_unanswered_request_ends_the_session() {
    let mut session = begun();
    request(&mut session, wants(&[(0, 6)])).unwrap();
    session.failed();
    let again = request(&mut session, wants(&[(0, 6), (1, 5)])).unwrap();
    assert_eq!((again.session_id, again.session_epoch, again.send.len()), (77, 0, 2));
}

#[test]
fn answers_that_do_not_fit_are_of_no_use() {
    let mut session = Session::default();
    request(&mut session, wants(&[(0, 5), (1, 5)])).unwrap();
    assert!(!session.answered(ErrorCode::None, 77, &[partition(0)]), "a full answer names everything");
    let mut session = begun();
    request(&mut session, wants(&[(0, 6)])).unwrap();
    assert!(!session.answered(ErrorCode::None, 77, &[partition(9)]), "9 was not asked for");
    assert_eq!(request(&mut session, wants(&[(0, 6)])).unwrap().session_epoch, 0);
}

#[test]
fn without_sessions_every_request_is_full() {
    let mut session = Session::default();
    for round in 0..3 {
        let full = request(&mut session, wants(&[(0, round)])).unwrap();
        assert_eq!((full.session_id, full.session_epoch, full.send.len()), (0, 0, 1));
        assert!(session.answered(ErrorCode::None, 0, &[partition(0)]));
    }
}
