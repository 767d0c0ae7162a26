use bytes::Bytes;

use super::*;
use crate::wire::compression::Compression;
use crate::wire::record::{RecordHeaders, encode};

fn reader(records: &[u8]) -> Decompressor {
    let packed = Compression::Gzip.compress(records).expect("compressed");
    Decompressor::new(Compression::Gzip, 2, packed.into()).expect("a stream")
}

#[test]
fn records_of_any_size_are_skipped() {
    let sizes = [0, 1, 2000, 2040, 2048, 5000, 200_000];
    let mut out = Vec::new();
    let headers = [("h".to_owned(), None), ("k".to_owned(), Some(Bytes::from(vec![3; 3000])))];
    for (at, size) in sizes.into_iter().enumerate() {
        let field = vec![7; size];
        encode(&mut out, at as i32, -5, Some(&field), Some(&field), RecordHeaders::List(&headers));
        encode(&mut out, at as i32, 300, None, None, RecordHeaders::NONE);
    }
    let mut skipping = reader(&out);
    let mut reading = reader(&out);
    for (at, size) in sizes.into_iter().enumerate() {
        let (at, size) = (at as i32, size as i32);
        let record =
            SkippedRecord { timestamp_delta: -5, offset_delta: at, key_size: size, value_size: size };
        assert_eq!(skip(&mut skipping), Ok(record));
        let keyless = SkippedRecord { timestamp_delta: 300, offset_delta: at, key_size: -1, value_size: -1 };
        assert_eq!(skip(&mut skipping), Ok(keyless));
        for headers in [2, 0] {
            let body = read(&mut reading).expect("a record");
            assert_eq!(parse(&reading.unread()[..body]).expect("a record").headers.len(), headers);
            reading.consume(body);
        }
    }
    assert_eq!((end(&mut skipping), end(&mut reading)), (Ok(()), Ok(())));
}

#[test]
fn what_is_wrong_with_a_large_record_is_found() {
    let mut out = Vec::new();
    encode(&mut out, 0, 0, None, Some(&[1; 5000]), RecordHeaders::NONE);
    let is_invalid = |records: &[u8]| matches!(skip(&mut reader(records)), Err(BatchError::InvalidRecord(_)));
    assert!(is_invalid(&out[..out.len() - 1]));
    for longer in [5001, 10_000] {
        let mut odd = Vec::new();
        crate::wire::record::write_varint(&mut odd, longer);
        odd.extend_from_slice(&out[2..]);
        assert!(is_invalid(&odd), "{longer}");
        odd.extend_from_slice(&[0; 20_000]);
        assert!(is_invalid(&odd), "{longer}");
    }
    assert_eq!(end(&mut reader(&out)), Err(still_remaining()));
    assert!(matches!(skip(&mut reader(&[0xff; 9])), Err(BatchError::Malformed(_))));
}
