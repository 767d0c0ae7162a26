//! Recovery: what a crash leaves, at every byte, and what is made of it.

use std::fs;
use std::path::Path;

use super::*;
use crate::base::{Millis, Offset};
use crate::log::directory::{CLEANED, DELETED, LOG, OFFSET_INDEX, SWAP, TIME_INDEX, file_name, offset_of};
use crate::log::log::tests::{Fixture, append, batch, values};
use crate::log::read::{FirstBatch, ReadUpTo};
use crate::log::validate::AppendOrigin;
use crate::wire::batch::{Batch, BatchBuilder};
use crate::wire::control::EndTransactionMarker;

const FIRST: &str = "00000000000000000000";

fn settings() -> Settings {
    Settings { index_interval_bytes: 150, segment_index_bytes: 1024, retention_ms: -1, ..Settings::default() }
}

/// The fixture's directory as it is on disk now, as after a crash. Newest segments first: while the log grows, what is
/// copied later is then complete, as at one moment.
fn crashed(fixture: &Fixture) -> Fixture {
    let copy = Fixture { dir: tempfile::tempdir().unwrap(), shared: Fixture::new().shared };
    fs::create_dir(copy.path()).unwrap();
    for name in fixture.names().into_iter().rev() {
        match fs::copy(fixture.path().join(&name), copy.path().join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => assert!(copied.is_ok()),
        }
    }
    copy
}

fn reopen(fixture: &Fixture, last_stop: LastStop, recovery_point: Offset) -> Arc<Log> {
    let opening = Opening { last_stop, recovery_point, ..fixture.opening(&settings()) };
    Log::open(opening, fixture.shared.clone()).unwrap()
}

