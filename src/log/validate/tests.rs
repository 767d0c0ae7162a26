use bytes::Bytes;

use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::legacy::MessageSetBuilder;
use crate::wire::record::Record;

const NOW: Millis = 1_700_000_000_000;

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn validation(partition: &TopicPartition) -> Validation<'_> {
    Validation {
        partition,
        now: NOW,
        origin: AppendOrigin::Client,
        target_codec: Compression::None,
        compacted: false,
        magic: 2,
        timestamp_type: TimestampType::CreateTime,
        max_timestamp_difference: Millis::MAX,
        max_batch_size: None,
        zstd_allowed: true,
        unpacked_at_most: usize::MAX,
    }
}

fn produced(codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new().compression(codec).producer(5, 1, 10);
    builder.push(NOW - 3, Some(b"k"), Some(b"1"), &[("h".into(), None)]);
    builder.push(NOW - 1, None, Some(b"2"), &[]);
    builder.push(NOW - 2, Some(b"k"), None, &[]);
    builder.build().expect("a batch")
}

fn messages(magic: i8, codec: Compression) -> Bytes {
    let mut builder = MessageSetBuilder::new(magic, codec, None, 0);
    builder.push(0, NOW - 3, Some(b"k"), Some(b"1"));
    builder.push(1, NOW - 1, None, Some(b"2"));
    builder.push(2, NOW - 2, Some(b"k"), None);
    builder.build().expect("a set")
}

