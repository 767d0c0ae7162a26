//! When a log is brought to the disk.

use crate::log::log::tests::{Fixture, append};
use crate::log::settings::Settings;

#[test]
fn a_rolled_segment_is_flushed_by_a_chore() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 10, &["a", "b"]);
    assert_eq!(log.recovery_point(), 0);
    log.roll().unwrap();
    fixture.shared.disks.run_due(fixture.shared.clock.now());
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
