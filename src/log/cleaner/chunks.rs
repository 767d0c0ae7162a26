//! The batches of a segment, read a buffer at a time.
//!
//! A buffer grows for a batch that does not fit, and for that one only. Kafka: `Cleaner.growBuffersOrFail`,
//! `restoreBuffers`.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::TARGET;
use crate::log::cold;
use crate::log::segment::Segment;
use crate::log::walk::WalkError;
use crate::wire::batch::{Batch, BatchError};

/// The chunks of one segment, each of whole batches.
pub(super) struct SegmentChunks {
    file: Arc<File>,
    position: u64,
    end: u64,
    buffer_size: usize,
}

impl SegmentChunks {
    /// The chunks from a byte of the segment on, where a batch begins.
    pub(super) fn new(segment: &Segment, position: u32, buffer_size: usize) -> io::Result<Self> {
        let end = u64::from(segment.size());
        Ok(Self { file: segment.open_log()?, position: position.into(), end, buffer_size })
    }

    /// The next batches, as many as fit in the buffer; None at the end of the segment.
    ///
    /// # Errors
    /// What is there is no batch, or only a part of one; or it cannot be read.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Bytes>, WalkError> {
        let left = (self.end - self.position) as usize;
        if left == 0 {
            return Ok(None);
        }
        let mut size = left.min(self.buffer_size.max(MINIMUM));
        let chunk = loop {
            let chunk = self.read(size)?;
            match Batch::parse(&chunk) {
                Ok(_) => break chunk,
                Err(BatchError::Incomplete { need, .. }) if need <= left => {
                    log::info!(target: TARGET, "Growing cleaner I/O buffers from {size} bytes to {need} bytes.");
                    size = need;
                }
                Err(BatchError::Incomplete { need, .. }) => {
                    return Err(BatchError::Corrupt(format!(
                        "Log segment may be corrupt, batch size {need} > {left} bytes left in segment"
                    ))
                    .into());
                }
                Err(error) => return Err(error.into()),
            }
        };
        let mut batches = Batch::split(chunk.clone());
        for batch in batches.by_ref() {
            batch?;
        }
        let whole = chunk.len() - batches.rest().len();
        self.position += whole as u64;
        Ok(Some(chunk.slice(..whole)))
    }

    fn read(&self, size: usize) -> io::Result<Bytes> {
        let mut chunk = vec![0; size];
        cold::read_exact_at(&self.file, &mut chunk, self.position)?;
        Ok(chunk.into())
    }
}

/// No buffer is smaller: it holds the header of a batch at least.
const MINIMUM: usize = 4096;
