//! Logs on a real disk, cleaned: which records are retained, what a crash in the middle leaves, and which
//! task waits for which.

use std::collections::BTreeMap;
use std::fs;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::base::{Clock, Millis, TopicPartition};
use crate::log::cleaner::CleanerConfig;
use crate::log::directory::{self, CLEANED, DELETED, SWAP};
use crate::log::log_manager::LogManagerOptions;
use crate::log::settings::Settings;
use crate::log::validate::AppendOrigin;
use crate::log::walk::FileBatches;
use crate::wire::batch::{Batch, BatchBuilder};
use crate::wire::compression::Compression;
use crate::wire::control::EndTransactionMarker;
use crate::wire::legacy::MessageSetBuilder;
use crate::wire::record::Record;

const NOW: Millis = 1_700_000_000_000;

/// A broker's logs in a directory of their own.
struct Logs {
    dir: tempfile::TempDir,
    manager: Arc<LogManager>,
}

fn options(dir: &Path) -> LogManagerOptions {
    LogManagerOptions {
        dirs: vec![dir.to_owned()],
        clock: Clock::manual(NOW),
        cleaner: CleanerConfig { threads: 1, ..CleanerConfig::default() },
        ..LogManagerOptions::default()
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    (settings.compact, settings.delete, settings.min_cleanable_ratio) = (true, false, 0.0);
    settings.index_interval_bytes = 64;
    settings
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

impl Logs {
    fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap())
    }

    fn of(dir: tempfile::TempDir) -> Self {
        let manager = LogManager::open(options(dir.path())).unwrap();
        Self { dir, manager }
    }

    fn make(&self, settings: &Settings) -> Arc<Log> {
        self.manager.get_or_create(&partition(), true, || settings.clone()).unwrap()
    }

    fn log(&self) -> Arc<Log> {
        self.manager.get(&partition()).unwrap()
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("t-0")
    }

    /// Cleans one log, if one is to be cleaned.
    fn clean(&self) -> bool {
        self.clean_with(CleanerConfig::default())
    }

    fn clean_with(&self, config: CleanerConfig) -> bool {
        let cleaners = LogCleaner::new(config);
        let cleaner = cleaners.cleaner(0, CancellationToken::new());
        self.manager.clean_filthiest_log(&cleaners, &cleaner)
    }
}

fn append(log: &Log, bytes: Bytes) {
    log.append_as_leader(bytes, 0, AppendOrigin::Client).unwrap();
    log.update_high_watermark(log.log_end_offset());
}

fn keyed(codec: Compression, records: &[(&str, Option<&str>)]) -> Bytes {
    let mut builder = BatchBuilder::new().compression(codec);
    for (key, value) in records {
        builder.push(NOW, Some(key.as_bytes()), value.map(str::as_bytes), &[]);
    }
    builder.build().unwrap()
}

fn put(log: &Log, records: &[(&str, Option<&str>)]) {
    append(log, keyed(Compression::None, records));
}

fn roll(log: &Arc<Log>) {
    log.roll().unwrap();
    log.update_high_watermark(log.log_end_offset());
}

/// All batches in the log's files.
fn batches(log: &Log) -> Vec<Batch> {
    let mut found = Vec::new();
    for segment in log.segments().iter() {
        let mut batches: FileBatches = segment.batches(0).unwrap();
        while let Some((_, batch)) = batches.next_batch().unwrap() {
            batch.check_crc().unwrap();
            found.push(batch);
        }
    }
    found
}

