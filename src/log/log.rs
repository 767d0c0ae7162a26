//! One partition's log: where it stands, what its parts are, and who may change them.
//!
//! Appending is in [`super::append`], reading in [`super::read`], rolling in [`super::roll`], flushing in
//! [`super::flush`], deleting in [`super::deletion`], closing and renaming in [`super::lifecycle`], truncating in
//! [`super::truncate`], opening and recovering in [`super::recovery`]. Knows nothing of replicas: the high watermark is
//! told to it, and the leader epoch in which it may be written to.
//!
//! One lock, the appender's, is held over IO: by whoever changes the log's files, one at a time. All that others look at
//! (marks, epochs, settings, the list of segments, the directory's name) is memory behind locks of its own, which are held
//! for a few instructions: a disk that does not answer holds up those who write to it and nobody else. Lock order:
//! appender, epochs, marks. Kafka: `Log`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};

use super::checkpoint::{self, LEADER_EPOCHS};
use super::directory::LogDir;
use super::disk::{Disk, Disks};
use super::epochs::Epochs;
use super::failure::{DirFailures, StorageError};
use super::marks::{Marks, MarksState};
use super::position::LogPosition;
use super::scheduler::ScheduledTask;
use super::segment::{Segment, SegmentOptions};
use super::settings::Settings;
use super::snapshots::ProducerState;
use crate::base::{Clock, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::config::topic::TopicConfig;

/// What all logs of a broker share.
#[derive(Debug)]
pub struct Shared {
    /// Tells the time.
    pub clock: Clock,
    /// Where failed directories are reported.
    pub failures: DirFailures,
    /// What each data directory does, now and later.
    pub disks: Disks,
    /// How long a producer is remembered after its last batch (`transactional.id.expiration.ms`).
    pub producer_expiration: Millis,
    /// Whether every broker of the cluster reads zstd (`inter.broker.protocol.version` 2.1 and up).
    pub zstd_allowed: bool,
}

impl Shared {
    /// What logs share that are on their own, with the defaults of a broker of Kafka 2.7.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            failures: DirFailures::default(),
            disks: Disks::default(),
            producer_expiration: 604_800_000,
            zstd_allowed: true,
        }
    }
}

/// Where a log stands, as its readers see it, all at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSnapshot {
    /// The first offset that may be read.
    pub log_start_offset: Offset,
    /// The offset of the next record.
    pub log_end: LogPosition,
    /// Up to where all in-sync replicas have the log.
    pub high_watermark: LogPosition,
    /// Up to where all transactions are decided, at most the high watermark.
    pub last_stable: LogPosition,
}

/// A partition's log.
pub struct Log {
    /// For tasks that outlive a call but not the log.
    pub(super) myself: Weak<Log>,
    pub(super) partition: TopicPartition,
    pub(super) shared: Arc<Shared>,
    /// The data directory that the log lies in.
    pub(super) data_dir: PathBuf,
    /// What that directory does.
    pub(super) disk: Arc<Disk>,
    /// The log's own directory; renamed when it is deleted.
    pub(super) dir: Arc<LogDir>,
    pub(super) settings: ArcSwap<Settings>,
    /// In the order of their base offsets, the active one last; never empty. Replaced under the appender's lock.
    pub(super) segments: ArcSwap<Vec<Arc<Segment>>>,
    /// Held by whoever changes the log's files, over IO.
    pub(super) appender: Mutex<ProducerState>,
    /// The leader epoch in force: nothing that was decided in an earlier one is written any more.
    pub(super) fence: AtomicI32,
    /// None where the message format has no leader epochs. Changed under the appender's lock, and written to the
    /// checkpoint after it was changed.
    pub(super) epochs: RwLock<Option<Epochs>>,
    pub(super) marks: RwLock<MarksState>,
    /// Everything below it is on the disk.
    pub(super) recovery_point: AtomicI64,
    pub(super) last_flush: AtomicI64,
    pub(super) closed: AtomicBool,
}

impl Log {
    /// The partition.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The data directory that the log lies in.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What its data directory does: appends and jobs take their turns there.
    pub fn disk(&self) -> &Arc<Disk> {
        &self.disk
    }

    /// The log's own directory, as it is called now.
    pub fn dir(&self) -> PathBuf {
        self.dir.path()
    }

    /// The topic's config.
    pub fn config(&self) -> Arc<TopicConfig> {
        self.settings.load().config.clone()
    }

    /// What the config means for the log.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// The first offset that may be read.
    pub fn log_start_offset(&self) -> Offset {
        self.marks().log_start
    }

    /// The offset of the next record.
    pub fn log_end_offset(&self) -> Offset {
        self.marks().end.offset
    }

    /// Up to where all in-sync replicas have the log.
    pub fn high_watermark(&self) -> Offset {
        self.marks().high_watermark.offset
    }

    /// Up to where all transactions are decided, at most the high watermark.
    pub fn last_stable_offset(&self) -> Offset {
        self.marks().last_stable().offset
    }

    /// Where it stands. Positions that nobody has looked up have no place.
    pub fn snapshot(&self) -> LogSnapshot {
        let marks = self.marks();
        LogSnapshot {
            log_start_offset: marks.log_start,
            log_end: marks.end,
            high_watermark: marks.high_watermark,
            last_stable: marks.last_stable(),
        }
    }

