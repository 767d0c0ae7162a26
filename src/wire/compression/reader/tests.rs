use std::io::Write;

use super::*;

fn text() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect()
}

fn packed(codec: Compression) -> Vec<u8> {
    codec.compress(&text()).expect("compressed")
}

/// All that can be read of a stream, and how it ends.
fn read(codec: Compression, input: impl Into<Bytes>) -> (Vec<u8>, Result<(), StreamError>) {
    let mut reader = match Decompressor::new(codec, 2, input.into()) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut out = Vec::new();
    loop {
        match reader.fill(1) {
            Ok(true) => {
                out.extend_from_slice(reader.unread());
                reader.consume(usize::MAX);
            }
            end => return (out, end.map(drop)),
        }
    }
}

fn is_read(codec: Compression, input: Vec<u8>) {
    let (out, end) = read(codec, input);
    assert_eq!(end, Ok(()));
    assert!(out == text());
}

#[test]
fn a_read_takes_what_is_asked_for() {
    for codec in &Compression::ALL {
        let mut reader = Decompressor::new(*codec, 2, packed(*codec).into()).expect("a stream");
        assert_eq!(reader.fill(150_000), Ok(true));
        assert_eq!(reader.unread()[..150_000], text()[..150_000], "{codec:?}");
        reader.consume(150_000);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).expect("the rest");
        assert!(rest == text()[150_000..], "{codec:?}");
        assert_eq!(reader.fill(1), Ok(false));
    }
}

#[test]
fn gzip_members_follow_each_other_and_what_is_none_is_ignored() {
    let member = |part: &[u8]| Compression::Gzip.compress(part).expect("compressed");
    let (a, b) = (member(&text()[..1000]), member(&text()[1000..]));
    is_read(Compression::Gzip, [&a[..], &b].concat());
    is_read(Compression::Gzip, [&packed(Compression::Gzip)[..], &[7; 5000]].concat());
    // Not more than a trailer, a header and a trailer: Java does not check for another member.
    let short = &member(b"")[..18];
    is_read(Compression::Gzip, [&packed(Compression::Gzip)[..], short].concat());
}

#[test]
fn a_gzip_trailer_is_looked_at() {
    let whole = packed(Compression::Gzip);
    let (out, end) = read(Compression::Gzip, whole[..whole.len() - 8].to_vec());
    assert!(out == text());
    assert_eq!(end, Err(StreamError::Ended));
    for at in [8, 1] {
        let mut odd = whole.clone();
        let at = odd.len() - at;
        odd[at] ^= 1;
        assert_eq!(read(Compression::Gzip, odd).1, Err(StreamError::Broken("Corrupt GZIP trailer".into())));
    }
}

#[test]
fn a_distance_before_the_stream_is_an_error() {
    // A stored block of one byte, then a match of three bytes two bytes back: one byte more than there is.
    // Earlier content of the inflater's window must not come out.
    is_read(Compression::Gzip, packed(Compression::Gzip));
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let deflate = [0b0000_0000, 1, 0, 0xfe, 0xff, b'a', 0b0000_0011, 0b0010_0010, 0, 0, 0, 0];
    let (out, end) = read(Compression::Gzip, [&header[..], &deflate].concat());
    assert_eq!(out, b"");
    assert!(end.is_err());
}

#[test]
fn snappy_headers_come_again() {
    let whole = packed(Compression::Snappy);
    is_read(Compression::Snappy, [&whole[..16], &whole[..]].concat());
    is_read(Compression::Snappy, [&whole[..], &[0, 0, 1]].concat());
    assert!(read(Compression::Snappy, [&whole[..], &[0, 0, 0, 9]].concat()).1.is_err());
    assert!(read(Compression::Snappy, Vec::new()).1.is_err());
}

fn lz4(flags: u8, blocks: &[&[u8]], end: &[u8]) -> Vec<u8> {
    let mut frame = packed(Compression::Lz4)[..7].to_vec();
    frame[4] = flags;
    // The checksum of such a header, as the reference implementation writes it.
    frame[6] = match flags {
        0x60 => 0x82,
        0x64 => 0xa7,
        0x40 => 0xc0,
        _ => 0xfb,
    };
    for block in blocks {
        frame.extend_from_slice(&(block.len() as u32 | 0x8000_0000).to_le_bytes());
        frame.extend_from_slice(block);
    }
    [&frame[..], end].concat()
}

#[test]
fn lz4_is_one_frame_of_independent_blocks() {
    let read = |frame| read(Compression::Lz4, frame);
    assert_eq!(read(lz4(0x60, &[b"ab", b"c"], &[0; 4])), (b"abc".to_vec(), Ok(())));
    // Neither the bytes after the frame nor the content's checksum are verified; it only has to be there.
    assert_eq!(read(lz4(0x60, &[b"ab"], &[0, 0, 0, 0, 9, 9])), (b"ab".to_vec(), Ok(())));
    assert_eq!(read(lz4(0x64, &[b"ab"], &[0, 0, 0, 0, 9, 9, 9, 9])), (b"ab".to_vec(), Ok(())));
    assert_eq!(read(lz4(0x64, &[b"ab"], &[0; 6])), (b"ab".to_vec(), Err(StreamError::Underflow)));
    let dependent = Err(StreamError::Broken("Dependent block stream is unsupported".into()));
    assert_eq!(read(lz4(0x40, &[b"ab"], &[0; 4])), (Vec::new(), dependent));
    assert!(read(lz4(0x60, &[b"ab"], &[])).1.is_err());
    let mut wrong = lz4(0x60, &[b"ab"], &[0; 4]);
    wrong[6] ^= 1;
    assert!(read(wrong).1.is_err());
}

#[test]
fn zstd_frames_follow_each_other() {
    let frame = |part: &[u8]| zstd::bulk::compress(part, 3).expect("compressed");
    let (a, b) = (frame(&text()[..1000]), frame(&text()[1000..]));
    is_read(Compression::Zstd, [&a[..], &b].concat());
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    is_read(Compression::Zstd, [&skippable[..], &a, &b].concat());
    is_read(Compression::Zstd, [&packed(Compression::Zstd)[..], &[1, 2, 3]].concat());
    assert!(read(Compression::Zstd, [&packed(Compression::Zstd)[..], &[1; 9]].concat()).1.is_err());
    assert!(read(Compression::Zstd, a[..a.len() - 1].to_vec()).1.is_err());
}

#[test]
fn what_lies_before_the_damage_is_read() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.include_checksum(true).expect("a checksum");
    encoder.write_all(&text()).expect("written");
    let mut odd = encoder.finish().expect("a frame");
    let last = odd.len() - 1;
    odd[last] ^= 1;
    let (out, end) = read(Compression::Zstd, odd);
    // All but the byte with which the last block is returned, as in Kafka.
    assert!(out == text()[..text().len() - 1], "{}", out.len());
    assert!(end.is_err());
}
