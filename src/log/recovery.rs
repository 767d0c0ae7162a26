//! Opening a log, and making it whole again after a broker that did not stop cleanly.
//!
//! What an interrupted deletion or cleaning left behind is removed or completed; segments behind the recovery point
//! are read batch by batch and cut at the first that is not whole; indexes that are missing or cannot be true are
//! rebuilt; producers are rebuilt from their last snapshot and the batches behind it.
//!
//! Kafka: `Log.loadSegments`, `recoverLog`, `LogSegment.recover`, `Log.rebuildProducerState`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};

use super::append::aborted;
use super::directory::{
    self, CLEANED, DELETED, LOG, OFFSET_INDEX, SWAP, TIME_INDEX, TRANSACTION_INDEX, file_name, offset_of,
    remove_if_there,
};
use super::failure::StorageError;
use super::index::TimestampOffset;
use super::log::{Log, Shared};
use super::marks::MarksState;
use super::producers::Change;
use super::read::floor;
use super::segment::{Segment, into_io};
use super::settings::Settings;
use super::snapshots::ProducerState;
use super::validate::AppendOrigin;
use super::walk::WalkError;
use crate::base::{LeaderAndIsr, Offset, TopicPartition};
use crate::wire::batch::Batch;
use crate::wire::control::EndTransactionMarker;

const TARGET: &str = "kafka.log.Log";

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
    /// Whether the last broker stopped cleanly: then nothing needs recovery.
    pub clean: bool,
}

impl Log {
    /// Opens or begins a log. Reads what needs recovery: may take long.
    ///
    /// # Errors
    /// The disk failed; its directory is then offline.
    pub fn open(opening: Opening, shared: Arc<Shared>) -> Result<Arc<Self>, StorageError> {
        let Opening { partition, dir, settings, log_start, recovery_point, clean } = opening;
        let data_dir = dir.parent().unwrap_or(Path::new("/")).to_owned();
        let now = shared.clock.now();
        let state = ProducerState::new(partition.clone(), dir.clone(), shared.producer_expiration);
        let log = Arc::new_cyclic(|myself| Self {
            myself: myself.clone(),
            partition,
            disk: shared.disks.of(&data_dir),
            data_dir,
            dir: Mutex::new(dir),
            settings: ArcSwap::from_pointee(settings),
            segments: ArcSwap::default(),
            appender: Mutex::new(state),
            epochs: RwLock::new(None),
            marks: RwLock::new(MarksState::empty_at(log_start)),
            fence: AtomicI32::new(LeaderAndIsr::NO_EPOCH),
            recovery_point: AtomicI64::new(recovery_point),
            last_flush: AtomicI64::new(now),
            closed: AtomicBool::new(false),
            shared,
        });
        let epochs_damaged = log.load_epochs(log.settings.load().magic)?;
        log.load(clean, epochs_damaged).map_err(|error| {
            log.failed(format!("Error while loading log dir {}", log.data_dir.display()), &error)
        })?;
        Ok(log)
    }

    fn load(&self, clean: bool, epochs_damaged: bool) -> io::Result<()> {
        let mut state = self.appender.lock();
        let swapped = self.clear_leftovers()?;
        self.load_segments(clean)?;
        self.complete_swaps(&swapped)?;
        if epochs_damaged {
            self.rebuild_epochs()?;
        }
        let end = self.recover(clean)?;
        self.active().activate()?;
        let stored = |error: StorageError| io::Error::other(error.message);
        self.change_epochs(|epochs| epochs.truncate_from_end(end)).map_err(stored)?;
        let start = self.log_start_offset().max(self.segments.load()[0].base_offset);
        self.marks.write().opened(start, self.end_at(end));
        self.recovery_point.fetch_max(start, std::sync::atomic::Ordering::AcqRel);
        self.change_epochs(|epochs| epochs.truncate_from_start(start)).map_err(stored)?;
        self.rebuild_producers(&mut state, end, clean)?;
        self.marks.write().note_transactions(&mut state.producers);
        Ok(())
    }

    /// Removes what an interrupted deletion or cleaning left. Returns the base offsets of the cleaned segments that had
    /// begun to take their place.
    fn clear_leftovers(&self) -> io::Result<Vec<Offset>> {
        let dir = self.dir();
        let (mut swapped, mut cleaned) = (Vec::new(), Vec::new());
        let remove_indexes = |base: Offset, suffix: &str| -> io::Result<()> {
            for kind in [OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX] {
                remove_if_there(&dir.join(file_name(base, kind) + suffix))?;
            }
            Ok(())
        };
        for name in directory::files(&dir)? {
            let base = offset_of(&name);
            if name.ends_with(DELETED) {
                remove_if_there(&dir.join(&name))?;
            } else if name.ends_with(CLEANED) {
                cleaned.extend(base);
                remove_if_there(&dir.join(&name))?;
            } else if let (Some(of), Some(base)) = (name.strip_suffix(SWAP), base) {
                log::info!(target: TARGET, "Found file {name} of {} from interrupted swap operation.", self.partition);
                remove_indexes(base, "")?;
                if of.ends_with(LOG) {
                    swapped.push(base);
                }
            }
        }
        // A swap at or behind a cleaning that did not finish is one of its unfinished parts.
        let unfinished = cleaned.into_iter().min().unwrap_or(Offset::MAX);
        for base in swapped.iter().copied().filter(|base| *base >= unfinished) {
            remove_indexes(base, SWAP)?;
            remove_if_there(&dir.join(file_name(base, LOG) + SWAP))?;
        }
        swapped.retain(|base| *base < unfinished);
        Ok(swapped)
    }

