//! One partition's log: its parts, its marks, and the locks under which it is changed.
//!
//! Each part guards its own state: the list of segments ([`super::segments`]), the marks ([`super::marks`]), the leader
//! epochs and their file ([`super::epoch_checkpoint`]), the recovery point ([`super::recovery_point`]), the fence
//! ([`super::epoch_fence`]), and what only the appender may touch ([`super::appender`]). What is done with them has a
//! file for each job: opening and recovering ([`super::recovery`]), appending ([`super::append`]), rolling
//! ([`super::roll`]), flushing ([`super::flush`]), reading ([`super::read`]), truncating ([`super::truncate`]),
//! deleting ([`super::deletion`]), settings and closing ([`super::lifecycle`]).
//!
//! Never knows of replicas: its users set the high watermark, and the leader epoch in which it may be written to.
//!
//! One lock, the appender's, is held over IO: by the thread that changes the log's files. Everything that
//! other threads read is memory behind locks that are held for a few instructions: a disk that does not
//! answer holds up only the threads that write to it. Lock order: appender, epochs, marks. Kafka: `Log`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, MutexGuard, RwLock, RwLockWriteGuard};

use super::appender::Appender;
use super::cleaner::state::Cleaning;
use super::directory::LogDir;
use super::disk::{Disk, Disks};
use super::epoch_checkpoint::EpochCheckpoint;
use super::epoch_fence::EpochFence;
use super::epochs::{EpochEnd, Epochs};
use super::failure::{DirFailures, StorageError};
use super::log_start::LogStartListener;
pub use super::marks::LogSnapshot;
use super::marks::Marks;
use super::position::LogPosition;
use super::recovery_point::RecoveryPoint;
use super::scheduler::ScheduledTask;
use super::segment::{Segment, SegmentOptions};
use super::segments::{SegmentList, Segments, SegmentsWriter};
use super::settings::Settings;
use super::snapshots::ProducerState;
use crate::base::{Clock, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::config::topic::TopicConfig;
use crate::metrics::Timer;

/// What all logs of a broker share.
#[derive(Debug)]
pub struct Shared {
    /// The clock.
    pub clock: Clock,
    /// Where failed directories are reported.
    pub failures: DirFailures,
    /// What each data directory does, now and later.
    pub disks: Disks,
    /// The listener that is notified when a log start has moved.
    pub log_starts: LogStartListener,
    /// How long a producer is remembered after its last batch (`transactional.id.expiration.ms`).
    pub producer_expiration: Millis,
    /// Whether every broker of the cluster reads zstd (`inter.broker.protocol.version` 2.1 and up).
    pub zstd_allowed: bool,
    /// How often segments are flushed, and how long that takes.
    pub flushes: Timer,
}

impl Shared {
    /// What logs share that are on their own, with the defaults of a broker of Kafka 2.7.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            failures: DirFailures::default(),
            disks: Disks::default(),
            log_starts: LogStartListener::default(),
            producer_expiration: 604_800_000,
            zstd_allowed: true,
            flushes: Timer::default(),
        }
    }
}

/// A partition's log.
pub struct Log {
    /// For tasks that outlive a call but not the log.
    myself: Weak<Log>,
    partition: TopicPartition,
    shared: Arc<Shared>,
    /// The data directory that the log lies in.
    data_dir: PathBuf,
    /// What that directory does.
    disk: Arc<Disk>,
    /// The log's own directory; renamed when it is deleted.
    dir: Arc<LogDir>,
    settings: ArcSwap<Settings>,
    segments: Arc<Segments>,
    /// Held over IO by the thread that changes the log's files.
    appender: Mutex<Appender>,
    fence: EpochFence,
    epochs: EpochCheckpoint,
    marks: RwLock<Marks>,
    recovery_point: RecoveryPoint,
    cleaning: Arc<Cleaning>,
    /// Set once, when nothing may touch the files any more.
    closed: AtomicBool,
}