fn all(log: &Log) -> Vec<(Offset, String)> {
    let (mut found, mut offset) = (Vec::new(), log.log_start_offset());
    while offset < log.log_end_offset() {
        let read = log.read(offset, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
        found.extend(values(&read.records));
        offset = found.last().unwrap().0 + 1;
    }
    found
}

fn named(count: i64) -> Vec<(Offset, String)> {
    (0..count).map(|at| (at, format!("value {at}"))).collect()
}

/// Ten batches in two segments, the second begun at 6.
fn filled() -> (Fixture, Arc<Log>) {
    let fixture = Fixture::new();
    let log = fixture.open(&settings());
    for at in 0..10 {
        let epoch = at as i32 / 4;
        let values = format!("value {at}");
        log.append_as_leader(batch(1000 + at, &[&values]), epoch, AppendOrigin::Client).unwrap();
        if at == 5 {
            log.roll().unwrap();
        }
    }
    (fixture, log)
}

/// Sizes and contents of all files, snapshots and checkpoint left out.
fn contents(fixture: &Fixture) -> Vec<(String, Vec<u8>)> {
    let names = fixture.names().into_iter().filter(|name| !name.ends_with(".snapshot"));
    names.map(|name| (name.clone(), fs::read(fixture.path().join(&name)).unwrap())).collect()
}

#[test]
fn after_a_clean_stop_all_is_as_it_was() {
    let (fixture, log) = filled();
    log.flush().unwrap();
    log.close().unwrap();
    let before = contents(&fixture);
    let log = reopen(&fixture, LastStop::Clean, 10);
    assert_eq!(all(&log), named(10));
    assert_eq!((log.recovery_point(), log.latest_epoch()), (10, Some(2)));
    log.close().unwrap();
    assert_eq!(contents(&fixture), before);
}

#[test]
fn after_a_crash_the_files_become_what_a_clean_stop_leaves() {
    let (fixture, log) = filled();
    let copy = crashed(&fixture);
    log.close().unwrap();
    let recovered = reopen(&copy, LastStop::Unclean, 0);
    assert_eq!(all(&recovered), named(10));
    recovered.close().unwrap();
    assert_eq!(contents(&copy), contents(&fixture));
}

#[test]
fn a_tail_torn_at_any_byte_is_truncated_to_whole_batches() {
    let fixture = Fixture::new();
    let log = fixture.open(&settings());
    let mut ends = vec![0];
    for at in 0..4 {
        append(&log, 1000 + at, &[&format!("value {at}")]);
        ends.push(log.size());
    }
    let bytes = fs::read(fixture.path().join(format!("{FIRST}.log"))).unwrap();
    for cut in 0..=bytes.len() {
        let copy = crashed(&fixture);
        fs::write(copy.path().join(format!("{FIRST}.log")), &bytes[..cut]).unwrap();
        let log = reopen(&copy, LastStop::Unclean, 0);
        let whole = ends.iter().filter(|end| **end <= cut as u64).count() as i64 - 1;
        assert_eq!(all(&log), named(whole), "cut at {cut}");
        assert_eq!(log.size(), ends[whole as usize]);
        append(&log, 2000, &["more"]);
        assert_eq!(all(&log).last(), Some(&(whole, "more".to_owned())));
    }
}

#[test]
fn a_flipped_byte_ends_the_log_before_its_batch() {
    let fixture = Fixture::new();
    let log = fixture.open(&settings());
    append(&log, 1000, &["value 0"]);
    let first = log.size() as usize;
    append(&log, 1001, &["value 1"]);
    append(&log, 1002, &["value 2"]);
    let bytes = fs::read(fixture.path().join(format!("{FIRST}.log"))).unwrap();
    let second = first..first + (bytes.len() - first) / 2;
    for at in second.clone() {
        let copy = crashed(&fixture);
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        fs::write(copy.path().join(format!("{FIRST}.log")), &damaged).unwrap();
        let log = reopen(&copy, LastStop::Unclean, 0);
        // The checksum does not cover base offset and leader epoch; a wrong offset shows when it breaks the order.
        let covered = at - first >= 16 || (8..12).contains(&(at - first));
        if covered {
            assert_eq!(all(&log), named(1), "byte {} of the batch", at - first);
        }
        assert!(log.log_end_offset() >= 1);
        drop(log);
    }
}

#[test]
fn segments_behind_a_torn_one_go() {
    let (fixture, log) = filled();
    drop(log);
    let path = fixture.path().join(format!("{FIRST}.log"));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let log = reopen(&fixture, LastStop::Unclean, 0);
    assert_eq!(all(&log), named(5));
    assert_eq!(log.segment_offsets(), [0]);
    assert!(fixture.names().contains(&"00000000000000000006.log.deleted".to_owned()));
    assert_eq!(log.latest_epoch(), Some(1), "epochs behind the cut are forgotten");
}

#[test]
fn what_lies_before_the_recovery_point_is_trusted() {
    let (fixture, log) = filled();
    drop(log);
    let path = fixture.path().join(format!("{FIRST}.log"));
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let copy = crashed(&fixture);
    let log = reopen(&copy, LastStop::Unclean, 6);
    assert_eq!(log.log_end_offset(), 10);
    let log = reopen(&fixture, LastStop::Unclean, 5);
    assert_eq!(log.log_end_offset(), 5);
}

#[test]
fn lost_and_damaged_indexes_are_rebuilt() {
    let (fixture, log) = filled();
    log.close().unwrap();
    let before = contents(&fixture);
    let damage: [&dyn Fn(&Path); 3] =
        [&|path| fs::remove_file(path).unwrap(), &|path| fs::write(path, [0xff; 24]).unwrap(), &|path| {
            fs::write(path, [1; 7]).unwrap()
        }];
    for base in [FIRST, "00000000000000000006"] {
        for damage in damage {
            let copy = crashed(&fixture);
            damage(&copy.path().join(format!("{base}.index")));
            let log = reopen(&copy, LastStop::Clean, 10);
            assert_eq!(all(&log), named(10));
            log.close().unwrap();
            assert_eq!(contents(&copy), before);
        }
    }
    let copy = crashed(&fixture);
    fs::remove_file(copy.path().join(format!("{FIRST}.timeindex"))).unwrap();
    let log = reopen(&copy, LastStop::Clean, 10);
    assert_eq!(all(&log), named(10), "a lost time index alone is begun empty, as 2.7.2 does");
}

#[test]
fn leftovers_of_deletion_and_cleaning_are_cleared() {
    let (fixture, log) = filled();
    log.close().unwrap();
    let write = |name: &str| fs::write(fixture.path().join(name), "x").unwrap();
    write("00000000000000000003.log.deleted");
    write("00000000000000000003.log.cleaned");
    write("00000000000000000003.index.cleaned");
    write("00000000000000000004.log.swap");
    write("00000000000000000099.index");
    let log = reopen(&fixture, LastStop::Clean, 10);
    assert_eq!(all(&log), named(10));
    let leftover = |name: &String| [DELETED, CLEANED, SWAP].iter().any(|kind| name.ends_with(kind));
    assert!(!fixture.names().iter().any(leftover), "{:?}", fixture.names());
    assert!(!fixture.names().contains(&"00000000000000000099.index".to_owned()));
}

#[test]
fn an_interrupted_swap_is_completed() {
    let (fixture, log) = filled();
    log.close().unwrap();
    // What a cleaner makes of the first segment: two of its batches.
    let mut cleaned = Vec::new();
    for at in [2i64, 5] {
        let mut builder = BatchBuilder::new().base_offset(at).leader_epoch(0);
        builder.push(1000 + at, None, Some(format!("value {at}").as_bytes()), &[]);
        cleaned.extend_from_slice(&builder.build().unwrap());
    }
    fs::write(fixture.path().join(format!("{FIRST}.log.swap")), cleaned).unwrap();
    let log = reopen(&fixture, LastStop::Clean, 10);
    let expected: Vec<_> = named(10).into_iter().filter(|(at, _)| [2, 5, 6, 7, 8, 9].contains(at)).collect();
    assert_eq!(all(&log), expected);
    assert_eq!(log.segment_offsets(), [0, 6]);
}

#[test]
fn a_start_past_the_end_means_segments_were_lost() {
    let (fixture, log) = filled();
    log.close().unwrap();
    let opening = Opening { log_start: 50, ..fixture.opening(&settings()) };
    let log = Log::open(opening, fixture.shared.clone()).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.segment_offsets()), (50, 50, vec![50]));
}

