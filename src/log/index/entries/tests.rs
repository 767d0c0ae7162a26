//! Files of entries: made, searched in memory and on disk alike, trimmed.

use std::fs;

use super::*;
use crate::log::segment_files::tests::files_in;

fn number(entry: &[u8]) -> i32 {
    int(entry, 0)
}

#[test]
fn a_new_file_is_preallocated_in_whole_entries_and_trimmed() {
    let dir = tempfile::tempdir().unwrap();
    let files = files_in(dir.path(), 0);
    let path = files.path(Kind::TimeIndex);
    let mut entries = Entries::open(files.clone(), Kind::TimeIndex, 12, 100).unwrap();
    assert!(entries.is_new());
    assert_eq!((fs::metadata(&path).unwrap().len(), entries.room()), (96, 8));
    entries.activate(100).unwrap();
    entries.append(&[1; 12]).unwrap();
    entries.trim().unwrap();
    assert_eq!(fs::read(&path).unwrap(), [1; 12]);
    let again = Entries::open(files, Kind::TimeIndex, 12, 100).unwrap();
    assert!(!again.is_new());
    assert_eq!(again.count(), 1);
}

#[test]
fn searching_finds_the_same_in_memory_and_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut entries = Entries::open(files_in(dir.path(), 0), Kind::OffsetIndex, 4, 0).unwrap();
    entries.activate(8192).unwrap();
    for at in 0..1500 {
        entries.append(&(at * 2i32).to_be_bytes()).unwrap();
    }
    let wanted = [-1, 0, 1, 2, 511, 512, 1500, 2997, 2998, 4000];
    let search = |entries: &Entries| {
        wanted.map(|target| entries.partition_point(|entry| number(entry) <= target).unwrap())
    };
    let held = search(&entries);
    assert_eq!(held, [0, 1, 1, 2, 256, 257, 751, 1499, 1500, 1500]);
    entries.trim().unwrap();
    assert_eq!(search(&entries), held);
    assert_eq!(entries.get(700, number).unwrap(), Some(1400));
    assert_eq!(entries.get(1500, number).unwrap(), None);
}

#[test]
fn truncated_entries_are_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let files = files_in(dir.path(), 0);
    let path = files.path(Kind::OffsetIndex);
    let mut entries = Entries::open(files, Kind::OffsetIndex, 4, 0).unwrap();
    entries.activate(16).unwrap();
    for at in 0..3i32 {
        entries.append(&at.to_be_bytes()).unwrap();
    }
    entries.truncate(1);
    entries.append(&7i32.to_be_bytes()).unwrap();
    assert_eq!(entries.get(1, number).unwrap(), Some(7));
    entries.trim().unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0, 0, 0, 0, 0, 0, 0, 7]);
}

#[test]
fn a_file_that_was_there_is_enlarged_with_its_next_entry_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let files = files_in(dir.path(), 0);
    let path = files.path(Kind::OffsetIndex);
    let length = || fs::metadata(&path).unwrap().len();
    Entries::open(files.clone(), Kind::OffsetIndex, 4, 0).unwrap();
    let open = || {
        let mut entries = Entries::open(files.clone(), Kind::OffsetIndex, 4, 1000).unwrap();
        entries.activate(18).unwrap();
        entries
    };
    let mut entries = open();
    assert_eq!((length(), entries.room()), (0, 4), "it counts as large");
    entries.append(&[1; 4]).unwrap();
    assert_eq!(length(), 16);
    entries.trim().unwrap();
    assert_eq!((length(), entries.room()), (4, 1));
    let mut entries = open();
    entries.stop_growing();
    entries.append(&[2; 4]).unwrap();
    assert_eq!(length(), 8, "the last entry needs no room behind it");
    entries.trim().unwrap();
    let mut entries = open();
    entries.activate(7).unwrap();
    assert_eq!((length(), entries.room()), (4, 1), "less room than there are bytes");
}