    /// Everything below this offset is on the disk.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point.load(Ordering::Acquire)
    }

    /// Bytes of record batches.
    pub fn size(&self) -> u64 {
        self.segments.load().iter().map(|segment| u64::from(segment.size())).sum()
    }

    /// The base offsets of its segments, rising.
    pub fn segment_offsets(&self) -> Vec<Offset> {
        self.segments.load().iter().map(|segment| segment.base_offset).collect()
    }

    // ---- high watermark ----

    /// Sets the high watermark, held between the log's start and end. Returns it. May go back: a role change does that.
    pub fn update_high_watermark(&self, to: impl Into<LogPosition>) -> Offset {
        self.marks.write().set_high_watermark(to.into())
    }

    /// Moves the high watermark forward. Returns the old one if it moved; an offset past the log's end is not moved to.
    pub fn maybe_increment_high_watermark(&self, to: LogPosition) -> Option<Offset> {
        self.marks.write().increment_high_watermark(to)
    }

    // ---- leader epochs ----

    /// The latest leader epoch with records in the log, or assigned since.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        Some(self.epochs.read().as_ref()?.latest()?.epoch)
    }

    /// The largest epoch not above `epoch` and the offset where it ended; None where nothing is known of it.
    pub fn end_offset_for(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let epochs = self.epochs.read();
        epochs.as_ref()?.end_offset_for(epoch, self.log_end_offset())
    }

    /// Fences every earlier epoch than this one. Does not wait: an append under way is still done, as if it had come a
    /// moment before, and what truncates the log comes after it.
    pub fn fence_below(&self, epoch: LeaderEpoch) {
        // One whose place was taken stays fenced for ever.
        let unless_superseded = |held: LeaderEpoch| (held != LeaderEpoch::MAX).then_some(epoch);
        let _ = self.fence.fetch_update(Ordering::AcqRel, Ordering::Acquire, unless_superseded);
    }

    /// Whether what was decided in a leader epoch may still be written. Asked under the appender's lock.
    pub(super) fn admits(&self, epoch: LeaderEpoch) -> bool {
        epoch >= self.fence.load(Ordering::Acquire)
    }

    /// Changes the epochs and, if `change` says so, their checkpoint. Called under the appender's lock, which keeps the
    /// order of the checkpoint's versions; the epochs' own lock is not held over the writing.
    pub(super) fn change_epochs(&self, change: impl FnOnce(&mut Epochs) -> bool) -> Result<(), StorageError> {
        let known = self.epochs.read().clone();
        let Some(mut epochs) = known else { return Ok(()) };
        if !change(&mut epochs) {
            return Ok(());
        }
        let path = self.dir().join(LEADER_EPOCHS);
        checkpoint::write_epochs(&path, epochs.entries()).map_err(|error| {
            self.failed(format!("Error while writing to checkpoint file {}", path.display()), &error)
        })?;
        *self.epochs.write() = Some(epochs);
        Ok(())
    }

    // ---- for the parts of this room ----

    /// Where it stands, all at one moment.
    pub(super) fn marks(&self) -> Marks {
        self.marks.read().now()
    }

    pub(super) fn schedule(&self, due: Millis, task: ScheduledTask) {
        self.disk.scheduler.schedule(due, task);
    }

    /// Reports what failed. The files of a log that was deleted may be gone: that is no fault of its directory.
    pub(super) fn failed(&self, message: impl fmt::Display, error: &io::Error) -> StorageError {
        if self.closed.load(Ordering::Acquire) {
            return StorageError::new(message, &self.data_dir);
        }
        self.shared.failures.report(&self.data_dir, message, error)
    }

    /// Refuses what would touch the files of a log that was closed or deleted.
    ///
    /// # Errors
    /// It was.
    pub(super) fn still_open(&self) -> Result<(), StorageError> {
        if !self.closed.load(Ordering::Acquire) {
            return Ok(());
        }
        let message = format!("The memory mapped buffer for log of {} is already closed", self.partition);
        Err(StorageError::new(message, &self.data_dir))
    }

    pub(super) fn active(&self) -> Arc<Segment> {
        let segments = self.segments.load();
        // Never empty, by construction.
        segments[segments.len() - 1].clone()
    }

    /// The options of a segment made or opened now.
    pub(super) fn segment_options(&self) -> SegmentOptions {
        self.settings.load().segment_options(self.shared.clock.now())
    }

    /// The end of the log, as it stands in the active segment.
    pub(super) fn end_at(&self, offset: Offset) -> LogPosition {
        let active = self.active();
        LogPosition::at(offset, active.base_offset, active.size())
    }
}

impl fmt::Display for Log {
    /// As Kafka prints a log in its messages.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        write!(
            out,
            "Log(dir={}, topic={}, partition={}, highWatermark={}, lastStableOffset={}, logStartOffset={}, \
             logEndOffset={})",
            self.dir().display(),
            self.partition.topic,
            self.partition.partition,
            snapshot.high_watermark.offset,
            snapshot.last_stable.offset,
            snapshot.log_start_offset,
            snapshot.log_end.offset
        )
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
pub(crate) mod tests;