#[test]
fn a_preallocated_segment_is_truncated_to_what_was_written() {
    let fixture = Fixture::new();
    let settings = Settings { preallocate: true, segment_bytes: 4096, ..settings() };
    let log = fixture.open(&settings);
    append(&log, 1000, &["value 0"]);
    let path = fixture.path().join(format!("{FIRST}.log"));
    assert_eq!(fs::metadata(&path).unwrap().len(), 4096);
    let copy = crashed(&fixture);
    let recovered = Log::open(copy.opening(&settings), copy.shared.clone()).unwrap();
    assert_eq!(all(&recovered), named(1));
    log.close().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), log.size());
}

fn data(producer_id: i64, sequence: i32, timestamp: Millis) -> bytes::Bytes {
    let mut builder = BatchBuilder::new().producer(producer_id, 0, sequence).transactional(true);
    builder.push(timestamp, None, Some(b"x"), &[]);
    builder.build().unwrap()
}

#[test]
fn producers_and_open_transactions_survive_both_ends() {
    for last_stop in [LastStop::Clean, LastStop::Unclean] {
        let fixture = Fixture::new();
        let log = fixture.open(&settings());
        let now = fixture.shared.clock.now();
        let client = |log: &Log, bytes| log.append_as_leader(bytes, 0, AppendOrigin::Client);
        client(&log, data(1, 0, now)).unwrap();
        client(&log, data(2, 0, now)).unwrap();
        let abort = EndTransactionMarker { committed: false, coordinator_epoch: 0 }.batch(now, 1, 0).unwrap();
        log.append_as_leader(abort, 0, AppendOrigin::Coordinator).unwrap();
        log.roll().unwrap();
        client(&log, data(1, 1, now)).unwrap();
        if last_stop == LastStop::Clean {
            log.close().unwrap();
        }
        let copy = crashed(&fixture);
        let log = reopen(&copy, last_stop, if last_stop == LastStop::Clean { 4 } else { 0 });
        log.update_high_watermark(4);
        assert_eq!(log.last_stable_offset(), 1, "producer 2 has an open transaction");
        assert_eq!(log.aborted_transactions(0, 4).unwrap().len(), 1);
        assert!(client(&log, data(1, 1, now)).unwrap().duplicate);
        assert!(client(&log, data(1, 5, now)).is_err());
        assert!(!client(&log, data(1, 2, now)).unwrap().duplicate);
    }
}

