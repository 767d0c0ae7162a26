//! A compressed stream read piece by piece: its content is never in memory as a whole.
//!
//! A stream ends, fails and goes on where the stream that Kafka's `CompressionType.wrapForInput` makes of the
//! same bytes does; what lies before the damage is read. Never allocates memory for sizes that the input only
//! claims. Kafka: `CompressionType`, and the streams it wraps.

use std::io::{self, Read};

use bytes::Bytes;

use super::Compression;
use super::gzip::Gzip;
use super::lz4::Lz4;
use super::pool::Pool;
use super::snappy::Snappy;
use super::zstandard::Zstd;

/// Why a compressed stream cannot be read further. Kafka reacts to each in its own way, depending on where in
/// a record it happens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The compressed bytes end within the stream, where Java throws `EOFException`.
    #[error("Unexpected end of the compressed stream")]
    Ended,
    /// They end within a checksum, or a block holds nothing, where Java throws `BufferUnderflowException`.
    #[error("Stream ended prematurely")]
    Underflow,
    /// They are invalid: any other exception.
    #[error("{0}")]
    Broken(String),
}

impl StreamError {
    pub(super) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Unpacks a compressed stream, a block or so at a time.
pub(super) trait Decode {
    /// Appends the next piece to `window`, which may be empty; false at the end of the stream. Not called
    /// again after that or an error. `wanted` is how many bytes are needed.
    fn decode(&mut self, window: &mut OutputWindow, wanted: usize) -> Result<bool, StreamError>;
}

/// Unpacked bytes that were not read yet.
#[derive(Debug)]
pub(super) struct OutputWindow {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// How many bytes may still be unpacked.
    allowed: usize,
}

/// The first capacity of a window: a block of the usual size and the rest of the one before.
const WINDOW: usize = 68 << 10;
/// Larger windows are not kept for the next stream.
const LARGEST_KEPT: usize = 512 << 10;

static WINDOWS: Pool<Vec<u8>> = Pool::new();

impl OutputWindow {
    fn new() -> Self {
        let bytes = WINDOWS.take().unwrap_or_else(|| vec![0; WINDOW]);
        Self { bytes, start: 0, end: 0, allowed: usize::MAX }
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Capacity for `size` bytes behind the unread ones.
    ///
    /// # Errors [`StreamError::Broken`] if so many bytes may not be unpacked.
    pub(super) fn room(&mut self, size: usize) -> Result<&mut [u8], StreamError> {
        if size > self.allowed {
            return Err(StreamError::Broken("The stream unpacks to more than is allowed".into()));
        }
        if self.bytes.len() - self.end < size && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < size {
            let wanted = (self.end + size).max(self.bytes.len() * 2);
            self.bytes.resize(wanted, 0);
        }
        Ok(&mut self.bytes[self.end..self.end + size])
    }

    /// So many bytes of the capacity were written.
    pub(super) fn wrote(&mut self, size: usize) {
        self.end += size;
        self.allowed -= size;
    }
}

impl Drop for OutputWindow {
    fn drop(&mut self) {
        if self.bytes.len() <= LARGEST_KEPT {
            WINDOWS.put(std::mem::take(&mut self.bytes));
        }
    }
}

/// A compressed stream, unpacked as it is read. Its memory is that of one block of the codec, or the size
/// that [`Decompressor::fill`] is given.
#[derive(Debug)]
pub struct Decompressor {
    source: CodecStream,
    window: OutputWindow,
    /// How it ended, once it has.
    end: Option<Result<(), StreamError>>,
}

#[derive(Debug)]
enum CodecStream {
    Plain(Bytes),
    Gzip(Box<Gzip>),
    Snappy(Snappy),
    Lz4(Lz4),
    Zstd(Zstd),
}

impl Decompressor {
    /// Opens the stream; `magic` is the format of the batch that it lies in.
    ///
    /// # Errors
    /// [`StreamError`] if it does not begin as a stream of this codec.
    pub fn new(codec: Compression, magic: i8, input: Bytes) -> Result<Self, StreamError> {
        let source = match codec {
            Compression::None => CodecStream::Plain(input),
            Compression::Gzip => CodecStream::Gzip(Box::new(Gzip::new(input)?)),
            Compression::Snappy => CodecStream::Snappy(Snappy::new(input)?),
            Compression::Lz4 => CodecStream::Lz4(Lz4::new(input, magic)?),
            Compression::Zstd => CodecStream::Zstd(Zstd::new(input)?),
        };
        Ok(Self { source, window: OutputWindow::new(), end: None })
    }

    /// The same stream, which fails once it unpacks to more than `most` bytes. A codec that unpacks by the
    /// block fails at the block that may exceed this.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.window.allowed = most;
        self
    }

    /// What is unpacked and not consumed yet.
    #[inline]
    pub fn unread(&self) -> &[u8] {
        self.window.unread()
    }

    /// Steps over the first `size` bytes of [`Decompressor::unread`].
    #[inline]
    pub fn consume(&mut self, size: usize) {
        self.window.start = (self.window.start + size).min(self.window.end);
    }

    /// Unpacks until at least `size` bytes are unread; false if the stream ends before.
    ///
    /// # Errors [`StreamError`] if it fails before.
    #[inline]
    pub fn fill(&mut self, size: usize) -> Result<bool, StreamError> {
        while self.unread().len() < size {
            let wanted = size - self.unread().len();
            if !self.decode(wanted)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Unpacks until a byte is unread, as Java's streams do for a single byte; false if the stream ends
    /// before.
    ///
    /// # Errors [`StreamError`] if it fails before, or, of LZ4, if an empty block comes first.
    #[inline]
    pub fn fill_byte(&mut self) -> Result<bool, StreamError> {
        while self.unread().is_empty() {
            if !self.decode(1)? {
                return Ok(false);
            }
            if self.unread().is_empty() && matches!(self.source, CodecStream::Lz4(_)) {
                return Err(StreamError::Underflow);
            }
        }
        Ok(true)
    }

    #[cold]
    fn decode(&mut self, wanted: usize) -> Result<bool, StreamError> {
        if let Some(end) = &self.end {
            return end.clone().map(|()| false);
        }
        if self.window.start == self.window.end {
            (self.window.start, self.window.end) = (0, 0);
        }
        let decoded = match &mut self.source {
            CodecStream::Plain(input) => plain(input, &mut self.window),
            CodecStream::Gzip(gzip) => gzip.decode(&mut self.window, wanted),
            CodecStream::Snappy(snappy) => snappy.decode(&mut self.window, wanted),
            CodecStream::Lz4(lz4) => lz4.decode(&mut self.window, wanted),
            CodecStream::Zstd(zstd) => zstd.decode(&mut self.window, wanted),
        };
        match &decoded {
            Ok(true) => {}
            Ok(false) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error.clone())),
        }
        decoded
    }
}

fn plain(input: &mut Bytes, window: &mut OutputWindow) -> Result<bool, StreamError> {
    let piece = input.split_to(input.len().min(WINDOW / 2));
    window.room(piece.len())?.copy_from_slice(&piece);
    window.wrote(piece.len());
    Ok(!piece.is_empty())
}

impl Read for Decompressor {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || !self.fill(1).map_err(io::Error::other)? {
            return Ok(0);
        }
        let size = out.len().min(self.unread().len());
        out[..size].copy_from_slice(&self.unread()[..size]);
        self.consume(size);
        Ok(size)
    }
}

#[cfg(test)]
mod tests;
