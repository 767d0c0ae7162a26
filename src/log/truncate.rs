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
use crate::base::{LeaderEpoch, Offset};

/// Why nothing was taken back.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TruncateError {
    /// It was decided in this leader epoch, and a later one is in force.
    #[error("a later leader epoch than {0} is in force")]
    Fenced(LeaderEpoch),
    /// The disk failed, or the log is closed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

const TARGET: &str = "kafka.log.Log";

impl Log {
    /// Forgets the records from `target` on. Returns whether there were any; a negative target counts as 0.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn truncate_to(&self, target: Offset) -> Result<bool, StorageError> {
        self.truncate_locked(&mut self.appender.lock(), target)
    }

    /// Likewise, as was decided in a leader epoch.
    ///
    /// # Errors
    /// A later epoch is in force; the disk failed, or the log is closed.
    pub fn truncate_in(&self, epoch: LeaderEpoch, target: Offset) -> Result<bool, TruncateError> {
        let mut state = self.appender.lock();
        if !self.admits(epoch) {
            return Err(TruncateError::Fenced(epoch));
        }
        Ok(self.truncate_locked(&mut state, target)?)
    }

    fn truncate_locked(&self, state: &mut ProducerState, target: Offset) -> Result<bool, StorageError> {
        let target = target.max(0);
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
            self.start_at(state, target)?;
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
        self.complete_truncation(state, start, target)?;
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

    /// Likewise, as was decided in a leader epoch.
    ///
    /// # Errors
    /// A later epoch is in force; the disk failed, or the log is closed.
    pub fn restart_in(&self, epoch: LeaderEpoch, offset: Offset) -> Result<(), TruncateError> {
        let mut state = self.appender.lock();
        if !self.admits(epoch) {
            return Err(TruncateError::Fenced(epoch));
        }
        self.still_open()?;
        Ok(self.start_at(&mut state, offset)?)
    }

    fn start_at(&self, state: &mut ProducerState, offset: Offset) -> Result<(), StorageError> {
        log::debug!(target: TARGET, "Truncate {} and start at offset {offset}", self.partition);
        let old = self.segments.load_full();
        self.discard(&old)?;
        let mut begin = || -> io::Result<Segment> {
            let segment = Segment::create(&self.dir, offset, self.segment_options())?;
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
        self.marks.write().truncated(start, self.end_at(end));
        self.recovery_point.fetch_min(end, Ordering::AcqRel);
        self.rebuild_producers(state, end, false).map_err(|error| self.truncating_failed(end, &error))?;
        self.marks.write().note_transactions(&mut state.producers);
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