#[test]
fn a_batch_that_was_not_answered_before_a_crash_is_found_when_it_is_sent_again() {
    let fixture = Fixture::new();
    let log = fixture.open(&settings());
    let now = fixture.shared.clock.now();
    let idempotent = |sequence| {
        let mut builder = BatchBuilder::new().producer(7, 0, sequence);
        builder.push(now, None, Some(b"x"), &[]);
        builder.build().unwrap()
    };
    let send = |log: &Log, sequence| log.append_as_leader(idempotent(sequence), 0, AppendOrigin::Client);
    for sequence in 0..3 {
        send(&log, sequence).unwrap();
    }
    log.roll().unwrap();
    for sequence in 3..6 {
        send(&log, sequence).unwrap();
    }
    for recovery_point in [0, 3] {
        let log = reopen(&crashed(&fixture), LastStop::Unclean, recovery_point);
        for sequence in 3..6 {
            let again = send(&log, sequence).unwrap();
            assert!(again.duplicate, "{sequence}");
            assert_eq!(again.first_offset, Some(i64::from(sequence)));
        }
        assert_eq!(log.log_end_offset(), 6);
    }
}

#[test]
fn a_snapshot_that_cannot_be_read_is_passed_over() {
    let (fixture, log) = filled();
    log.close().unwrap();
    for name in fixture.names().into_iter().filter(|name| name.ends_with(".snapshot")) {
        fs::write(fixture.path().join(name), "nonsense").unwrap();
    }
    assert_eq!(all(&reopen(&fixture, LastStop::Clean, 10)), named(10));
}

#[test]
fn a_copy_taken_at_any_moment_opens_to_a_beginning_of_the_log() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { segment_bytes: 4000, ..settings() });
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            for at in 0..2000 {
                append(&log, 1000 + at, &[&format!("value {at}")]);
            }
        });
        let mut copies = 0;
        while !done.is_finished() || copies == 0 {
            let copy = crashed(&fixture);
            let recovered = reopen(&copy, LastStop::Unclean, 0);
            assert_eq!(all(&recovered), named(recovered.log_end_offset()));
            copies += 1;
        }
    });
    assert_eq!(all(&log), named(2000));
}

// ---- offsets that overflow ----

const FAR: i64 = 1 << 31;

/// A batch of one record of this value, as a broker before 1.1 may have written it behind any other.
fn far(offset: Offset, epoch: i32, timestamp: Millis, value: &[u8]) -> bytes::Bytes {
    let mut builder = BatchBuilder::new().base_offset(offset).leader_epoch(epoch);
    builder.push(timestamp, None, Some(value), &[]);
    builder.build().unwrap()
}

fn write_log(fixture: &Fixture, base: Offset, batches: &[bytes::Bytes]) {
    fs::create_dir_all(fixture.path()).unwrap();
    fs::write(fixture.path().join(file_name(base, LOG)), batches.concat()).unwrap();
}

/// Twelve batches that need four segments, in one, and another segment behind it.
fn overflowing() -> (Fixture, Vec<Offset>) {
    let fixture = Fixture::new();
    let mut offsets = vec![
        0,
        1,
        2,
        FAR - 2,
        FAR - 1,
        FAR,
        FAR + 1,
        FAR + 5,
        2 * FAR - 1,
        2 * FAR,
        2 * FAR + 1,
        3 * FAR + 7,
    ];
    let batches = offsets.iter().enumerate();
    let batches =
        batches.map(|(at, offset)| far(*offset, at as i32 / 5, 1000 + at as i64, &[b'a' + at as u8; 1500]));
    write_log(&fixture, 0, &batches.collect::<Vec<_>>());
    write_log(&fixture, 3 * FAR + 9, &[far(3 * FAR + 9, 3, 2000, b"next")]);
    offsets.push(3 * FAR + 9);
    (fixture, offsets)
}