    fn load_segments(&self, clean: bool) -> io::Result<()> {
        let dir = self.dir();
        let mut segments = Vec::new();
        for name in directory::files(&dir)? {
            let Some(base) = offset_of(&name) else { continue };
            let is = |kinds: &[&str]| kinds.iter().any(|kind| name == file_name(base, kind));
            if is(&[OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX]) {
                if !dir.join(file_name(base, LOG)).exists() {
                    log::warn!(
                        target: TARGET,
                        "Found an orphaned index file {name} of {}, with no log file.",
                        self.partition
                    );
                    remove_if_there(&dir.join(name))?;
                }
            } else if is(&[LOG]) {
                let indexed = dir.join(file_name(base, OFFSET_INDEX)).exists();
                let segment = Segment::open(&dir, base, "", self.segment_options())?;
                segments.push((Arc::new(segment), indexed));
            }
        }
        let all: Vec<_> = segments.iter().map(|(segment, _)| segment.clone()).collect();
        self.segments.store(Arc::new(all));
        for (at, (segment, indexed)) in segments.iter().enumerate() {
            let next = segments.get(at + 1).map(|(next, _)| next.base_offset);
            // Segments behind the recovery point are read in any case.
            let recovered_later = !clean && next.is_none_or(|next| next > self.recovery_point());
            if recovered_later || (*indexed && is_sane(segment)?) {
                continue;
            }
            log::warn!(
                target: TARGET,
                "Found no index file, or a corrupted one, of segment {} of {}: recovering the segment and \
                 rebuilding index files...",
                segment.base_offset,
                self.partition
            );
            self.recover_segment(segment, false)?;
        }
        Ok(())
    }

    /// Puts cleaned segments in the place of those they were made of, where a stop came between.
    fn complete_swaps(&self, swapped: &[Offset]) -> io::Result<()> {
        for base in swapped {
            let dir = self.dir();
            let new = Arc::new(Segment::open(&dir, *base, SWAP, self.segment_options())?);
            log::info!(target: TARGET, "Repairing segment {base} of {} from interrupted swap operation.", self.partition);
            self.recover_segment(&new, false)?;
            let end = new.next_offset()?;
            let mut kept = Vec::new();
            for old in self.segments.load().iter() {
                if old.base_offset < end.max(base + 1) && old.next_offset()? > *base {
                    self.discard(std::slice::from_ref(old))
                        .map_err(|error| io::Error::other(error.message))?;
                } else if old.base_offset != *base {
                    kept.push(old.clone());
                }
            }
            new.change_suffix("")?;
            kept.push(new);
            kept.sort_by_key(|segment| segment.base_offset);
            self.segments.store(Arc::new(kept));
        }
        Ok(())
    }

    /// Recovers the segments behind the recovery point, unless the stop was clean. Returns the log's end.
    fn recover(&self, clean: bool) -> io::Result<Offset> {
        if !clean {
            let segments = self.segments.load_full();
            let from = floor(&segments, self.recovery_point()).unwrap_or(0);
            for (at, segment) in segments.iter().enumerate().skip(from) {
                log::info!(
                    target: TARGET,
                    "[Log partition={}] Recovering unflushed segment {}",
                    self.partition,
                    segment.base_offset
                );
                let torn = self.recover_segment(segment, true)?;
                if torn > 0 {
                    log::warn!(
                        target: TARGET,
                        "Corruption found in segment {} of {}, truncating to offset {}",
                        segment.base_offset,
                        self.partition,
                        segment.next_offset()?
                    );
                    self.segments.store(Arc::new(segments[..=at].to_vec()));
                    self.discard(&segments[at + 1..]).map_err(|error| io::Error::other(error.message))?;
                    break;
                }
            }
        }
        let start = self.log_start_offset();
        let segments = self.segments.load_full();
        if let Some(last) = segments.last() {
            let end = last.next_offset()?;
            if end < start {
                log::warn!(
                    target: TARGET,
                    "Deleting all segments of {} because its end ({end}) is smaller than its start ({start}). This \
                     could happen if segment files were deleted from the file system.",
                    self.partition
                );
                self.segments.store(Arc::default());
                self.discard(&segments).map_err(|error| io::Error::other(error.message))?;
            }
        }
        if self.segments.load().is_empty() {
            let segment = Segment::create(&self.dir(), start, self.segment_options())?;
            self.segments.store(Arc::new(vec![Arc::new(segment)]));
        }
        let end = self.active().next_offset()?;
        self.recovery_point.store(end, std::sync::atomic::Ordering::Release);
        Ok(end)
    }

