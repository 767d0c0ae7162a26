//! Bringing a log to the disk.
//!
//! Holds no lock: appends go on meanwhile. Kafka: `Log.flush`.

use std::sync::atomic::Ordering;

use super::failure::StorageError;
use super::log::Log;
use super::read::floor;
use crate::base::{Millis, Offset};

impl Log {
    /// Brings everything to the disk.
    ///
    /// # Errors
    /// The disk failed.
    pub fn flush(&self) -> Result<(), StorageError> {
        self.flush_to(self.log_end_offset())
    }

    /// Brings everything below `offset` to the disk. Appends go on meanwhile.
    ///
    /// # Errors
    /// The disk failed.
    pub fn flush_to(&self, offset: Offset) -> Result<(), StorageError> {
        let from = self.recovery_point();
        if offset <= from {
            return Ok(());
        }
        let segments = self.segments.load_full();
        let first = floor(&segments, from).unwrap_or(0);
        for segment in segments[first..].iter().take_while(|segment| segment.base_offset < offset) {
            segment.flush().map_err(|error| {
                let dir = self.data_dir.display();
                let what = format!(
                    "Error while flushing log for {} in dir {dir} with offset {offset}",
                    self.partition
                );
                self.failed(what, &error)
            })?;
        }
        // A truncation meanwhile has lowered the end; the point must not stand above it.
        let reached = offset.min(self.log_end_offset());
        self.recovery_point.fetch_max(reached, Ordering::AcqRel);
        self.last_flush.store(self.shared.clock.now(), Ordering::Release);
        Ok(())
    }

    /// When the log was last flushed.
    pub fn last_flush(&self) -> Millis {
        self.last_flush.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