fn append(records: &Bytes, change: impl FnOnce(&mut Validation<'_>)) -> Result<Assigned, ValidationError> {
    let partition = partition();
    let mut validation = validation(&partition);
    let records = MemoryRecords::decode(records.clone());
    let checked = check(&partition, &records, validation.origin, None)?;
    validation.target_codec = checked.source_codec;
    change(&mut validation);
    validate(&records, checked.source_codec, &validation)?.assign_offsets(100, 7)
}

/// What would be in the log, every checksum and every header proven.
fn written(assigned: &Assigned) -> Vec<Record> {
    let bytes: Bytes = assigned.pieces.concat().into();
    assert_eq!(bytes.len(), assigned.size());
    let batches: Vec<_> = Batch::split(bytes).collect::<Result<_, _>>().expect("batches");
    for batch in &batches {
        batch.check_crc().expect("a right checksum");
    }
    let headers: Vec<_> = batches.iter().map(|it| it.header().clone()).collect();
    let known = if headers[0].magic == 2 { &headers[..] } else { &headers[headers.len() - 1..] };
    assert_eq!(assigned.batches, known);
    batches.iter().flat_map(|batch| batch.all_records().expect("records")).collect()
}

fn offsets(records: &[Record]) -> Vec<Offset> {
    records.iter().map(|record| record.offset).collect()
}

#[test]
fn a_batch_in_order_is_only_restamped() {
    for codec in Compression::ALL {
        let input = produced(codec);
        let assigned = append(&input, |_| {}).expect("assigned");
        assert_eq!(assigned.pieces[1], input[21..], "{codec:?}: all but the first 21 bytes is shared");
        assert_eq!(offsets(&written(&assigned)), [100, 101, 102]);
        assert_eq!((assigned.last_offset, assigned.max_timestamp), (102, NOW - 1));
        let of_max = if codec == Compression::None { 101 } else { 102 };
        assert_eq!(assigned.offset_of_max_timestamp, of_max, "{codec:?}");
        assert_eq!(assigned.batches[0].leader_epoch, 7);
        assert!(!assigned.size_changed);
    }
}

/// The code that a batch is refused with.
fn code(records: &Bytes) -> ErrorCode {
    ErrorCode::from(&append(records, |_| {}).expect_err("refused"))
}

/// The batch with its records compressed in whichever way.
fn repacked(batch: &Bytes, payload: &[u8]) -> Bytes {
    let mut batch = [&batch[..61], payload].concat();
    let length = (batch.len() - 12) as i32;
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    patched(&batch.into(), 0, &[])
}

#[test]
fn headers_are_corrected_to_match_the_records() {
    for codec in Compression::ALL {
        let batch = produced(codec);
        for lie in [-1, 0, 1_000_000, NOW - 2, i64::MAX] {
            let assigned = append(&patched(&batch, 35, &lie.to_be_bytes()), |_| {}).expect("assigned");
            written(&assigned);
            assert_eq!(assigned.batches[0].max_timestamp, NOW - 1, "{codec:?} {lie}");
            assert_eq!(assigned.max_timestamp, NOW - 1);
            assert_eq!(assigned.pieces[1], batch[61..]);
        }
    }
}

#[test]
fn payloads_of_another_codec_are_refused() {
    for codec in &Compression::ALL[1..] {
        let batch = produced(*codec);
        for other in Compression::ALL.into_iter().filter(|other| other != codec) {
            let odd = repacked(&batch, &produced(other)[61..]);
            assert_eq!(code(&odd), ErrorCode::UnknownServerError, "{codec:?} {other:?}");
        }
        let cut = repacked(&batch, &batch[61..batch.len() - 3]);
        let expected = match codec {
            // Incomplete blocks are invalid, and a stream that ends within a record ends too early.
            Compression::Snappy | Compression::Gzip | Compression::Lz4 | Compression::Zstd => {
                ErrorCode::UnknownServerError
            }
            Compression::None => ErrorCode::None,
        };
        assert_eq!(code(&cut), expected, "{codec:?}");
    }
}

#[test]
fn counts_are_those_of_the_records() {
    for codec in Compression::ALL {
        let batch = produced(codec);
        for count in [1, 2, 4, i32::MAX] {
            let odd = patched(&batch, 23, &(count - 1i32).to_be_bytes());
            let odd = patched(&odd, 57, &count.to_be_bytes());
            assert_eq!(code(&odd), ErrorCode::InvalidRecord, "{codec:?} {count}");
        }
    }
}

#[test]
fn compressed_offsets_count_up() {
    for codec in &Compression::ALL[1..] {
        let mut builder = BatchBuilder::new();
        for _ in 0..3 {
            builder.push_at(0, NOW, None, Some(b"v"), &[]);
        }
        let plain = builder.build().expect("a batch");
        let odd =
            patched(&patched(&plain, 23, &2i32.to_be_bytes()), 21, &i16::from(codec.id()).to_be_bytes());
        let odd = repacked(&odd, &codec.compress(&plain[61..]).expect("compressed"));
        assert_eq!(code(&odd), ErrorCode::UnknownServerError, "{codec:?}");
        // Laid out anew they are given offsets, and uncompressed ones are not looked at.
        append(&odd, |it| it.target_codec = Compression::None).expect("laid out anew");
        append(&patched(&plain, 23, &2i32.to_be_bytes()), |_| {}).expect("as they are");
    }
}

#[test]
fn rubbish_in_records_is_refused() {
    // The first record begins at 61: length, attributes, timestamp, offset, key, value, headers.
    let body = produced(Compression::None);
    for (at, byte) in [(61, 0x7e), (61, 0x02), (61, 0x01), (65, 0x7e), (67, 0x7e), (69, 0x01)] {
        for codec in Compression::ALL {
            let odd = patched(&body, at, &[byte]);
            let packed = patched(&odd, 21, &i16::from(codec.id()).to_be_bytes());
            let packed = repacked(&packed, &codec.compress(&odd[61..]).expect("compressed"));
            let error = append(&packed, |_| {}).expect_err("rubbish");
            let is_longer = codec == Compression::None && (at, byte) == (61, 0x7e);
            let expected = if is_longer { ErrorCode::UnknownServerError } else { ErrorCode::InvalidRecord };
            assert_eq!(ErrorCode::from(&error), expected, "{at} {byte} {codec:?}");
        }
    }
}

#[test]
fn what_unpacks_to_much_is_walked_in_little_memory() {
    let value = vec![0; 300 << 20];
    for codec in [Compression::Gzip, Compression::Zstd] {
        let mut builder = BatchBuilder::new().compression(codec);
        builder.push(NOW, None, Some(&value), &[]);
        let bomb = builder.build().expect("a batch");
        let assigned = append(&bomb, |_| {}).expect("assigned");
        assert_eq!(assigned.last_offset, 100);
        let error = append(&bomb, |it| {
            it.target_codec = Compression::None;
            it.max_batch_size = Some(1 << 20);
        });
        assert_eq!(error.as_ref().map_err(ErrorCode::from).err(), Some(ErrorCode::MessageTooLarge));
    }
}

#[test]
fn what_takes_long_is_known_before() {
    let decoded = |bytes| MemoryRecords::decode(bytes);
    assert_eq!(effort(&decoded(produced(Compression::None)), 2, None), Effort::Light);
    assert_eq!(effort(&decoded(Bytes::new()), 2, None), Effort::Light);
    assert_eq!(effort(&decoded(produced(Compression::Lz4)), 2, None), Effort::Unknown);
    assert_eq!(effort(&decoded(produced(Compression::Lz4)), 2, Some(Compression::Lz4)), Effort::Unknown);
    assert_eq!(effort(&decoded(produced(Compression::Lz4)), 2, Some(Compression::Gzip)), Effort::Heavy);
    assert_eq!(effort(&decoded(messages(1, Compression::Lz4)), 1, None), Effort::Heavy);
    assert_eq!(effort(&decoded(produced(Compression::None)), 1, None), Effort::Heavy);
    assert_eq!(effort(&decoded(produced(Compression::None)), 2, Some(Compression::Gzip)), Effort::Heavy);
    assert_eq!(
        effort(&decoded([&produced(Compression::None)[..]; 1000].concat().into()), 2, None),
        Effort::Heavy
    );
    assert_eq!(
        effort(&decoded([&produced(Compression::Lz4)[..]; 1000].concat().into()), 2, None),
        Effort::Heavy
    );
}

#[test]
fn a_walk_may_be_given_a_limit() {
    for codec in Compression::ALL.into_iter().filter(|codec| *codec != Compression::None) {
        let batch = |size| {
            let mut builder = BatchBuilder::new().compression(codec);
            builder.push(NOW, None, Some(&vec![7; size]), &[]);
            builder.build().expect("a batch")
        };
        let within = |size| {
            append(&batch(size), |it| {
                it.target_codec = codec;
                it.unpacked_at_most = 192 << 10;
            })
        };
        assert!(within(100 << 10).is_ok(), "{codec:?}");
        assert!(within(192 << 10).is_err(), "{codec:?}");
    }
}

#[test]
fn append_time_is_written_into_the_header() {
    for codec in [Compression::None, Compression::Lz4] {
        let input = produced(codec);
        let assigned =
            append(&input, |it| it.timestamp_type = TimestampType::LogAppendTime).expect("assigned");
        assert_eq!(assigned.pieces[1], input[61..], "{codec:?}");
        assert!(written(&assigned).iter().all(|record| record.timestamp == NOW));
        assert_eq!((assigned.max_timestamp, assigned.offset_of_max_timestamp), (NOW, 102));
    }
}

#[test]
fn another_codec_lays_the_batch_out_anew() {
    for source in Compression::ALL {
        for target in Compression::ALL.into_iter().filter(|target| *target != source) {
            let assigned = append(&produced(source), |it| it.target_codec = target).expect("assigned");
            let header = &assigned.batches[0];
            assert_eq!(header.compression(), Ok(target));
            assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (5, 1, 10));
            assert!(assigned.size_changed);
            let records = written(&assigned);
            assert_eq!(offsets(&records), [100, 101, 102]);
            assert_eq!(records[0].headers, [("h".to_owned(), None)]);
        }
    }
}