fn records(log: &Log) -> Vec<Record> {
    let records = batches(log).into_iter().filter(|batch| !batch.header().is_control());
    records.flat_map(|batch| batch.all_records().unwrap()).collect()
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Offset, key and value of each record.
fn survivors(log: &Log) -> Vec<(Offset, String, Option<String>)> {
    let shorten = |it: Record| (it.offset, text(&it.key.unwrap()), it.value.map(|value| text(&value)));
    records(log).into_iter().map(shorten).collect()
}

/// The latest value of each key; those that were deleted left out.
fn latest(log: &Log) -> BTreeMap<String, String> {
    let mut latest = BTreeMap::new();
    for (_, key, value) in survivors(log) {
        match value {
            Some(value) => latest.insert(key, value),
            None => latest.remove(&key),
        };
    }
    latest
}

#[test]
fn the_latest_record_of_each_key_survives_and_the_active_segment_is_left_alone() {
    for codec in Compression::ALL {
        let logs = Logs::new();
        let log = logs.make(&settings());
        append(&log, keyed(codec, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]));
        append(&log, keyed(codec, &[("a", Some("2")), ("c", Some("2"))]));
        roll(&log);
        append(&log, keyed(codec, &[("c", Some("3"))]));
        roll(&log);
        append(&log, keyed(codec, &[("b", Some("active"))]));
        assert!(logs.clean());
        let some = |value: &str| Some(value.to_owned());
        let expected = [
            (1, "b".to_owned(), some("1")),
            (3, "a".to_owned(), some("2")),
            (5, "c".to_owned(), some("3")),
            (6, "b".to_owned(), some("active")),
        ];
        assert_eq!(survivors(&log), expected, "{codec:?}");
        assert_eq!(log.segment_offsets(), [0, 6], "two small segments are one now");
        assert_eq!(log.cleaning().clean_offset(), Some(6));
        let checkpoint = fs::read_to_string(logs.dir.path().join(CLEANER_OFFSETS)).unwrap();
        assert_eq!(checkpoint, "0\n1\nt 0 6\n");
        assert!(!logs.clean(), "all of it is clean");
        // Readers and what is appended go on.
        let read = |from| {
            log.read(from, 1 << 20, crate::log::ReadUpTo::HighWatermark, crate::log::FirstBatch::Whole)
                .unwrap()
        };
        assert_eq!(crate::log::log::tests::values(&read(0).records)[0], (1, "1".to_owned()));
        assert_eq!(crate::log::log::tests::values(&read(5).records)[0], (5, "3".to_owned()));
        append(&log, keyed(codec, &[("d", Some("1"))]));
        assert_eq!(log.log_end_offset(), 8);
    }
}

#[test]
fn old_formats_are_cleaned_too() {
    for magic in [0, 1] {
        for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            let logs = Logs::new();
            let log = logs.make(&Settings { magic, ..settings() });
            let set = |records: &[(&str, &str)]| {
                let mut builder = MessageSetBuilder::new(magic, codec, None, 0);
                for (at, (key, value)) in records.iter().enumerate() {
                    builder.push(at as i64, NOW, Some(key.as_bytes()), Some(value.as_bytes()));
                }
                builder.build().unwrap()
            };
            append(&log, set(&[("a", "1"), ("b", "1"), ("c", "1")]));
            append(&log, set(&[("a", "2"), ("b", "2")]));
            roll(&log);
            assert!(logs.clean());
            let found: Vec<_> = survivors(&log).into_iter().map(|(offset, key, _)| (offset, key)).collect();
            let expected = [(2, "c".to_owned()), (3, "a".to_owned()), (4, "b".to_owned())];
            assert_eq!(found, expected, "format {magic} {codec:?}");
            assert!(batches(&log).iter().all(|batch| batch.header().magic == magic));
        }
    }
}

#[test]
fn a_tombstone_goes_once_its_time_is_over() {
    let logs = Logs::new();
    let log = logs.make(&Settings { delete_retention_ms: 1000, ..settings() });
    put(&log, &[("a", Some("1")), ("b", Some("1"))]);
    put(&log, &[("a", None)]);
    roll(&log);
    // The age of a segment is that of its file.
    let age = |segment: usize, at: u64| {
        let since = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at);
        log.segments()[segment].open_log().unwrap().set_modified(since).unwrap();
    };
    age(0, 10_000);
    assert!(logs.clean());
    assert_eq!(survivors(&log), [(1, "b".into(), Some("1".into())), (2, "a".into(), None)]);
    assert_eq!(log.segments()[0].last_modified().unwrap(), 10_000, "it is as old as it was");
    put(&log, &[("c", Some("1"))]);
    roll(&log);
    age(1, 10_500);
    assert!(logs.clean());
    assert!(survivors(&log).iter().any(|(_, key, _)| key == "a"), "the last clean segment is not older");
    put(&log, &[("d", Some("1"))]);
    roll(&log);
    let last = log.segments().len() - 2;
    age(last, 12_000);
    age(0, 10_000);
    assert!(logs.clean());
    put(&log, &[("e", Some("1"))]);
    roll(&log);
    let before = log.segments().iter().position(|it| it.base_offset == 0).unwrap();
    age(before, 9_000);
    assert!(logs.clean());
    assert_eq!(log.log_end_offset(), 6);
}

