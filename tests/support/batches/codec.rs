//! The codecs, and what streams that brokers made themselves unpack to.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// The bit of LZ4's block lengths that stands for a block that is not compressed.
const UNCOMPRESSED: u32 = 1 << 31;

/// A codec, as the lowest bits of a batch's attributes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not compressed.
    None,
    /// DEFLATE in gzip's frame.
    Gzip,
    /// Snappy's blocks in the frame of its library for Java.
    Snappy,
    /// LZ4's frames.
    Lz4,
    /// Zstandard's frames.
    Zstd,
}

impl Codec {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Its number in attributes.
    pub fn id(self) -> u8 {
        self as u8
    }

    /// The codec that attributes name.
    pub fn named_by(attributes: u8) -> Option<Self> {
        Self::ALL.get(usize::from(attributes & 7)).copied()
    }

    /// What a broker's own stream of this codec unpacks to; None where it is none.
    pub fn unpack(self, packed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::None => Some(packed.to_vec()),
            Self::Gzip => gzip(packed),
            Self::Snappy => snappy(packed),
            Self::Lz4 => lz4(packed),
            Self::Zstd => zstd::decode_all(packed).ok(),
        }
    }
}

fn gzip(packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut plain).ok()?;
    Some(plain)
}

fn snappy(packed: &[u8]) -> Option<Vec<u8>> {
    let mut rest = packed.get(16..)?;
    let mut plain = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        plain.extend(snap::raw::Decoder::new().decompress_vec(after.get(..length)?).ok()?);
        rest = &after[length..];
    }
    rest.is_empty().then_some(plain)
}

/// One frame of independent blocks without checksums of blocks.
fn lz4(packed: &[u8]) -> Option<Vec<u8>> {
    let mut rest = packed.get(7..)?;
    let mut plain = Vec::new();
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length);
        if length == 0 {
            return Some(plain);
        }
        let (block, after) = after.split_at_checked((length & !UNCOMPRESSED) as usize)?;
        if length & UNCOMPRESSED == 0 {
            plain.extend(lz4::block::decompress(block, Some(4 << 20)).ok()?);
        } else {
            plain.extend(block);
        }
        rest = after;
    }
}
