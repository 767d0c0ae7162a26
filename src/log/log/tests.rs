//! A log's marks and epochs, and what the tests of this room share: logs in a directory of their own, batches to
//! append.

use bytes::Bytes;

use super::*;
use crate::log::append::LogAppendInfo;
use crate::log::checkpoint::LEADER_EPOCHS;
use crate::log::epochs::EpochEnd;
use crate::log::recovery::{LastStop, Opening};
use crate::log::validate::AppendOrigin;
use crate::wire::batch::{Batch, BatchBuilder};

/// A data directory with a clock that stands still.
pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) shared: Arc<Shared>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let shared = Shared {
            clock: Clock::manual(1_700_000_000_000),
            failures: DirFailures::default(),
            disks: Disks::default(),
            producer_expiration: 1 << 40,
            zstd_allowed: true,
            log_starts: Default::default(),
            flushes: Default::default(),
        };
        Self { dir: tempfile::tempdir().unwrap(), shared: Arc::new(shared) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("t-0")
    }

    pub(crate) fn opening(&self, settings: &Settings) -> Opening {
        Opening {
            partition: TopicPartition::new("t", 0),
            dir: self.path(),
            settings: settings.clone(),
            log_start: 0,
            recovery_point: 0,
            last_stop: LastStop::Unclean,
        }
    }

    pub(crate) fn open(&self, settings: &Settings) -> Arc<Log> {
        std::fs::create_dir_all(self.path()).unwrap();
        Log::open(self.opening(settings), self.shared.clone()).unwrap()
    }

    /// The log after a stop that was not clean, with this recovery point in its checkpoint.
    pub(crate) fn reopen_unclean(&self, recovery_point: Offset) -> Arc<Log> {
        let opening = Opening { recovery_point, ..self.opening(&Settings::default()) };
        Log::open(opening, self.shared.clone()).unwrap()
    }

    /// The names and sizes of the log's files.
    pub(crate) fn files(&self) -> Vec<(String, u64)> {
        let names = crate::log::directory::files(&self.path()).unwrap();
        let size = |name: &String| std::fs::metadata(self.path().join(name)).unwrap().len();
        names.into_iter().map(|name| (name.clone(), size(&name))).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        crate::log::directory::files(&self.path()).unwrap()
    }
}

/// A producer's batch of these values, all with one timestamp.
pub(crate) fn batch(timestamp: Millis, values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.push(timestamp, Some(b"k"), Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap()
}

pub(crate) fn append(log: &Log, timestamp: Millis, values: &[&str]) -> LogAppendInfo {
    log.append_as_leader(batch(timestamp, values), 0, AppendOrigin::Client).unwrap()
}

/// The offsets and values in some bytes; an incomplete batch at the end is left out.
pub(crate) fn values(records: &crate::base::Records) -> Vec<(Offset, String)> {
    let mut values = Vec::new();
    for batch in Batch::split(records.read().unwrap()) {
        for record in batch.unwrap().records().unwrap() {
            let record = record.unwrap();
            let value = record.value.unwrap_or_default();
            values.push((record.offset, String::from_utf8(value.to_vec()).unwrap()));
        }
    }
    values
}

#[test]
fn appends_move_the_end_and_nothing_else() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    let first = append(&log, 5, &["a", "b"]);
    assert_eq!((first.first_offset, first.last_offset, first.max_timestamp), (Some(0), 1, 5));
    let second = append(&log, 6, &["c"]);
    assert_eq!((second.first_offset, second.last_offset), (Some(2), 2));
    assert_eq!(second.log_end, LogPosition::at(3, 0, log.size() as u32));
    assert_eq!((log.log_start_offset(), log.high_watermark(), log.log_end_offset()), (0, 0, 3));
    assert_eq!(log.latest_epoch(), Some(0));
}

#[test]
fn the_high_watermark_stays_within_the_log() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 5, &["a", "b", "c"]);
    assert_eq!(log.update_high_watermark(2), 2);
    assert_eq!(log.update_high_watermark(9), 3);
    assert_eq!(log.update_high_watermark(1), 1, "a role change may lower it");
    assert_eq!(log.maybe_increment_high_watermark(1.into()), None);
    assert_eq!(log.maybe_increment_high_watermark(4.into()), None, "past the end");
    assert_eq!(log.maybe_increment_high_watermark(3.into()), Some(1));
    assert_eq!(log.snapshot().high_watermark, log.snapshot().log_end, "with the place of the end");
    assert_eq!(log.snapshot().last_stable.offset, 3);
}

#[test]
fn epochs_are_kept_in_their_checkpoint() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    assert_eq!(std::fs::read(fixture.path().join(LEADER_EPOCHS)).unwrap(), b"");
    assert_eq!(log.append_lock().begin_leadership(3).unwrap(), Some(0));
    log.append_as_leader(batch(1, &["a", "b"]), 4, AppendOrigin::Client).unwrap();
    log.append_as_leader(batch(1, &["c"]), 7, AppendOrigin::Client).unwrap();
    log.flush().unwrap();
    let text = std::fs::read_to_string(fixture.path().join(LEADER_EPOCHS)).unwrap();
    assert_eq!(text, "0\n2\n4 0\n7 2\n");
    assert_eq!(log.end_offset_for(4), Some(EpochEnd { epoch: 4, offset: 2 }));
    assert_eq!(log.end_offset_for(7), Some(EpochEnd { epoch: 7, offset: 3 }));
    assert_eq!(log.end_offset_for(8), None);
}

#[test]
fn an_old_format_has_no_epochs() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 1, &["a"]);
    assert!(log.set_settings(Settings { magic: 1, ..Settings::default() }));
    log.adopt_format().unwrap();
    assert_eq!(log.latest_epoch(), None);
    assert!(!fixture.path().join(LEADER_EPOCHS).exists());
}
