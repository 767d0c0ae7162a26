//! Why the cleaning of a log ended before its end.

use std::io;

use crate::base::Offset;
use crate::log::failure::StorageError;
use crate::log::segment::into_io;
use crate::log::walk::WalkError;
use crate::wire::batch::BatchError;

/// Why the cleaning of a log ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum CleaningError {
    /// The log is to be truncated, moved or deleted, or the cleaner stops (Kafka's `LogCleaningAbortedException`).
    #[error("the cleaning was aborted")]
    Aborted,
    /// The offsets of the segment do not fit in one (Kafka's `LogSegmentOffsetOverflowException`).
    #[error("the segment holds the offset {0}, which its indexes cannot hold")]
    Overflow(Offset),
    /// The log was closed, or its directory has failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What lies in the log cannot be cleaned.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<WalkError> for CleaningError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Batch(error) => Self::Batch(error),
            error => Self::Io(into_io(error)),
        }
    }
}

impl CleaningError {
    /// Whether the disk failed, and not what lies on it.
    pub fn is_of_disk(&self) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        matches!(self, Self::Io(error) if ![InvalidData, InvalidInput, UnexpectedEof].contains(&error.kind()))
    }
}
