//! A log that is renamed.

use crate::log::log::tests::{Fixture, append};
use crate::log::read::{FirstBatch, ReadUpTo};
use crate::log::settings::Settings;

#[test]
fn a_renamed_log_finds_its_files() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { index_interval_bytes: 0, ..Settings::default() });
    append(&log, 10, &["a"]);
    append(&log, 11, &["b"]);
    log.roll().unwrap();
    log.rename_dir("t-0.0123-delete").unwrap();
    assert!(!fixture.path().exists());
    assert_eq!(log.read(1, 1000, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().position.offset, 1);
    append(&log, 12, &["c"]);
    log.roll().unwrap();
    assert!(fixture.dir.path().join("t-0.0123-delete/00000000000000000003.log").exists());
}
