//! Offsets to positions.

use super::*;
use crate::log::segment_files::tests::files_in;

fn index(dir: &tempfile::TempDir) -> OffsetIndex {
    let mut index = OffsetIndex::open(files_in(dir.path(), 45), 45, 80).unwrap();
    index.entries.activate(80).unwrap();
    index
}

fn at(offset: Offset, position: u32) -> OffsetPosition {
    OffsetPosition { offset, position }
}

#[test]
fn an_offset_is_found_from_the_entry_at_or_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(&dir);
    assert_eq!(index.lookup(100).unwrap(), at(45, 0));
    for (offset, position) in [(50, 100), (60, 200), (70, 300)] {
        index.append(offset, position).unwrap();
    }
    index.append(70, 400).unwrap();
    assert_eq!(index.entries.count(), 3, "an offset is noted once");
    assert_eq!(index.lookup(49).unwrap(), at(45, 0));
    assert_eq!(index.lookup(50).unwrap(), at(50, 100));
    assert_eq!(index.lookup(69).unwrap(), at(60, 200));
    assert_eq!(index.lookup(1000).unwrap(), at(70, 300));
    assert_eq!(index.first_from(200).unwrap(), Some(at(60, 200)));
    assert_eq!(index.first_from(201).unwrap(), Some(at(70, 300)));
    assert_eq!(index.first_from(301).unwrap(), None);
}

#[test]
fn truncation_forgets_the_offset_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(&dir);
    for (offset, position) in [(50, 100), (60, 200), (70, 300)] {
        index.append(offset, position).unwrap();
    }
    index.truncate_to(65).unwrap();
    assert_eq!(index.last().unwrap(), Some(at(60, 200)));
    index.truncate_to(60).unwrap();
    assert_eq!(index.last().unwrap(), Some(at(50, 100)));
}

#[test]
fn it_is_full_when_no_entry_fits_and_refuses_offsets_out_of_reach() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index(&dir);
    assert!(index.append(45 + i64::from(i32::MAX) + 1, 0).is_err());
    for at in 0..10u32 {
        assert!(!index.is_full());
        index.append(46 + i64::from(at), at).unwrap();
    }
    assert!(index.is_full());
}

#[test]
fn sanity_is_whole_entries_within_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let files = files_in(dir.path(), 45);
    let sane = |bytes: &[u8]| {
        std::fs::write(files.path(Kind::OffsetIndex), bytes).unwrap();
        OffsetIndex::open(files.clone(), 45, 80).unwrap().is_sane(100).unwrap()
    };
    assert!(sane(&[]));
    assert!(sane(&[0, 0, 0, 1, 0, 0, 0, 99]));
    assert!(!sane(&[0, 0, 0, 1, 0, 0, 0, 100]), "past the log's end");
    assert!(!sane(&[0, 0, 0, 1, 0, 0, 0]), "half an entry");
    assert!(!sane(&[0xff, 0, 0, 1, 0, 0, 0, 9]), "below the base");
}
