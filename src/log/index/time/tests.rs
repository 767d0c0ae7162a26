//! Timestamps to offsets.

use super::*;
use crate::log::segment_files::tests::files_in;

fn at(timestamp: Millis, offset: Offset) -> TimestampOffset {
    TimestampOffset { timestamp, offset }
}

fn index(dir: &tempfile::TempDir) -> TimeIndex {
    let mut index = TimeIndex::open(files_in(dir.path(), 345), 345, 60).unwrap();
    index.entries.activate(60).unwrap();
    for entry in [at(10, 350), at(20, 360), at(20, 370), at(15, 380), at(30, 390)] {
        index.maybe_append(entry).unwrap();
    }
    index
}

#[test]
fn only_newer_entries_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(&dir);
    assert_eq!(index.entries.count(), 3);
    assert_eq!(index.lookup(9).unwrap(), at(-1, 345));
    assert_eq!(index.lookup(10).unwrap(), at(10, 350));
    assert_eq!(index.lookup(29).unwrap(), at(20, 360));
    assert_eq!(index.lookup(99).unwrap(), at(30, 390));
    assert_eq!(index.last().unwrap(), at(30, 390));
}

#[test]
fn one_slot_is_kept_free() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(&dir);
    assert!(!index.is_full());
    index.maybe_append(at(40, 400)).unwrap();
    assert!(index.is_full(), "four of five");
    index.maybe_append(at(50, 410)).unwrap();
    assert_eq!(index.entries.count(), 5);
}

#[test]
fn truncation_is_by_offset() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(&dir);
    index.truncate_to(389).unwrap();
    assert_eq!(index.last().unwrap(), at(20, 360));
    index.truncate_to(350).unwrap();
    assert_eq!(index.last().unwrap(), at(-1, 345));
}

#[test]
fn sanity_is_whole_entries_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let files = files_in(dir.path(), 345);
    let sane = |bytes: &[u8]| {
        std::fs::write(files.path(Kind::TimeIndex), bytes).unwrap();
        TimeIndex::open(files.clone(), 345, 60).unwrap().is_sane().unwrap()
    };
    assert!(sane(&[]));
    assert!(sane(&[0; 12]));
    assert!(!sane(&[0; 13]));
    let falling: Vec<u8> = [[1; 12], [0; 12]].concat();
    assert!(!sane(&falling));
}