    /// Reads a segment batch by batch, rebuilds its indexes and cuts it at the first batch that is not whole. With
    /// `epochs`, leader epochs not known yet are noted. Returns how many bytes went.
    fn recover_segment(&self, segment: &Segment, epochs: bool) -> io::Result<u32> {
        let mut state =
            ProducerState::new(self.partition.clone(), self.dir(), self.shared.producer_expiration);
        self.rebuild_producers(&mut state, segment.base_offset, false)?;
        segment.reset_indexes()?;
        let mut largest = TimestampOffset { timestamp: -1, offset: segment.base_offset };
        let (mut valid, mut last_entry, mut last_offset) = (0, 0, None);
        let mut batches = segment.batches(0);
        loop {
            let batch = match next_sound(&mut batches, segment.base_offset, last_offset) {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(WalkError::Io(error)) => return Err(error),
                Err(WalkError::Batch(error)) => {
                    log::warn!(
                        target: TARGET,
                        "Found invalid messages in log segment {} at byte offset {valid}: {error}.",
                        segment.path(LOG).display()
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
                    self.note_recovered_epoch(header.leader_epoch, header.base_offset)?;
                }
                replay(&mut state, &batch, Some(segment))?;
            }
        }
        let torn = segment.cut(valid as u32)?;
        segment.set_largest(largest);
        segment.deactivate()?;
        state.take_snapshot()?;
        Ok(torn)
    }

    /// Notes the leader epochs of all batches, as far as they can be read.
    pub(super) fn rebuild_epochs(&self) -> io::Result<()> {
        for segment in self.segments.load().iter() {
            let mut headers = segment.headers();
            loop {
                match headers.next_header() {
                    Ok(Some((_, header))) if header.magic >= 2 => {
                        self.note_recovered_epoch(header.leader_epoch, header.base_offset)?;
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(WalkError::Io(error)) => return Err(error),
                    // What follows a damaged batch is judged by the recovery of its segment.
                    Err(WalkError::Batch(_)) => return Ok(()),
                }
            }
        }
        Ok(())
    }

    fn note_recovered_epoch(&self, epoch: i32, offset: Offset) -> io::Result<()> {
        let change = self.change_epochs(|epochs| {
            epochs.latest().is_none_or(|latest| epoch > latest.epoch) && epochs.assign(epoch, offset)
        });
        change.map_err(|error| io::Error::other(error.message))
    }

    /// Brings the producers to where they stood at `end`: from the latest snapshot and the batches behind it. After a
    /// clean stop without any snapshot (a log of an older broker) there is nothing to rebuild.
    pub(super) fn rebuild_producers(
        &self,
        state: &mut ProducerState,
        end: Offset,
        clean: bool,
    ) -> io::Result<()> {
        let segments = self.segments.load_full();
        let snapshot_at: Vec<_> = segments.iter().rev().take(2).map(|segment| segment.base_offset).collect();
        log::debug!(target: TARGET, "Loading producer state of {} till offset {end}", self.partition);
        if self.settings.load().magic < 2 || (clean && state.offsets()?.is_empty()) {
            for offset in snapshot_at.into_iter().rev().chain([end]) {
                state.producers.set_end_offset(offset);
                state.take_snapshot()?;
            }
            return Ok(());
        }
        let log_start = self.log_start_offset();
        let fresh = state.producers.is_empty() && state.producers.end_offset() >= end;
        state.truncate_and_reload(log_start, end, self.shared.clock.now())?;
        let from = state.producers.end_offset();
        if end > from && !fresh {
            let first = floor(&segments, from).unwrap_or(0);
            for segment in segments[first..].iter().take_while(|segment| segment.base_offset < end) {
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

/// The next batch, its checksum right, its offsets rising and within the segment's reach.
fn next_sound(
    batches: &mut super::walk::Batches<'_>,
    base_offset: Offset,
    last_offset: Option<Offset>,
) -> Result<Option<Batch>, WalkError> {
    let Some((_, batch)) = batches.next_batch()? else { return Ok(None) };
    batch.check_crc()?;
    let last = batch.header().last_offset();
    let rising = last >= base_offset && last_offset.is_none_or(|before| last > before);
    if !rising || last - base_offset > i64::from(i32::MAX) {
        let text = format!("Record batch ends at offset {last}, out of order in segment {base_offset}");
        return Err(crate::wire::batch::BatchError::Corrupt(text).into());
    }
    Ok(Some(batch))
}

/// Whether the indexes could be true, as far as a glance tells.
fn is_sane(segment: &Segment) -> io::Result<bool> {
    let indexes = segment.indexes.read();
    Ok(indexes.offset.is_sane(u64::from(segment.size()))?
        && indexes.time.is_sane()?
        && indexes.transaction.is_sane()?)
}

fn replay_segment(state: &mut ProducerState, segment: &Segment, from: Offset, end: Offset) -> io::Result<()> {
    let Some(found) = segment.find(from)? else { return Ok(()) };
    let mut batches = segment.batches(found.position);
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
