//! Opening a log, and making it whole again after a broker that did not stop cleanly.
//!
//! An interrupted deletion or cleaning is undone or completed ([`leftovers`]). Segments behind the recovery
//! point are read batch by batch, truncated at the first incomplete batch and flushed. Those whose offsets do
//! not fit their indexes are split ([`split`]). Indexes that are missing or cannot be valid are rebuilt.
//! Producers are rebuilt from their last snapshot and the batches behind it.
//!
//! Kafka: `Log.loadSegments`, `recoverLog`, `LogSegment.recover`, `Log.rebuildProducerState`.

mod leftovers;
mod split;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::append::aborted;
use super::appender::Appender;
use super::directory::{
    self, LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX, file_name, offset_of, remove_if_there,
};
use super::epoch_checkpoint::Loaded;
use super::failure::StorageError;
use super::index::TimestampOffset;
use super::index::offset::relative;
use super::log::{Log, Shared};
use super::producers::Change;
use super::segment::{Segment, into_io};
use super::segment_files::Kind;
use super::settings::Settings;
use super::snapshots::ProducerState;
use super::validate::AppendOrigin;
use super::walk::WalkError;
use crate::base::{Offset, TopicPartition};
use crate::wire::batch::{Batch, BatchHeader};
use crate::wire::control::EndTransactionMarker;

const TARGET: &str = "kafka.log.Log";

/// How the broker stopped that last used a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStop {
    /// With all it had on the disk: nothing needs recovery.
    Clean,
    /// By a crash, as far as is known: what lies behind the recovery point is read.
    Unclean,
}

/// When what the opening or closing of a log has read and written is brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSync {
    /// File by file.
    EachFile,
    /// By the caller, at once for the data directory, before its recovery points are written.
    WholeDirectory,
}

/// What is known of a log before it is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The partition.
    pub partition: TopicPartition,
    /// The log's own directory, in its data directory; it exists.
    pub dir: PathBuf,
    /// How it is to be kept.
    pub settings: Settings,
    /// Its start offset by the checkpoint, or 0.
    pub log_start: Offset,
    /// Its recovery point by the checkpoint, or 0.
    pub recovery_point: Offset,
    /// How the last broker stopped.
    pub last_stop: LastStop,
}

/// What was found in a segment that was read to make it whole.
enum RecoveredSegment {
    /// Whole batches, and this many bytes behind them, which are truncated now.
    Torn(u32),
    /// A sound batch whose offset its indexes cannot hold.
    Overflow,
}

impl Log {
    /// Opens or begins a log. Reads what needs recovery: may take long.
    ///
    /// # Errors
    /// The disk failed; its directory is then offline.
    pub fn open(opening: Opening, shared: Arc<Shared>) -> Result<Arc<Self>, StorageError> {
        Self::open_syncing(LogSync::EachFile, opening, shared)
    }

