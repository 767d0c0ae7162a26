use super::*;
use crate::log::cleaner::offset_map::{KeyHasher, KeyOffset};
use crate::wire::batch::{Batch, BatchBuilder};

fn hash(key: &[u8]) -> KeyHash {
    KeyHasher::new((1, 2)).hash(key)
}

/// A map of one key at offset 5, which accounts for everything up to 9.
fn map() -> OffsetMap {
    let mut map = OffsetMap::new(1 << 10, 0.9, 100);
    map.put_all(&[KeyOffset { hash: hash(b"k"), offset: 5 }]);
    map.update_latest_offset(9);
    map
}

#[test]
fn the_latest_record_of_a_key_survives_and_so_does_what_is_not_accounted_for() {
    let map = map();
    let value = |offset, key| RecordToRetain { offset, key, has_value: true };
    let key = Some(hash(b"k"));
    assert!(!is_retained(&value(4, key), &map, Tombstones::Retained));
    assert!(is_retained(&value(5, key), &map, Tombstones::Discarded));
    assert!(
        is_retained(&value(6, key), &map, Tombstones::Discarded),
        "below the dirty part of a map that is full"
    );
    assert!(is_retained(&value(1, Some(hash(b"other"))), &map, Tombstones::Discarded));
    assert!(!is_retained(&value(9, None), &map, Tombstones::Retained), "it has no key");
    assert!(is_retained(&value(10, None), &map, Tombstones::Retained));
    let empty = OffsetMap::new(1 << 10, 0.9, 100);
    assert!(is_retained(&value(0, key), &empty, Tombstones::Discarded));
}

#[test]
fn a_tombstone_survives_until_its_time_is_over() {
    let map = map();
    let tombstone = |offset| RecordToRetain { offset, key: Some(hash(b"k")), has_value: false };
    assert!(is_retained(&tombstone(5), &map, Tombstones::Retained));
    assert!(!is_retained(&tombstone(5), &map, Tombstones::Discarded));
    assert!(!is_retained(&tombstone(3), &map, Tombstones::Retained));
    assert!(is_retained(&tombstone(12), &map, Tombstones::Discarded));
}

fn batch(epoch: ProducerEpoch, control: bool) -> BatchHeader {
    let builder =
        BatchBuilder::new().base_offset(10).producer(7, epoch, 0).transactional(true).control(control);
    let mut builder = builder;
    builder.push(1, Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[]);
    Batch::parse(&builder.build().unwrap()).unwrap().header().clone()
}

fn decided(header: &BatchHeader, tombstones: Tombstones, last: LastRecords) -> BatchRetention {
    let mut transactions = CleanedTransactionMetadata::default();
    let marker = header.is_control().then_some(ControlType::Commit);
    retention(header, marker, tombstones, &mut transactions, &last)
}

fn last(last_data_offset: Option<Offset>, epoch: ProducerEpoch) -> LastRecords {
    [(7, LastRecord { last_data_offset, epoch })].into()
}

#[test]
fn a_marker_whose_transaction_is_gone_goes_with_the_tombstones() {
    let marker = batch(0, true);
    assert_eq!(decided(&marker, Tombstones::Retained, LastRecords::new()).records, RetainedRecords::All);
    assert_eq!(decided(&marker, Tombstones::Discarded, LastRecords::new()).records, RetainedRecords::None);
}

#[test]
fn the_last_batch_of_an_active_producer_survives_without_its_records() {
    let data = batch(0, false);
    let retains_empty = |header, last| decided(header, Tombstones::Discarded, last).retains_empty;
    assert!(retains_empty(&data, last(Some(10), 0)));
    assert!(!retains_empty(&data, last(Some(11), 0)));
    assert!(!retains_empty(&data, LastRecords::new()), "the producer is not active");
    let marker = batch(3, true);
    assert!(retains_empty(&marker, last(None, 3)), "it has the epoch");
    assert!(!retains_empty(&marker, last(None, 4)));
    assert!(!retains_empty(&data, last(None, 0)));
}

#[test]
fn records_of_an_aborted_transaction_go_at_once() {
    let entry = AbortedEntry { producer_id: 7, first_offset: 10, last_offset: 12, last_stable_offset: 13 };
    let mut transactions = CleanedTransactionMetadata::default();
    transactions.add_aborted([entry]);
    let data =
        retention(&batch(0, false), None, Tombstones::Retained, &mut transactions, &LastRecords::new());
    assert_eq!((data.records, data.retains_empty, data.aborted), (RetainedRecords::None, false, None));
    let abort = Some(ControlType::Abort);
    let marker =
        retention(&batch(0, true), abort, Tombstones::Discarded, &mut transactions, &LastRecords::new());
    assert_eq!((marker.records, marker.aborted), (RetainedRecords::All, Some(entry)));
}
