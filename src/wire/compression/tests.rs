use super::*;

fn text() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect()
}

/// The text as clients of format 0 compress it.
fn compress_v0(codec: Compression) -> Vec<u8> {
    let mut compressed = codec.compress(&text()).expect("compressed");
    codec.finish_v0(&mut compressed);
    compressed
}

#[test]
fn codecs_read_back_what_they_wrote() {
    for codec in Compression::ALL {
        let compressed = codec.compress(&text()).expect("compressed").into();
        assert_eq!(codec.decompress(2, &compressed, 1 << 20).expect("decompressed"), text(), "{codec:?}");
        let compressed = compress_v0(codec).into();
        assert_eq!(
            codec.decompress(0, &compressed, 1 << 20).expect("decompressed"),
            text(),
            "{codec:?} in format 0"
        );
    }
}

#[test]
fn format_0_has_its_own_lz4_checksum() {
    let right = Compression::Lz4.compress(&text()).expect("compressed");
    let format_0: Bytes = compress_v0(Compression::Lz4).into();
    assert_ne!(right[..7], format_0[..7]);
    assert!(Compression::Lz4.decompress(2, &format_0, 1 << 20).is_err());
    assert_eq!(right[7..], format_0[7..]);
}

#[test]
fn raw_snappy_is_read_too() {
    let raw = snap::raw::Encoder::new().compress_vec(&text()).expect("compressed").into();
    assert_eq!(Compression::Snappy.decompress(2, &raw, 1 << 20).expect("decompressed"), text());
}

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0; 10 << 20];
    for codec in &Compression::ALL[1..] {
        let bomb = codec.compress(&zeros).expect("compressed").into();
        assert_eq!(codec.decompress(2, &bomb, 1 << 20), Err(BatchError::TooLarge(1 << 20)), "{codec:?}");
    }
    // Claims 4 GiB in six bytes.
    assert!(
        Compression::Snappy
            .decompress(2, &Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0]), usize::MAX)
            .is_err()
    );
}

#[test]
fn incomplete_streams_are_errors() {
    for codec in &Compression::ALL[1..] {
        let whole = codec.compress(&text()).expect("compressed");
        let incomplete = Bytes::copy_from_slice(&whole[..whole.len() / 2]);
        assert!(codec.decompress(2, &incomplete, 1 << 20).is_err(), "{codec:?}");
    }
}

/// A frame around one block.
fn lz4_frame(block: &[u8]) -> Bytes {
    [&lz4::HEADER[..], &(block.len() as u32).to_le_bytes(), block, &[0; 4]].concat().into()
}

#[test]
fn damaged_lz4_blocks_are_read_or_refused_as_liblz4_does() {
    let unpack = |block: &[u8]| Compression::Lz4.decompress(2, &lz4_frame(block), 1 << 20);
    // A literal, a match of four bytes at distance 1, five literals.
    assert_eq!(unpack(b"\x10a\x01\x00\x50hello").expect("sound"), "aaaaahello");
    // A match at distance 0 is read, as zeros.
    assert_eq!(unpack(b"\x10a\x00\x00\x50hello").expect("read"), "a\0\0\0\0hello");
    // Only the last five bytes may follow the last match.
    assert!(unpack(b"\x10a\x01\x00\x40hell").is_err());
    // A match at a distance that lies before the block.
    assert!(unpack(b"\x10a\x02\x00\x50hello").is_err());
}

#[test]
fn lz4_frames_are_written_as_kafka_writes_them() {
    let sound = Compression::Lz4.compress(&[b'a'; 40]).expect("compressed");
    // One literal, a match of 34 bytes at distance 1, five literals.
    assert_eq!(sound, *lz4_frame(b"\x1fa\x01\x00\x0f\x50aaaaa"));
    let noise: Vec<u8> = (0..=255).collect();
    let stored = Compression::Lz4.compress(&noise).expect("compressed");
    assert_eq!(stored[7..11], (256 | lz4::STORED).to_le_bytes());
    assert_eq!(stored[11..267], noise);
    assert_eq!(stored[267..], [0; 4]);
}
