//! Appending: what is refused, what a follower may add, what producers and transactions leave.

use super::*;
use crate::log::log::tests::{Fixture, append, batch, values};
use crate::log::read::{FirstBatch, ReadUpTo};
use crate::wire::batch::BatchBuilder;
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;

fn data(producer_id: i64, sequence: i32, transactional: bool, value: &str) -> Bytes {
    let mut builder = BatchBuilder::new().producer(producer_id, 0, sequence).transactional(transactional);
    builder.push(7, None, Some(value.as_bytes()), &[]);
    builder.build().unwrap()
}

fn marker(producer_id: i64, committed: bool) -> Bytes {
    EndTransactionMarker { committed, coordinator_epoch: 0 }.batch(8, producer_id, 0).unwrap()
}

#[test]
fn a_repeated_batch_is_not_appended_again() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 1, &["before"]);
    let first = log.append_as_leader(data(5, 0, false, "a"), 0, AppendOrigin::Client).unwrap();
    log.append_as_leader(data(5, 1, false, "b"), 0, AppendOrigin::Client).unwrap();
    let again = log.append_as_leader(data(5, 0, false, "a"), 0, AppendOrigin::Client).unwrap();
    assert!(again.duplicate);
    assert_eq!((again.first_offset, again.last_offset), (first.first_offset, first.last_offset));
    assert_eq!(again.log_append_time, 7, "a duplicate answers with the timestamp in the log");
    assert_eq!(log.log_end_offset(), 3);
    let refused = log.append_as_leader(data(5, 9, false, "c"), 0, AppendOrigin::Client).unwrap_err();
    assert_eq!(ErrorCode::from(&refused), ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(log.log_end_offset(), 3);
}

#[test]
fn readers_of_committed_records_wait_for_the_marker_and_its_replication() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    append(&log, 1, &["plain"]);
    log.append_as_leader(data(1, 0, true, "aborted"), 0, AppendOrigin::Client).unwrap();
    log.append_as_leader(data(2, 0, true, "committed"), 0, AppendOrigin::Client).unwrap();
    log.update_high_watermark(3);
    assert_eq!(log.last_stable_offset(), 1);
    let read = log.read(0, 1 << 20, ReadUpTo::LastStable, FirstBatch::Whole).unwrap();
    assert_eq!(values(&read.records), [(0, "plain".to_owned())]);
    log.append_as_leader(marker(1, false), 0, AppendOrigin::Coordinator).unwrap();
    assert_eq!(log.last_stable_offset(), 1, "the marker is not replicated");
    log.update_high_watermark(4);
    assert_eq!(log.last_stable_offset(), 2);
    log.append_as_leader(marker(2, true), 0, AppendOrigin::Coordinator).unwrap();
    log.update_high_watermark(5);
    assert_eq!(log.last_stable_offset(), 5);
    let read = log.read(0, 1 << 20, ReadUpTo::LastStable, FirstBatch::Whole).unwrap();
    let aborted = read.aborted.unwrap();
    assert_eq!(aborted.iter().map(|it| (it.producer_id, it.first_offset)).collect::<Vec<_>>(), [(1, 1)]);
    let entry = AbortedEntry { producer_id: 1, first_offset: 1, last_offset: 3, last_stable_offset: 2 };
    assert_eq!(log.aborted_transactions(0, 5).unwrap(), [entry]);
    assert_eq!(std::fs::metadata(fixture.path().join("00000000000000000000.txnindex")).unwrap().len(), 34);
}

