//! A compressed stream written piece by piece, as Kafka's clients and brokers write it, at the codecs' default levels.
//!
//! Kafka: `CompressionType.wrapForOutput`.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use super::{Compression, snappy};

/// Compresses the bytes written to it into `W`.
pub struct Compressor<W: Write>(Encoder<W>);

enum Encoder<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Snappy(Box<Blocks<W>>),
    Lz4(Box<FrameEncoder<W>>),
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
        f.debug_tuple("Writer").field(&codec).finish()
    }
}

impl<W: Write> Compressor<W> {
    /// A stream of this codec into `out`.
    ///
    /// # Errors Those of writing to `out`, or of the codec for lack of memory.
    pub fn new(codec: Compression, out: W) -> io::Result<Self> {
        Ok(Self(match codec {
            Compression::None => Encoder::Plain(out),
            Compression::Gzip => Encoder::Gzip(GzEncoder::new(out, flate2::Compression::default())),
            Compression::Snappy => Encoder::Snappy(Box::new(Blocks::new(out)?)),
            Compression::Lz4 => {
                let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
                Encoder::Lz4(Box::new(FrameEncoder::with_frame_info(info, out)))
            }
            Compression::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                Encoder::Zstd(zstd::stream::write::Encoder::new(out, level)?)
            }
        }))
    }

    /// The output.
    pub fn get_mut(&mut self) -> &mut W {
        match &mut self.0 {
            Encoder::Plain(out) => out,
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Snappy(blocks) => &mut blocks.out,
            Encoder::Lz4(encoder) => encoder.get_mut(),
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
            Encoder::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Encoder::Plain(out) => out.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Snappy(blocks) => blocks.write(bytes),
            Encoder::Lz4(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Snappy blocks behind xerial's header.
struct Blocks<W> {
    out: W,
    block: Vec<u8>,
    encoder: snap::raw::Encoder,
}

impl<W: Write> Blocks<W> {
    fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&snappy::HEADER)?;
        Ok(Self { out, block: Vec::with_capacity(snappy::BLOCK), encoder: snap::raw::Encoder::new() })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = bytes.len().min(snappy::BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..size]);
        if self.block.len() == snappy::BLOCK {
            self.end_block()?;
        }
        Ok(size)
    }

    fn end_block(&mut self) -> io::Result<()> {
        let block = self.encoder.compress_vec(&self.block).map_err(io::Error::other)?;
        self.out.write_all(&(block.len() as u32).to_be_bytes())?;
        self.out.write_all(&block)?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        Ok(self.out)
    }
}
