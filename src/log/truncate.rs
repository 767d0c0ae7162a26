//! Taking back the end of a log, as a follower does whose leader has other records.
//!
//! Kafka: `Log.truncateTo`, `Log.truncateFullyAndStartAt`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::failure::StorageError;
use super::log::Log;
use super::segment::Segment;
use super::snapshots::ProducerState;
use crate::base::Offset;

const TARGET: &str = "kafka.log.Log";

impl Log {
    /// Forgets the records from `target` on. Returns whether there were any; a negative target counts as 0.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn truncate_to(&self, target: Offset) -> Result<bool, StorageError> {
        let target = target.max(0);
        let mut state = self.appender.lock();
        self.still_open()?;
        let end = self.log_end_offset();
        if target >= end {
            log::info!(
                target: TARGET,
                "Truncating {} to {target} has no effect as the largest offset in the log is {}",
                self.partition,
                end - 1
            );
            self.change_epochs(|epochs| epochs.truncate_from_end(end))?;
            return Ok(false);
        }
        log::info!(target: TARGET, "Truncating {} to offset {target}", self.partition);
        let segments = self.segments.load_full();
        if segments[0].base_offset > target {
            self.start_at(&mut state, target)?;
            return Ok(true);
        }
        let kept = segments.partition_point(|segment| segment.base_offset <= target);
        self.segments.store(Arc::new(segments[..kept].to_vec()));
        self.discard(&segments[kept..])?;
        let active = &segments[kept - 1];
        let now = self.shared.clock.now();
        let cut = active.truncate_to(target, now).and_then(|_| active.activate());
        cut.map_err(|error| self.truncating_failed(target, &error))?;
        self.change_epochs(|epochs| epochs.truncate_from_end(target))?;
        let start = self.log_start_offset().min(target);
        self.complete_truncation(&mut state, start, target)?;
        Ok(true)
    }

    /// Forgets everything; the log goes on, empty, at `offset`.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn truncate_fully_and_start_at(&self, offset: Offset) -> Result<(), StorageError> {
        let mut state = self.appender.lock();
        self.still_open()?;
        self.start_at(&mut state, offset)
    }

    fn start_at(&self, state: &mut ProducerState, offset: Offset) -> Result<(), StorageError> {
        log::debug!(target: TARGET, "Truncate {} and start at offset {offset}", self.partition);
        let old = self.segments.load_full();
        self.discard(&old)?;
        let mut begin = || -> io::Result<Segment> {
            let segment = Segment::create(&self.dir(), offset, self.segment_options())?;
            segment.activate()?;
            state.truncate_fully(offset)?;
            Ok(segment)
        };
        let segment = begin().map_err(|error| self.truncating_failed(offset, &error))?;
        self.segments.store(Arc::new(vec![Arc::new(segment)]));
        self.change_epochs(|epochs| {
            epochs.clear();
            true
        })?;
        self.complete_truncation(state, offset, offset)
    }

    fn complete_truncation(
        &self,
        state: &mut ProducerState,
        start: Offset,
        end: Offset,
    ) -> Result<(), StorageError> {
        {
            let mut marks = self.marks.write();
            marks.log_start = start;
            marks.end = self.end_at(end);
            marks.high_watermark = match marks.high_watermark.offset {
                offset if offset >= end || start == end => marks.end,
                offset if offset < start => start.into(),
                _ => marks.high_watermark,
            };
        }
        self.recovery_point.fetch_min(end, Ordering::AcqRel);
        self.rebuild_producers(state, end, false).map_err(|error| self.truncating_failed(end, &error))?;
        state.producers.on_high_watermark(self.high_watermark());
        self.note_first_unstable(state);
        Ok(())
    }

    fn truncating_failed(&self, target: Offset, error: &io::Error) -> StorageError {
        let dir = self.data_dir.display();
        let what =
            format!("Error while truncating log to offset {target} for {} in dir {dir}", self.partition);
        self.failed(what, error)
    }
}

#[cfg(test)]
mod tests;
