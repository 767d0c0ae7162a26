//! The streams of the codecs, framed by hand: as clients frame them, and in every odd way their formats know.

pub mod gzip;
pub mod lz4;
pub mod snappy;
pub mod zstandard;

use super::maker::{Focus, Maker};

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

    /// A stream that unpacks to these bytes, or is meant not to. `old_lz4` has LZ4's header checksum as clients of
    /// format 0 calculate it (KAFKA-3160).
    pub fn pack(self, plain: &[u8], old_lz4: bool, maker: &mut Maker) -> Vec<u8> {
        let odd = maker.is_odd(Focus::Framing);
        if odd && self != Self::None && maker.once_in(12) {
            maker.note("not-this-codec");
            let others: Vec<_> = Self::ALL.into_iter().filter(|other| *other != self).collect();
            let other = *maker.one(&others);
            return other.pack_as(plain, old_lz4, false, maker);
        }
        self.pack_as(plain, old_lz4, odd, maker)
    }

    fn pack_as(self, plain: &[u8], old_lz4: bool, odd: bool, maker: &mut Maker) -> Vec<u8> {
        match self {
            Self::None => plain.to_vec(),
            Self::Gzip => gzip::pack(plain, odd, maker),
            Self::Snappy => snappy::pack(plain, odd, maker),
            Self::Lz4 => lz4::pack(plain, old_lz4, odd, maker),
            Self::Zstd => zstandard::pack(plain, odd, maker),
        }
    }

    /// What a broker's own stream of this codec unpacks to; None where it is none.
    pub fn unpack(self, packed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::None => Some(packed.to_vec()),
            Self::Gzip => gzip::unpack(packed),
            Self::Snappy => snappy::unpack(packed),
            Self::Lz4 => lz4::unpack(packed),
            Self::Zstd => zstd::decode_all(packed).ok(),
        }
    }
}
