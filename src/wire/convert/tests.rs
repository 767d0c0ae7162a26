use super::super::batch::DECOMPRESSED_LIMIT;
use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::record::Record;

fn batches(codec: Compression) -> Bytes {
    let mut data = BatchBuilder::new().base_offset(5).compression(codec);
    data.push(100, Some(b"k"), Some(b"1"), &[("h".into(), None)]);
    data.push(300, None, Some(b"2"), &[]);
    data.push(200, Some(b"k"), None, &[]);
    let mut marker = BatchBuilder::new().base_offset(8).control(true).producer(1, 0, -1);
    marker.push(1, Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[]);
    [data.build().expect("a batch"), marker.build().expect("a batch")].concat().into()
}

/// All batches converted, one after the other.
fn converted(batches: Bytes, magic: i8, first_offset: Offset) -> Result<Bytes, BatchError> {
    let convert = |batch: Result<Batch, _>| down_convert(&batch?, magic, first_offset, DECOMPRESSED_LIMIT);
    Batch::split(batches).map(convert).collect::<Result<Vec<_>, _>>().map(|all| all.concat().into())
}

fn records(set: Bytes) -> Vec<Record> {
    Batch::split(set).flat_map(|batch| batch.expect("a batch").all_records().expect("records")).collect()
}

#[test]
fn old_clients_see_the_records_without_headers_and_markers() {
    for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4] {
        for magic in [0, 1] {
            let old = converted(batches(codec), magic, 0).expect("messages");
            let first = Batch::parse(&old).expect("a message");
            assert_eq!((first.header().magic, first.header().compression()), (magic, Ok(codec)));
            let records = records(old);
            assert_eq!(records.iter().map(|it| it.offset).collect::<Vec<_>>(), [5, 6, 7], "{codec:?}");
            assert_eq!(records[1].timestamp, if magic == 0 { -1 } else { 300 });
        }
    }
}

#[test]
fn records_before_the_first_offset_are_dropped_if_uncompressed() {
    let from_6 = |codec| records(converted(batches(codec), 1, 6).expect("messages"));
    assert_eq!(from_6(Compression::None).len(), 2);
    assert_eq!(from_6(Compression::Gzip).len(), 3);
    assert!(records(converted(batches(Compression::None), 1, 9).expect("messages")).is_empty());
}

#[test]
fn zstd_is_never_converted() {
    let error = converted(batches(Compression::Zstd), 1, 0).expect_err("an error");
    assert!(matches!(error, BatchError::UnsupportedCompression(_)));
}

#[test]
fn messages_take_no_headers() {
    let mut builder = RecordsBuilder::messages(1, Compression::None, None, 0);
    let record = Record { headers: vec![("h".into(), None)], ..Record::default() };
    assert_eq!(
        builder.push_at(0, &record),
        Err(BatchError::Unsupported("Magic v1 does not support record headers".into()))
    );
}

#[test]
fn the_largest_timestamp_belongs_to_its_message_or_its_batch() {
    let push = |mut builder: RecordsBuilder| {
        for (offset, timestamp) in [(3, 10), (4, 30), (5, 20)] {
            builder.push_at(offset, &Record { timestamp, ..Record::default() }).expect("pushed");
        }
        builder.max_timestamp()
    };
    assert_eq!(push(RecordsBuilder::messages(1, Compression::None, None, 3)), (30, 4));
    assert_eq!(push(RecordsBuilder::messages(1, Compression::Gzip, None, 3)), (30, 5));
    assert_eq!(push(RecordsBuilder::messages(1, Compression::None, Some(99), 3)), (99, 3));
    assert_eq!(push(RecordsBuilder::messages(0, Compression::None, None, 3)), (-1, 5));
    assert_eq!(
        push(RecordsBuilder::batch(BatchBuilder::new().base_offset(3), Compression::None, None, 3)),
        (30, 5)
    );
}
