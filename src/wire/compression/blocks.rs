//! Streams that a codec writes block by block: what is written is gathered, and every full block is compressed alone.
//!
//! Never compresses a block before it is full or the stream ends, so that the same bytes give the same stream however
//! they are written. Kafka: `KafkaLZ4BlockOutputStream`, and snappy-java's `SnappyOutputStream`.

use std::io::{self, Write};

use ::lz4::block::CompressionMode;

use super::{lz4, snappy};

/// How a codec compresses and frames its blocks.
pub(super) trait BlockCodec {
    /// How many bytes a block holds, unless it is the last one.
    const BLOCK: usize;
    /// What the stream begins with.
    const HEADER: &'static [u8];
    /// What the stream ends with.
    const END: &'static [u8];

    /// Writes a block that is not empty.
    ///
    /// # Errors
    /// What writing to `out` finds.
    fn write_block(&mut self, block: &[u8], out: &mut impl Write) -> io::Result<()>;
}

/// Blocks behind xerial's header.
pub(super) struct SnappyBlocks(snap::raw::Encoder);

impl Default for SnappyBlocks {
    fn default() -> Self {
        Self(snap::raw::Encoder::new())
    }
}

impl BlockCodec for SnappyBlocks {
    const BLOCK: usize = 32 << 10;
    const HEADER: &'static [u8] = &snappy::HEADER;
    const END: &'static [u8] = &[];

    fn write_block(&mut self, block: &[u8], out: &mut impl Write) -> io::Result<()> {
        let packed = self.0.compress_vec(block).map_err(io::Error::other)?;
        out.write_all(&(packed.len() as u32).to_be_bytes())?;
        out.write_all(&packed)
    }
}

/// An LZ4 frame of independent blocks, without checksums of blocks and content.
pub(super) struct Lz4Blocks {
    /// None for the fast compressor.
    mode: Option<CompressionMode>,
    /// Room for a compressed block.
    packed: Vec<u8>,
}

impl Lz4Blocks {
    /// At a level of 1 to 17. The default, 9, is the fast compressor, as in Kafka; any other is LZ4's high compression.
    pub(super) fn at_level(level: Option<i32>) -> Self {
        let level = level.filter(|level| *level != 9);
        Self { mode: level.map(CompressionMode::HIGHCOMPRESSION), packed: Vec::new() }
    }
}

impl BlockCodec for Lz4Blocks {
    const BLOCK: usize = 64 << 10;
    const HEADER: &'static [u8] = &lz4::HEADER;
    const END: &'static [u8] = &[0; 4];

    fn write_block(&mut self, block: &[u8], out: &mut impl Write) -> io::Result<()> {
        self.packed.resize(::lz4::block::compress_bound(Self::BLOCK)?, 0);
        let size = ::lz4::block::compress_to_buffer(block, self.mode, false, &mut self.packed)?;
        let (word, bytes) = if size < block.len() {
            (size as u32, &self.packed[..size])
        } else {
            (block.len() as u32 | lz4::STORED, block)
        };
        out.write_all(&word.to_le_bytes())?;
        out.write_all(bytes)
    }
}

/// A stream of blocks into `W`.
pub(super) struct BlockWriter<W, C> {
    out: W,
    /// What the next block holds so far: less than [`BlockCodec::BLOCK`] bytes.
    block: Vec<u8>,
    codec: C,
}

impl<W: Write, C: BlockCodec> BlockWriter<W, C> {
    /// Writes the header.
    pub(super) fn new(mut out: W, codec: C) -> io::Result<Self> {
        out.write_all(C::HEADER)?;
        Ok(Self { out, block: Vec::with_capacity(C::BLOCK), codec })
    }

    pub(super) fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Takes in as much of `bytes` as the block has room for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = bytes.len().min(C::BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..size]);
        if self.block.len() == C::BLOCK {
            self.end_block()?;
        }
        Ok(size)
    }

    fn end_block(&mut self) -> io::Result<()> {
        self.codec.write_block(&self.block, &mut self.out)?;
        self.block.clear();
        Ok(())
    }

    /// Writes the last block and the end of the stream.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        self.out.write_all(C::END)?;
        Ok(self.out)
    }
}
