//! Zstandard's frames: several of them, skippable ones, checksums, sizes, dictionaries, ends missing, and
//! what may follow.

use zstd::zstd_safe::{CCtx, CParameter};

use super::Maker;

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

const ODD: [&str; 26] = [
    "zstd-two-frames",
    "zstd-empty-frame-after",
    "zstd-empty-frame-before",
    "zstd-skippable-before",
    "zstd-skippable-after",
    "zstd-skippable-only",
    "zstd-skippable-short",
    "zstd-checksum",
    "zstd-checksum-wrong",
    "zstd-checksum-short",
    "zstd-size-told",
    "zstd-size-wrong",
    "zstd-short",
    "zstd-noise-after",
    "zstd-zeros-after",
    "zstd-second-frame-short",
    "zstd-dictionary",
    "zstd-raw-block",
    "zstd-run-block",
    "zstd-reserved-block",
    "zstd-window-huge",
    "zstd-window-large",
    "zstd-reserved-bit",
    "zstd-magic",
    "zstd-flip",
    "zstd-nothing",
];

/// A frame of the library's; `size` has it name its size.
fn frame(plain: &[u8], size: bool, checksum: bool) -> Vec<u8> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(3)).unwrap();
    context.set_parameter(CParameter::ContentSizeFlag(size)).unwrap();
    context.set_parameter(CParameter::ChecksumFlag(checksum)).unwrap();
    let mut packed = Vec::with_capacity(zstd::zstd_safe::compress_bound(plain.len()) + 32);
    context.compress2(&mut packed, plain).unwrap();
    packed
}

/// A frame by hand: its descriptor, what follows that, and one block of this type.
fn by_hand(descriptor: &[u8], kind: u32, size: usize, block: &[u8]) -> Vec<u8> {
    let header = 1 | kind << 1 | (size as u32) << 3;
    [&MAGIC[..], descriptor, &header.to_le_bytes()[..3], block].concat()
}

fn skippable(content: &[u8]) -> Vec<u8> {
    let length = content.len() as u32;
    [&0x184d_2a53_u32.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
}

/// The stream of these bytes.
pub fn pack(plain: &[u8], odd: bool, maker: &mut Maker) -> Vec<u8> {
    let mut packed = frame(plain, false, false);
    if !odd {
        return packed;
    }
    let name = *maker.one(&ODD);
    maker.note(name);
    let at = maker.rng.usize(..=plain.len());
    let is_small = plain.len() < 100_000;
    match name {
        "zstd-two-frames" => packed = [&plain[..at], &plain[at..]].map(|it| frame(it, true, false)).concat(),
        "zstd-empty-frame-after" => packed.extend(frame(&[], maker.rng.bool(), false)),
        "zstd-empty-frame-before" => packed = [frame(&[], maker.rng.bool(), false), packed].concat(),
        "zstd-skippable-before" => packed = [skippable(b"skipped"), packed].concat(),
        "zstd-skippable-after" => packed.extend(skippable(b"skipped")),
        "zstd-skippable-only" => packed = skippable(b"skipped"),
        "zstd-skippable-short" => packed.extend(&skippable(b"skipped")[..maker.rng.usize(1..12)]),
        "zstd-checksum" => packed = frame(plain, maker.rng.bool(), true),
        "zstd-checksum-wrong" => {
            packed = frame(plain, maker.rng.bool(), true);
            let length = packed.len();
            maker.flip(&mut packed[length - 4..]);
        }
        "zstd-checksum-short" => {
            packed = frame(plain, maker.rng.bool(), true);
            packed.truncate(packed.len() - maker.rng.usize(1..=4));
        }
        "zstd-size-told" => packed = frame(plain, true, false),
        "zstd-size-wrong" => {
            packed = frame(plain, true, false);
            packed[5] = packed[5].wrapping_add(*maker.one(&[1, 0xff, 9]));
        }
        "zstd-short" => packed.truncate(maker.rng.usize(..packed.len())),
        "zstd-noise-after" => {
            let count = maker.rng.usize(1..30);
            packed.extend(maker.noise(count));
        }
        "zstd-zeros-after" => packed.extend(vec![0; maker.rng.usize(1..30)]),
        "zstd-second-frame-short" => {
            let second = frame(b"more of it", true, false);
            packed.extend(&second[..maker.rng.usize(1..second.len())]);
        }
        "zstd-dictionary" => {
            packed[4] |= 1;
            packed.insert(6, 7);
        }
        "zstd-raw-block" if is_small => packed = by_hand(&[0, 0x58], 0, plain.len(), plain),
        "zstd-run-block" => packed = by_hand(&[0, 0x58], 1, at.min(100_000), b"r"),
        "zstd-reserved-block" if is_small => packed = by_hand(&[0, 0x58], 3, plain.len(), plain),
        "zstd-window-huge" if is_small => packed = by_hand(&[0, 0xf8], 0, plain.len(), plain),
        "zstd-window-large" if is_small => {
            let window = *maker.one(&[0x68, 0x80, 0x88, 0x89, 0x90]);
            packed = by_hand(&[0, window], 0, plain.len(), plain);
        }
        "zstd-reserved-bit" => packed[4] |= 8,
        "zstd-magic" => maker.flip(&mut packed[..4]),
        "zstd-flip" => maker.flip(&mut packed[4..]),
        _ => packed.clear(),
    }
    packed
}
