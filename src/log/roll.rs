//! Beginning a new segment at a log's end.
//!
//! Kafka: `Log.roll`.

use std::sync::Arc;

use super::appender::Appender;
use super::failure::StorageError;
use super::log::Log;
use super::segment::Segment;
use crate::base::Offset;

const TARGET: &str = "kafka.log.Log";

impl Log {
    pub(super) fn rolling_failed(&self) -> String {
        let dir = self.data_dir().display();
        format!("Error while rolling log segment for {} in dir {dir}", self.partition())
    }

    /// Begins a new segment at the log's end.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn roll(self: &Arc<Self>) -> Result<(), StorageError> {
        let mut appender = self.appender();
        self.still_open()?;
        self.roll_locked(&mut appender, 0)
    }

    /// Begins a new segment at `expected` or at the log's end, whichever is later. The old one is flushed later.
    pub(super) fn roll_locked(&self, appender: &mut Appender, expected: Offset) -> Result<(), StorageError> {
        let end = self.log_end_offset();
        let base = expected.max(end);
        let active = self.active();
        let failed = |error: std::io::Error| self.failed(self.rolling_failed(), &error);
        if active.base_offset == base {
            log::warn!(
                target: TARGET,
                "Trying to roll a new log segment of {} with start offset {base} while it already exists and is \
                 active with size 0.",
                self.partition()
            );
            self.discard(&[active])?;
        } else {
            active.deactivate().map_err(failed)?;
        }
        appender.state.producers.set_end_offset(base);
        appender.state.take_snapshot().map_err(failed)?;
        let segment = Segment::create(self.own_dir(), base, self.segment_options()).map_err(failed)?;
        segment.activate().map_err(failed)?;
        appender.segments.roll(Arc::new(segment));
        // The same offset has a new position: readers compare positions by segment.
        let end = self.end_at(end);
        self.marks_mut().rolled(end);
        self.schedule_flush(base);
        log::info!(target: TARGET, "Rolled new log segment of {} at offset {base}.", self.partition());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