fn offsets(log: &Log) -> Vec<Offset> {
    let (mut found, mut next) = (Vec::new(), log.log_start_offset());
    while next < log.log_end_offset() {
        let read = log.read(next, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
        // The last batch may be incomplete.
        let batches = Batch::split(read.records.read().unwrap()).map_while(Result::ok);
        found.extend(batches.map(|batch| batch.header().base_offset));
        next = found.last().unwrap() + 1;
    }
    found
}

/// Name, size and checksum (CRC-32) of each file, those about to be unlinked left out.
fn listed(fixture: &Fixture) -> Vec<String> {
    let files = fixture.names().into_iter().filter(|name| !name.ends_with(DELETED));
    let line = |name: String| {
        let bytes = fs::read(fixture.path().join(&name)).unwrap();
        format!("{name} {} {:08x}", bytes.len(), crc32fast::hash(&bytes))
    };
    files.map(line).collect()
}

/// The settings under which Kafka 2.7.2 made what is recorded: its defaults.
fn defaults() -> Settings {
    Settings { retention_ms: -1, ..Settings::default() }
}

fn opened(fixture: &Fixture, last_stop: LastStop) -> Arc<Log> {
    opened_with(fixture, last_stop, &defaults())
}

fn opened_with(fixture: &Fixture, last_stop: LastStop, settings: &Settings) -> Arc<Log> {
    let opening = Opening { last_stop, ..fixture.opening(settings) };
    Log::open(opening, fixture.shared.clone()).unwrap()
}

/// Stops the log as a broker does.
fn stopped(log: &Log) {
    log.flush().unwrap();
    log.delete_old_snapshots().unwrap();
    log.close().unwrap();
}

#[test]
fn a_segment_whose_offsets_overflow_is_split_as_kafka_2_7_2_splits_it() {
    let (fixture, expected) = overflowing();
    let log = opened(&fixture, LastStop::Unclean);
    assert_eq!(offsets(&log), expected);
    stopped(&log);
    assert_eq!(
        listed(&fixture),
        include_str!("recorded/split_after_a_crash.txt").lines().collect::<Vec<_>>()
    );
    assert_eq!(offsets(&opened(&fixture, LastStop::Clean)), expected);
}

#[test]
fn it_is_split_after_a_clean_stop_too_once_its_index_is_missing() {
    let (fixture, expected) = overflowing();
    let log = opened(&fixture, LastStop::Clean);
    assert_eq!(offsets(&log), expected);
    stopped(&log);
    assert_eq!(
        listed(&fixture),
        include_str!("recorded/split_after_a_clean_stop.txt").lines().collect::<Vec<_>>()
    );
}

#[test]
fn a_large_segment_that_begins_behind_its_name_is_split_in_chunks() {
    let fixture = Fixture::new();
    let offset = |at: i64| if at < 300 { 10 + at } else { FAR + 2 * at };
    let batch = |at: i64| far(offset(at), 0, 5000 + at, &[(at % 251) as u8; 5000]);
    write_log(&fixture, 5, &(0..500).map(batch).collect::<Vec<_>>());
    let log = opened(&fixture, LastStop::Unclean);
    assert_eq!(offsets(&log), (0..500).map(offset).collect::<Vec<_>>());
    stopped(&log);
    assert_eq!(listed(&fixture), include_str!("recorded/split_in_chunks.txt").lines().collect::<Vec<_>>());
}

#[test]
fn damage_behind_an_overflow_still_ends_the_log_there() {
    let (fixture, expected) = overflowing();
    let path = fixture.path().join(format!("{FIRST}.log"));
    let mut bytes = fs::read(&path).unwrap();
    // In the last batch but one of the first segment.
    let at = bytes.len() - 1570 - 100;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let copy = crashed(&fixture);
    assert_eq!(offsets(&opened(&copy, LastStop::Unclean)), expected[..10]);
    // The same with a header that is none, which the split cannot read past.
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 2 * 1570 + 16;
    bytes[at] = 9;
    fs::write(&path, bytes).unwrap();
    assert_eq!(offsets(&opened(&fixture, LastStop::Unclean)), expected[..10]);
}

#[test]
fn a_stop_at_any_moment_of_a_split_loses_nothing() {
    let (before, expected) = overflowing();
    let after = crashed(&before);
    drop(opened_with(&after, LastStop::Clean, &settings()));
    let new =
        |name: &&String| !name.ends_with(DELETED) && !name.ends_with(".snapshot") && !name.contains("epoch");
    let next = file_name(3 * FAR + 9, "");
    let new: Vec<_> =
        after.names().iter().filter(new).filter(|name| !name.starts_with(&next)).cloned().collect();
    // The parts one behind the other, the `.log` of each first: as they are renamed.
    let rank = |name: &String| (offset_of(name), !name.ends_with(LOG), name.ends_with(TIME_INDEX));
    let mut ascending = new.clone();
    ascending.sort_by_key(rank);
    let mut descending = new;
    descending.sort_by_key(|name| {
        let (base, not_log, time) = rank(name);
        (base.map(|base| -base), not_log, time)
    });
    assert_eq!(ascending.len(), 12, "four parts of three files: {ascending:?}");
    let old = [LOG, OFFSET_INDEX, TIME_INDEX].map(|kind| file_name(0, kind));
    enum Step<'a> {
        Copy(&'a String),
        Rename(&'a String, &'static str, &'static str),
    }
    let steps = ascending.iter().map(Step::Copy);
    let steps = steps.chain(descending.iter().map(|name| Step::Rename(name, CLEANED, SWAP)));
    let steps = steps.chain(old.iter().map(|name| Step::Rename(name, "", DELETED)));
    let steps: Vec<_> = steps.chain(ascending.iter().map(|name| Step::Rename(name, SWAP, ""))).collect();
    let state = crashed(&before);
    fs::write(state.path().join(&old[1]), "").unwrap();
    fs::write(state.path().join(&old[2]), "").unwrap();
    for step in 0..=steps.len() {
        for last_stop in [LastStop::Clean, LastStop::Unclean] {
            let copy = crashed(&state);
            assert_eq!(
                offsets(&opened_with(&copy, last_stop, &settings())),
                expected,
                "stopped before step {step}"
            );
            let left = |name: &String| [CLEANED, SWAP].iter().any(|kind| name.ends_with(kind));
            assert!(!copy.names().iter().any(left), "before step {step}: {:?}", copy.names());
        }
        let path = |name: &String, suffix: &str| state.path().join(format!("{name}{suffix}"));
        match steps.get(step) {
            Some(Step::Copy(name)) => {
                fs::copy(after.path().join(name), path(name, CLEANED)).unwrap();
            }
            Some(Step::Rename(name, from, to)) => fs::rename(path(name, from), path(name, to)).unwrap(),
            None => {}
        }
    }
}

#[test]
fn leftovers_are_removed_before_their_marker() {
    use rustix::fs::inotify;
    let (fixture, log) = filled();
    log.close().unwrap();
    let bytes = fs::read(fixture.path().join(format!("{FIRST}.log"))).unwrap();
    let write = |name: &&str| {
        fs::write(fixture.path().join(format!("0000000000000000000{name}")), &bytes[..73]).unwrap()
    };
    ["0.log.cleaned", "0.index.cleaned", "4.log.swap", "4.index.swap", "2.log.swap"].iter().for_each(write);
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, fixture.path(), inotify::WatchFlags::DELETE).unwrap();
    assert_eq!(all(&reopen(&fixture, LastStop::Clean, 10)), named(10));
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut buffer);
    let mut removed = Vec::new();
    while let Ok(event) = events.next() {
        removed.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    let first = removed.iter().position(|name| name.ends_with(CLEANED)).unwrap();
    let last = removed.iter().rposition(|name| name.ends_with(SWAP)).unwrap();
    assert!(last < first, "{removed:?}");
}

#[test]
fn what_recovery_has_read_is_on_the_disk_before_it_counts_as_flushed() {
    let (fixture, log) = filled();
    drop(log);
    let log = reopen(&fixture, LastStop::Unclean, 0);
    assert_eq!(log.recovery_point(), 10);
    assert!(log.segments().iter().all(|segment| segment.is_synced()));
    drop(log);
    // After a clean stop nothing is read, and what lies there was synced by the stop.
    let log = reopen(&fixture, LastStop::Clean, 10);
    assert!(log.segments().iter().all(|segment| !segment.is_synced()));
}
