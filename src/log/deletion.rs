//! What a log lets go: segments that retention no longer asks for, records before its start, old snapshots.
//!
//! What is to go is decided in [`super::retention`]. Kafka: `Log.deleteOldSegments`, `maybeIncrementLogStartOffset`,
//! `deleteSnapshotsAfterRecoveryPointCheckpoint`.

use std::sync::Arc;

use super::appender::Appender;
use super::directory::DELETED;
use super::failure::StorageError;
use super::log::Log;
use super::read::ReadError;
use super::retention::{Limits, Reason, SegmentFacts, deletable};
use super::scheduler::ScheduledTask;
use super::segment::Segment;
use crate::base::Offset;

const TARGET: &str = "kafka.log.Log";

impl Log {
    /// Lets the segments go that retention no longer asks for. Returns how many went.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn delete_old_segments(&self) -> Result<usize, StorageError> {
        let mut gone = 0;
        for reason in [Reason::Time, Reason::Size, Reason::StartOffset] {
            gone += self.delete_for(reason)?;
        }
        Ok(gone)
    }

    fn delete_for(&self, reason: Reason) -> Result<usize, StorageError> {
        // Mostly there is nothing to delete, which is seen without holding up appends.
        if self.deletable(reason)? == 0 {
            return Ok(0);
        }
        let mut appender = self.appender();
        self.still_open()?;
        let count = self.deletable(reason)?;
        if count == 0 {
            return Ok(0);
        }
        if count == self.segments().len() {
            self.roll_locked(&mut appender, 0)?;
        }
        let first_kept = self.segments()[count].base_offset;
        let deleted = appender.segments.delete_before(first_kept);
        log::info!(
            target: TARGET,
            "Deleting segments of {} due to {reason:?} retention: {:?}",
            self.partition(),
            deleted.iter().map(|segment| segment.base_offset).collect::<Vec<_>>()
        );
        self.discard(&deleted)?;
        self.move_start(&mut appender, first_kept)?;
        Ok(count)
    }

    /// How many segments, from the first on, retention no longer asks for.
    fn deletable(&self, reason: Reason) -> Result<usize, StorageError> {
        let dir = self.data_dir().display();
        let failed = |error: std::io::Error| {
            self.failed(
                format!("Error while deleting segments for {} in dir {dir}", self.partition()),
                &error,
            )
        };
        let settings = self.settings();
        let segments = self.segment_list();
        let facts = segments.iter().map(|segment| {
            Ok(SegmentFacts {
                base_offset: segment.base_offset,
                size: u64::from(segment.size()),
                largest_timestamp: segment.largest_timestamp()?,
            })
        });
        let facts = facts.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
        let marks = self.snapshot();
        let limits = Limits {
            retention_ms: settings.retention_ms,
            retention_bytes: settings.retention_bytes,
            delete: settings.delete,
            log_start_offset: marks.log_start_offset,
            high_watermark: marks.high_watermark.offset,
            log_end_offset: marks.log_end.offset,
        };
        Ok(deletable(&facts, &limits, reason, self.now()))
    }

    /// Moves the log's start forward: what lies before it may no longer be read, and will be deleted. `reason` is for
    /// the log line.
    ///
    /// # Errors
    /// It lies past the high watermark, or the disk failed.
    pub fn increment_log_start_offset(&self, to: Offset, reason: &str) -> Result<(), ReadError> {
        let mut appender = self.appender();
        self.still_open()?;
        let marks = self.snapshot();
        if to > marks.high_watermark.offset {
            let (partition, high_watermark) = (self.partition().clone(), marks.high_watermark.offset);
            return Err(ReadError::StartPastHighWatermark { partition, to, high_watermark });
        }
        if to > marks.log_start_offset {
            log::info!(target: TARGET, "Incremented log start offset of {} to {to} due to {reason}", self.partition());
            self.move_start(&mut appender, to)?;
        }
        Ok(())
    }

    /// Moves the log's start to `to` if that is forward; epochs, snapshots and marks follow.
    fn move_start(&self, appender: &mut Appender, to: Offset) -> Result<(), StorageError> {
        if !self.marks_mut().increment_log_start(to) {
            return Ok(());
        }
        self.recovery().log_starts_at(to);
        self.shared().log_starts.moved(self.partition());
        self.change_epochs(appender, |epochs| epochs.truncate_from_start(to))?;
        appender.state.truncate_head(to).map_err(|error| {
            let dir = self.data_dir().display();
            let what = format!(
                "Exception while increasing log start offset for {} to {to} in dir {dir}",
                self.partition()
            );
            self.failed(what, &error)
        })
    }

    /// Renames the files of segments that no longer belong to the log, to be unlinked when readers have let go.
    pub(super) fn discard(&self, segments: &[Arc<Segment>]) -> Result<(), StorageError> {
        for segment in segments {
            segment.change_suffix(DELETED).map_err(|error| {
                let dir = self.data_dir().display();
                self.failed(
                    format!("Error while deleting segments for {} in dir {dir}", self.partition()),
                    &error,
                )
            })?;
            self.unlink_later(segment);
        }
        Ok(())
    }

    /// Unlinks the files of a segment after `file.delete.delay.ms`, as they are called now.
    pub(super) fn unlink_later(&self, segment: &Segment) {
        let due = self.now().saturating_add(self.current_settings().file_delete_delay_ms);
        self.schedule(due, ScheduledTask::Unlink(segment.paths()));
    }

    /// Deletes the producer snapshots that a recovery would not read, once the recovery point is in its
    /// checkpoint; those of a closed log, too.
    ///
    /// # Errors
    /// The disk failed.
    pub fn delete_old_snapshots(&self) -> Result<(), StorageError> {
        let mut appender = self.appender();
        let segments = self.segments();
        let or_below = |offset: Offset| segments.base_below(offset).unwrap_or(offset);
        let needed = or_below(segments.active().base_offset).min(or_below(self.recovery_point()));
        appender.state.delete_before(needed).map_err(|error| {
            let dir = self.data_dir().display();
            self.failed(
                format!("Error while deleting snapshots of {} in dir {dir}", self.partition()),
                &error,
            )
        })
    }

    /// Forgets producers that have been silent for too long.
    pub fn remove_expired_producers(&self) {
        self.appender().state.producers.remove_expired(self.now());
    }
}

#[cfg(test)]
mod tests;
