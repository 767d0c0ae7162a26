//! Snapshot files: which are kept, which is loaded.

use std::path::Path;

use super::*;
use crate::log::producers::Change;
use crate::log::validate::AppendOrigin;
use crate::wire::batch::{BatchBuilder, BatchHeader};

fn state(dir: &Path) -> ProducerState {
    ProducerState::new(TopicPartition::new("t", 0), LogDir::new(dir.to_owned()), 1000)
}

/// The producer writes one record at this offset and time.
fn write(state: &mut ProducerState, producer_id: i64, offset: Offset, timestamp: Millis) {
    let mut builder = BatchBuilder::new().producer(producer_id, 0, 0).base_offset(offset);
    builder.push(timestamp, None, None, &[]);
    let header = BatchHeader::parse(&builder.build().unwrap()).unwrap();
    let mut change = Change::new(AppendOrigin::Replication);
    change.append(&state.producers, &header, None).unwrap();
    state.producers.apply(change);
    state.producers.set_end_offset(offset + 1);
}

/// Snapshots at 1, 2 and 3; producers 0, 1 and 2 wrote at 0, 1 and 2.
fn filled(dir: &Path) -> ProducerState {
    let mut state = state(dir);
    for at in 0..3 {
        write(&mut state, at, at, 100 * at);
        state.take_snapshot().unwrap();
    }
    state
}

fn known(state: &ProducerState) -> Vec<i64> {
    (0..3).filter(|id| state.producers.entry(*id).is_some()).collect()
}

impl ProducerState {
    /// The offsets of the snapshots in the directory, rising.
    fn offsets(&mut self) -> io::Result<Vec<Offset>> {
        self.listed = None;
        Ok(self.known()?.iter().copied().collect())
    }
}

#[test]
fn a_snapshot_is_taken_once_for_an_offset() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = filled(dir.path());
    assert_eq!(state.offsets().unwrap(), [1, 2, 3]);
    remove_if_there(&dir.path().join(file_name(3, SNAPSHOT))).unwrap();
    state.take_snapshot().unwrap();
    assert_eq!(state.offsets().unwrap(), [1, 2]);
}

#[test]
fn the_latest_sound_snapshot_within_the_log_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    fs::write(dir.path().join(file_name(2, SNAPSHOT)), "nonsense").unwrap();
    let mut state = state(dir.path());
    state.truncate_and_reload(0, 2, 0).unwrap();
    assert_eq!((known(&state), state.producers.end_offset()), (vec![0], 1));
    assert_eq!(state.offsets().unwrap(), [1], "3 lies behind the log, 2 could not be read");
}

#[test]
fn silent_producers_are_not_loaded() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let mut state = state(dir.path());
    state.truncate_and_reload(0, 3, 1100).unwrap();
    assert_eq!(known(&state), [2]);
}

#[test]
fn without_a_snapshot_it_begins_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = filled(dir.path());
    state.truncate_and_reload(7, 9, 0).unwrap();
    assert_eq!((known(&state), state.producers.end_offset()), (vec![], 7));
    assert!(state.offsets().unwrap().is_empty());
}

#[test]
fn old_snapshots_go_and_the_newest_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = filled(dir.path());
    state.delete_before(2).unwrap();
    assert_eq!(state.offsets().unwrap(), [2, 3]);
    state.truncate_head(3).unwrap();
    assert_eq!(state.offsets().unwrap(), [3]);
    state.truncate_fully(0).unwrap();
    assert!(state.offsets().unwrap().is_empty() && state.producers.is_empty());
}

#[test]
fn snapshots_that_are_taken_again_while_a_log_is_loaded_are_left_alone() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = |offset| dir.path().join(file_name(offset, SNAPSHOT));
    let written = |offset| fs::metadata(path(offset)).unwrap().mtime_nsec();
    let of_two = fs::read(path(2)).unwrap();
    fs::write(path(2), "nonsense").unwrap();
    let before = written(3);
    let mut state = state(dir.path());
    state.sync_snapshots(LogSync::WholeDirectory);
    state.begin_loading(&directory::files(dir.path()).unwrap());
    state.truncate_and_reload(0, 0, 0).unwrap();
    assert!(!state.has_snapshots().unwrap() && path(1).exists(), "none counts, all are there");
    write(&mut state, 0, 0, 0);
    for at in 1..3 {
        write(&mut state, at, at, 100 * at);
        state.take_snapshot().unwrap();
    }
    state.end_loading().unwrap();
    assert_eq!((fs::read(path(2)).unwrap(), written(3)), (of_two, before));
    assert_eq!(state.offsets().unwrap(), [2, 3], "1 was not taken again");
}