#[test]
fn transactions_keep_their_markers_as_long_as_their_records() {
    let logs = Logs::new();
    let log = logs.make(&Settings { delete_retention_ms: 0, ..settings() });
    let data = |producer: i64, sequence: i32, key: &str, value: &str| {
        let mut builder = BatchBuilder::new().producer(producer, 0, sequence).transactional(true);
        builder.push(NOW, Some(key.as_bytes()), Some(value.as_bytes()), &[]);
        builder.build().unwrap()
    };
    let end = |producer: i64, committed: bool| {
        let marker =
            EndTransactionMarker { committed, coordinator_epoch: 0 }.batch(NOW, producer, 0).unwrap();
        log.append_as_leader(marker, 0, AppendOrigin::Coordinator).unwrap();
        log.update_high_watermark(log.log_end_offset());
    };
    append(&log, data(1, 0, "a", "committed"));
    append(&log, data(2, 0, "a", "aborted"));
    append(&log, data(2, 1, "b", "aborted"));
    end(1, true);
    end(2, false);
    append(&log, data(1, 1, "c", "committed"));
    end(1, true);
    append(&log, data(3, 0, "c", "open"));
    roll(&log);
    append(&log, data(3, 1, "d", "open"));
    roll(&log);
    assert!(!logs.clean(), "the open transaction lies in the first segment");
    end(3, true);
    roll(&log);
    assert!(logs.clean());
    let found: Vec<_> =
        survivors(&log).into_iter().map(|(offset, _, value)| (offset, value.unwrap())).collect();
    let expected = [(0, "committed"), (7, "open"), (8, "open")].map(|(at, value)| (at, value.to_owned()));
    assert_eq!(found, expected);
    let headers: Vec<_> = batches(&log).iter().map(|batch| batch.header().clone()).collect();
    let empty: Vec<_> = headers.iter().filter(|it| it.record_count == 0).map(|it| it.base_offset).collect();
    // The last batch of producer 2 was aborted, that of producer 1 superseded; both producers are active.
    assert_eq!(empty, [2, 5]);
    let markers: Vec<_> = headers.iter().filter(|it| it.is_control()).map(|it| it.base_offset).collect();
    assert_eq!(markers, [3, 4, 6, 9]);
    assert_eq!(log.aborted_transactions(0, 10).unwrap().len(), 1);
    // The producers are what they were, in this broker and the next one.
    let copy = reopened(&logs);
    for log in [log.clone(), copy.log()] {
        let again = log.append_as_leader(data(2, 1, "b", "aborted"), 0, AppendOrigin::Client).unwrap();
        assert!(again.duplicate);
        assert!(log.append_as_leader(data(1, 7, "x", "x"), 0, AppendOrigin::Client).is_err());
    }
}

/// The log as another broker finds it that did not stop cleanly; its files stay as long as it does.
fn reopened(logs: &Logs) -> Logs {
    Logs::of(copied(logs.dir.path()))
}

fn copied(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("t-0")).unwrap();
    for name in directory::files(&dir.join("t-0")).unwrap() {
        let name = Path::new("t-0").join(name);
        fs::copy(dir.join(&name), copy.path().join(&name)).unwrap();
    }
    copy
}

#[test]
fn memory_that_is_full_ends_a_cleaning_early_and_the_next_one_goes_on() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    for round in 0..3 {
        for at in 0..100 {
            put(&log, &[(&format!("key {at}"), Some(&format!("{round}")))]);
        }
        roll(&log);
    }
    let mut config = CleanerConfig::default();
    config.buffers.dedupe_bytes = 24 * 100;
    let mut ends = Vec::new();
    while logs.clean_with(config.clone()) {
        ends.push(log.cleaning().clean_offset().unwrap());
        assert_eq!(latest(&log).len(), 100);
    }
    // Ninety keys fit at once: as many records as the difference of their offsets.
    assert_eq!(ends, [90, 180, 270, 300]);
    assert!(latest(&log).values().all(|value| value == "2"));
    assert!(records(&log).len() < 300);
}

#[test]
fn a_batch_larger_than_the_buffer_is_read_whole() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    let large = "x".repeat(100_000);
    put(&log, &[("a", Some(&large)), ("b", Some("1"))]);
    put(&log, &[("b", Some("2"))]);
    roll(&log);
    let mut config = CleanerConfig::default();
    config.buffers.io_bytes = 1;
    assert!(logs.clean_with(config));
    assert_eq!(latest(&log), [("a".to_owned(), large), ("b".to_owned(), "2".to_owned())].into());
    assert_eq!(records(&log).len(), 2);
}

