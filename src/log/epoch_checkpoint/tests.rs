//! The epochs of a log after its file was lost or damaged, as a power failure may leave it.

use std::fs;

use super::*;
use crate::log::epochs::EpochEnd;
use crate::log::log::tests::{Fixture, batch};
use crate::log::settings::Settings;
use crate::log::{AppendOrigin, Log};
use crate::wire::batch::BatchBuilder;

/// Records in the epochs 1, 4 and 7; all below offset 4 is on the disk, and so is the file as it was then.
fn with_three_epochs(fixture: &Fixture) -> Arc<Log> {
    let log = fixture.open(&Settings::default());
    let append = |epoch| log.append_as_leader(batch(1, &["a", "b"]), epoch, AppendOrigin::Client).unwrap();
    append(1);
    append(4);
    log.flush_to(4).unwrap();
    append(7);
    log
}

fn epochs(log: &Log) -> Vec<Option<(i32, i64)>> {
    [1, 4, 7].map(|epoch| log.end_offset_for(epoch).map(|end| (end.epoch, end.offset))).to_vec()
}

#[test]
fn an_epoch_is_written_before_the_recovery_point_passes_its_first_record_and_not_sooner() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    let written = || fs::read_to_string(log.epochs().path()).unwrap();
    let append = |epoch| log.append_as_leader(batch(1, &["a"]), epoch, AppendOrigin::Client).unwrap();
    log.append_lock().begin_leadership(1).unwrap();
    assert_eq!((log.latest_epoch(), written().as_str()), (Some(1), ""));
    append(1);
    assert_eq!(written(), "", "recovery reads the batch");
    log.flush().unwrap();
    assert_eq!((written().as_str(), log.recovery_point()), ("0\n1\n1 0\n", 1));
    log.append_lock().begin_leadership(2).unwrap();
    append(2);
    assert_eq!(log.end_offset_for(1), Some(EpochEnd { epoch: 1, offset: 1 }));
    assert_eq!(written(), "0\n1\n1 0\n", "recovery reads the batch");
    log.flush().unwrap();
    assert_eq!((written().as_str(), log.recovery_point()), ("0\n2\n1 0\n2 1\n", 2));
}

#[test]
fn an_epoch_that_recovery_would_not_find_is_written_before_its_records() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    let written = || fs::read_to_string(log.epochs().path()).unwrap();
    log.append_as_leader(batch(1, &["a", "b"]), 1, AppendOrigin::Client).unwrap();
    log.append_lock().begin_leadership(7).unwrap();
    log.epochs().write_pending(&log.appender()).unwrap();
    assert_eq!(written(), "0\n2\n1 0\n7 2\n");
    // It follows a leader that has records of epoch 5 there.
    assert!(!log.truncate_to(2).unwrap());
    assert_eq!(written(), "0\n2\n1 0\n7 2\n", "nothing lies there");
    let mut fetched = BatchBuilder::new().base_offset(2).leader_epoch(5);
    fetched.push(1, None, Some(b"c"), &[]);
    log.append_as_follower(&fetched.build().unwrap().into()).unwrap();
    assert_eq!(written(), "0\n2\n1 0\n5 2\n");
}

#[test]
fn what_recovery_finds_in_the_active_segment_it_leaves_there() {
    let fixture = Fixture::new();
    let log = with_three_epochs(&fixture);
    let expected = epochs(&log);
    let written = || fs::read_to_string(fixture.path().join(LEADER_EPOCHS)).unwrap();
    log.abandon();
    for _ in 0..2 {
        let log = fixture.reopen_unclean(4);
        assert_eq!((epochs(&log), log.recovery_point()), (expected.clone(), 4));
        assert_eq!(written(), "0\n2\n1 0\n4 2\n");
        log.abandon();
    }
    let log = fixture.reopen_unclean(4);
    log.close().unwrap();
    assert_eq!(written(), "0\n3\n1 0\n4 2\n7 4\n");
}

#[test]
fn what_recovery_finds_in_earlier_segments_is_written() {
    let fixture = Fixture::new();
    let log = with_three_epochs(&fixture);
    log.roll().unwrap();
    log.abandon();
    let log = fixture.reopen_unclean(4);
    assert_eq!(log.recovery_point(), 6);
    assert_eq!(fs::read_to_string(log.epochs().path()).unwrap(), "0\n3\n1 0\n4 2\n7 4\n");
}

#[test]
fn an_earlier_epoch_than_that_of_records_is_written_at_once() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    log.append_as_leader(batch(1, &["a"]), 4, AppendOrigin::Client).unwrap();
    log.append_lock().begin_leadership(3).unwrap();
    assert_eq!(fs::read_to_string(log.epochs().path()).unwrap(), "0\n1\n3 1\n");
}

#[test]
fn the_file_is_on_the_disk_before_the_recovery_point_passes_its_records() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    log.append_lock().begin_leadership(1).unwrap();
    log.append_as_leader(batch(1, &["a"]), 1, AppendOrigin::Client).unwrap();
    assert!(log.epochs().is_unwritten(), "nothing counts on it yet");
    log.flush().unwrap();
    assert!(!log.epochs().is_unwritten() && !log.epochs().is_unsynced());
    log.append_as_leader(batch(1, &["b"]), 1, AppendOrigin::Client).unwrap();
    assert!(!log.epochs().is_unsynced(), "no epoch has begun");
}

#[test]
fn whatever_a_power_failure_leaves_of_the_file_the_epochs_are_found_again() {
    let expected = vec![Some((1, 2)), Some((4, 4)), Some((7, 6))];
    for left in ["0\n2\n1 0\n4 2\n", "0\n3\n1 0\n4 2\n7 4\n", "", "\0\0\0\0\0\0\0\0", "0\n3\n1 0\n"] {
        let fixture = Fixture::new();
        let log = with_three_epochs(&fixture);
        assert_eq!(epochs(&log), expected);
        fs::write(log.epochs().path(), left).unwrap();
        log.abandon();
        let log = fixture.reopen_unclean(4);
        assert_eq!(epochs(&log), expected, "{left:?}");
    }
}

#[test]
fn an_unsynced_file_without_any_entry_is_right_for_an_empty_log() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    assert_eq!(log.append_lock().begin_leadership(3).unwrap(), Some(0));
    fs::write(log.epochs().path(), "").unwrap();
    log.abandon();
    let log = fixture.reopen_unclean(0);
    assert_eq!((log.latest_epoch(), log.log_end_offset()), (None, 0));
}