#[test]
fn old_messages_are_assigned_in_their_own_format() {
    for magic in [0, 1] {
        for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            let assigned = append(&messages(magic, codec), |it| it.magic = magic).expect("assigned");
            let records = written(&assigned);
            assert_eq!(offsets(&records), [100, 101, 102], "{magic} {codec:?}");
            assert_eq!(records[1].timestamp, if magic == 0 { -1 } else { NOW - 1 });
            let of_max = match (magic, codec) {
                (0, Compression::None) => -1,
                (1, Compression::None) => 101,
                _ => 102,
            };
            assert_eq!(assigned.offset_of_max_timestamp, of_max, "{magic} {codec:?}");
        }
    }
}

#[test]
fn formats_are_converted_both_ways() {
    for codec in [Compression::None, Compression::Gzip] {
        for (from, to) in [(0, 1), (0, 2), (1, 0), (1, 2)] {
            let assigned = append(&messages(from, codec), |it| it.magic = to).expect("assigned");
            assert_eq!(offsets(&written(&assigned)), [100, 101, 102], "{codec:?} {from} to {to}");
            assert!(assigned.batches.iter().all(|batch| batch.magic == to));
        }
        let mut plain = BatchBuilder::new().compression(codec);
        plain.push(NOW, None, Some(b"1"), &[]);
        let assigned = append(&plain.build().expect("a batch"), |it| it.magic = 1).expect("assigned");
        assert_eq!(written(&assigned)[0].timestamp, NOW);
    }
}

