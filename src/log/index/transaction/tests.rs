//! Aborted transactions.

use super::*;
use crate::log::segment_files::tests::files_in;

fn aborted(producer_id: i64, first_offset: i64, last_offset: i64, last_stable_offset: i64) -> AbortedEntry {
    AbortedEntry { producer_id, first_offset, last_offset, last_stable_offset }
}

fn index(dir: &tempfile::TempDir) -> TransactionIndex {
    let mut index = TransactionIndex::open(files_in(dir.path(), 0), 0).unwrap();
    for entry in [aborted(0, 0, 10, 2), aborted(1, 5, 15, 13), aborted(2, 18, 35, 25), aborted(3, 32, 50, 40)]
    {
        index.append(&entry).unwrap();
    }
    index
}

fn producers(index: &TransactionIndex, from: i64, to: i64) -> (Vec<i64>, bool) {
    let mut found = Vec::new();
    let complete = index.collect(from, to, &mut found).unwrap();
    (found.iter().map(|entry| entry.producer_id).collect(), complete)
}

#[test]
fn what_touches_the_range_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(&dir);
    assert_eq!(producers(&index, 0, 100), (vec![0, 1, 2, 3], false));
    assert_eq!(producers(&index, 0, 32), (vec![0, 1, 2], true));
    assert_eq!(producers(&index, 0, 35), (vec![0, 1, 2, 3], true));
    assert_eq!(producers(&index, 12, 20), (vec![1, 2], true));
    assert_eq!(producers(&index, 16, 18), (vec![], true));
}

#[test]
fn entries_are_read_as_written_and_truncated() {
    let dir = tempfile::tempdir().unwrap();
    let mut held = index(&dir);
    let again = TransactionIndex::open(files_in(dir.path(), 0), 0).unwrap();
    assert_eq!(again.read().unwrap(), held.read().unwrap());
    held.truncate_to(51).unwrap();
    assert_eq!(held.read().unwrap().len(), 4);
    held.truncate_to(35).unwrap();
    assert_eq!(held.read().unwrap().len(), 2);
    held.reset().unwrap();
    assert_eq!(std::fs::metadata(files_in(dir.path(), 0).path(Kind::TransactionIndex)).unwrap().len(), 0);
}

#[test]
fn there_is_no_file_without_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = TransactionIndex::open(files_in(dir.path(), 9), 9).unwrap();
    index.reset().unwrap();
    index.flush().unwrap();
    assert_eq!(index.read().unwrap(), []);
    assert!(!files_in(dir.path(), 9).path(Kind::TransactionIndex).exists());
}

#[test]
fn a_newer_version_or_an_offset_below_the_base_is_not_sane() {
    let dir = tempfile::tempdir().unwrap();
    index(&dir);
    assert!(TransactionIndex::open(files_in(dir.path(), 0), 10).unwrap().is_sane().unwrap());
    assert!(!TransactionIndex::open(files_in(dir.path(), 0), 11).unwrap().is_sane().unwrap());
    std::fs::write(files_in(dir.path(), 0).path(Kind::TransactionIndex), [1; 34]).unwrap();
    assert!(!TransactionIndex::open(files_in(dir.path(), 0), 0).unwrap().is_sane().unwrap());
}
