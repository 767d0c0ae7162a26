use super::*;
use crate::wire::legacy::MessageSetBuilder;
use crate::wire::record::Record;

const LATEST: BatchRetention =
    BatchRetention { records: RetainedRecords::Latest, retains_empty: false, aborted: None };

fn hasher() -> KeyHasher {
    KeyHasher::new((1, 2))
}

/// A map in which these keys have a later record.
fn superseding(keys: &[&str]) -> OffsetMap {
    let mut map = OffsetMap::new(1 << 16, 0.9, 1000);
    let later = |key: &&str| KeyOffset { hash: hasher().hash(key.as_bytes()), offset: 1000 };
    map.put_all(&keys.iter().map(later).collect::<Vec<_>>());
    map.update_latest_offset(1000);
    map
}

fn filtered(batch: &Batch, map: &OffsetMap, retention: &BatchRetention) -> FilteredBatch {
    Filter::new(map, hasher(), Tombstones::Retained).apply(batch, retention).unwrap()
}

fn rewritten(batch: &Batch, map: &OffsetMap) -> Batch {
    match filtered(batch, map, &LATEST) {
        FilteredBatch::Rewritten(bytes) => Batch::parse(&bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Records with the keys a, b, c, d at the offsets 100, 101 …
fn batch(codec: Compression) -> Batch {
    let builder = BatchBuilder::new().base_offset(100).compression(codec).leader_epoch(3);
    let mut builder = builder.producer(7, 2, 40).transactional(true);
    for (at, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let headers = [("h".to_owned(), Some(Bytes::from_static(b"v")))];
        builder.push(5000 - at as i64, Some(key.as_bytes()), Some(&[at as u8; 100]), &headers);
    }
    Batch::parse(&builder.build().unwrap()).unwrap()
}

use crate::wire::batch::BatchBuilder;

#[test]
fn records_that_have_a_later_one_go_and_the_others_stay_as_they_are() {
    for codec in Compression::ALL {
        let original = batch(codec);
        let records = original.all_records().unwrap();
        for (gone, left) in [
            (&["a"][..], &[1, 2, 3][..]),
            (&["b"], &[0, 2, 3]),
            (&["d"], &[0, 1, 2]),
            (&["a", "c"], &[1, 3]),
            (&["a", "b", "c"], &[3]),
        ] {
            let batch = rewritten(&original, &superseding(gone));
            batch.check_crc().unwrap();
            let expected: Vec<_> = left.iter().map(|at| records[*at].clone()).collect();
            assert_eq!(batch.all_records().unwrap(), expected, "{codec:?} without {gone:?}");
            let (header, before) = (batch.header(), original.header());
            assert_eq!((header.base_offset, header.last_offset()), (100, 103));
            assert_eq!(header.max_timestamp, 5000 - left[0] as i64);
            assert_eq!(header.record_count, left.len() as i32);
            assert_eq!(header.compression().unwrap(), codec);
            let facts = |it: &crate::wire::batch::BatchHeader| {
                (it.producer_id, it.producer_epoch, it.base_sequence, it.last_sequence(), it.leader_epoch)
            };
            assert_eq!(facts(header), facts(before));
            assert!(header.is_transactional());
        }
    }
}

#[test]
fn a_batch_of_which_all_or_nothing_stays_is_not_laid_out_anew() {
    for codec in Compression::ALL {
        let batch = batch(codec);
        assert_eq!(filtered(&batch, &superseding(&["e"]), &LATEST), FilteredBatch::Whole);
        assert_eq!(filtered(&batch, &superseding(&["a", "b", "c", "d"]), &LATEST), FilteredBatch::Nothing);
        let discarded = BatchRetention { records: RetainedRecords::None, ..LATEST };
        assert_eq!(filtered(&batch, &superseding(&[]), &discarded), FilteredBatch::Nothing);
        let marker = BatchRetention { records: RetainedRecords::All, ..LATEST };
        assert_eq!(filtered(&batch, &superseding(&["a"]), &marker), FilteredBatch::Whole);
    }
}

#[test]
fn what_is_left_of_a_producers_last_batch_are_its_sequence_numbers() {
    let original = batch(Compression::Gzip);
    for records in [RetainedRecords::None, RetainedRecords::Latest] {
        let retention = BatchRetention { records, retains_empty: true, aborted: None };
        let all = superseding(&["a", "b", "c", "d"]);
        let FilteredBatch::Rewritten(bytes) = filtered(&original, &all, &retention) else { panic!() };
        let empty = Batch::parse(&bytes).unwrap();
        empty.check_crc().unwrap();
        let (header, before) = (empty.header(), original.header());
        assert_eq!((bytes.len(), header.record_count, header.is_compressed()), (BATCH_OVERHEAD, 0, false));
        assert_eq!((header.base_timestamp, header.max_timestamp), (-1, 5000));
        assert_eq!((header.last_offset(), header.last_sequence()), (103, 43));
        assert_eq!((header.producer_id, header.producer_epoch), (before.producer_id, before.producer_epoch));
        assert_eq!(empty.all_records().unwrap(), Vec::<Record>::new());
        let again = filtered(&empty, &all, &retention);
        match again {
            FilteredBatch::Whole => {}
            FilteredBatch::Rewritten(again) => assert_eq!(again, bytes),
            FilteredBatch::Nothing => panic!("its producer is still active"),
        }
        assert_eq!(filtered(&empty, &all, &LATEST), FilteredBatch::Nothing, "and now it is not");
    }
}

#[test]
fn append_times_stay() {
    let mut builder = BatchBuilder::new().base_offset(100).append_time(7777);
    builder.push(1, Some(b"a"), Some(b"1"), &[]);
    builder.push(2, Some(b"b"), Some(b"2"), &[]);
    let original = Batch::parse(&builder.build().unwrap()).unwrap();
    let batch = rewritten(&original, &superseding(&["a"]));
    assert_eq!(batch.header().max_timestamp, 7777);
    assert_eq!(batch.all_records().unwrap(), original.all_records().unwrap()[1..]);
}

#[test]
fn more_than_is_gathered_in_memory_is_packed_on_the_way() {
    for codec in Compression::ALL {
        let mut builder = BatchBuilder::new().compression(codec);
        for at in 0..20 {
            builder.push(at, Some(at.to_string().as_bytes()), Some(&vec![at as u8; 1 << 20]), &[]);
        }
        let original = Batch::parse(&builder.build().unwrap()).unwrap();
        let batch = rewritten(&original, &superseding(&["3", "19"]));
        let mut expected = original.all_records().unwrap();
        expected.retain(|record| ![3, 19].contains(&record.offset));
        assert_eq!(batch.all_records().unwrap(), expected);
    }
}

#[test]
fn wrappers_of_old_formats_are_laid_out_anew() {
    for magic in [0, 1] {
        for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            for append_time in [None, Some(7777)] {
                let mut builder = MessageSetBuilder::new(magic, codec, append_time, 100);
                for (at, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
                    let (offset, timestamp) = (100 + at as i64, 5000 + at as i64);
                    builder.push(offset, timestamp, Some(key.as_bytes()), Some(b"value"));
                }
                let original = Batch::parse(&builder.build().unwrap()).unwrap();
                let records = original.all_records().unwrap();
                let batch = rewritten(&original, &superseding(&["a", "d"]));
                batch.check_crc().unwrap();
                assert_eq!(batch.all_records().unwrap(), records[1..3]);
                assert_eq!(batch.header().last_offset(), 102, "of the last message left");
                assert_eq!((batch.header().magic, batch.header().compression().unwrap()), (magic, codec));
                assert_eq!(filtered(&original, &superseding(&["x"]), &LATEST), FilteredBatch::Whole);
                let all = superseding(&["a", "b", "c", "d"]);
                assert_eq!(filtered(&original, &all, &LATEST), FilteredBatch::Nothing);
            }
        }
    }
}

#[test]
fn records_are_counted() {
    let map = superseding(&["a"]);
    let mut filter = Filter::new(&map, hasher(), Tombstones::Retained);
    filter.apply(&batch(Compression::None), &LATEST).unwrap();
    let mut builder = BatchBuilder::new();
    builder.push(1, None, Some(b"without a key"), &[]);
    let keyless = Batch::parse(&builder.build().unwrap()).unwrap();
    assert_eq!(filter.apply(&keyless, &LATEST).unwrap(), FilteredBatch::Nothing);
    assert_eq!(filter.counts, FilterCounts { read: 5, retained: 3, invalid: 1 });
}

#[test]
fn a_damaged_batch_is_not_made_a_sound_one() {
    let mut bytes = batch(Compression::None).bytes().to_vec();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    let damaged = Batch::parse(&bytes.into()).unwrap();
    let map = superseding(&["a"]);
    assert!(matches!(
        Filter::new(&map, hasher(), Tombstones::Retained).apply(&damaged, &LATEST),
        Err(BatchError::Corrupt(_))
    ));
}
