//! Record batches in memory whose headers are decoded: once, where they come in, and handed on from there.
//!
//! Pure. Keeps the bytes as they came; checksums and records are read by the code that needs them. Kafka:
//! `MemoryRecords`, whose batches decode their headers each time that they are asked.

use bytes::Bytes;

use super::batch::{Batch, BatchError};

/// A run of bytes and the batches in it.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecords {
    bytes: Bytes,
    /// The whole batches at the start of `bytes`, one after the other without a gap: all of them, or as
    /// many as were to be decoded.
    batches: Vec<Batch>,
    /// The size of `batches` in bytes. Invariant: at most that of `bytes`.
    whole_size: usize,
    /// Why no batch begins after `batches`; None if nothing follows, or an incomplete batch.
    fault: Option<BatchError>,
}

impl MemoryRecords {
    /// Decodes the headers of the batches up to the first one that is none. An incomplete batch at the end is
    /// left out, as in Kafka's clients and brokers.
    pub fn decode(bytes: Bytes) -> Self {
        Self::decode_at_most(usize::MAX, bytes)
    }

    /// As [`MemoryRecords::decode`], and no more than so many batches.
    pub fn decode_at_most(most: usize, bytes: Bytes) -> Self {
        // A producer sends one batch a partition.
        let mut batches = Vec::with_capacity(1);
        let (mut whole_size, mut fault) = (0, None);
        for batch in Batch::split(bytes.clone()).take(most) {
            match batch {
                Ok(batch) => {
                    whole_size += batch.bytes().len();
                    batches.push(batch);
                }
                Err(error) => fault = Some(error),
            }
        }
        Self { bytes, batches, whole_size, fault }
    }

    /// The batches decoded.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Why the bytes after [`MemoryRecords::batches`] are no batch; None if nothing follows, or an incomplete
    /// batch.
    pub fn fault(&self) -> Option<&BatchError> {
        self.fault.as_ref()
    }

    /// All bytes, those after the batches included.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes of the batches decoded.
    pub fn whole(&self) -> Bytes {
        self.bytes.slice(..self.whole_size)
    }

    /// The bytes after the batches decoded.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.whole_size..]
    }
}

impl From<Bytes> for MemoryRecords {
    fn from(bytes: Bytes) -> Self {
        Self::decode(bytes)
    }
}

#[cfg(test)]
mod tests;
