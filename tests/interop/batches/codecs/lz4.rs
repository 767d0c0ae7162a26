//! LZ4's frames: every flag and block size, checksums right and wrong, ends missing, and what may follow.

use super::Maker;

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
const VERSION: u8 = 0x40;
const INDEPENDENT: u8 = 0x20;
const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_SIZE: u8 = 8;
const CONTENT_CHECKSUM: u8 = 4;
const RESERVED: u8 = 2;
const DICTIONARY: u8 = 1;
const UNCOMPRESSED: u32 = 1 << 31;

const ODD: [&str; 33] = [
    "lz4-block-size",
    "lz4-small-blocks",
    "lz4-linked",
    "lz4-linked-blocks",
    "lz4-block-checksum",
    "lz4-block-checksum-wrong",
    "lz4-content-checksum",
    "lz4-content-checksum-wrong",
    "lz4-content-checksum-missing",
    "lz4-content-size",
    "lz4-content-size-wrong",
    "lz4-dictionary",
    "lz4-reserved",
    "lz4-version",
    "lz4-block-size-odd",
    "lz4-header-checksum-wrong",
    "lz4-header-checksum-of-3160",
    "lz4-no-end",
    "lz4-end-short",
    "lz4-two-frames",
    "lz4-skippable-after",
    "lz4-noise-after",
    "lz4-zeros-after",
    "lz4-uncompressed",
    "lz4-block-larger",
    "lz4-block-length-lies",
    "lz4-block-length-huge",
    "lz4-block-flip",
    "lz4-header-only",
    "lz4-short",
    "lz4-magic",
    "lz4-legacy-magic",
    "lz4-everything",
];

/// How a frame is made.
struct Frame {
    flags: u8,
    block_size: u8,
    chunk: usize,
    compressed: bool,
    /// The header's checksum covers the magic number too, as clients of format 0 have it.
    old_checksum: bool,
    size: Option<u64>,
    has_end: bool,
}

impl Frame {
    fn plain(old_checksum: bool) -> Self {
        Self {
            flags: VERSION | INDEPENDENT,
            block_size: 4,
            chunk: 64 << 10,
            compressed: true,
            old_checksum,
            size: None,
            has_end: true,
        }
    }

    fn header(&self, plain: &[u8]) -> Vec<u8> {
        let mut header = [&MAGIC[..], &[self.flags, self.block_size << 4]].concat();
        if self.flags & CONTENT_SIZE != 0 {
            header.extend(self.size.unwrap_or(plain.len() as u64).to_le_bytes());
        }
        if self.flags & DICTIONARY != 0 {
            header.extend(7_u32.to_le_bytes());
        }
        let covered = if self.old_checksum { &header[..] } else { &header[4..] };
        header.push((xxh32(covered) >> 8) as u8);
        header
    }

    fn around(&self, plain: &[u8]) -> Vec<u8> {
        let mut frame = self.header(plain);
        for part in plain.chunks(self.chunk) {
            let packed = lz4_flex::block::compress(part);
            let (length, block) = if self.compressed && packed.len() < part.len() {
                (packed.len() as u32, packed)
            } else {
                (part.len() as u32 | UNCOMPRESSED, part.to_vec())
            };
            frame.extend(length.to_le_bytes());
            frame.extend(&block);
            if self.flags & BLOCK_CHECKSUM != 0 {
                frame.extend(xxh32(&block).to_le_bytes());
            }
        }
        if self.has_end {
            frame.extend([0; 4]);
        }
        if self.flags & CONTENT_CHECKSUM != 0 {
            frame.extend(xxh32(plain).to_le_bytes());
        }
        frame
    }
}

/// Blocks of which the second refers to the first.
fn linked(plain: &[u8], frame: &Frame) -> Vec<u8> {
    let half = plain.len() / 2;
    let mut packed = frame.header(plain);
    let first = lz4_flex::block::compress(&plain[..half]);
    let second = lz4_flex::block::compress_with_dict(&plain[half..], &plain[..half]);
    for block in [first, second] {
        packed.extend((block.len() as u32).to_le_bytes());
        packed.extend(block);
    }
    packed.extend([0; 4]);
    packed
}

