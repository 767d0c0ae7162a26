//! Truncating.

use super::*;
use crate::base::Records;
use crate::log::epochs::EpochEnd;
use crate::log::log::tests::{Fixture, append, batch, values};
use crate::log::position::LogPosition;
use crate::log::read::{FirstBatch, ReadUpTo};
use crate::log::settings::Settings;
use crate::log::validate::AppendOrigin;
use crate::wire::batch::{Batch, BatchBuilder};
use crate::wire::control::EndTransactionMarker;

fn all(log: &Log) -> Vec<String> {
    let mut found = Vec::new();
    let mut offset = log.log_start_offset();
    while offset < log.log_end_offset() {
        let records: Records =
            log.read(offset, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records;
        let read = values(&records);
        offset = read.last().unwrap().0 + 1;
        found.extend(read.into_iter().map(|(_, value)| value));
    }
    found
}

fn filled(fixture: &Fixture) -> std::sync::Arc<Log> {
    let log = fixture.open(&Settings { index_interval_bytes: 0, retention_ms: -1, ..Settings::default() });
    for (at, value) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        let at = at as i64;
        log.append_as_leader(batch(100 + at, &[value]), at as i32 / 2, AppendOrigin::Client).unwrap();
        if at % 3 == 2 {
            log.roll().unwrap();
        }
    }
    log.update_high_watermark(6);
    log
}

#[test]
fn what_lies_behind_the_target_is_gone_and_overwritten() {
    for target in 0..6 {
        let fixture = Fixture::new();
        let log = filled(&fixture);
        assert!(log.truncate_to(target).unwrap());
        assert_eq!(all(&log), &["a", "b", "c", "d", "e", "f"][..target as usize], "to {target}");
        assert_eq!((log.log_end_offset(), log.high_watermark()), (target, target));
        let end = log.snapshot().log_end;
        assert_eq!(end, log.end_at(target));
        assert_eq!(log.offset_for_timestamp(100 + target).unwrap(), None);
        append(&log, 200, &["new"]);
        assert_eq!(all(&log).last().map(String::as_str), Some("new"));
        assert_eq!(log.offset_for_timestamp(150).unwrap().map(|it| it.offset), Some(target));
        log.close().unwrap();
        let again = Log::open(
            crate::log::recovery::Opening {
                last_stop: crate::log::recovery::LastStop::Clean,
                ..fixture.opening(&Settings::default())
            },
            fixture.shared.clone(),
        );
        assert_eq!(again.unwrap().log_end_offset(), target + 1);
    }
}

#[test]
fn a_target_at_the_end_changes_nothing_but_later_epochs() {
    let fixture = Fixture::new();
    let log = filled(&fixture);
    assert_eq!(log.append_lock().begin_leadership(9).unwrap(), Some(6));
    assert!(!log.truncate_to(6).unwrap());
    assert_eq!(log.latest_epoch(), Some(2));
    assert_eq!(log.log_end_offset(), 6);
}

#[test]
fn epochs_follow() {
    let fixture = Fixture::new();
    let log = filled(&fixture);
    log.truncate_to(3).unwrap();
    assert_eq!(log.latest_epoch(), Some(1));
    assert_eq!(log.end_offset_for(1), Some(EpochEnd { epoch: 1, offset: 3 }));
}

#[test]
fn everything_goes_and_the_log_begins_elsewhere() {
    let fixture = Fixture::new();
    let log = filled(&fixture);
    log.truncate_fully_and_start_at(42).unwrap();
    let at = LogPosition::at(42, 42, 0);
    let snapshot = log.snapshot();
    assert_eq!((snapshot.log_start_offset, snapshot.log_end, snapshot.high_watermark), (42, at, at));
    assert_eq!((log.segment_offsets(), log.latest_epoch()), (vec![42], None));
    append(&log, 1, &["a"]);
    assert_eq!(all(&log), ["a"]);
    assert_eq!(log.recovery_point(), 0);
}

#[test]
fn a_target_before_the_first_segment_starts_the_log_there() {
    let fixture = Fixture::new();
    let log = filled(&fixture);
    log.increment_log_start_offset(4, "test").unwrap();
    log.delete_old_segments().unwrap();
    assert_eq!(log.segment_offsets(), [3, 6]);
    assert!(log.truncate_to(1).unwrap());
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (1, 1));
}

/// What a log remembers of one of the producers: its last sequence and where its open transaction begins.
type Remembered = Option<(i32, Option<Offset>)>;

/// What a log remembers of the producers 0 to 2, and where readers of committed records stop.
fn remembered(log: &Log) -> ([Remembered; 3], Offset) {
    log.update_high_watermark(log.log_end_offset());
    let appender = log.appender();
    let of = |id| appender.state.producers.entry(id).map(|it| (it.last_sequence(), it.transaction_start));
    ([0, 1, 2].map(of), log.last_stable_offset())
}

/// Three producers write and end transactions, by chance; segments are rolled in between.
fn transactions(random: &mut fastrand::Rng, fixture: &Fixture) -> std::sync::Arc<Log> {
    let log = fixture.open(&Settings { index_interval_bytes: 0, retention_ms: -1, ..Settings::default() });
    let (mut sequences, mut is_open) = ([0; 3], [false; 3]);
    for _ in 0..random.usize(1..40) {
        let id = random.usize(0..3);
        let producer_id = id as i64;
        if is_open[id] && random.u8(0..3) == 0 {
            let marker = EndTransactionMarker { committed: random.bool(), coordinator_epoch: 0 };
            let marker = marker.batch(fixture.shared.clock.now(), producer_id, 0).unwrap();
            log.append_as_leader(marker, 0, AppendOrigin::Coordinator).unwrap();
            is_open[id] = false;
        } else {
            let mut builder = BatchBuilder::new().producer(producer_id, 0, sequences[id]).transactional(true);
            builder.push(fixture.shared.clock.now(), None, Some(b"value"), &[]);
            log.append_as_leader(builder.build().unwrap(), 0, AppendOrigin::Client).unwrap();
            sequences[id] += 1;
            is_open[id] = true;
        }
        if random.u8(0..6) == 0 {
            log.roll().unwrap();
        }
    }
    log
}

/// A log to which another one's batches were appended, one by one, as a follower does that was never truncated.
fn followed(log: &Log, fixture: &Fixture) -> std::sync::Arc<Log> {
    let follower = fixture.open(&Settings::default());
    while follower.log_end_offset() < log.log_end_offset() {
        let offset = follower.log_end_offset();
        let records = log.read(offset, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records;
        for batch in Batch::split(records.read().unwrap()) {
            follower.append_as_follower(&batch.unwrap().bytes().clone().into()).unwrap();
        }
    }
    follower
}

#[test]
fn a_truncated_follower_remembers_producers_as_one_that_never_had_more() {
    let (mut truncated, mut forgotten) = (0, 0);
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (fixture, other) = (Fixture::new(), Fixture::new());
        let log = transactions(&mut random, &fixture);
        let before = remembered(&log);
        let target = random.i64(0..=log.log_end_offset());
        truncated += usize::from(log.truncate_to(target).unwrap());
        let expected = remembered(&followed(&log, &other));
        assert_eq!(remembered(&log), expected, "seed {seed}, truncated to {target}");
        let committed = |log: &Log| log.aborted_transactions(0, target).unwrap();
        assert_eq!(committed(&log), committed(&followed(&log, &Fixture::new())), "seed {seed}");
        forgotten += usize::from(before != expected);
    }
    assert!(
        truncated > 40 && forgotten > 40,
        "{truncated} truncations, {forgotten} of which change what is remembered"
    );
}
