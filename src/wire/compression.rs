//! The codecs of compressed batches: gzip, snappy in xerial's framing, LZ4 frames, zstd.
//!
//! [`Decompressor`] and [`Compressor`] stream; nothing is allocated for sizes that the input only claims.
//! Which streams are valid, and where they end, is as in Kafka, not as in a library. Kafka:
//! `CompressionType`.

mod blocks;
mod gzip;
mod lz4;
mod pool;
mod reader;
mod snappy;
mod writer;
mod zstandard;

use std::io::Write;
use std::ops::RangeInclusive;
use std::str::FromStr;

pub use reader::{Decompressor, StreamError};
pub use writer::Compressor;

use bytes::Bytes;

use super::batch::BatchError;

/// No codec has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unknown compression name: {0}")]
pub struct UnknownCompression(pub String);

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
    /// # Errors [`BatchError::Decompress`] with the codec's own text.
    pub fn compress(self, input: &[u8]) -> Result<Vec<u8>, BatchError> {
        self.compress_behind(0, input, None)
    }

    /// As [`Compression::compress`], behind `room` zero bytes, and at a level of the codec's own; None for its default.
    ///
    /// # Errors
    /// As [`Compression::compress`].
    pub fn compress_behind(
        self,
        room: usize,
        input: &[u8],
        level: Option<i32>,
    ) -> Result<Vec<u8>, BatchError> {
        if self == Self::Zstd {
            return writer::compress_zstd(room, input, level).map_err(failed);
        }
        let mut writer = Compressor::with_level(self, vec![0; room], level).map_err(failed)?;
        writer.write_all(input).map_err(failed)?;
        writer.finish().map_err(failed)
    }

    /// The levels that the codec has (`compression.<codec>.level`, KIP-390); None for a codec without levels.
    pub fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::None | Self::Snappy => None,
            Self::Gzip => Some(1..=9),
            Self::Lz4 => Some(1..=17),
            Self::Zstd => Some(zstd::compression_level_range()),
        }
    }

    /// Turns a stream of [`Compressor`] into one for messages of format 0: clients of that time expect
    /// another header checksum of LZ4 frames.
    pub fn finish_v0(self, stream: &mut [u8]) {
        if self == Self::Lz4 {
            lz4::with_checksum_of_format_0(stream);
        }
    }

    /// Decompresses up to `limit` bytes; without a codec the input itself comes back, uncopied and unlimited. `magic`
    /// is the format of the batch.
    ///
    /// # Errors [`BatchError::TooLarge`] beyond the limit, [`BatchError::InvalidRecord`] if the stream ends
    /// early, [`BatchError::Decompress`] if it is invalid.
    pub fn decompress(self, magic: i8, input: &Bytes, limit: usize) -> Result<Bytes, BatchError> {
        if self == Self::None {
            return Ok(input.clone());
        }
        let mut reader = Decompressor::new(self, magic, input.clone())?;
        let mut out = Vec::new();
        while reader.fill(1)? {
            let piece = reader.unread();
            if out.len() + piece.len() > limit {
                return Err(BatchError::TooLarge(limit));
            }
            out.extend_from_slice(piece);
            let size = piece.len();
            reader.consume(size);
        }
        Ok(out.into())
    }
}

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(name: &str) -> Result<Self, UnknownCompression> {
        Self::ALL.into_iter().find(|it| it.name() == name).ok_or_else(|| UnknownCompression(name.to_owned()))
    }
}

fn failed(error: impl std::fmt::Display) -> BatchError {
    BatchError::Decompress(error.to_string())
}

impl From<StreamError> for BatchError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Ended => premature_end(),
            error => failed(error),
        }
    }
}

/// The compressed bytes end before the records do.
pub(super) fn premature_end() -> BatchError {
    BatchError::InvalidRecord("Incorrect declared batch size, premature EOF reached".into())
}

#[cfg(test)]
mod tests;