/// The stream of these bytes.
pub fn pack(plain: &[u8], old_checksum: bool, odd: bool, maker: &mut Maker) -> Vec<u8> {
    let mut frame = Frame::plain(old_checksum);
    if !odd {
        return frame.around(plain);
    }
    let name = *maker.one(&ODD);
    maker.note(name);
    match name {
        "lz4-block-size" => frame.block_size = *maker.one(&[5, 6, 7]),
        "lz4-block-size-odd" => frame.block_size = *maker.one(&[0, 1, 3, 8, 12, 15]),
        "lz4-small-blocks" => frame.chunk = maker.rng.usize(1..100),
        "lz4-linked" => frame.flags &= !INDEPENDENT,
        "lz4-block-checksum" | "lz4-block-checksum-wrong" => frame.flags |= BLOCK_CHECKSUM,
        "lz4-content-checksum" | "lz4-content-checksum-wrong" | "lz4-content-checksum-missing" => {
            frame.flags |= CONTENT_CHECKSUM;
        }
        "lz4-content-size" => frame.flags |= CONTENT_SIZE,
        "lz4-content-size-wrong" => {
            frame.flags |= CONTENT_SIZE;
            frame.size = Some(*maker.one(&[0, 1, plain.len() as u64 + 1, u64::MAX]));
        }
        "lz4-dictionary" => frame.flags |= DICTIONARY,
        "lz4-reserved" => frame.flags |= RESERVED,
        "lz4-version" => frame.flags ^= *maker.one(&[0x40, 0x80, 0xc0]),
        "lz4-header-checksum-of-3160" => frame.old_checksum = !old_checksum,
        "lz4-no-end" => frame.has_end = false,
        "lz4-uncompressed" => frame.compressed = false,
        "lz4-block-larger" => (frame.compressed, frame.chunk) = (false, 100 << 10),
        "lz4-everything" => {
            frame.flags |= BLOCK_CHECKSUM | CONTENT_CHECKSUM | CONTENT_SIZE;
            frame.block_size = 7;
        }
        _ => {}
    }
    let long = [plain, &vec![b'l'; 70 << 10]].concat();
    let plain = if name == "lz4-block-larger" { &long[..] } else { plain };
    let mut packed = frame.around(plain);
    let (length, header) = (packed.len(), frame.header(plain).len());
    match name {
        "lz4-linked-blocks" => packed = linked(plain, &frame),
        "lz4-block-checksum-wrong" if length > header + 8 => maker.flip(&mut packed[length - 8..length - 4]),
        "lz4-content-checksum-wrong" => maker.flip(&mut packed[length - 4..]),
        "lz4-content-checksum-missing" => packed.truncate(length - 4),
        "lz4-header-checksum-wrong" => maker.flip(&mut packed[header - 1..header]),
        "lz4-end-short" => packed.truncate(length - maker.rng.usize(1..4)),
        "lz4-two-frames" => {
            let at = maker.rng.usize(..=plain.len());
            packed = [frame.around(&plain[..at]), frame.around(&plain[at..])].concat();
        }
        "lz4-skippable-after" => packed.extend([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]),
        "lz4-noise-after" => {
            let count = maker.rng.usize(1..30);
            packed.extend(maker.noise(count));
        }
        "lz4-zeros-after" => packed.extend(vec![0; maker.rng.usize(1..30)]),
        "lz4-block-length-lies" if length > header + 8 => {
            packed[header] = packed[header].wrapping_add(*maker.one(&[1, 0xff, 7]));
        }
        "lz4-block-length-huge" if length > header + 8 => {
            packed[header..header + 4].copy_from_slice(&maker.one(&[1_u32 << 30, u32::MAX]).to_le_bytes());
        }
        "lz4-block-flip" if length > header + 8 => maker.flip(&mut packed[header + 4..length - 4]),
        "lz4-header-only" => packed.truncate(header),
        "lz4-short" => packed.truncate(maker.rng.usize(..length)),
        "lz4-magic" => maker.flip(&mut packed[..4]),
        "lz4-legacy-magic" => packed[..4].copy_from_slice(&0x184c_2102_u32.to_le_bytes()),
        _ => {}
    }
    packed
}

/// xxHash's checksum of 32 bits with seed 0.
fn xxh32(bytes: &[u8]) -> u32 {
    const P: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let stripes = bytes.chunks_exact(16);
    let mut rest = stripes.remainder();
    let mut sum = if bytes.len() < 16 {
        P[4]
    } else {
        let mut lanes = [P[0].wrapping_add(P[1]), P[1], 0, 0_u32.wrapping_sub(P[0])];
        for stripe in stripes {
            for (lane, part) in lanes.iter_mut().zip(stripe.chunks_exact(4)) {
                let mixed = lane.wrapping_add(word(part).wrapping_mul(P[1]));
                *lane = mixed.rotate_left(13).wrapping_mul(P[0]);
            }
        }
        let turns = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, by)| lane.rotate_left(by));
        turns.fold(0, u32::wrapping_add)
    };
    sum = sum.wrapping_add(bytes.len() as u32);
    while let Some((part, after)) = rest.split_at_checked(4) {
        sum = sum.wrapping_add(word(part).wrapping_mul(P[2])).rotate_left(17).wrapping_mul(P[3]);
        rest = after;
    }
    for byte in rest {
        sum = sum.wrapping_add(u32::from(*byte).wrapping_mul(P[4])).rotate_left(11).wrapping_mul(P[0]);
    }
    sum = (sum ^ (sum >> 15)).wrapping_mul(P[1]);
    sum = (sum ^ (sum >> 13)).wrapping_mul(P[2]);
    sum ^ (sum >> 16)
}
