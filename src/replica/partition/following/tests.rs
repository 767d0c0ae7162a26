use bytes::Bytes;

use super::*;
use crate::replica::tests::{Room, batch, partition};

/// Broker 1 follows broker 2 in epoch 3.
fn following() -> (Room, Arc<Partition>) {
    let room = Room::new();
    room.become_replica(0, 2, 3, &[1, 2]);
    let hosted = room.replicas.partition(&partition(0)).unwrap();
    (room, hosted)
}

fn fetched(offset: Offset, records: Bytes, high_watermark: Offset, log_start: Offset) -> Fetched {
    let records = records.into();
    Fetched { offset, records, high_watermark, log_start }
}

/// Three records that begin at an offset, as their leader has them.
fn records_at(offset: Offset) -> Bytes {
    let mut bytes = batch(&["one", "two", "three"]).to_vec();
    bytes[..8].copy_from_slice(&offset.to_be_bytes());
    bytes.into()
}

#[test]
fn the_leaders_marks_are_taken_over_as_far_as_the_log_reaches() {
    let (_room, hosted) = following();
    assert_eq!(hosted.append_fetched(3, fetched(0, records_at(0), 9, 0)).unwrap(), 3);
    let log = hosted.log().unwrap();
    assert_eq!((log.high_watermark(), log.log_start_offset()), (3, 0));
    assert_eq!(hosted.append_fetched(3, fetched(3, Bytes::new(), 3, 2)).unwrap(), 3);
    assert_eq!((log.high_watermark(), log.log_start_offset()), (3, 2));
}

#[test]
fn nothing_changes_for_another_epoch_or_role() {
    let (room, hosted) = following();
    let outdated = |outcome| matches!(outcome, Err(NotFollowed::Outdated));
    assert!(outdated(hosted.append_fetched(2, fetched(0, records_at(0), 0, 0))));
    assert!(outdated(hosted.truncate(4, 0).map(|_| 0)));
    room.become_replica(0, 1, 4, &[1, 2]);
    assert!(outdated(hosted.append_fetched(4, fetched(0, records_at(0), 0, 0))), "it leads by now");
    assert!(outdated(hosted.start_anew(4, 7).map(|()| 0)));
    assert_eq!(hosted.log().unwrap().log_end_offset(), 0);
}

#[test]
fn what_does_not_continue_the_log_is_refused() {
    let (_room, hosted) = following();
    let mismatch = hosted.append_fetched(3, fetched(5, records_at(5), 5, 0)).unwrap_err();
    assert_eq!(mismatch.to_string(), "Offset mismatch: fetched offset = 5, log end offset = 0.");
    let mut damaged = records_at(0).to_vec();
    damaged[70] ^= 1;
    let error = hosted.append_fetched(3, fetched(0, damaged.into(), 0, 0)).unwrap_err();
    assert!(error.is_corrupt(), "{error}");
}

#[test]
fn an_empty_log_begins_with_the_batch_that_the_leaders_start_lies_in() {
    let (_room, hosted) = following();
    hosted.start_anew(3, 21).unwrap();
    assert_eq!(hosted.append_fetched(3, fetched(21, records_at(20), 23, 21)).unwrap(), 23);
    let log = hosted.log().unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.high_watermark()), (21, 23, 23));
    assert_eq!(log.segment_offsets(), [20]);
}

#[test]
fn a_truncation_lowers_the_high_watermark() {
    let (_room, hosted) = following();
    hosted.append_fetched(3, fetched(0, records_at(0), 3, 0)).unwrap();
    hosted.append_fetched(3, fetched(3, records_at(3), 6, 0)).unwrap();
    hosted.truncate(3, 3).unwrap();
    let log = hosted.log().unwrap();
    assert_eq!((log.log_end_offset(), log.high_watermark()), (3, 3));
}
