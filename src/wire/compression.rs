//! The codecs of compressed batches: gzip, snappy in xerial's framing, LZ4 frames, zstd.
//!
//! Decompressing is always bounded by a limit the caller gives, and nothing is allocated for sizes that input merely claims.
//! Kafka: `CompressionType`, `KafkaLZ4BlockInputStream` and `SnappyInputStream`.

use std::io::{Read, Write};
use std::str::FromStr;

use bytes::Bytes;

use super::batch::BatchError;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy blocks of 32 KiB behind xerial's header.
    Snappy,
    /// LZ4 frames with independent blocks of 64 KiB.
    Lz4,
    /// Zstandard; only in format 2 and for clients that know Produce 7 and Fetch 10.
    Zstd,
}

/// The header of xerial's framing: magic, version 1, compatible with version 1.
const XERIAL_HEADER: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];
/// What xerial's writer compresses at a time.
const XERIAL_BLOCK: usize = 32 << 10;
/// No snappy block expands more than this: a copy of 64 bytes takes 3.
const SNAPPY_MOST_EXPANSION: usize = 22;
const LZ4_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

impl Compression {
    /// All codecs, in the order of their ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec of an id in a batch's attributes (0 to 4); None for any other.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// Its id in a batch's attributes.
    pub fn id(self) -> u8 {
        self as u8
    }

    /// Its name in configs: `none`, `gzip`, `snappy`, `lz4`, `zstd`.
    pub fn name(self) -> &'static str {
        ["none", "gzip", "snappy", "lz4", "zstd"][usize::from(self.id())]
    }

    /// Compresses as Kafka's clients do, at their default levels.
    ///
    /// # Errors
    /// [`BatchError::Decompress`] with the codec's own words.
    pub fn compress(self, input: &[u8]) -> Result<Vec<u8>, BatchError> {
        match self {
            Self::None => Ok(input.to_vec()),
            Self::Gzip => gzip(input),
            Self::Snappy => snappy(input),
            Self::Lz4 => lz4(input),
            Self::Zstd => zstd::bulk::compress(input, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed),
        }
    }

    /// Decompresses up to `limit` bytes; without a codec the input itself comes back, uncopied and unlimited.
    ///
    /// # Errors
    /// [`BatchError::TooLarge`] beyond the limit, [`BatchError::InvalidRecord`] if the stream ends early, [`BatchError::Decompress`] if it makes no sense.
    pub fn decompress(self, input: &Bytes, limit: usize) -> Result<Bytes, BatchError> {
        match self {
            Self::None => Ok(input.clone()),
            Self::Gzip => read_up_to(flate2::read::MultiGzDecoder::new(&input[..]), limit),
            Self::Snappy => unsnappy(input, limit),
            Self::Lz4 => read_up_to(lz4_flex::frame::FrameDecoder::new(&input[..]), limit),
            Self::Zstd => read_up_to(
                zstd::stream::read::Decoder::new(&input[..]).map_err(failed)?.single_frame(),
                limit,
            ),
        }
    }

    /// As [`Compression::decompress`], for messages of format 0: their LZ4 frames carry a wrong header checksum, which is not looked at.
    ///
    /// # Errors
    /// As [`Compression::decompress`].
    pub fn decompress_v0(self, input: &Bytes, limit: usize) -> Result<Bytes, BatchError> {
        match self {
            Self::Lz4 => self.decompress(&with_lz4_checksum(input, Lz4Checksum::Right), limit),
            codec => codec.decompress(input, limit),
        }
    }

    /// As [`Compression::compress`], for messages of format 0: LZ4 frames with the header checksum that clients of that time expect.
    ///
    /// # Errors
    /// As [`Compression::compress`].
    pub fn compress_v0(self, input: &[u8]) -> Result<Vec<u8>, BatchError> {
        let compressed = self.compress(input)?;
        match self {
            Self::Lz4 => Ok(with_lz4_checksum(&compressed.into(), Lz4Checksum::AsInFormat0).to_vec()),
            _ => Ok(compressed),
        }
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|it| it.name() == name)
            .ok_or_else(|| format!("Unknown compression name: {name}"))
    }
}

fn gzip(input: &[u8]) -> Result<Vec<u8>, BatchError> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(input).map_err(failed)?;
    encoder.finish().map_err(failed)
}

