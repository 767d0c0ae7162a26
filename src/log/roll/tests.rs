//! When segments roll, and what becomes of the old ones.

use super::*;
use crate::base::Millis;
use crate::log::log::tests::{Fixture, append, batch};
use crate::log::position::LogPosition;
use crate::log::settings::Settings;

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
        file("leader-epoch-checkpoint", 0),
    ];
    assert_eq!(fixture.files(), expected);
    assert_eq!(log.snapshot().log_end, LogPosition::at(1, 1, 0));
    log.roll().unwrap();
    assert_eq!(log.segment_offsets(), [0, 1], "an empty active segment is replaced");
    log.close().unwrap();
    assert!(fixture.files().contains(&file("00000000000000000001.timeindex", 0)));
}
