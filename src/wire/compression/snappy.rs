//! snappy as xerial's streams write and read it: a header, then blocks behind their sizes.
//!
//! Bytes without the header are one block of raw snappy, as some clients send it. A header may come again
//! between blocks. Kafka: `SnappyInputStream` and `SnappyOutputStream` of snappy-java.

use bytes::Bytes;

use super::reader::{Decode, OutputWindow, StreamError};

/// The header of xerial's framing: magic, version 1, compatible with version 1.
pub(super) const HEADER: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];
/// No block expands more than this: a copy of 64 bytes takes 3.
const MOST_EXPANSION: usize = 22;

/// A snappy stream.
#[derive(Debug)]
pub(super) struct Snappy {
    rest: Bytes,
    is_framed: bool,
    is_over: bool,
}

impl Snappy {
    pub(super) fn new(input: Bytes) -> Result<Self, StreamError> {
        if input.is_empty() {
            return Err(StreamError::Broken("Cannot decompress empty stream".into()));
        }
        let is_framed = input.len() >= HEADER.len() && input[..8] == HEADER[..8];
        let rest = if is_framed { input.slice(HEADER.len()..) } else { input };
        Ok(Self { rest, is_framed, is_over: false })
    }

    /// The next block; None at the end. Up to three bytes at the end are no block and no error.
    fn next_block(&mut self) -> Result<Option<Bytes>, StreamError> {
        if self.is_over {
            return Ok(None);
        }
        if !self.is_framed {
            self.is_over = true;
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        loop {
            let Some((size, _)) = self.rest.split_first_chunk::<4>() else { return Ok(None) };
            if *size == HEADER[..4] {
                if self.rest.len() < HEADER.len() {
                    return Err(StreamError::Broken(
                        "Insufficient header size in a concatenated block".into(),
                    ));
                }
                let header = self.rest.split_to(HEADER.len());
                if header[..8] != HEADER[..8] {
                    return Ok(None);
                }
                let version = i32::from_be_bytes([header[8], header[9], header[10], header[11]]);
                if version < 1 {
                    return Err(StreamError::Broken(format!(
                        "Compressed with an incompatible codec version {version}"
                    )));
                }
                continue;
            }
            // A size beyond Java's int is invalid, as so many bytes cannot be there.
            let size = u32::from_be_bytes(*size) as usize;
            if self.rest.len() - 4 < size {
                return Err(StreamError::Broken("failed to read chunk".into()));
            }
            let _ = self.rest.split_to(4);
            return Ok(Some(self.rest.split_to(size)));
        }
    }
}

impl Decode for Snappy {
    fn decode(&mut self, window: &mut OutputWindow, _wanted: usize) -> Result<bool, StreamError> {
        let Some(block) = self.next_block()? else { return Ok(false) };
        if block.is_empty() {
            return Err(StreamError::Broken("snappy: an empty block".into()));
        }
        let size = snap::raw::decompress_len(&block).map_err(StreamError::broken)?;
        if size > block.len().saturating_mul(MOST_EXPANSION) {
            return Err(StreamError::Broken(format!(
                "snappy: {size} bytes cannot come out of {}",
                block.len()
            )));
        }
        let wrote = snap::raw::Decoder::new().decompress(&block, window.room(size)?);
        window.wrote(wrote.map_err(StreamError::broken)?);
        Ok(true)
    }
}
