use super::*;
use crate::base::TopicPartition;
use crate::replica::fetch::session::FetchSession;
use crate::replica::fetch::{FetchReader, Isolation, PartitionFetch};
use crate::replica::machine::ReadFrom;

fn session(size: i32, is_follower: bool, now: Millis) -> Arc<SharedSession> {
    let replica_id = if is_follower { 2 } else { -1 };
    let reader =
        FetchReader { replica_id, isolation: Isolation::ReadUncommitted, read_from: ReadFrom::Leader };
    let wanted = PartitionFetch {
        offset: 0,
        max_bytes: 100,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: -1,
    };
    let partitions = (0..size).map(|number| (TopicPartition::new("t", number), wanted));
    SharedSession::new(FetchSession::new(reader, partitions, now))
}

#[test]
fn a_full_cache_keeps_what_is_worth_more() {
    let sessions = FetchSessions::new(1);
    let begin = |id, size, is_follower, now| {
        sessions.insert(std::iter::once(id), session(size, is_follower, now), now)
    };
    assert_eq!(begin(1, 1, false, 0), Some(1));
    assert_eq!(begin(2, 2, false, SAFE_FOR), None, "the first is young");
    let first = sessions.get(1).unwrap();
    let reader = first.lock().reader();
    first.lock().begin(1, reader, Default::default(), SAFE_FOR).unwrap();
    assert_eq!(begin(3, 1, false, SAFE_FOR + 1), None, "no larger than the first");
    assert_eq!(begin(4, 2, false, SAFE_FOR + 1), Some(4));
    assert_eq!(begin(5, 1, true, SAFE_FOR + 1), Some(5), "a follower's");
    assert_eq!(begin(6, 3, false, 2 * SAFE_FOR + 1), None);
    assert_eq!(begin(7, 1, false, 2 * SAFE_FOR + 2), Some(7), "the follower has not come back");
}

#[test]
fn an_id_is_used_once() {
    let sessions = FetchSessions::new(10);
    assert_eq!(sessions.insert([7, 8].into_iter(), session(1, false, 0), 0), Some(7));
    assert_eq!(sessions.insert([7, 8].into_iter(), session(2, false, 0), 0), Some(8));
    assert_eq!((sessions.len(), sessions.partitions()), (2, 3));
    sessions.remove(7);
    assert!(sessions.get(7).is_none() && sessions.get(8).is_some());
}
