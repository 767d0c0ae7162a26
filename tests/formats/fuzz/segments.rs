//! Segments that are opened again after their files were damaged: what is kept is whole, in order, and goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use barnabas::base::{Clock, TopicPartition};
use barnabas::config::topic::TopicConfig;
use barnabas::log::log::Shared;
use barnabas::log::recovery::{LastStop, Opening};
use barnabas::log::{AppendOrigin, FirstBatch, Log, ReadUpTo};
use barnabas::wire::batch::{Batch, BatchBuilder};
use fastrand::Rng;

use super::{Run, damaged};
use crate::record_sets::data;

/// A little after the records were made: their producers are not forgotten yet.
const NOW: i64 = 1_700_000_100_000;

/// Partitions of several segments, transactions, producers, old and new formats.
fn partitions() -> Vec<PathBuf> {
    let entries = fs::read_dir(data().join("log-dir")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// The files of a directory, in the order of their names.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Damages one to three files of a directory: some bytes of each, or all of it.
fn damage(dir: &Path, rng: &mut Rng) {
    for _ in 0..rng.usize(1..4) {
        let files = files(dir);
        let Some(file) = rng.choice(&files) else { return };
        match rng.u8(..6) {
            0 => fs::remove_file(file).unwrap(),
            1 => fs::write(file, []).unwrap(),
            // Not a log for another one: their offsets would overlap, which Kafka does not look for either.
            2 if file.extension().is_some_and(|it| it != "log") => {
                fs::copy(rng.choice(&files).unwrap_or(file), file).map(drop).unwrap();
            }
            _ => fs::write(file, damaged(&fs::read(file).unwrap(), rng)).unwrap(),
        }
    }
}

fn open(dir: &Path, recovery_point: i64, last_stop: LastStop) -> Option<Arc<Log>> {
    let shared = Shared::new(Clock::manual(NOW));
    let opening = Opening {
        partition: TopicPartition::new("t", 0),
        dir: dir.to_owned(),
        settings: TopicConfig::default().into(),
        log_start: 0,
        recovery_point,
        last_stop,
    };
    // A directory that cannot be opened is offline; the broker logs that and goes on.
    Log::open(opening, Arc::new(shared)).ok()
}

/// Reads all there is; every batch is whole and above the one before. The number of records.
fn read_all(log: &Log) -> usize {
    let (mut offset, mut count) = (log.log_start_offset(), 0);
    while offset < log.log_end_offset() {
        let read = log.read(offset, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
        let before = offset;
        for batch in Batch::split(read.records.read().unwrap()).map_while(Result::ok) {
            batch.check_crc().unwrap();
            assert!(batch.header().last_offset() >= offset, "offsets go on");
            offset = batch.header().next_offset();
            count += 1;
        }
        if offset == before {
            break;
        }
    }
    count
}

/// Opens a damaged directory as after a crash, reads it, goes on writing, and opens it once more.
fn recover(dir: &Path) {
    let Some(log) = open(dir, 0, LastStop::Unclean) else { return };
    let kept = read_all(&log);
    let end = log.log_end_offset();
    let mut batch = BatchBuilder::new();
    batch.push(NOW, Some(b"key"), Some(b"value"), &[]);
    let info = log.append_as_leader(batch.build().unwrap(), 1, AppendOrigin::Client).unwrap();
    assert_eq!(info.first_offset, Some(end));
    assert_eq!(read_all(&log), kept + 1);
    log.close().unwrap();
    drop(log);
    let log = open(dir, 0, LastStop::Unclean).expect("what was repaired opens");
    assert_eq!((log.log_end_offset(), read_all(&log)), (end + 1, kept + 1));
}

/// Opens a damaged directory that is marked as cleanly stopped, and reads what can be read.
fn trust(dir: &Path, rng: &mut Rng) {
    let recovery_point = rng.i64(..20);
    let last_stop = if rng.bool() { LastStop::Clean } else { LastStop::Unclean };
    let Some(log) = open(dir, recovery_point, last_stop) else { return };
    for offset in log.log_start_offset()..log.log_end_offset().min(log.log_start_offset() + 20) {
        let _ = log.read(offset, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole);
    }
    let _ = log.offset_for_timestamp(NOW);
    let _ = log.close();
}

#[test]
fn segments_that_are_opened_again() {
    let (run, partitions) = (Run::asked_for(), partitions());
    let home = tempfile::tempdir().unwrap();
    let make = |rng: &mut Rng| rng.usize(..partitions.len()).to_be_bytes().to_vec();
    run.each("segments", run.share(1, 150), make, |input, rng| {
        let number = usize::from_be_bytes(input.try_into().unwrap());
        let dir = home.path().join("t-0");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        for file in files(&partitions[number]) {
            fs::copy(&file, dir.join(file.file_name().unwrap())).unwrap();
        }
        damage(&dir, rng);
        match rng.u8(..3) {
            0 => trust(&dir, rng),
            _ => recover(&dir),
        }
    });
}
