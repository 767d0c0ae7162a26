use super::*;
use crate::wire::compression::Compression;

fn batch() -> Bytes {
    let mut builder = BatchBuilder::new().base_offset(100).producer(7, 1, 40);
    builder.push(
        1000,
        Some(b"a"),
        Some(b"1"),
        &[("h".into(), None), ("h".into(), Some(Bytes::from_static(b"x")))],
    );
    builder.push(900, None, Some(b"2"), &[]);
    builder.push(1100, Some(b"c"), None, &[]);
    builder.build().expect("a batch")
}

#[test]
fn a_built_batch_reads_back() {
    let batch = Batch::parse(&batch()).expect("a batch");
    batch.check_crc().expect("a right checksum");
    let header = batch.header();
    assert_eq!((header.base_offset, header.last_offset(), header.next_offset()), (100, 102, 103));
    assert_eq!((header.base_timestamp, header.max_timestamp), (1000, 1100));
    assert_eq!((header.base_sequence, header.last_sequence()), (40, 42));
    let records = batch.all_records().expect("records");
    assert_eq!(
        records.iter().map(|it| (it.offset, it.timestamp)).collect::<Vec<_>>(),
        [(100, 1000), (101, 900), (102, 1100)]
    );
    assert_eq!(records[0].headers.len(), 2, "headers may share a key");
    assert_eq!(records[2].value, None);
}

#[test]
fn every_codec_reads_back() {
    for codec in Compression::ALL {
        let mut builder = BatchBuilder::new().compression(codec);
        let value = vec![b'v'; 100_000];
        builder.push(1, None, Some(&value), &[]);
        let batch = Batch::parse(&builder.build().expect("a batch")).expect("a batch");
        assert_eq!(batch.header().compression(), Ok(codec));
        let records = batch.all_records().expect("records");
        assert_eq!(records[0].value.as_deref(), Some(&value[..]), "{codec:?}");
        if codec != Compression::None {
            let mut records = batch.records_within(1000).expect("records");
            assert_eq!(records.next(), Some(Err(BatchError::TooLarge(1000))), "{codec:?}");
        }
    }
}

#[test]
fn restamping_keeps_the_checksum() {
    let original = Batch::parse(&batch()).expect("a batch");
    let restamped: Bytes = original.restamped(5000, 9).concat().into();
    let restamped = Batch::parse(&restamped).expect("a batch");
    restamped.check_crc().expect("a right checksum");
    assert_eq!((restamped.header().base_offset, restamped.header().leader_epoch), (5000, 9));

    let retimed: Bytes = original.retimed(5000, 9, TimestampType::LogAppendTime, 77).concat().into();
    let retimed = Batch::parse(&retimed).expect("a batch");
    retimed.check_crc().expect("a right checksum");
    assert!(retimed.all_records().expect("records").iter().all(|it| it.timestamp == 77));
}

#[test]
fn a_run_is_split_and_its_incomplete_end_left_out() {
    let one = batch();
    let mut run = [&one[..], &one[..], &one[..]].concat();
    run.truncate(run.len() - 1);
    let mut batches = Batch::split(run.into());
    assert_eq!(batches.by_ref().filter_map(Result::ok).count(), 2);
    assert_eq!(batches.rest().len(), one.len() - 1);
}

#[test]
fn a_wrong_magic_or_length_is_corrupt() {
    let mut bytes = batch().to_vec();
    bytes[16] = 3;
    assert_eq!(
        BatchHeader::parse(&bytes),
        Err(BatchError::Corrupt("Invalid magic found in record: 3".into()))
    );
    bytes[16] = 2;
    bytes[8..12].copy_from_slice(&13i32.to_be_bytes());
    assert!(matches!(BatchHeader::parse(&bytes), Err(BatchError::Corrupt(_))));
    bytes[8..12].copy_from_slice(&48i32.to_be_bytes());
    assert!(matches!(BatchHeader::parse(&bytes), Err(BatchError::Corrupt(_))));
}

#[test]
fn counts_that_bytes_do_not_back_are_refused() {
    let mut bytes = batch().to_vec();
    for (count, says) in [(2, "still remaining"), (4, "premature EOF"), (i32::MAX, "premature EOF")] {
        bytes[57..61].copy_from_slice(&count.to_be_bytes());
        let batch = Batch::parse(&bytes.clone().into()).expect("a header");
        let error = batch.all_records().expect_err("a wrong count");
        assert!(error.to_string().contains(says), "{count}: {error}");
    }
    bytes[57..61].copy_from_slice(&(-1i32).to_be_bytes());
    let batch = Batch::parse(&bytes.into()).expect("a header");
    assert!(matches!(batch.records(), Err(BatchError::InvalidRecord(_))));
}

#[test]
fn sequences_begin_again_after_the_largest() {
    assert_eq!(add_to_sequence(i32::MAX, 1), 0);
    assert_eq!(add_to_sequence(i32::MAX - 1, 1), i32::MAX);
    assert_eq!(add_to_sequence(5, 3), 8);
}