fn lz4(input: &[u8]) -> Result<Vec<u8>, BatchError> {
    let info = lz4_flex::frame::FrameInfo::new()
        .block_size(lz4_flex::frame::BlockSize::Max64KB)
        .block_mode(lz4_flex::frame::BlockMode::Independent);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(input).map_err(failed)?;
    encoder.finish().map_err(failed)
}

fn snappy(input: &[u8]) -> Result<Vec<u8>, BatchError> {
    let mut out = XERIAL_HEADER.to_vec();
    let mut encoder = snap::raw::Encoder::new();
    for block in input.chunks(XERIAL_BLOCK) {
        let block = encoder.compress_vec(block).map_err(failed)?;
        out.extend_from_slice(&(block.len() as u32).to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(out)
}

fn unsnappy(input: &[u8], limit: usize) -> Result<Bytes, BatchError> {
    let mut out = Vec::new();
    if !input.starts_with(&XERIAL_HEADER[..8]) {
        unsnappy_block(input, &mut out, limit)?;
        return Ok(out.into());
    }
    let mut rest = input.get(XERIAL_HEADER.len()..).ok_or_else(ended_early)?;
    while !rest.is_empty() {
        // Concatenated streams bring their header again.
        if rest.starts_with(&XERIAL_HEADER[..8]) {
            rest = rest.get(XERIAL_HEADER.len()..).ok_or_else(ended_early)?;
            continue;
        }
        let (size, after) = rest.split_first_chunk::<4>().ok_or_else(ended_early)?;
        let (block, after) =
            after.split_at_checked(u32::from_be_bytes(*size) as usize).ok_or_else(ended_early)?;
        unsnappy_block(block, &mut out, limit)?;
        rest = after;
    }
    Ok(out.into())
}

fn unsnappy_block(block: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), BatchError> {
    let size = snap::raw::decompress_len(block).map_err(failed)?;
    if size > block.len().saturating_mul(SNAPPY_MOST_EXPANSION) {
        return Err(BatchError::Decompress(format!(
            "snappy: {size} bytes cannot come out of {}",
            block.len()
        )));
    }
    let start = out.len();
    if start + size > limit {
        return Err(BatchError::TooLarge(limit));
    }
    out.resize(start + size, 0);
    let written = snap::raw::Decoder::new().decompress(block, &mut out[start..]).map_err(failed)?;
    out.truncate(start + written);
    Ok(())
}

fn read_up_to(decoder: impl Read, limit: usize) -> Result<Bytes, BatchError> {
    let mut out = Vec::new();
    decoder.take(limit as u64 + 1).read_to_end(&mut out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ended_early(),
        _ => failed(error),
    })?;
    if out.len() > limit {
        return Err(BatchError::TooLarge(limit));
    }
    Ok(out.into())
}

fn failed(error: impl std::fmt::Display) -> BatchError {
    BatchError::Decompress(error.to_string())
}

fn ended_early() -> BatchError {
    BatchError::InvalidRecord("Incorrect declared batch size, premature EOF reached".into())
}

/// Over which bytes an LZ4 frame's header checksum goes.
enum Lz4Checksum {
    /// The descriptor, as the LZ4 specification says.
    Right,
    /// The magic too, as Kafka's clients did before format 1 (KAFKA-3160).
    AsInFormat0,
}

/// The frame with its header checksum written anew; input that is no LZ4 frame comes back as it was.
fn with_lz4_checksum(frame: &Bytes, which: Lz4Checksum) -> Bytes {
    let descriptor_end = match frame.get(4) {
        Some(flags) if frame.starts_with(&LZ4_MAGIC) => 6 + if flags & 8 != 0 { 8 } else { 0 },
        _ => return frame.clone(),
    };
    if frame.len() <= descriptor_end {
        return frame.clone();
    }
    let covered = match which {
        Lz4Checksum::Right => &frame[4..descriptor_end],
        Lz4Checksum::AsInFormat0 => &frame[..descriptor_end],
    };
    let checksum = (xxh32_short(covered) >> 8) as u8;
    let mut frame = frame.to_vec();
    frame[descriptor_end] = checksum;
    frame.into()
}

/// XXH32 with seed 0 of less than 16 bytes, which is all that a frame's header needs.
fn xxh32_short(input: &[u8]) -> u32 {
    const PRIMES: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];
    let mut hash = PRIMES[4].wrapping_add(input.len() as u32);
    let (words, bytes) = input.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIMES[2]));
        hash = hash.rotate_left(17).wrapping_mul(PRIMES[3]);
    }
    for byte in bytes {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIMES[4]));
        hash = hash.rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIMES[1]);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIMES[2]);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests;