    /// As [`Log::open`], with the choice of when a recovery is brought to the disk.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_syncing(
        sync: LogSync,
        opening: Opening,
        shared: Arc<Shared>,
    ) -> Result<Arc<Self>, StorageError> {
        let Opening { partition, dir, settings, log_start, recovery_point, last_stop } = opening;
        let magic = settings.magic;
        let log = Self::new(partition, dir, settings, log_start, recovery_point, shared);
        let epochs = log.load_epochs(magic)?;
        log.load(last_stop, sync, epochs).map_err(|error| {
            log.failed(format!("Error while loading log dir {}", log.data_dir().display()), &error)
        })?;
        Ok(log)
    }

    fn load(&self, last_stop: LastStop, sync: LogSync, epochs: Loaded) -> io::Result<()> {
        let mut appender = self.appender();
        appender.state.sync_snapshots(sync);
        let names = self.clear_leftovers()?;
        appender.state.list(&names);
        self.load_segments(&mut appender, names, last_stop)?;
        // After a power failure nothing may be left of the checkpoint but its name.
        if epochs == Loaded::Damaged || (epochs == Loaded::Empty && last_stop == LastStop::Unclean) {
            self.rebuild_epochs(&appender)?;
        }
        let end = self.recover(&mut appender, last_stop, sync)?;
        self.active().activate()?;
        self.epochs().change_unwritten(&appender, |epochs| epochs.truncate_from_end(end));
        let start = self.log_start_offset().max(self.segments()[0].base_offset);
        let position = self.end_at(end);
        self.marks_mut().opened(start, position);
        self.change_epochs(&appender, |epochs| epochs.truncate_from_start(start))?;
        self.recovery().recovered(self.end_with_epochs(&appender, end)?);
        self.recovery().log_starts_at(start);
        self.rebuild_producers(&mut appender.state, end, last_stop)?;
        self.marks_mut().note_transactions(&mut appender.state.producers);
        appender.state.sync_snapshots(LogSync::EachFile);
        Ok(())
    }

    /// Opens the segments and rebuilds their indexes where needed; one whose offsets overflow is split, and all are
    /// opened anew.
    fn load_segments(
        &self,
        appender: &mut Appender,
        mut names: Vec<String>,
        last_stop: LastStop,
    ) -> io::Result<()> {
        while let Some(overflowed) = self.open_segments(appender, &names, last_stop)? {
            self.split_segment(&overflowed)?;
            names = directory::files(&self.dir())?;
        }
        Ok(())
    }

    /// Opens the segments, one after the other, and rebuilds their indexes where needed. Returns the first one whose
    /// offsets overflow.
    fn open_segments(
        &self,
        appender: &mut Appender,
        names: &[String],
        last_stop: LastStop,
    ) -> io::Result<Option<Arc<Segment>>> {
        let bases = self.segment_bases(names)?;
        let mut segments = Vec::new();
        for (at, base) in bases.iter().copied().enumerate() {
            let indexed = names.contains(&file_name(base, OFFSET_INDEX));
            let segment = Arc::new(Segment::open(self.own_dir(), base, "", self.segment_options())?);
            // Segments behind the recovery point are read in any case.
            let recovered_later = last_stop == LastStop::Unclean
                && bases.get(at + 1).is_none_or(|next| *next > self.recovery_point());
            let is_believed = recovered_later || (indexed && is_sane(&segment)?);
            if !is_believed {
                log::warn!(
                    target: TARGET,
                    "Found no index file, or a corrupted one, of segment {base} of {}: recovering the segment and \
                     rebuilding index files...",
                    self.partition()
                );
                // The segments before it determine its producers.
                appender.segments.reset(segments.clone());
                if let RecoveredSegment::Overflow = self.recover_segment(appender, &segment, false)? {
                    return Ok(Some(segment));
                }
            }
            segments.push(segment);
        }
        appender.segments.reset(segments);
        Ok(None)
    }

    /// The base offsets of the segments among these files, rising. Indexes without batches are removed.
    fn segment_bases(&self, names: &[String]) -> io::Result<Vec<Offset>> {
        let mut bases = Vec::new();
        for name in names {
            let Some(base) = offset_of(name) else { continue };
            let is = |kinds: &[&str]| kinds.iter().any(|kind| *name == file_name(base, kind));
            if is(&[LOG]) {
                bases.push(base);
            } else if is(&[OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX])
                && !names.contains(&file_name(base, LOG))
            {
                log::warn!(
                    target: TARGET,
                    "Found an orphaned index file {name} of {}, with no log file.",
                    self.partition()
                );
                remove_if_there(&self.dir().join(name))?;
            }
        }
        Ok(bases)
    }

    /// Recovers the segments behind the recovery point, unless the stop was clean. Returns the log's end.
    fn recover(&self, appender: &mut Appender, last_stop: LastStop, sync: LogSync) -> io::Result<Offset> {
        if last_stop == LastStop::Unclean {
            while let Some(overflowed) = self.recover_segments(appender, sync)? {
                self.split_segment(&overflowed)?;
                self.load_segments(appender, directory::files(&self.dir())?, last_stop)?;
            }
        }
        let start = self.log_start_offset();
        let segments = self.segment_list();
        if let Some(last) = segments.last() {
            let end = last.next_offset()?;
            if end < start {
                log::warn!(
                    target: TARGET,
                    "Deleting all segments of {} because its end ({end}) is smaller than its start ({start}). This \
                     could happen if segment files were deleted from the file system.",
                    self.partition()
                );
                appender.segments.reset(Vec::new());
                self.discard(&segments)?;
            }
        }
        if self.segments().is_empty() {
            let segment = Segment::create(self.own_dir(), start, self.segment_options())?;
            appender.segments.reset(vec![Arc::new(segment)]);
        }
        self.active().next_offset()
    }

    /// Recovers the segments behind the recovery point, and brings them to the disk, unless the whole directory will
    /// be brought there: until then what was read may have been no more than the system's memory. Returns the first
    /// one whose offsets overflow.
    fn recover_segments(&self, appender: &mut Appender, sync: LogSync) -> io::Result<Option<Arc<Segment>>> {
        let segments = self.segment_list();
        for segment in segments.from(self.recovery_point()) {
            log::info!(
                target: TARGET,
                "[Log partition={}] Recovering unflushed segment {}",
                self.partition(), segment.base_offset
            );
            if segment.size() == 0 && Arc::ptr_eq(segment, segments.active()) {
                // There is nothing to read, and what its producers are is found with the log's.
                segment.reset_indexes()?;
                continue;
            }
            let RecoveredSegment::Torn(torn) = self.recover_segment(appender, segment, true)? else {
                return Ok(Some(segment.clone()));
            };
            if sync == LogSync::EachFile && (torn > 0 || segment.size() > 0) {
                segment.flush()?;
            }
            if torn > 0 {
                log::warn!(
                    target: TARGET,
                    "Corruption found in segment {} of {}, truncating to offset {}",
                    segment.base_offset,
                    self.partition(),
                    segment.next_offset()?
                );
                let unreachable = appender.segments.truncate_from(segment.base_offset + 1);
                self.discard(&unreachable)?;
                break;
            }
        }
        Ok(None)
    }

    /// Reads a segment batch by batch, rebuilds its indexes and truncates it at the first incomplete batch.
    /// With `epochs`, leader epochs that are not known yet are noted. A segment whose offsets overflow is
    /// left as it is.
    fn recover_segment(
        &self,
        appender: &mut Appender,
        segment: &Segment,
        epochs: bool,
    ) -> io::Result<RecoveredSegment> {
        let (partition, dir) = (self.partition().clone(), self.own_dir().clone());
        let mut state = ProducerState::new(partition, dir, self.shared().producer_expiration);
        state.sync_snapshots(appender.state.snapshot_sync());
        state.take_list_of(&mut appender.state);
        self.rebuild_producers(&mut state, segment.base_offset, LastStop::Unclean)?;
        segment.reset_indexes()?;
        let mut largest = TimestampOffset { timestamp: -1, offset: segment.base_offset };
        let (mut valid, mut last_entry, mut last_offset) = (0, 0, None);
        let mut batches = segment.batches(0)?;
        loop {
            let batch = match next_sound(&mut batches, segment.base_offset, last_offset) {
                Ok(Some(batch)) if relative(segment.base_offset, batch.header().last_offset()).is_err() => {
                    return Ok(RecoveredSegment::Overflow);
                }
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(WalkError::Io(error)) => return Err(error),
                Err(WalkError::Batch(error)) => {
                    log::warn!(
                        target: TARGET,
                        "Found invalid messages in log segment {} at byte offset {valid}: {error}.",
                        segment.path(Kind::Log).display()
                    );
                    break;
                }
            };
            let header = batch.header();
            if header.max_timestamp > largest.timestamp {
                largest = TimestampOffset { timestamp: header.max_timestamp, offset: header.last_offset() };
            }
            if valid - last_entry > segment.index_interval() {
                let mut indexes = segment.indexes.write();
                // Below the segment's size, which is a u32.
                indexes.offset.append(header.last_offset(), valid as u32)?;
                indexes.time.maybe_append(largest)?;
                last_entry = valid;
            }
            valid += header.size() as u64;
            last_offset = Some(header.last_offset());
            if header.magic >= 2 {
                if epochs {
                    self.note_recovered_epoch(appender, header);
                }
                replay(&mut state, &batch, Some(segment))?;
            }
        }
        let torn = segment.truncate_to_size(valid as u32)?;
        segment.set_largest(largest);
        segment.deactivate()?;
        state.take_snapshot()?;
        appender.state.take_list_of(&mut state);
        Ok(RecoveredSegment::Torn(torn))
    }

    /// Notes the leader epochs of all batches, as far as they can be read, and writes them.
    pub(super) fn rebuild_epochs(&self, appender: &Appender) -> io::Result<()> {
        for segment in self.segments().iter() {
            let mut headers = segment.headers()?;
            loop {
                match headers.next_header() {
                    Ok(Some((_, header))) if header.magic >= 2 => {
                        self.note_recovered_epoch(appender, &header);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(WalkError::Io(error)) => return Err(error),
                    // What follows a damaged batch is judged by the recovery of its segment.
                    Err(WalkError::Batch(_)) => return self.epochs().write_pending(appender),
                }
            }
        }
        self.epochs().write_pending(appender)
    }

    fn note_recovered_epoch(&self, appender: &Appender, header: &BatchHeader) {
        let BatchHeader { leader_epoch, base_offset, .. } = *header;
        self.epochs().change_unwritten(appender, |epochs| epochs.note_recovered(leader_epoch, base_offset));
    }

    /// Up to where everything is on the disk, epochs too. Those that recovery found in the active segment are found
    /// there by the next one as well, and are not written now: after a crash each log may have one.
    fn end_with_epochs(&self, appender: &Appender, end: Offset) -> io::Result<Offset> {
        let is_found_again = |from| from >= self.active().base_offset;
        if !self.epochs().first_unwritten().is_none_or(is_found_again) {
            self.epochs().write_pending(appender)?;
        }
        Ok(self.epochs().first_unwritten().unwrap_or(end))
    }

    /// Brings the producers to where they stood at `end`: from the latest snapshot and the batches behind it. After a
    /// clean stop without any snapshot (a log of an older broker) there is nothing to rebuild.
    pub(super) fn rebuild_producers(
        &self,
        state: &mut ProducerState,
        end: Offset,
        last_stop: LastStop,
    ) -> io::Result<()> {
        let segments = self.segment_list();
        let snapshot_at: Vec<_> = segments.iter().rev().take(2).map(|segment| segment.base_offset).collect();
        log::debug!(target: TARGET, "Loading producer state of {} till offset {end}", self.partition());
        if self.current_settings().magic < 2 || (last_stop == LastStop::Clean && !state.has_snapshots()?) {
            for offset in snapshot_at.into_iter().rev().chain([end]) {
                state.producers.set_end_offset(offset);
                state.take_snapshot()?;
            }
            return Ok(());
        }
        let log_start = self.log_start_offset();
        let fresh = state.producers.is_empty() && state.producers.end_offset() >= end;
        state.truncate_and_reload(log_start, end, self.now())?;
        let from = state.producers.end_offset();
        if end > from && !fresh {
            for segment in segments.from(from).iter().take_while(|segment| segment.base_offset < end) {
                let from = segment.base_offset.max(state.producers.end_offset()).max(log_start);
                state.producers.set_end_offset(from);
                if snapshot_at.contains(&segment.base_offset) {
                    state.take_snapshot()?;
                }
                replay_segment(state, segment, from, end)?;
            }
        }
        state.producers.set_end_offset(end);
        state.take_snapshot()
    }
}

