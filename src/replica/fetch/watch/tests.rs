use super::*;
use crate::base::TopicPartition;
use crate::replica::fetch::{FetchReader, Isolation, PartitionFetch};
use crate::replica::machine::ReadFrom;

const AT_ZERO: LogSnapshot = LogSnapshot {
    log_start_offset: 0,
    log_end: crate::log::LogPosition { offset: 0, in_segment: None },
    high_watermark: crate::log::LogPosition { offset: 0, in_segment: None },
    last_stable: crate::log::LogPosition { offset: 0, in_segment: None },
};

fn consumer() -> Arc<SharedSession> {
    let reader =
        FetchReader { replica_id: -1, isolation: Isolation::ReadUncommitted, read_from: ReadFrom::Leader };
    let wanted = PartitionFetch {
        offset: 0,
        max_bytes: 100,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: -1,
    };
    SharedSession::new(FetchSession::new(reader, [(TopicPartition::new("t", 0), wanted)], 0))
}

#[test]
fn sessions_that_are_gone_do_not_pile_up() {
    let mut watchers = Watchers::default();
    for _ in 0..10 * SWEEP_FROM {
        watchers.watch(&consumer(), 0, Some(&AT_ZERO), 0);
    }
    assert!(watchers.consumers.watches.len() <= SWEEP_FROM);
}

#[test]
fn a_session_without_a_waiting_request_is_notified_of_one_change() {
    let mut watchers = Watchers::default();
    let session = consumer();
    watchers.watch(&session, 0, Some(&AT_ZERO), 0);
    assert_eq!(watchers.consumers.watches.len(), 1);
    let _ = watchers.moved(LogChange::Appended { high_watermark_too: false }, &AT_ZERO);
    assert_eq!(watchers.consumers.watches.len(), 1, "nothing was replicated");
    let _ = watchers.moved(LogChange::HighWatermark, &AT_ZERO);
    assert_eq!(watchers.consumers.watches.len(), 0);
}

#[test]
fn a_role_that_changed_before_the_watch_is_a_change() {
    let mut watchers = Watchers::default();
    let session = consumer();
    let turn = session.lock().first_turn();
    session.lock().wait(turn, 1);
    let _ = watchers.role_changed();
    watchers.watch(&session, 0, Some(&AT_ZERO), 0);
    assert_eq!(session.lock().verdict(turn), crate::replica::fetch::delayed::DelayedVerdict::Examine);
    assert!(watchers.consumers.watches.is_empty());
}

#[test]
fn a_deletion_is_woken_once() {
    let mut watchers = Watchers::default();
    let waiter = Arc::new(Notify::new());
    watchers.await_starts(&waiter);
    watchers.await_starts(&waiter);
    assert_eq!(watchers.take_starts().starts.len(), 1);
    assert!(watchers.take_starts().starts.is_empty());
}
