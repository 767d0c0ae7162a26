//! Reading: which bytes answer which question.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::log::log::tests::{Fixture, append, values};
use crate::log::settings::Settings;

fn owned(pairs: &[(Offset, &str)]) -> Vec<(Offset, String)> {
    pairs.iter().map(|(offset, value)| (*offset, value.to_string())).collect()
}

/// Three segments: a b | c d | e.
fn three_segments(fixture: &Fixture) -> std::sync::Arc<Log> {
    let log = fixture.open(&Settings::default());
    append(&log, 10, &["a", "b"]);
    log.roll().unwrap();
    append(&log, 20, &["c"]);
    append(&log, 30, &["d"]);
    log.roll().unwrap();
    append(&log, 40, &["e"]);
    log
}

#[test]
fn a_read_begins_with_the_batch_that_has_the_offset() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    let read = log.read(1, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
    assert_eq!(values(&read.records), owned(&[(0, "a"), (1, "b")]), "one segment at a time");
    assert_eq!(read.position, LogPosition::at(1, 0, 0));
    let read = log.read(3, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
    assert_eq!(values(&read.records), owned(&[(3, "d")]));
    assert_eq!((read.log_start_offset, read.log_end_offset, read.high_watermark), (0, 5, 0));
    let at_end = log.read(5, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
    assert!(at_end.records.is_empty());
    assert_eq!(at_end.position, log.snapshot().log_end);
}

#[test]
fn outside_the_log_there_is_nothing() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    for offset in [-1, 6] {
        let error = log.read(offset, 10, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap_err();
        let text = format!(
            "Received request for offset {offset} for partition t-0, but we only have log segments in the range 0 to 5."
        );
        assert_eq!((error.to_string(), ErrorCode::from(&error)), (text, ErrorCode::OffsetOutOfRange));
    }
    log.update_high_watermark(5);
    log.increment_log_start_offset(2, "test").unwrap();
    assert!(log.read(1, 10, ReadUpTo::LogEnd, FirstBatch::Whole).is_err());
    assert!(log.increment_log_start_offset(6, "test").is_err());
}

#[test]
fn nothing_past_the_bound_is_shown() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    for (high_watermark, expected) in
        [(0, vec![]), (3, owned(&[(2, "c")])), (5, owned(&[(2, "c"), (3, "d")]))]
    {
        log.update_high_watermark(high_watermark);
        let read = log.read(2, 1 << 20, ReadUpTo::HighWatermark, FirstBatch::Whole).unwrap();
        assert_eq!(values(&read.records), expected, "up to {high_watermark}");
    }
    log.update_high_watermark(3);
    log.read(2, 1, ReadUpTo::HighWatermark, FirstBatch::Whole).unwrap();
    assert!(log.snapshot().high_watermark.in_segment.is_some(), "the position is looked up once");
}

#[test]
fn a_small_limit_truncates_a_batch_unless_one_is_required() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    let whole = log.read(2, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records.len();
    let cut = log.read(2, 10, ReadUpTo::LogEnd, FirstBatch::Limited).unwrap();
    assert_eq!((cut.records.len(), cut.first_entry_incomplete), (10, true));
    let one = log.read(2, 10, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
    assert_eq!(values(&one.records), owned(&[(2, "c")]));
    assert!(!one.first_entry_incomplete);
    assert_eq!(
        log.read(2, whole as i32 - 1, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records.len(),
        whole - 1
    );
    assert_eq!(log.read(2, 0, ReadUpTo::LogEnd, FirstBatch::Limited).unwrap().records.len(), 0);
}

#[test]
fn an_offset_is_found_by_its_time() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    let at = |timestamp| log.offset_for_timestamp(timestamp).unwrap().map(|it| (it.timestamp, it.offset));
    assert_eq!(at(0), Some((10, 0)));
    assert_eq!(at(11), Some((20, 2)));
    assert_eq!(at(30), Some((30, 3)));
    assert_eq!(at(40), Some((40, 4)));
    assert_eq!(at(41), None);
    assert_eq!(at(EARLIEST_TIMESTAMP), Some((-1, 0)));
    assert_eq!(at(LATEST_TIMESTAMP), Some((-1, 5)));
    assert_eq!(log.offset_for_timestamp(20).unwrap().unwrap().leader_epoch, Some(0));
    log.update_high_watermark(5);
    log.increment_log_start_offset(1, "test").unwrap();
    assert_eq!(at(0), Some((10, 1)), "not before the start");
    log.increment_log_start_offset(2, "test").unwrap();
    assert_eq!(
        at(0),
        None,
        "2.7.2 looks no further than the first segment that is new enough, until it is deleted"
    );
}

#[test]
fn list_offsets_version_0_returns_segment_starts() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    assert_eq!(log.legacy_offsets_before(LATEST_TIMESTAMP, 10).unwrap(), [5, 4, 2, 0]);
    assert_eq!(log.legacy_offsets_before(LATEST_TIMESTAMP, 1).unwrap(), [5]);
    assert_eq!(log.legacy_offsets_before(EARLIEST_TIMESTAMP, 10).unwrap(), [0]);
    assert_eq!(log.legacy_offsets_before(5, 10).unwrap(), Vec::<Offset>::new(), "older than all files");
}

#[test]
fn many_small_batches_are_all_found_through_a_sparse_index() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { index_interval_bytes: 200, ..Settings::default() });
    for at in 0..300 {
        append(&log, 1000 + at, &[&format!("value {at}")]);
    }
    let check = |log: &Log| {
        for at in 0..300 {
            let read = log.read(at, 1, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap();
            assert_eq!(values(&read.records), [(at, format!("value {at}"))]);
            assert_eq!(log.offset_for_timestamp(1000 + at).unwrap().unwrap().offset, at);
        }
    };
    check(&log);
    log.roll().unwrap();
    check(&log);
}

#[test]
fn readers_see_whole_batches_while_the_log_grows_rolls_and_forgets() {
    let fixture = Fixture::new();
    let settings = Settings { segment_bytes: 2000, index_interval_bytes: 200, ..Settings::default() };
    let log = fixture.open(&Settings { retention_ms: -1, retention_bytes: 20_000, ..settings });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0..5000 {
                let info = append(&log, 1000 + at, &[&format!("value {at}")]);
                log.update_high_watermark(info.log_end);
                if at % 100 == 0 {
                    log.delete_old_segments().unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let mut offset = 0;
                while !done.load(Ordering::Acquire) || offset < log.high_watermark() {
                    match log.read(offset, 1000, ReadUpTo::HighWatermark, FirstBatch::Whole) {
                        Ok(read) => {
                            for (at, value) in values(&read.records) {
                                assert_eq!((at, value), (offset, format!("value {offset}")));
                                offset += 1;
                            }
                        }
                        Err(ReadError::OutOfRange { start, .. }) => offset = start.max(offset),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    assert_eq!(log.log_end_offset(), 5000);
}
