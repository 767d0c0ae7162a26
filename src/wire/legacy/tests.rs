use super::build::write;
use super::*;

fn set(magic: i8, compression: Compression, append_time: Option<Millis>) -> Bytes {
    let mut builder = MessageSetBuilder::new(magic, compression, append_time, 10);
    builder.push(10, 1000, Some(b"k"), Some(b"one"));
    builder.push(11, 3000, None, Some(b"two"));
    builder.push(13, 2000, Some(b"k"), None);
    builder.build().expect("a set")
}

fn records(set: Bytes) -> Vec<Record> {
    Batch::split(set).flat_map(|batch| batch.expect("a batch").all_records().expect("records")).collect()
}

#[test]
fn sets_read_back_in_every_codec() {
    for magic in [0, 1] {
        for compression in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            let set = set(magic, compression, None);
            for batch in Batch::split(set.clone()) {
                batch.expect("a batch").check_crc().expect("a right checksum");
            }
            let records = records(set);
            assert_eq!(
                records.iter().map(|it| it.offset).collect::<Vec<_>>(),
                [10, 11, 13],
                "{magic} {compression:?}"
            );
            let times = if magic == 0 { [-1; 3] } else { [1000, 3000, 2000] };
            assert_eq!(records.iter().map(|it| it.timestamp).collect::<Vec<_>>(), times);
            assert_eq!((records[1].key.clone(), records[2].value.clone()), (None, None));
        }
    }
}

#[test]
fn a_wrapper_holds_the_largest_timestamp_and_the_last_offset() {
    let wrapper = Batch::parse(&set(1, Compression::Gzip, None)).expect("a batch");
    assert_eq!((wrapper.header().last_offset(), wrapper.header().max_timestamp), (13, 3000));
    assert_eq!(wrapper.first_offset(), Ok(10));
}

#[test]
fn append_time_is_every_records_time() {
    for compression in [Compression::None, Compression::Gzip] {
        assert!(records(set(1, compression, Some(77))).iter().all(|it| it.timestamp == 77));
    }
}

#[test]
fn restamping_makes_the_checksum_right() {
    let mut bytes = set(1, Compression::Gzip, None).to_vec();
    restamp(&mut bytes, 100, Some((TimestampType::LogAppendTime, 5)));
    let wrapper = Batch::parse(&bytes.into()).expect("a batch");
    wrapper.check_crc().expect("a right checksum");
    let records = wrapper.all_records().expect("records");
    assert_eq!(
        records.iter().map(|it| (it.offset, it.timestamp)).collect::<Vec<_>>(),
        [(97, 5), (98, 5), (100, 5)]
    );
}

#[test]
fn nesting_goes_no_deeper_than_one() {
    let inner = set(1, Compression::Gzip, None);
    let value = Compression::Gzip.compress(&inner).expect("compressed");
    let mut outer = Vec::new();
    write(&mut outer, 13, 1, Compression::Gzip.id(), 0, None, Some(&value));
    let outer = Batch::parse(&outer.into()).expect("a batch");
    assert_eq!(outer.all_records(), Err(invalid("Inner messages must not be compressed")));
}

#[test]
fn wrappers_that_cannot_be_are_refused() {
    for value in [None, Some(&Compression::Gzip.compress(b"").expect("compressed")[..]), Some(b"no gzip")] {
        let mut outer = Vec::new();
        write(&mut outer, 13, 1, Compression::Gzip.id(), 0, None, value);
        assert!(Batch::parse(&outer.into()).expect("a batch").records().is_err());
    }
    let mut bytes = set(1, Compression::Gzip, None).to_vec();
    restamp(&mut bytes, 1, None);
    let error = Batch::parse(&bytes.into()).expect("a batch").all_records().expect_err("an offset too small");
    assert!(
        error.to_string().contains("wrapper offset '1' is less than the last inner message offset '3'"),
        "{error}"
    );
}
