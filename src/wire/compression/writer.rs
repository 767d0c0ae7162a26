//! A compressed stream written piece by piece, as Kafka's clients and brokers write it, at the codecs' default levels.
//!
//! Kafka: `CompressionType.wrapForOutput`.

use std::io::{self, Write};

use flate2::write::GzEncoder;

use super::Compression;
use super::blocks::{BlockWriter, Lz4Blocks, SnappyBlocks};
use super::pool::Pool;

/// Compresses the bytes written to it into `W`.
pub struct Compressor<W: Write>(Encoder<W>);

enum Encoder<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Snappy(Box<BlockWriter<W, SnappyBlocks>>),
    Lz4(BlockWriter<W, Lz4Blocks>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> std::fmt::Debug for Compressor<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codec = match &self.0 {
            Encoder::Plain(_) => Compression::None,
            Encoder::Gzip(_) => Compression::Gzip,
            Encoder::Snappy(_) => Compression::Snappy,
            Encoder::Lz4(_) => Compression::Lz4,
            Encoder::Zstd(_) => Compression::Zstd,
        };
        f.debug_tuple("Compressor").field(&codec).finish()
    }
}

impl<W: Write> Compressor<W> {
    /// A stream of this codec into `out`.
    ///
    /// # Errors Those of writing to `out`, or of the codec for lack of memory.
    pub fn new(codec: Compression, out: W) -> io::Result<Self> {
        Self::with_level(codec, out, None)
    }

    /// As [`Compressor::new`], at a level of the codec's own; None for its default.
    pub(super) fn with_level(codec: Compression, out: W, level: Option<i32>) -> io::Result<Self> {
        Ok(Self(match codec {
            Compression::None => Encoder::Plain(out),
            Compression::Gzip => {
                let level = level.and_then(|level| u32::try_from(level).ok());
                let level = level.map_or(flate2::Compression::default(), flate2::Compression::new);
                Encoder::Gzip(GzEncoder::new(out, level))
            }
            Compression::Snappy => Encoder::Snappy(Box::new(BlockWriter::new(out, SnappyBlocks::default())?)),
            Compression::Lz4 => Encoder::Lz4(BlockWriter::new(out, Lz4Blocks::at_level(level))?),
            Compression::Zstd => {
                let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
                Encoder::Zstd(zstd::stream::write::Encoder::new(out, level)?)
            }
        }))
    }

    /// The output.
    pub fn get_mut(&mut self) -> &mut W {
        match &mut self.0 {
            Encoder::Plain(out) => out,
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Snappy(blocks) => blocks.get_mut(),
            Encoder::Lz4(blocks) => blocks.get_mut(),
            Encoder::Zstd(encoder) => encoder.get_mut(),
        }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// As [`Compressor::new`].
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Encoder::Plain(out) => Ok(out),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Snappy(blocks) => blocks.finish(),
            Encoder::Lz4(blocks) => blocks.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// Contexts of zstd, which are large.
static CONTEXTS: Pool<zstd::bulk::Compressor<'static>> = Pool::new();

/// The input as one zstd frame, behind `room` zero bytes.
pub(super) fn compress_zstd(room: usize, input: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
    let mut context = match CONTEXTS.take() {
        Some(context) => context,
        None => zstd::bulk::Compressor::new(level)?,
    };
    context.set_compression_level(level)?;
    let mut out = vec![0; room + zstd::zstd_safe::compress_bound(input.len())];
    let size = context.compress_to_buffer(input, &mut out[room..])?;
    out.truncate(room + size);
    CONTEXTS.put(context);
    Ok(out)
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Encoder::Plain(out) => out.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Snappy(blocks) => blocks.write(bytes),
            Encoder::Lz4(blocks) => blocks.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
