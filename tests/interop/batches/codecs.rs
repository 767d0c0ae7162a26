//! The streams of the codecs, framed by hand: as clients frame them, and in every odd way their formats know.

mod gzip;
mod lz4;
mod snappy;
mod zstandard;

use super::maker::{Focus, Maker};
use crate::support::batches::codec::Codec;

/// A stream that unpacks to these bytes, or is meant not to. `old_lz4` has LZ4's header checksum as clients of
/// format 0 calculate it (KAFKA-3160).
pub fn pack(codec: Codec, plain: &[u8], old_lz4: bool, maker: &mut Maker) -> Vec<u8> {
    let odd = maker.is_odd(Focus::Framing);
    if odd && codec != Codec::None && maker.once_in(12) {
        maker.note("not-this-codec");
        let others: Vec<_> = Codec::ALL.into_iter().filter(|other| *other != codec).collect();
        let other = *maker.one(&others);
        return pack_as(other, plain, old_lz4, false, maker);
    }
    pack_as(codec, plain, old_lz4, odd, maker)
}

fn pack_as(codec: Codec, plain: &[u8], old_lz4: bool, odd: bool, maker: &mut Maker) -> Vec<u8> {
    match codec {
        Codec::None => plain.to_vec(),
        Codec::Gzip => gzip::pack(plain, odd, maker),
        Codec::Snappy => snappy::pack(plain, odd, maker),
        Codec::Lz4 => lz4::pack(plain, old_lz4, odd, maker),
        Codec::Zstd => zstandard::pack(plain, odd, maker),
    }
}