/// The next batch, its checksum right, its offsets rising.
fn next_sound(
    batches: &mut super::walk::FileBatches,
    base_offset: Offset,
    last_offset: Option<Offset>,
) -> Result<Option<Batch>, WalkError> {
    let Some((_, batch)) = batches.next_batch()? else { return Ok(None) };
    batch.check_crc()?;
    let last = batch.header().last_offset();
    let rising = last >= base_offset && last_offset.is_none_or(|before| last > before);
    if !rising {
        let text = format!("Record batch ends at offset {last}, out of order in segment {base_offset}");
        return Err(crate::wire::batch::BatchError::Corrupt(text).into());
    }
    Ok(Some(batch))
}

/// Whether the indexes could be valid, by a quick check.
fn is_sane(segment: &Segment) -> io::Result<bool> {
    let indexes = segment.indexes.read();
    Ok(indexes.offset.is_sane(u64::from(segment.size()))?
        && indexes.time.is_sane()?
        && indexes.transaction.is_sane()?)
}

fn replay_segment(state: &mut ProducerState, segment: &Segment, from: Offset, end: Offset) -> io::Result<()> {
    let Some(found) = segment.find(from)? else { return Ok(()) };
    let mut batches = segment.batches(found.position)?;
    while let Some((_, batch)) = batches.next_batch().map_err(into_io)? {
        if batch.header().base_offset >= end {
            break;
        }
        replay(state, &batch, None)?;
    }
    Ok(())
}

/// Accounts for a batch that lies in the log; `index` takes the transactions it aborts.
fn replay(state: &mut ProducerState, batch: &Batch, index: Option<&Segment>) -> io::Result<()> {
    let header = batch.header();
    let invalid = |error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("producer state cannot be rebuilt: {error}"))
    };
    if header.has_producer_id() {
        let marker = EndTransactionMarker::of_batch(batch).map_err(|error| invalid(&error))?;
        let mut change = Change::new(AppendOrigin::Replication);
        let completed = change.append(&state.producers, header, marker).map_err(|error| invalid(&error))?;
        state.producers.apply(change);
        if let Some(transaction) = completed {
            let last_stable_offset = state.producers.last_stable_offset(&transaction);
            if let (true, Some(segment)) = (transaction.aborted, index) {
                segment.indexes.write().transaction.append(&aborted(&transaction, last_stable_offset))?;
            }
            state.producers.complete(&transaction).map_err(|error| invalid(&error))?;
        }
    }
    state.producers.set_end_offset(header.next_offset());
    Ok(())
}

#[cfg(test)]
mod tests;
