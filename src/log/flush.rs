//! Bringing a log to the disk.
//!
//! Holds no lock but to write leader epochs: appends go on meanwhile. The leader epochs of the records are written and
//! flushed with them, before the recovery point passes the records. Kafka: `Log.flush`.

use std::io;
use std::time::Instant;

use super::failure::StorageError;
use super::log::Log;
use super::recovery_point::FlushUpTo;
use crate::base::Offset;

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
        let Some(flush) = self.recovery().begin_flush(offset) else { return Ok(()) };
        self.sync(&flush).map_err(|error| {
            let dir = self.data_dir().display();
            let what = format!(
                "Error while flushing log for {} in dir {dir} with offset {offset}",
                self.partition()
            );
            self.failed(what, &error)
        })?;
        self.recovery().flushed(flush, self.now());
        Ok(())
    }

    /// Whether the leader epochs of some records are not on the disk: a clean stop brings them there.
    pub(super) fn has_unsynced_epochs(&self) -> bool {
        self.epochs().is_unsynced() && self.log_end_offset() > self.log_start_offset()
    }

    fn sync(&self, flush: &FlushUpTo) -> io::Result<()> {
        let segments = self.segment_list();
        let flushes = &self.shared().flushes;
        for segment in segments.from(flush.from).iter().take_while(|segment| segment.base_offset < flush.to) {
            let began = Instant::now();
            segment.flush()?;
            flushes.record_since(began);
        }
        self.sync_epochs()
    }

    /// Brings the leader epochs to the disk: the batches are not needed any more to find them.
    pub(super) fn sync_epochs(&self) -> io::Result<()> {
        if self.epochs().is_unwritten() {
            self.epochs().write_pending(&self.appender())?;
        }
        self.epochs().sync()
    }
}

#[cfg(test)]
mod tests;