impl Log {
    /// A log without segments in a directory that exists: to be loaded by [`Log::open`].
    pub(super) fn new(
        partition: TopicPartition,
        dir: PathBuf,
        settings: Settings,
        log_start: Offset,
        recovery_point: Offset,
        shared: Arc<Shared>,
    ) -> Arc<Self> {
        let data_dir = dir.parent().unwrap_or(Path::new("/")).to_owned();
        let dir = LogDir::new(dir);
        let (segments, writer) = SegmentsWriter::new();
        let state = ProducerState::new(partition.clone(), dir.clone(), shared.producer_expiration);
        Arc::new_cyclic(|myself| Self {
            myself: myself.clone(),
            partition,
            disk: shared.disks.of(&data_dir),
            data_dir,
            epochs: EpochCheckpoint::new(dir.clone()),
            dir,
            settings: ArcSwap::from_pointee(settings),
            segments,
            appender: Mutex::new(Appender { segments: writer, state }),
            marks: RwLock::new(Marks::empty_at(log_start)),
            fence: EpochFence::open(),
            recovery_point: RecoveryPoint::new(recovery_point, shared.clock.now()),
            cleaning: Arc::default(),
            closed: AtomicBool::new(false),
            shared,
        })
    }

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
        self.snapshot().log_start_offset
    }

    /// The offset of the next record.
    pub fn log_end_offset(&self) -> Offset {
        self.snapshot().log_end.offset
    }

    /// Up to where all in-sync replicas have the log.
    pub fn high_watermark(&self) -> Offset {
        self.snapshot().high_watermark.offset
    }

    /// Up to where all transactions are decided, at most the high watermark.
    pub fn last_stable_offset(&self) -> Offset {
        self.snapshot().last_stable.offset
    }

    /// Where the log stands, all at one moment. Offsets that were not looked up have no position in a segment.
    pub fn snapshot(&self) -> LogSnapshot {
        self.marks.read().snapshot()
    }

    /// Every record below this offset is on the disk.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point.offset()
    }

    /// When the log was last flushed.
    pub fn last_flush(&self) -> Millis {
        self.recovery_point.last_flush()
    }

    /// Bytes of record batches.
    pub fn size(&self) -> u64 {
        self.segments().iter().map(|segment| u64::from(segment.size())).sum()
    }

    /// How many segments it has.
    pub fn segment_count(&self) -> usize {
        self.segments().iter().count()
    }

    /// The base offsets of its segments, rising.
    pub fn segment_offsets(&self) -> Vec<Offset> {
        self.segments().iter().map(|segment| segment.base_offset).collect()
    }

    // ---- high watermark ----

    /// Sets the high watermark, kept between the log's start and end. Returns it. May go back: a role change does that.
    pub fn update_high_watermark(&self, to: impl Into<LogPosition>) -> Offset {
        self.marks_mut().set_high_watermark(to.into())
    }

    /// Moves the high watermark forward. Returns the old one if it moved; an offset past the log's end is not moved to.
    pub fn maybe_increment_high_watermark(&self, to: LogPosition) -> Option<Offset> {
        self.marks_mut().increment_high_watermark(to)
    }

    // ---- leader epochs ----

    /// The latest leader epoch with records in the log, or assigned since.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.get(|epochs| Some(epochs.latest()?.epoch))
    }

    /// The largest epoch not above `epoch` and the offset where it ended; None where nothing is known of it.
    pub fn end_offset_for(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.get(|epochs| epochs.end_offset_for(epoch, self.log_end_offset()))
    }

    /// Fences every earlier epoch than this one. Does not wait: an append under way is still done, as if it had come a
    /// moment before, and what truncates the log comes after it.
    pub fn fence_below(&self, epoch: LeaderEpoch) {
        self.fence.raise(epoch);
    }

    /// Refuses every epoch from now on. Returns the one that was in force.
    pub(super) fn close_fence(&self) -> LeaderEpoch {
        self.fence.close()
    }

    /// Whether what was decided in a leader epoch may still be written. Asked under the appender's lock.
    pub(super) fn admits(&self, epoch: LeaderEpoch) -> bool {
        self.fence.admits(epoch)
    }

    /// Changes the epochs and, if `change` returns true, their checkpoint.
    pub(super) fn change_epochs(
        &self,
        appender: &Appender,
        change: impl FnOnce(&mut Epochs) -> bool,
    ) -> Result<(), StorageError> {
        self.epochs.change(appender, change).map_err(|error| self.epochs_failed(&error))
    }

    /// Writes the epochs that a recovery would not find in the records that are about to be appended.
    pub(super) fn write_epochs_before_records(&self, appender: &Appender) -> Result<(), StorageError> {
        self.epochs.write_before_records(appender).map_err(|error| self.epochs_failed(&error))
    }

    fn epochs_failed(&self, error: &io::Error) -> StorageError {
        let path = self.epochs.path();
        self.failed(format!("Error while writing to checkpoint file {}", path.display()), error)
    }

    // ---- the parts, for the jobs of this room ----

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    /// The log's own directory, which others may rename.
    pub(super) fn own_dir(&self) -> &Arc<LogDir> {
        &self.dir
    }

    /// The settings, for a short use.
    pub(super) fn current_settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Puts other settings into force. Returns the old ones.
    pub(super) fn swap_settings(&self, settings: Settings) -> Arc<Settings> {
        self.settings.swap(Arc::new(settings))
    }

    /// The segments now, for a short use.
    pub(super) fn segments(&self) -> Guard<Arc<SegmentList>> {
        self.segments.load()
    }

    /// The segments now, to be kept.
    pub(super) fn segment_list(&self) -> Arc<SegmentList> {
        self.segments.snapshot()
    }

    /// The lock of the thread that changes the log's files.
    pub(super) fn appender(&self) -> MutexGuard<'_, Appender> {
        self.appender.lock()
    }

    /// The marks, to be moved.
    pub(super) fn marks_mut(&self) -> RwLockWriteGuard<'_, Marks> {
        self.marks.write()
    }

    pub(super) fn epochs(&self) -> &EpochCheckpoint {
        &self.epochs
    }

    pub(super) fn recovery(&self) -> &RecoveryPoint {
        &self.recovery_point
    }

    /// Whether it may be cleaned now, and up to where it is clean.
    pub fn cleaning(&self) -> &Arc<Cleaning> {
        &self.cleaning
    }

    pub(super) fn active(&self) -> Arc<Segment> {
        self.segments().active().clone()
    }

    /// The end of the log, as it stands in the active segment.
    pub(super) fn end_at(&self, offset: Offset) -> LogPosition {
        let active = self.active();
        active.position(offset, active.size())
    }

    /// The options of a segment made or opened now.
    pub(super) fn segment_options(&self) -> SegmentOptions {
        self.settings.load().segment_options(self.now())
    }

    /// Brings everything below an offset to the disk later.
    pub(super) fn schedule_flush(&self, offset: Offset) {
        self.schedule(self.now(), ScheduledTask::Flush(self.myself.clone(), offset));
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

    /// Stops all changes of the files from now on. Returns whether they were stopped before. Does not wait
    /// for an append in progress.
    pub(super) fn shut(&self) -> bool {
        self.closed.swap(true, Ordering::AcqRel)
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
