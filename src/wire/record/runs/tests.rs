use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::compression::Compression;

fn batch(codec: Compression, records: usize, value: usize) -> Batch {
    let mut builder = BatchBuilder::new().base_offset(100).compression(codec);
    for at in 0..records {
        let key = format!("key {at}");
        let value = vec![at as u8; value];
        let (key, value) = ((at % 3 != 0).then_some(key.as_bytes()), (at % 5 != 0).then_some(&value[..]));
        builder.push(1000 + at as i64, key, value, &[("header".to_owned(), None)]);
    }
    Batch::parse(&builder.build().unwrap()).unwrap()
}

/// Offset, timestamp, key, whether it has a value, and the bytes of each record.
type Found = (Offset, Millis, Option<Vec<u8>>, bool, Vec<u8>);

fn found(batch: &Batch) -> Result<Vec<Found>, BatchError> {
    let (mut runs, mut found) = (RecordRuns::of(batch)?, Vec::new());
    while let Some(run) = runs.next_run()? {
        for record in run.records {
            let key = run.key(record).map(<[u8]>::to_vec);
            let bytes = run.bytes[record.bytes.clone()].to_vec();
            found.push((record.offset, record.timestamp, key, record.has_value, bytes));
        }
    }
    Ok(found)
}

#[test]
fn the_heads_are_those_of_the_records() {
    for codec in Compression::ALL {
        for (records, value) in [(1, 10), (1000, 10), (7, 100_000), (3, 1_000_000)] {
            let batch = batch(codec, records, value);
            let expected = batch.all_records().unwrap();
            let found = found(&batch).unwrap();
            assert_eq!(found.len(), records);
            let mut body = Vec::new();
            for (record, (offset, timestamp, key, has_value, bytes)) in expected.iter().zip(found) {
                assert_eq!((record.offset, record.timestamp), (offset, timestamp));
                assert_eq!(record.key.as_deref(), key.as_deref());
                assert_eq!(record.value.is_some(), has_value);
                body.extend(bytes);
            }
            let whole = codec.decompress(2, &batch.body(), usize::MAX).unwrap();
            assert_eq!(body, whole, "all bytes belong to a record");
        }
    }
}

#[test]
fn a_count_that_is_not_true_is_an_error() {
    for codec in Compression::ALL {
        for count in [9, 11] {
            let mut bytes = batch(codec, 10, 10).bytes().to_vec();
            bytes[57..61].copy_from_slice(&i32::to_be_bytes(count));
            let batch = Batch::parse(&bytes.into()).unwrap();
            assert!(matches!(found(&batch), Err(BatchError::InvalidRecord(_))), "{codec:?} {count}");
        }
    }
}

#[test]
fn bytes_that_are_no_records_are_an_error() {
    for bytes in [&[0xff; 40][..], &[0; 40], &[0x50; 3], &[0x01, 0x00]] {
        let mut whole = batch(Compression::None, 1, 1).bytes()[..61].to_vec();
        whole.extend_from_slice(bytes);
        let length = (whole.len() - 12) as i32;
        whole[8..12].copy_from_slice(&length.to_be_bytes());
        assert!(found(&Batch::parse(&whole.into()).unwrap()).is_err(), "{bytes:?}");
    }
}