#[test]
fn a_cleaned_segment_is_indexed_piece_by_piece() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    let value = "v".repeat(8 << 10);
    for key in 0..40 {
        put(&log, &[(&key.to_string(), Some(&value))]);
    }
    roll(&log);
    assert!(logs.clean());
    let segments = log.segments();
    let (segment, offsets) = (&segments[0], &segments[0].indexes.read().offset);
    assert_eq!(offsets.entries.count(), 4, "eight batches a piece, and none for the first");
    let positions: Vec<_> = (0..40).map(|offset| offsets.lookup(offset).unwrap().position).collect();
    let batch = segment.size() / 40;
    let farthest = positions.iter().zip(0..).map(|(position, at)| at * batch - position).max().unwrap();
    assert!(farthest < 2 * (64 << 10), "a search passes less than two pieces, and not {farthest} bytes");
}

#[test]
fn old_segments_of_a_compacted_log_are_deleted_where_both_are_asked_for() {
    for (delete, expected) in [(true, vec![2]), (false, vec![0, 2])] {
        let logs = Logs::new();
        let retention_ms = if delete { 1000 } else { -1 };
        let log = logs.make(&Settings { delete, retention_ms, ..settings() });
        append(&log, {
            let mut builder = BatchBuilder::new();
            builder.push(1, Some(b"a"), Some(b"old"), &[]);
            builder.push(2, Some(b"b"), Some(b"old"), &[]);
            builder.build().unwrap()
        });
        roll(&log);
        put(&log, &[("c", Some("new"))]);
        logs.clean();
        assert_eq!(log.segment_offsets(), expected);
    }
}

#[test]
fn what_lies_before_the_start_is_deleted_in_any_case() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    put(&log, &[("a", Some("1"))]);
    roll(&log);
    put(&log, &[("b", Some("1"))]);
    log.increment_log_start_offset(1, "a test").unwrap();
    assert!(logs.clean() || log.segment_offsets() == [1]);
    assert_eq!(log.segment_offsets(), [1]);
}

#[test]
fn what_cannot_be_cleaned_is_marked_and_left_alone() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    put(&log, &[("a", Some("1"))]);
    put(&log, &[("a", Some("2"))]);
    roll(&log);
    let file = log.segments()[0].open_log().unwrap();
    std::os::unix::fs::FileExt::write_all_at(&*file, &[0xff], 66).unwrap();
    logs.clean();
    assert!(log.cleaning().is_uncleanable());
    assert!(!logs.clean());
    assert_eq!(log.cleaning().clean_offset(), None);
    let (partitions, bytes) = (1, log.size() as usize);
    assert_eq!(logs.manager.uncleanable(logs.dir.path()), Uncleanable { partitions, bytes });
    let left = directory::files(&logs.path()).unwrap();
    assert!(!left.iter().any(|name| name.ends_with(CLEANED)), "{left:?}");
}

#[test]
fn a_segment_whose_offsets_do_not_fit_is_split_before_it_is_cleaned() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    put(&log, &[("a", Some("1"))]);
    let far = i64::from(i32::MAX) + 10;
    for (offset, value) in [(1, "2"), (far, "3"), (far + 1, "4")] {
        let mut builder = BatchBuilder::new().base_offset(offset).leader_epoch(0);
        builder.push(NOW, Some(b"a"), Some(value.as_bytes()), &[]);
        if offset == far {
            roll(&log);
        }
        log.append_as_follower(&builder.build().unwrap().into()).unwrap();
    }
    roll(&log);
    logs.manager.close();
    // One segment of both, as brokers before 1.1 could write it; after a clean stop nothing is read.
    let segments = log.segment_list();
    let (first, second) = (&segments[0], segments.iter().find(|it| it.base_offset == far).unwrap());
    let path = |segment: &crate::log::segment::Segment| segment.path(crate::log::segment_files::Kind::Log);
    let (into, from) = (path(first), path(second));
    fs::write(&into, [fs::read(&into).unwrap(), fs::read(&from).unwrap()].concat()).unwrap();
    let between = &segments[1..segments.len() - 1];
    between.iter().flat_map(|it| it.paths()).for_each(|path| drop(fs::remove_file(path)));
    let Logs { dir, manager } = logs;
    drop((manager, log));
    let logs = Logs::of(dir);
    let log = logs.manager.get(&partition()).unwrap();
    assert_eq!(log.segment_offsets(), [0, far + 2]);
    log.set_settings(settings());
    log.update_high_watermark(far + 2);
    for _ in 0..3 {
        logs.clean();
    }
    assert_eq!(survivors(&log), [(far + 1, "a".to_owned(), Some("4".to_owned()))]);
    assert_eq!(log.segment_offsets(), [0, far, far + 2]);
}

