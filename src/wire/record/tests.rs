use super::varint::{read_varint, read_varlong};
use super::*;

#[test]
fn varints_read_back() {
    for value in [0, 1, -1, 63, 64, -64, -65, i32::MAX, i32::MIN] {
        let mut out = Vec::new();
        write_varint(&mut out, value);
        assert_eq!(read_varint(&mut &out[..]), Ok(value));
    }
    for value in [0, -1, i64::MAX, i64::MIN, 1_700_000_000_000] {
        let mut out = Vec::new();
        write_varlong(&mut out, value);
        assert_eq!(read_varlong(&mut &out[..]), Ok(value));
    }
}

#[test]
fn varints_that_do_not_end_are_refused() {
    assert!(read_varint(&mut &[0xff; 5][..]).is_err());
    assert!(read_varlong(&mut &[0xff; 10][..]).is_err());
    assert!(read_varint(&mut &[0x80][..]).is_err());
}

#[test]
fn a_record_whose_length_field_is_wrong_is_refused() {
    let mut out = Vec::new();
    encode(&mut out, 0, 0, Some(b"key"), Some(b"value"), RecordHeaders::NONE);
    assert_eq!(RecordView::parse(&out).expect("a record").size, out.len());
    assert!(RecordView::parse(&out[..out.len() - 1]).is_err());
    let mut longer = out.clone();
    longer[0] += 2;
    longer.push(0);
    assert!(
        RecordView::parse(&longer).expect_err("a byte too many").to_string().contains("Invalid record size")
    );
}

#[test]
fn a_header_count_without_bytes_allocates_nothing() {
    let mut body = vec![0, 0, 0, 1, 1];
    write_varint(&mut body, i32::MAX);
    let mut out = Vec::new();
    write_varint(&mut out, body.len() as i32);
    out.extend_from_slice(&body);
    assert!(RecordView::parse(&out).is_err());
}
