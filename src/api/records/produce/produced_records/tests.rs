use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::legacy::MessageSetBuilder;

fn produced(codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new().compression(codec);
    builder.push(1, None, Some(b"v"), &[]);
    builder.build().expect("a batch")
}

fn messages(magic: i8) -> Bytes {
    let mut builder = MessageSetBuilder::new(magic, Compression::None, None, 0);
    builder.push(0, 1, None, Some(b"v"));
    builder.build().expect("a set")
}

#[test]
fn requests_have_the_fields_of_their_version() {
    let refusal =
        |version, records: &Bytes| validate_records(version, &decode(version, records.clone())).err();
    let two = Bytes::from([&produced(Compression::None)[..]; 2].concat());
    assert_eq!(refusal(3, &produced(Compression::None)), None);
    assert_eq!(refusal(2, &messages(1)), None);
    assert_eq!(refusal(3, &messages(1)), Some(ErrorCode::InvalidRecord));
    assert_eq!(refusal(8, &two), Some(ErrorCode::InvalidRecord));
    assert_eq!(refusal(6, &produced(Compression::Zstd)), Some(ErrorCode::UnsupportedCompressionType));
    assert_eq!(refusal(7, &produced(Compression::Zstd)), None);
}

#[test]
fn kinds_of_batches_add_up_and_a_partition_without_any_is_no_request() {
    let mut kinds = BatchKinds::default();
    assert!(kinds.look_at(&produced(Compression::None).into()).is_some());
    assert!(!kinds.transactional && !kinds.idempotent);
    let mut own = BatchBuilder::new().producer(5, 0, 0).transactional(true);
    own.push(1, None, Some(b"v"), &[]);
    assert!(kinds.look_at(&own.build().expect("a batch").into()).is_some());
    assert!(kinds.look_at(&messages(0).into()).is_some());
    assert!(kinds.transactional && kinds.idempotent);
    assert!(kinds.look_at(&MemoryRecords::default()).is_none());
}

#[test]
fn a_short_batch_is_looked_at_as_far_as_its_producer_id() {
    let mut short = produced(Compression::None)[..55].to_vec();
    short[8..12].copy_from_slice(&43u32.to_be_bytes());
    let mut kinds = BatchKinds::default();
    let decoded = MemoryRecords::decode(short.clone().into());
    assert!(decoded.fault().is_some() && kinds.look_at(&decoded).is_some());
    assert_eq!(validate_records(8, &decoded), Ok(()), "the log refuses it");
    short[8..12].copy_from_slice(&38u32.to_be_bytes());
    assert!(kinds.look_at(&MemoryRecords::decode(short.into())).is_none());
}
