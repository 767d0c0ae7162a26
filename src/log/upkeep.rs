//! What a log does besides appending and reading: roll, flush, let old segments go, close.
//!
//! Kafka: `Log.roll`, `flush`, `deleteOldSegments`, `maybeIncrementLogStartOffset`, `close`, `renameDir`.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::checkpoint::{self, LEADER_EPOCHS};
use super::chores::Chore;
use super::directory::{DELETED, remove_if_there};
use super::epochs::Epochs;
use super::failure::StorageError;
use super::log::Log;
use super::read::{ReadError, floor};
use super::retention::{Limits, Reason, SegmentFacts, deletable};
use super::segment::Segment;
use super::settings::Settings;
use super::snapshots::ProducerState;
use crate::base::{Millis, Offset};
use crate::config::topic::TopicConfig;

const TARGET: &str = "kafka.log.Log";

impl Log {
    pub(super) fn rolling_failed(&self) -> String {
        let dir = self.data_dir.display();
        format!("Error while rolling log segment for {} in dir {dir}", self.partition)
    }

    /// Begins a new segment at the log's end.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub fn roll(self: &Arc<Self>) -> Result<(), StorageError> {
        let mut state = self.appender.lock();
        self.still_open()?;
        self.roll_locked(&mut state, 0)
    }

    /// Begins a new segment at `expected` or at the log's end, whichever is later. The old one is flushed later.
    pub(super) fn roll_locked(
        &self,
        state: &mut ProducerState,
        expected: Offset,
    ) -> Result<(), StorageError> {
        let end = self.log_end_offset();
        let base = expected.max(end);
        let active = self.active();
        let failed = |error: std::io::Error| self.failed(self.rolling_failed(), &error);
        let mut segments = Vec::clone(&self.segments.load());
        if active.base_offset == base {
            log::warn!(
                target: TARGET,
                "Trying to roll a new log segment of {} with start offset {base} while it already exists and is \
                 active with size 0.",
                self.partition
            );
            segments.pop();
            self.discard(&[active])?;
        } else {
            active.deactivate().map_err(failed)?;
        }
        state.producers.set_end_offset(base);
        state.take_snapshot().map_err(failed)?;
        let dir = self.dir();
        let segment = Segment::create(&dir, base, self.segment_options()).map_err(failed)?;
        segment.activate().map_err(failed)?;
        segments.push(Arc::new(segment));
        self.segments.store(Arc::new(segments));
        // Same offset, new place: readers compare places by segment.
        let end = self.end_at(end);
        let mut marks = self.marks.write();
        if marks.high_watermark.offset == end.offset {
            marks.high_watermark = end;
        }
        marks.end = end;
        drop(marks);
        self.shared.chores.put_off(self.shared.clock.now(), Chore::Flush(self.myself.clone(), base));
        log::info!(target: TARGET, "Rolled new log segment of {} at offset {base}.", self.partition);
        Ok(())
    }

    // ---- flushing ----

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

    // ---- letting go ----

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
        let mut state = self.appender.lock();
        self.still_open()?;
        let dir = self.data_dir.display();
        let failed = |error: std::io::Error| {
            self.failed(format!("Error while deleting segments for {} in dir {dir}", self.partition), &error)
        };
        let settings = self.settings.load_full();
        let segments = self.segments.load_full();
        let facts = segments.iter().map(|segment| {
            Ok(SegmentFacts {
                base_offset: segment.base_offset,
                size: u64::from(segment.size()),
                largest_timestamp: segment.largest_timestamp()?,
            })
        });
        let facts = facts.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
        let marks = *self.marks.read();
        let limits = Limits {
            retention_ms: settings.retention_ms,
            retention_bytes: settings.retention_bytes,
            delete: settings.delete,
            log_start_offset: marks.log_start,
            high_watermark: marks.high_watermark.offset,
            log_end_offset: marks.end.offset,
        };
        let count = deletable(&facts, &limits, reason, self.shared.clock.now());
        if count == 0 {
            return Ok(0);
        }
        if count == segments.len() {
            self.roll_locked(&mut state, 0)?;
        }
        let going = &segments[..count];
        log::info!(
            target: TARGET,
            "Deleting segments of {} due to {reason:?} retention: {:?}",
            self.partition,
            going.iter().map(|segment| segment.base_offset).collect::<Vec<_>>()
        );
        let kept = self.segments.load()[count..].to_vec();
        let first = kept[0].base_offset;
        self.segments.store(Arc::new(kept));
        self.discard(going)?;
        self.move_start(&mut state, first)?;
        Ok(count)
    }

    /// Moves the log's start forward: what lies before it may no longer be read, and will be deleted. `reason` is for
    /// the log line.
    ///
    /// # Errors
    /// It lies past the high watermark, or the disk failed.
    pub fn increment_log_start_offset(&self, to: Offset, reason: &str) -> Result<(), ReadError> {
        let mut state = self.appender.lock();
        self.still_open()?;
        let marks = *self.marks.read();
        if to > marks.high_watermark.offset {
            let (partition, high_watermark) = (self.partition.clone(), marks.high_watermark.offset);
            return Err(ReadError::StartPastHighWatermark { partition, to, high_watermark });
        }
        if to > marks.log_start {
            log::info!(target: TARGET, "Incremented log start offset of {} to {to} due to {reason}", self.partition);
            self.move_start(&mut state, to)?;
        }
        Ok(())
    }

    /// Moves the log's start to `to` if that is forward; epochs, snapshots and marks follow.
    fn move_start(&self, state: &mut ProducerState, to: Offset) -> Result<(), StorageError> {
        {
            let mut marks = self.marks.write();
            if to <= marks.log_start {
                return Ok(());
            }
            marks.log_start = to;
            if marks.high_watermark.offset < to {
                marks.high_watermark = to.into();
            }
        }
        self.recovery_point.fetch_max(to, Ordering::AcqRel);
        self.change_epochs(|epochs| epochs.truncate_from_start(to))?;
        state.truncate_head(to).map_err(|error| {
            let dir = self.data_dir.display();
            let what = format!(
                "Exception while increasing log start offset for {} to {to} in dir {dir}",
                self.partition
            );
            self.failed(what, &error)
        })?;
        self.note_first_unstable(state);
        Ok(())
    }

    /// Renames the files of segments that no longer belong to the log, to be unlinked when readers have let go.
    pub(super) fn discard(&self, segments: &[Arc<Segment>]) -> Result<(), StorageError> {
        let due = self.shared.clock.now().saturating_add(self.settings.load().file_delete_delay_ms);
        for segment in segments {
            segment.change_suffix(DELETED).map_err(|error| {
                let dir = self.data_dir.display();
                self.failed(
                    format!("Error while deleting segments for {} in dir {dir}", self.partition),
                    &error,
                )
            })?;
            self.shared.chores.put_off(due, Chore::Unlink(segment.files()));
        }
        Ok(())
    }

    /// Deletes the producer snapshots that a recovery would not read, once the recovery point is in its checkpoint.
    ///
    /// # Errors
    /// The disk failed.
    pub fn delete_old_snapshots(&self) -> Result<(), StorageError> {
        let state = self.appender.lock();
        self.still_open()?;
        let segments = self.segments.load();
        let below = |offset: Offset| {
            let at = segments.partition_point(|segment| segment.base_offset < offset);
            at.checked_sub(1).map(|at| segments[at].base_offset)
        };
        let active = segments[segments.len() - 1].base_offset;
        let point = self.recovery_point();
        let needed = below(active).unwrap_or(active).min(below(point).unwrap_or(point));
        state.delete_before(needed).map_err(|error| {
            let dir = self.data_dir.display();
            self.failed(format!("Error while deleting snapshots of {} in dir {dir}", self.partition), &error)
        })
    }

    /// Forgets producers that have been silent for too long.
    pub fn remove_expired_producers(&self) {
        self.appender.lock().producers.remove_expired(self.shared.clock.now());
    }

    // ---- settings, closing, moving ----

    /// Keeps the log by another config of its topic from now on.
    ///
    /// # Errors
    /// As [`Log::set_settings`].
    pub fn set_config(&self, config: TopicConfig) -> Result<(), StorageError> {
        self.set_settings(config.into())
    }

    /// Keeps the log by other settings from now on.
    ///
    /// # Errors
    /// The message format changed and the epochs' checkpoint could not follow.
    pub fn set_settings(&self, settings: Settings) -> Result<(), StorageError> {
        let _one_at_a_time = self.appender.lock();
        let old = self.settings.swap(Arc::new(settings.clone()));
        if settings.magic < old.magic {
            log::warn!(
                target: TARGET,
                "Record format version of {} has been downgraded from V{} to V{}.",
                self.partition,
                old.magic,
                settings.magic
            );
        }
        if (settings.magic < 2) != (old.magic < 2) {
            let is_damaged = self.load_epochs(settings.magic)?;
            if is_damaged {
                self.rebuild_epochs().map_err(|error| {
                    self.failed("Error while rebuilding leader epochs".to_owned(), &error)
                })?;
            }
        }
        Ok(())
    }

    /// Reads the epochs from their checkpoint; without leader epochs in the format there is none. True where what the
    /// checkpoint holds is none, and the epochs are to be taken from the batches instead (Kafka gives up the directory).
    pub(super) fn load_epochs(&self, magic: i8) -> Result<bool, StorageError> {
        let path = self.dir().join(LEADER_EPOCHS);
        let read = || {
            if magic >= 2 {
                checkpoint::create(&path)?;
                return checkpoint::read_epochs(&path).map(|entries| Some(Epochs::of(entries)));
            }
            if remove_if_there(&path)? {
                log::warn!(target: TARGET, "Deleting leader epochs of {}: its message format has none", self.partition);
            }
            Ok(None)
        };
        let (epochs, is_damaged) = match read() {
            Ok(epochs) => (epochs, false),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                log::warn!(target: TARGET, "{error}: the leader epochs of {} are taken from its batches", self.partition);
                (Some(Epochs::default()), true)
            }
            Err(error) => {
                let doing = format!("Error while reading checkpoint file {}", path.display());
                return Err(self.failed(doing, &error));
            }
        };
        *self.epochs.write() = epochs;
        Ok(is_damaged)
    }

    /// Closes the log: the producers are written down, the files cut to what is in them. Flushes nothing.
    ///
    /// # Errors
    /// The disk failed.
    pub fn close(&self) -> Result<(), StorageError> {
        let mut state = self.appender.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        state.take_snapshot().and_then(|()| self.active().deactivate()).map_err(|error| {
            let dir = self.data_dir.display();
            self.failed(format!("Error while closing {} in dir {dir}", self.partition), &error)
        })
    }

    /// Lets nobody touch the files any more: the directory has failed, or is about to be removed.
    pub fn abandon(&self) {
        let _none_appends = self.appender.lock();
        self.closed.store(true, Ordering::Release);
    }

    /// Renames the log's directory within its data directory.
    ///
    /// # Errors
    /// The disk failed.
    pub fn rename_dir(&self, name: &str) -> Result<(), StorageError> {
        let mut state = self.appender.lock();
        let new = self.data_dir.join(name);
        let mut dir = self.dir.lock();
        fs::rename(&*dir, &new).map_err(|error| {
            let data_dir = self.data_dir.display();
            self.failed(
                format!("Error while renaming dir for {} in log dir {data_dir}", self.partition),
                &error,
            )
        })?;
        *dir = new.clone();
        drop(dir);
        self.tell_moved(&mut state, &new);
        Ok(())
    }

    fn tell_moved(&self, state: &mut ProducerState, dir: &Path) {
        for segment in self.segments.load().iter() {
            segment.moved_to(dir);
        }
        state.moved_to(dir);
    }
}

#[cfg(test)]
mod tests;