#[test]
fn an_aborted_cleaning_leaves_the_log_as_it_was() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    put(&log, &[("a", Some("1"))]);
    put(&log, &[("a", Some("2"))]);
    roll(&log);
    let pause = log.abort_and_pause_cleaning();
    assert!(!logs.clean());
    drop(pause);
    let cleaners = LogCleaner::new(CleanerConfig::default());
    let stop = CancellationToken::new();
    stop.cancel();
    logs.manager.clean_filthiest_log(&cleaners, &cleaners.cleaner(0, stop));
    assert_eq!((records(&log).len(), log.cleaning().clean_offset()), (2, None));
    assert!(logs.clean());
    assert_eq!(records(&log).len(), 1);
}

#[test]
fn a_truncation_waits_for_the_cleaner_and_takes_back_what_was_clean() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    for at in 0..4 {
        put(&log, &[("a", Some(&at.to_string()))]);
        roll(&log);
    }
    assert!(logs.clean());
    assert_eq!(log.cleaning().clean_offset(), Some(4));
    let turn = log.cleaning().begin().unwrap();
    let truncating = std::thread::spawn({
        let log = log.clone();
        move || log.truncate_to(1).unwrap()
    });
    log.cleaning().sleep(std::time::Duration::from_secs(3600));
    assert_eq!(log.log_end_offset(), 4, "the cleaner has its turn still");
    drop(turn);
    assert!(truncating.join().unwrap());
    assert_eq!((log.log_end_offset(), log.cleaning().clean_offset()), (1, Some(0)));
    put(&log, &[("a", Some("new"))]);
    roll(&log);
    assert!(logs.clean());
    assert_eq!(latest(&log), [("a".to_owned(), "new".to_owned())].into());
}

#[test]
fn a_deleted_log_is_forgotten_by_the_checkpoint() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    put(&log, &[("a", Some("1"))]);
    roll(&log);
    assert!(logs.clean());
    let deleted = logs.manager.delete(&partition()).unwrap().unwrap();
    logs.manager.forget_deleted(&[deleted]);
    assert_eq!(fs::read_to_string(logs.dir.path().join(CLEANER_OFFSETS)).unwrap(), "0\n0\n");
    assert!(log.cleaning().begin().is_none());
}

#[test]
fn the_checkpoint_is_read_again_and_not_believed_where_it_cannot_be_true() {
    for (text, expected) in [
        ("0\n1\nt 0 2\n", Some(2)),
        ("0\n2\nt 0 1\nu 0 3\n", Some(1)),
        ("nonsense", None),
        ("0\n1\nt 0 99\n", Some(99)),
    ] {
        let logs = Logs::new();
        let log = logs.make(&settings());
        put(&log, &[("a", Some("1")), ("b", Some("1"))]);
        logs.manager.close();
        drop(log);
        let Logs { dir, manager } = logs;
        drop(manager);
        fs::write(dir.path().join(CLEANER_OFFSETS), text).unwrap();
        let logs = Logs::of(dir);
        let log = logs.manager.get(&partition()).unwrap();
        assert_eq!(log.cleaning().clean_offset(), expected, "{text:?}");
        log.set_settings(settings());
        log.update_high_watermark(2);
        roll(&log);
        logs.clean();
        assert_eq!(log.cleaning().clean_offset(), Some(2), "{text:?}");
    }
}

/// A file renamed; both names are those of the log's directory.
struct Renamed(String, String);

/// The renames that exchange the segments, in their order.
fn exchange(old: &[Offset], new: Offset) -> Vec<Renamed> {
    let kinds = [".log", ".index", ".timeindex"];
    let names = |offset: Offset| kinds.map(|kind| directory::file_name(offset, kind));
    let step = |name: &String, from: &str, to: &str| Renamed(format!("{name}{from}"), format!("{name}{to}"));
    let mut steps: Vec<_> = names(new).iter().map(|name| step(name, CLEANED, SWAP)).collect();
    for offset in old {
        steps.extend(names(*offset).iter().map(|name| step(name, "", DELETED)));
    }
    steps.extend(names(new).iter().map(|name| step(name, SWAP, "")));
    steps
}