#[test]
fn a_follower_appends_what_continues_its_log() {
    let (leading, following) = (Fixture::new(), Fixture::new());
    let (leader, follower) = (leading.open(&Settings::default()), following.open(&Settings::default()));
    append(&leader, 1, &["a", "b"]);
    append(&leader, 2, &["c"]);
    let bytes = leader.read(0, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records.read().unwrap();
    let info = follower.append_as_follower(&bytes.slice(..bytes.len() - 1).into()).unwrap();
    assert_eq!(
        (info.first_offset, info.last_offset, info.batches),
        (Some(0), 1, 1),
        "a cut batch is left out"
    );
    let refused = follower.append_as_follower(&bytes.clone().into()).unwrap_err();
    assert!(matches!(refused, AppendError::UnexpectedOffset { first_offset: 0, last_offset: 2, .. }));
    let rest = leader.read(2, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records.read().unwrap();
    follower.append_as_follower(&rest.into()).unwrap();
    for name in ["00000000000000000000.log", "leader-epoch-checkpoint"] {
        let read = |fixture: &Fixture| std::fs::read(fixture.path().join(name)).unwrap();
        assert_eq!(read(&leading), read(&following), "{name}");
    }
    assert_eq!(follower.append_as_follower(&MemoryRecords::default()).unwrap().batches, 0);
}

#[test]
fn a_follower_refuses_batches_out_of_order() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    let at = |offset| {
        let mut builder = BatchBuilder::new().base_offset(offset).leader_epoch(0);
        builder.push(1, None, None, &[]);
        builder.build().unwrap()
    };
    let mixed = Bytes::from([at(5), at(4)].concat());
    let refused = log.append_as_follower(&mixed.into()).unwrap_err();
    assert_eq!(refused.to_string(), "Out of order offsets found in append to t-0: ArrayBuffer(5, 4)");
    assert_eq!(ErrorCode::from(&refused), ErrorCode::UnknownServerError);
    log.append_as_follower(&at(5).into()).unwrap();
    assert_eq!(log.log_end_offset(), 6, "gaps are allowed");
}

#[test]
fn what_is_larger_than_a_segment_is_refused() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings { segment_bytes: 100, ..Settings::default() });
    let refused =
        log.append_as_leader(batch(1, &["x".repeat(60).as_str()]), 0, AppendOrigin::Client).unwrap_err();
    assert_eq!(ErrorCode::from(&refused), ErrorCode::RecordListTooLarge);
    assert_eq!(log.log_end_offset(), 0);
}

#[test]
fn a_closed_log_takes_nothing() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    log.close().unwrap();
    let refused = log.append_as_leader(batch(1, &["a"]), 0, AppendOrigin::Client).unwrap_err();
    assert_eq!(ErrorCode::from(&refused), ErrorCode::KafkaStorageError);
    assert!(log.read(0, 1, ReadUpTo::LogEnd, FirstBatch::Whole).is_err());
}

#[test]
fn compressed_batches_that_unpack_to_little_are_prepared_at_once() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    let compressed = |codec, size| {
        let mut builder = BatchBuilder::new().compression(codec);
        builder.push(7, None, Some(&vec![b'x'; size]), &[]);
        builder.build().unwrap()
    };
    for codec in Compression::ALL.into_iter().filter(|codec| *codec != Compression::None) {
        let little = MemoryRecords::decode(compressed(codec, 16 << 10));
        let prepared =
            log.prepare_quickly(&little, AppendOrigin::Client).expect("it is done at once").unwrap();
        assert_eq!(prepared.bytes(), little.bytes().len());
        let much = MemoryRecords::decode(compressed(codec, 300 << 10));
        assert!(much.bytes().len() < 20 << 10, "{codec:?}: {} bytes", much.bytes().len());
        assert!(log.prepare_quickly(&much, AppendOrigin::Client).is_none(), "{codec:?}");
        log.prepare(&much, AppendOrigin::Client).expect("it is right all the same");
    }
}

#[test]
fn what_a_quick_look_refuses_is_refused_for_its_own_reason() {
    let fixture = Fixture::new();
    let log = fixture.open(&Settings::default());
    let mut builder = BatchBuilder::new().compression(Compression::Gzip);
    builder.push(7, None, Some(b"x"), &[]);
    let mut broken = builder.build().unwrap().to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let broken = MemoryRecords::decode(broken.into());
    assert!(log.prepare_quickly(&broken, AppendOrigin::Client).is_none());
    let refused = log.prepare(&broken, AppendOrigin::Client).unwrap_err();
    assert_eq!(ErrorCode::from(&refused), ErrorCode::CorruptMessage);
}
