//! Walking the batches of a `.log`: their headers alone, to find a place, or whole, to check and to read them.
//!
//! An incomplete batch at the end of the file is the end; bytes that cannot be a batch are an error. Kafka:
//! `FileLogInputStream`.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cold;
use crate::wire::batch::{BATCH_OVERHEAD, Batch, BatchError, BatchHeader};

/// How much is read at once to find headers: about what lies between two index entries.
const WINDOW: usize = 4096;
/// How much is read at once to read whole batches, unless one is larger.
const CHUNK: u64 = 1 << 20;

/// A walk ended by something that is no batch, or by the disk.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// These bytes are no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Walks over batch headers; the records are not read.
pub struct Headers {
    file: Arc<File>,
    position: u64,
    end: u64,
    window: [u8; WINDOW],
    /// The part of the file that is in the window.
    from: u64,
    filled: usize,
}

impl Headers {
    /// Walks from `position`, where a batch must begin, to `end`.
    pub fn new(file: Arc<File>, position: u64, end: u64) -> Self {
        Self { file, position, end, window: [0; WINDOW], from: 0, filled: 0 }
    }

    /// The next header and where its batch begins; None at the end.
    ///
    /// # Errors
    /// The bytes are no batch, or cannot be read.
    pub fn next_header(&mut self) -> Result<Option<(u64, BatchHeader)>, WalkError> {
        let left = self.end.saturating_sub(self.position);
        let wanted = left.min(BATCH_OVERHEAD as u64) as usize;
        let mut within = self.position.wrapping_sub(self.from) as usize;
        if self.position < self.from || within + wanted > self.filled {
            self.filled = left.min(WINDOW as u64) as usize;
            cold::read_exact_at(&self.file, &mut self.window[..self.filled], self.position)?;
            (self.from, within) = (self.position, 0);
        }
        match BatchHeader::parse(&self.window[within..within + wanted]) {
            Ok(header) if header.size() as u64 <= left => {
                let at = self.position;
                self.position += header.size() as u64;
                Ok(Some((at, header)))
            }
            Ok(_) | Err(BatchError::Incomplete { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Walks over whole batches.
pub struct FileBatches {
    file: Arc<File>,
    position: u64,
    end: u64,
    chunk: Bytes,
}

impl FileBatches {
    /// Walks from `position`, where a batch must begin, to `end`.
    pub fn new(file: Arc<File>, position: u64, end: u64) -> Self {
        Self { file, position, end, chunk: Bytes::new() }
    }

    /// The next batch and where it begins; None at the end. Its checksum is not checked.
    ///
    /// # Errors
    /// The bytes are no batch, or cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<(u64, Batch)>, WalkError> {
        let left = self.end.saturating_sub(self.position);
        loop {
            match Batch::parse(&self.chunk) {
                Ok(batch) => {
                    let at = self.position;
                    let size = batch.bytes().len();
                    self.position += size as u64;
                    self.chunk = self.chunk.slice(size..);
                    return Ok(Some((at, batch)));
                }
                // Ends: each reading brings at least the bytes that were missing, and all that is left at most.
                Err(BatchError::Incomplete { need, .. }) if need as u64 <= left => {
                    let mut chunk = vec![0; left.min(CHUNK.max(need as u64)) as usize];
                    cold::read_exact_at(&self.file, &mut chunk, self.position)?;
                    self.chunk = chunk.into();
                }
                Err(BatchError::Incomplete { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