#[test]
fn a_crash_at_any_step_of_an_exchange_loses_no_latest_value() {
    let logs = Logs::new();
    let log = logs.make(&settings());
    for segment in 0..3 {
        for at in 0..20 {
            let key = format!("key {}", (at * 7 + segment * 3) % 25);
            put(&log, &[(&key, Some(&format!("{segment}/{at}")))]);
        }
        roll(&log);
    }
    put(&log, &[("key 1", Some("active"))]);
    log.flush().unwrap();
    let (before, expected) = (copied(logs.dir.path()), latest(&log));
    let old: Vec<_> = log.segment_offsets()[..3].to_vec();
    assert!(logs.clean());
    let cleaned = copied(logs.dir.path());
    let file = |dir: &Path, name: &str| dir.join("t-0").join(name);
    let steps = exchange(&old, 0);
    for done in 0..=steps.len() {
        for torn in [false, true] {
            let crashed = copied(before.path());
            for kind in [".log", ".index", ".timeindex"] {
                let name = directory::file_name(0, kind);
                let to = file(crashed.path(), &format!("{name}{CLEANED}"));
                fs::copy(file(cleaned.path(), &name), &to).unwrap();
            }
            if torn && done == 0 {
                let half = file(crashed.path(), &format!("{}{CLEANED}", directory::file_name(0, ".log")));
                let length = fs::metadata(&half).unwrap().len();
                fs::File::options().write(true).open(half).unwrap().set_len(length / 2).unwrap();
            }
            for Renamed(from, to) in &steps[..done] {
                fs::rename(file(crashed.path(), from), file(crashed.path(), to)).unwrap();
            }
            let logs = Logs::of(crashed);
            let log = logs.manager.get(&partition()).unwrap();
            assert_eq!(latest(&log), expected, "after {done} steps");
            let offsets: Vec<_> = records(&log).iter().map(|record| record.offset).collect();
            assert!(offsets.is_sorted_by(|one, next| one < next), "after {done} steps: {offsets:?}");
            let left = directory::files(&logs.path()).unwrap();
            let leftover = |name: &&String| [CLEANED, SWAP, DELETED].iter().any(|kind| name.ends_with(kind));
            assert_eq!(left.iter().find(leftover), None, "after {done} steps");
            // And it can be cleaned once more.
            log.set_settings(settings());
            log.update_high_watermark(log.log_end_offset());
            logs.clean();
            assert_eq!(latest(&log), expected, "cleaned after {done} steps");
        }
    }
}

#[test]
fn whatever_comes_in_whatever_order_the_latest_values_stay() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let logs = Logs::new();
        let log = logs.make(&Settings { segment_bytes: 4000, ..settings() });
        let mut model = BTreeMap::new();
        for step in 0..300 {
            let codec = Compression::ALL[random.usize(..5)];
            let count = random.usize(1..6);
            let batch: Vec<_> = (0..count)
                .map(|at| {
                    let value = (random.u8(..10) > 0)
                        .then(|| format!("{step} {at} {}", "v".repeat(random.usize(..80))));
                    (format!("key {}", random.u8(..40)), value)
                })
                .collect();
            for (key, value) in &batch {
                match value {
                    Some(value) => model.insert(key.clone(), value.clone()),
                    None => model.remove(key),
                };
            }
            let borrowed: Vec<_> =
                batch.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
            append(&log, keyed(codec, &borrowed));
            if random.u8(..30) == 0 {
                let mut config = CleanerConfig::default();
                config.buffers.dedupe_bytes = 24 * random.usize(2..100);
                config.buffers.io_bytes = random.usize(..2000);
                logs.clean_with(config);
                assert_eq!(latest(&log), model, "seed {seed}, step {step}");
            }
        }
        roll(&log);
        while logs.clean() {}
        assert_eq!(latest(&log), model, "seed {seed}");
        assert_eq!(latest(&reopened(&logs).log()), model, "seed {seed}, after a crash");
        let offsets: Vec<_> = records(&log).iter().map(|record| record.offset).collect();
        assert!(offsets.is_sorted_by(|one, next| one < next));
        let keys: Vec<_> = survivors(&log).into_iter().map(|(_, key, _)| key).collect();
        let unique: std::collections::BTreeSet<_> = keys.iter().collect();
        assert!(keys.len() <= unique.len() + 40, "{} records of {} keys", keys.len(), unique.len());
    }
}
