//! Taking back the end of a log, as a follower does whose leader has other records.
//!
//! Kafka: `Log.truncateTo`, `Log.truncateFullyAndStartAt`.

use std::io;
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::appender::Appender;
use super::cleaner::state::CleaningPause;
use super::failure::StorageError;
use super::log::Log;
use super::recovery::LastStop;
use super::segment::Segment;
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
        let (mut appender, _pause) = self.lock_to_truncate(target);
        self.truncate_locked(&mut appender, target)
    }

    /// Likewise, as was decided in a leader epoch.
    ///
    /// # Errors
    /// A later epoch is in force; the disk failed, or the log is closed.
    pub fn truncate_in(&self, epoch: LeaderEpoch, target: Offset) -> Result<bool, TruncateError> {
        let (mut appender, _pause) = self.lock_to_truncate(target);
        if !self.admits(epoch) {
            return Err(TruncateError::Fenced(epoch));
        }
        Ok(self.truncate_locked(&mut appender, target)?)
    }

    /// The appender's lock. If more than the active segment is to be truncated, the log's cleaning is paused,
    /// which is waited for before the lock is taken: the cleaner takes it too.
    fn lock_to_truncate(&self, target: Offset) -> (MutexGuard<'_, Appender>, Option<CleaningPause>) {
        let mut pause = None;
        loop {
            let appender = self.appender();
            let is_within_active = || self.segments().last().is_none_or(|it| it.base_offset <= target.max(0));
            if pause.is_some() || is_within_active() {
                return (appender, pause);
            }
            drop(appender);
            pause = Some(self.abort_and_pause_cleaning());
        }
    }

    fn truncate_locked(&self, appender: &mut Appender, target: Offset) -> Result<bool, StorageError> {
        let target = target.max(0);
        self.still_open()?;
        let end = self.log_end_offset();
        if target >= end {
            log::info!(
                target: TARGET,
                "Truncating {} to {target} has no effect as the largest offset in the log is {}",
                self.partition(),
                end - 1
            );
            self.epochs().change_unwritten(appender, |epochs| epochs.truncate_from_end(end));
            return Ok(false);
        }
        log::info!(target: TARGET, "Truncating {} to offset {target}", self.partition());
        if self.segments()[0].base_offset > target {
            self.start_at(appender, target)?;
            return Ok(true);
        }
        let removed = appender.segments.truncate_from(target + 1);
        self.discard(&removed)?;
        let (active, now) = (self.active(), self.now());
        let done = active.truncate_to(target, now).and_then(|_| active.activate());
        done.map_err(|error| self.truncating_failed(target, &error))?;
        self.change_epochs(appender, |epochs| epochs.truncate_from_end(target))?;
        let start = self.log_start_offset().min(target);
        self.complete_truncation(appender, start, target)?;
        Ok(true)
    }

    /// Forgets everything; the log goes on, empty, at `offset`.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn truncate_fully_and_start_at(&self, offset: Offset) -> Result<(), StorageError> {
        let _pause = self.abort_and_pause_cleaning();
        let mut appender = self.appender();
        self.still_open()?;
        self.start_at(&mut appender, offset)
    }

    /// Likewise, as was decided in a leader epoch.
    ///
    /// # Errors
    /// A later epoch is in force; the disk failed, or the log is closed.
    pub fn restart_in(&self, epoch: LeaderEpoch, offset: Offset) -> Result<(), TruncateError> {
        let _pause = self.abort_and_pause_cleaning();
        let mut appender = self.appender();
        if !self.admits(epoch) {
            return Err(TruncateError::Fenced(epoch));
        }
        self.still_open()?;
        Ok(self.start_at(&mut appender, offset)?)
    }

    fn start_at(&self, appender: &mut Appender, offset: Offset) -> Result<(), StorageError> {
        log::debug!(target: TARGET, "Truncate {} and start at offset {offset}", self.partition());
        self.discard(&self.segment_list())?;
        let state = &mut appender.state;
        let mut begin = || -> io::Result<Segment> {
            let segment = Segment::create(self.own_dir(), offset, self.segment_options())?;
            segment.activate()?;
            state.truncate_fully(offset)?;
            Ok(segment)
        };
        let segment = begin().map_err(|error| self.truncating_failed(offset, &error))?;
        appender.segments.reset(vec![Arc::new(segment)]);
        self.change_epochs(appender, |epochs| {
            epochs.clear();
            true
        })?;
        self.complete_truncation(appender, offset, offset)
    }

    fn complete_truncation(
        &self,
        appender: &mut Appender,
        start: Offset,
        end: Offset,
    ) -> Result<(), StorageError> {
        let position = self.end_at(end);
        self.marks_mut().truncated(start, position);
        self.recovery().truncated(end);
        self.cleaning().truncated_to(self.active().base_offset);
        self.rebuild_producers(&mut appender.state, end, LastStop::Unclean)
            .map_err(|error| self.truncating_failed(end, &error))?;
        self.marks_mut().note_transactions(&mut appender.state.producers);
        Ok(())
    }

    fn truncating_failed(&self, target: Offset, error: &io::Error) -> StorageError {
        let dir = self.data_dir().display();
        let what =
            format!("Error while truncating log to offset {target} for {} in dir {dir}", self.partition());
        self.failed(what, error)
    }
}

#[cfg(test)]
mod tests;
