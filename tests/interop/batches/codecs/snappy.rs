//! Snappy in the frame of its library for Java: a header, then chunks behind their lengths.

use super::Maker;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// How many bytes a chunk of Java's client unpacks to.
const CHUNK: usize = 32 << 10;

const ODD: [&str; 20] = [
    "snappy-small-chunks",
    "snappy-one-chunk",
    "snappy-version",
    "snappy-compatible-version",
    "snappy-header-again",
    "snappy-header-at-the-end",
    "snappy-no-header",
    "snappy-empty-chunk",
    "snappy-chunk-of-nothing",
    "snappy-length-lies",
    "snappy-length-negative",
    "snappy-length-huge",
    "snappy-short",
    "snappy-noise-after",
    "snappy-zeros-after",
    "snappy-header-only",
    "snappy-header-short",
    "snappy-size-lies",
    "snappy-flip",
    "snappy-magic",
];

fn header(version: i32, compatible: i32) -> Vec<u8> {
    [&MAGIC[..], &version.to_be_bytes(), &compatible.to_be_bytes()].concat()
}

fn block(plain: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(plain).unwrap()
}

fn chunk(block: &[u8]) -> Vec<u8> {
    [&(block.len() as i32).to_be_bytes()[..], block].concat()
}

fn framed(plain: &[u8], size: usize) -> Vec<u8> {
    let chunks = plain.chunks(size).map(|part| chunk(&block(part)));
    std::iter::once(header(1, 1)).chain(chunks).collect::<Vec<_>>().concat()
}

/// The stream of these bytes.
pub fn pack(plain: &[u8], odd: bool, maker: &mut Maker) -> Vec<u8> {
    let mut packed = framed(plain, CHUNK);
    if !odd {
        return packed;
    }
    let name = *maker.one(&ODD);
    maker.note(name);
    let (length, at) = (packed.len(), maker.rng.usize(..=plain.len()));
    match name {
        "snappy-small-chunks" => packed = framed(plain, maker.rng.usize(1..64)),
        "snappy-one-chunk" => packed = framed(plain, usize::MAX),
        "snappy-version" => {
            packed[8..12].copy_from_slice(&maker.one::<i32>(&[0, 2, -1, i32::MAX]).to_be_bytes())
        }
        "snappy-compatible-version" => {
            packed[12..16].copy_from_slice(&maker.one::<i32>(&[0, 2, -1, i32::MAX]).to_be_bytes());
        }
        "snappy-header-again" => packed = [framed(&plain[..at], CHUNK), framed(&plain[at..], CHUNK)].concat(),
        "snappy-header-at-the-end" => packed.extend(header(1, 1)),
        "snappy-no-header" => packed = block(plain),
        "snappy-empty-chunk" => {
            let place = *maker.one(&[16, length]);
            packed.splice(place..place, [0; 4]);
        }
        "snappy-chunk-of-nothing" => {
            let place = *maker.one(&[16, length]);
            packed.splice(place..place, [0, 0, 0, 1, 0]);
        }
        "snappy-length-lies" if length > 20 => {
            let by = *maker.one(&[-2, -1, 1, 2, 100]);
            let lie = i32::from_be_bytes(packed[16..20].try_into().unwrap()) + by;
            packed[16..20].copy_from_slice(&lie.to_be_bytes());
        }
        "snappy-length-negative" if length > 20 => {
            packed[16..20].copy_from_slice(&maker.one::<i32>(&[-1, -2, i32::MIN]).to_be_bytes());
        }
        "snappy-length-huge" if length > 20 => {
            packed[16..20].copy_from_slice(&maker.one::<i32>(&[1 << 20, 100 << 20]).to_be_bytes());
        }
        "snappy-short" => packed.truncate(maker.rng.usize(16..=length)),
        "snappy-noise-after" => {
            let count = maker.rng.usize(1..30);
            packed.extend(maker.noise(count));
        }
        "snappy-zeros-after" => packed.extend(vec![0; maker.rng.usize(1..30)]),
        "snappy-header-only" => packed.truncate(16),
        "snappy-header-short" => packed.truncate(maker.rng.usize(..16)),
        "snappy-size-lies" if length > 20 => packed[20] = packed[20].wrapping_add(*maker.one(&[1, 0xff, 5])),
        "snappy-flip" if length > 21 => maker.flip(&mut packed[20..]),
        _ => maker.flip(&mut packed[..8]),
    }
    packed
}
