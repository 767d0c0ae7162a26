//! What goes, and when.

use crate::log::log::tests::{Fixture, append, batch};
use crate::log::read::{FirstBatch, ReadUpTo};
use crate::log::settings::Settings;
use crate::log::validate::AppendOrigin;

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
    let reader = log.read(0, 1000, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
    assert_eq!(log.delete_old_segments().unwrap(), 1);
    assert_eq!((log.segment_offsets(), log.log_start_offset()), (vec![1], 1));
    let renamed = |names: &[String]| names.iter().filter(|name| name.ends_with(".deleted")).count();
    assert_eq!(renamed(&fixture.names()), 3);
    assert_eq!(reader.records.read().unwrap().len(), reader.records.len(), "who reads it goes on reading");
    fixture.shared.disks.run_due(now + 499);
    assert_eq!(renamed(&fixture.names()), 3);
    fixture.shared.disks.run_due(now + 500);
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
    log.flush().unwrap();
    assert_eq!(
        std::fs::read_to_string(fixture.path().join("leader-epoch-checkpoint")).unwrap(),
        "0\n1\n1 2\n"
    );
}

#[test]
fn snapshots_that_no_recovery_would_read_are_deleted() {
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
