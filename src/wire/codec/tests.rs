use std::io::Write as _;
use std::sync::Arc;

use super::field::{At, Field};
use super::*;
use crate::base::FileSlice;

const PLAIN: At = At { version: 0, flexible: false, nullable: true };
const FLEXIBLE: At = At { version: 0, flexible: true, nullable: true };

fn read<T: Field>(bytes: &[u8], at: At) -> Result<T, Problem> {
    T::read(&mut Reader::new(Bytes::copy_from_slice(bytes)), at).map_err(|error| error.problem)
}

fn written<T: Field>(value: &T, at: At) -> Vec<u8> {
    let mut out = Writer::new();
    value.write(&mut out, at).unwrap();
    out.into_bytes().unwrap().to_vec()
}

#[test]
fn varints_are_zigzag_and_bounded() {
    for value in [0, -1, 1, 63, -64, 64, 300, i32::MAX, i32::MIN] {
        let mut out = Writer::new();
        out.varint(value);
        let mut input = Reader::new(out.into_bytes().unwrap());
        assert_eq!(input.varint(), Ok(value));
        assert_eq!(input.remaining(), 0);
    }
    let mut endless = Reader::new(Bytes::from_static(&[0xff; 20]));
    assert_eq!(endless.varint(), Err(Problem::Varint.into()));
}

#[test]
fn strings_in_both_layouts() {
    assert_eq!(written(&"ab".to_owned(), PLAIN), [0, 2, b'a', b'b']);
    assert_eq!(written(&"ab".to_owned(), FLEXIBLE), [3, b'a', b'b']);
    assert_eq!(written(&None::<String>, PLAIN), [0xff, 0xff]);
    assert_eq!(written(&None::<String>, FLEXIBLE), [0]);
    assert_eq!(read::<String>(&[0, 1, 0xff], PLAIN), Ok("\u{fffd}".to_owned()));
}

#[test]
fn any_negative_length_is_null() {
    assert_eq!(read::<Option<Vec<i32>>>(&(-5i32).to_be_bytes(), PLAIN), Ok(None));
    assert_eq!(read::<Option<String>>(&(-5i16).to_be_bytes(), PLAIN), Ok(None));
    assert_eq!(read::<String>(&(-1i16).to_be_bytes(), PLAIN), Err(Problem::Null));
    assert_eq!(read::<Vec<i32>>(&(-1i32).to_be_bytes(), PLAIN), Err(Problem::Null));
    assert_eq!(
        read::<Option<String>>(&[0], At { nullable: false, ..FLEXIBLE }),
        Err(Problem::Null),
        "null where this version does not allow it"
    );
}

#[test]
fn counts_and_lengths_are_checked_against_the_remaining_bytes() {
    let count = |count: i32, rest: usize| [&count.to_be_bytes()[..], &vec![0; rest]].concat();
    assert_eq!(read::<Vec<i64>>(&count(2, 15), PLAIN), Err(Problem::Length(2)));
    assert_eq!(read::<Vec<i64>>(&count(2, 16), PLAIN), Ok(vec![0, 0]));
    assert_eq!(read::<Vec<String>>(&count(i32::MAX, 8), PLAIN), Err(Problem::Length(i32::MAX.into())));
    assert_eq!(read::<Bytes>(&count(9, 8), PLAIN), Err(Problem::Truncated { needed: 9, remaining: 8 }));
    assert_eq!(read::<String>(&[0x81, 0x80, 0x02], FLEXIBLE), Err(Problem::Length(32768)), "longer than any");
    assert_eq!(read::<Bytes>(&[0xff, 0xff, 0xff, 0xff, 0x0f], FLEXIBLE), Err(Problem::Length(0xffff_fffe)));
}

#[test]
fn unknown_tagged_fields_are_passed_over_and_bounded() {
    let mut input = Reader::new(Bytes::from_static(&[2, 7, 2, 1, 1, 9, 1, 5, 42]));
    let mut nine = None;
    let known = |tag, field: &mut Reader| {
        if tag == 9 {
            nine = Some(field.i8()?);
        }
        Ok(())
    };
    assert_eq!(input.tagged_fields(known), Ok(()));
    assert_eq!((nine, input.remaining()), (Some(5), 1));

    let mut endless = Reader::new(Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0]));
    assert!(endless.tagged_fields(|_, _| Ok(())).is_err());
    let mut long = Reader::new(Bytes::from_static(&[1, 1, 0xff, 0xff, 0x03]));
    assert!(long.tagged_fields(|_, _| Ok(())).is_err());
}

#[test]
fn records_are_spliced_and_the_frame_knows_its_length() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"..0123456789").unwrap();
    let slice = FileSlice { file: Arc::new(file), position: 2, length: 10 };
    let large = Bytes::from(vec![7; 5000]);
    let mut out = Writer::framed();
    out.i16(1);
    out.records(&Records::File(slice));
    out.records(&Records::Memory(Bytes::from_static(b"few")));
    out.records(&Records::Memory(large.clone()));
    out.i8(2);
    assert_eq!(out.len(), 4 + 2 + 10 + 3 + 5000 + 1);
    let pieces = out.finish();
    assert!(matches!(pieces[1], Records::File(_)));
    assert!(matches!(&pieces[3], Records::Memory(it) if it.as_ptr() == large.as_ptr()), "shared, not copied");
    let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.read().unwrap()).collect();
    assert_eq!(whole[..4], 5016i32.to_be_bytes());
    assert_eq!(whole[4..19], *b"\0\x010123456789few");
    assert_eq!(whole.len(), 5020);
}
