//! Rolling, flushing, letting go.

use super::*;
use crate::log::log::tests::{Fixture, append, batch};
use crate::log::position::LogPosition;
use crate::log::read::ReadUpTo;
use crate::log::validate::AppendOrigin;

fn segments_after(settings: &Settings, appends: &[(Millis, &str)]) -> Vec<Offset> {
    let fixture = Fixture::new();
    let log = fixture.open(settings);
    for (timestamp, value) in appends {
        append(&log, *timestamp, &[value]);
    }
    log.segment_offsets()
}

#[test]
fn a_segment_rolls_when_the_next_batch_would_not_fit() {
    let size = batch(1, &["x"]).len() as u64;
    let appends = [(1, "x"), (1, "x"), (1, "x"), (1, "x"), (1, "x")];
    let with = |segment_bytes| segments_after(&Settings { segment_bytes, ..Settings::default() }, &appends);
    assert_eq!(with(size * 2), [0, 2, 4]);
    assert_eq!(with(size * 2 - 1), [0, 1, 2, 3, 4]);
    assert_eq!(with(size * 5), [0]);
}

#[test]
fn a_segment_rolls_by_the_time_of_its_records() {
    let settings = Settings { segment_ms: 100, ..Settings::default() };
    assert_eq!(
        segments_after(&settings, &[(1000, "a"), (1100, "b"), (1101, "c"), (900, "d"), (5000, "e")]),
        [0, 2, 4]
    );
    let compacted = Settings { segment_ms: 100_000, compact: true, max_compaction_lag_ms: 50, ..settings };
    assert_eq!(segments_after(&compacted, &[(1000, "a"), (1051, "b")]), [0, 1]);
}

#[test]
fn without_timestamps_our_clock_counts() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { segment_ms: 100, ..Settings::default() });
    let now = fixture.shared.clock.now();
    append(&log, -1, &["a"]);
    fixture.shared.clock.set(now + 100);
    append(&log, -1, &["b"]);
    assert_eq!(log.segment_offsets(), [0]);
    fixture.shared.clock.set(now + 101);
    append(&log, -1, &["c"]);
    assert_eq!(log.segment_offsets(), [0, 2]);
}

#[test]
fn a_segment_rolls_when_an_index_is_full() {
    // Room for two time entries, one of which stays free.
    let settings = Settings { segment_index_bytes: 24, index_interval_bytes: 0, ..Settings::default() };
    let appends: Vec<_> = (0..6).map(|at| (1000 + at, "x")).collect();
    assert_eq!(segments_after(&settings, &appends), [0, 2, 4]);
}

#[test]
fn rolling_trims_the_old_segment_and_takes_a_snapshot() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 10, &["a"]);
    let size = log.size();
    log.roll().unwrap();
    let file = |name: &str, size: u64| (name.to_owned(), size);
    let expected = [
        file("00000000000000000000.index", 0),
        file("00000000000000000000.log", size),
        file("00000000000000000000.timeindex", 12),
        file("00000000000000000001.index", 10_485_760),
        file("00000000000000000001.log", 0),
        file("00000000000000000001.snapshot", 10),
        file("00000000000000000001.timeindex", 10_485_756),
        file("leader-epoch-checkpoint", 8),
    ];
    assert_eq!(fixture.files(), expected);
    assert_eq!(log.snapshot().log_end, LogPosition::at(1, 1, 0));
    log.roll().unwrap();
    assert_eq!(log.segment_offsets(), [0, 1], "an empty active segment is replaced");
    log.close().unwrap();
    assert!(fixture.files().contains(&file("00000000000000000001.timeindex", 0)));
}

#[test]
fn a_rolled_segment_is_flushed_by_a_chore() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 10, &["a", "b"]);
    assert_eq!(log.recovery_point(), 0);
    log.roll().unwrap();
    fixture.shared.chores.run_due(fixture.shared.clock.now());
    assert_eq!(log.recovery_point(), 2);
    append(&log, 10, &["c"]);
    log.flush().unwrap();
    assert_eq!(log.recovery_point(), 3);
}

#[test]
fn a_log_is_flushed_after_so_many_messages() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { flush_messages: 3, ..Settings::default() });
    append(&log, 10, &["a", "b"]);
    assert_eq!(log.recovery_point(), 0);
    append(&log, 10, &["c"]);
    assert_eq!(log.recovery_point(), 3);
}

#[test]
fn old_segments_are_renamed_and_unlinked_later() {
    let fixture = Fixture::new();
    let log =
        fixture.open(&Settings { retention_ms: 1000, file_delete_delay_ms: 500, ..Settings::default() });
    let now = fixture.shared.clock.now();
    append(&log, now - 2000, &["a"]);
    log.roll().unwrap();
    append(&log, now - 10, &["b"]);
    assert_eq!(log.delete_old_segments().unwrap(), 0, "not past the high watermark");
    log.update_high_watermark(2);
    let reader = log.read(0, 1000, ReadUpTo::LogEnd, true).unwrap();
    assert_eq!(log.delete_old_segments().unwrap(), 1);
    assert_eq!((log.segment_offsets(), log.log_start_offset()), (vec![1], 1));
    let renamed = |names: &[String]| names.iter().filter(|name| name.ends_with(".deleted")).count();
    assert_eq!(renamed(&fixture.names()), 3);
    assert_eq!(reader.records.read().unwrap().len(), reader.records.len(), "who reads it goes on reading");
    fixture.shared.chores.run_due(now + 499);
    assert_eq!(renamed(&fixture.names()), 3);
    fixture.shared.chores.run_due(now + 500);
    assert_eq!(renamed(&fixture.names()), 0);
}

#[test]
fn when_all_is_old_a_new_segment_begins() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { retention_ms: 1000, ..Settings::default() });
    append(&log, 10, &["a", "b"]);
    log.update_high_watermark(2);
    assert_eq!(log.delete_old_segments().unwrap(), 1);
    assert_eq!((log.segment_offsets(), log.log_start_offset(), log.log_end_offset()), (vec![2], 2, 2));
    assert_eq!(log.delete_old_segments().unwrap(), 0);
    log.append_as_leader(batch(3, &["c"]), 1, AppendOrigin::Client).unwrap();
    assert_eq!(
        std::fs::read_to_string(fixture.path().join("leader-epoch-checkpoint")).unwrap(),
        "0\n1\n1 2\n"
    );
}

#[test]
fn snapshots_that_no_recovery_would_read_go() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    for at in 0..5 {
        append(&log, 10 + at, &["x"]);
        log.roll().unwrap();
    }
    let snapshots = || fixture.names().iter().filter(|name| name.ends_with(".snapshot")).count();
    assert_eq!(snapshots(), 5);
    log.delete_old_snapshots().unwrap();
    assert_eq!(snapshots(), 5, "the recovery point has not moved");
    log.flush().unwrap();
    log.delete_old_snapshots().unwrap();
    assert_eq!(snapshots(), 2);
}

#[test]
fn a_renamed_log_finds_its_files() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { index_interval_bytes: 0, ..Settings::default() });
    append(&log, 10, &["a"]);
    append(&log, 11, &["b"]);
    log.roll().unwrap();
    log.rename_dir("t-0.0123-delete").unwrap();
    assert!(!fixture.path().exists());
    assert_eq!(log.read(1, 1000, ReadUpTo::LogEnd, true).unwrap().position.offset, 1);
    append(&log, 12, &["c"]);
    log.roll().unwrap();
    assert!(fixture.dir.path().join("t-0.0123-delete/00000000000000000003.log").exists());
}