#[test]
fn what_old_formats_cannot_hold_is_refused() {
    let error = append(&produced(Compression::None), |it| it.magic = 1).expect_err("idempotent");
    assert_eq!(ErrorCode::from(&error), ErrorCode::UnsupportedForMessageFormat);
    let mut headers = BatchBuilder::new();
    headers.push(NOW, None, None, &[("h".into(), None)]);
    let error = append(&headers.build().expect("a batch"), |it| it.magic = 0).expect_err("headers");
    assert_eq!(ErrorCode::from(&error), ErrorCode::UnknownServerError);
}

#[test]
fn records_that_break_a_rule_are_named() {
    let error = append(&produced(Compression::None), |it| it.compacted = true).expect_err("no key");
    assert_eq!(ErrorCode::from(&error), ErrorCode::InvalidRecord);
    assert_eq!(error.client_message(), Some("One or more records have been rejected"));
    let says = "Compacted topic cannot accept message without key in topic partition t-0.";
    assert_eq!(error.record_errors(), [RecordError { batch_index: 1, message: Some(says.into()) }]);

    let error = append(&produced(Compression::Gzip), |it| it.max_timestamp_difference = 2).expect_err("old");
    assert_eq!(ErrorCode::from(&error), ErrorCode::InvalidTimestamp);
    let says = format!(
        "Timestamp {} of message with offset 0 is out of range. The timestamp should be within [{}, {}]",
        NOW - 3,
        NOW - 2,
        NOW + 2
    );
    assert_eq!(error.record_errors(), [RecordError { batch_index: 0, message: Some(says) }]);

    let mut timed = BatchBuilder::new().append_time(NOW);
    timed.push(NOW, None, Some(b"v"), &[]);
    let error = append(&timed.build().expect("a batch"), |_| {}).expect_err("append time");
    let says = format!(
        "Invalid timestamp type in message DefaultRecord(offset=0, timestamp={NOW}, key=0 bytes, value=1 bytes). \
         Producer should not set timestamp type to LogAppendTime."
    );
    assert_eq!(error.record_errors()[0].message, Some(says));
}

/// The batch with some header bytes written anew and its checksum made right.
fn patched(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut batch = batch.to_vec();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.into()
}

#[test]
fn clients_batches_that_lie_are_refused() {
    let batch = produced(Compression::None);
    for (at, bytes) in [
        (0, &100i64.to_be_bytes()[..]),
        (57, &2i32.to_be_bytes()),
        (57, &0i32.to_be_bytes()),
        (57, &(-1i32).to_be_bytes()),
        (23, &5i32.to_be_bytes()),
        (23, &(-2i32).to_be_bytes()),
        (21, &0x20i16.to_be_bytes()),
        (53, &(-1i32).to_be_bytes()),
    ] {
        let error = append(&patched(&batch, at, bytes), |_| {}).expect_err("a lie");
        assert_eq!(ErrorCode::from(&error), ErrorCode::InvalidRecord, "{at} {bytes:?}");
        assert!(error.record_errors().is_empty());
    }
    let two = Bytes::from([&batch[..], &batch[..]].concat());
    assert_eq!(ErrorCode::from(&append(&two, |_| {}).expect_err("two")), ErrorCode::InvalidRecord);
}

#[test]
fn checksums_and_sizes_are_looked_at_first() {
    let mut batch = produced(Compression::None).to_vec();
    let size = batch.len();
    let decoded = |batch: &[u8]| MemoryRecords::decode(Bytes::copy_from_slice(batch));
    let error = check(&partition(), &decoded(&batch), AppendOrigin::Client, Some(size - 1));
    assert_eq!(error.as_ref().map_err(ErrorCode::from), Err(ErrorCode::MessageTooLarge));
    batch[size - 1] ^= 1;
    let error = check(&partition(), &decoded(&batch), AppendOrigin::Client, Some(size));
    assert_eq!(error.as_ref().map_err(ErrorCode::from), Err(ErrorCode::CorruptMessage));
}

#[test]
fn a_batch_that_grew_is_measured_again() {
    let error = append(&produced(Compression::None), |it| {
        it.target_codec = Compression::Gzip;
        it.max_batch_size = Some(70);
    });
    assert_eq!(error.as_ref().map_err(ErrorCode::from).err(), Some(ErrorCode::MessageTooLarge));
}
