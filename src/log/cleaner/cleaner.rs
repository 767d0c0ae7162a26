//! Cleaning one log: the latest offset of each key is found in its dirty part, then all of it up to there is written
//! anew without the records that are not the latest of their key.
//!
//! Which records survive is decided in [`super::retention`], which segments become one in [`super::cleanable`]. Blocks
//! on the disk, and no longer than a buffer takes once the log's cleaning is aborted. Holds the log's lock only while
//! the segments are exchanged. Kafka: `Cleaner`.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::TARGET;
use super::chunks::SegmentChunks;
use super::cleanable::{LogToClean, SegmentToClean, group_segments};
use super::error::CleaningError;
use super::filter::{Filter, FilteredBatch};
use super::offset_map::{KeyHasher, KeyOffset, OffsetMap};
use super::output::CleanedOutput;
use super::retention::{LastRecord, LastRecords, Tombstones, retention};
use super::stats::CleanerStats;
use super::throttler::Throttler;
use super::transactions::CleanedTransactionMetadata;
use crate::base::{Millis, Offset};
use crate::log::index::AbortedEntry;
use crate::log::log::Log;
use crate::log::read::aborted_in;
use crate::log::segment::Segment;
use crate::log::segments::SegmentList;
use crate::metrics::Meter;
use crate::wire::batch::Batch;
use crate::wire::control::ControlType;
use crate::wire::record::runs::RecordRuns;

/// How long a throttled cleaner sleeps at once, before it looks whether it is to stop.
const NAP: Duration = Duration::from_millis(100);

/// The memory that one cleaner may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CleanerBuffers {
    /// For the offsets of keys, in bytes.
    pub dedupe_bytes: usize,
    /// How much of that is used, from 0 to 1.
    pub load_factor: f64,
    /// For reading, in bytes.
    pub io_bytes: usize,
}

/// What the cleaners of a broker have read and written, and how long they wait for it.
#[derive(Debug)]
pub struct SharedThrottler {
    began: Instant,
    throttler: Mutex<Throttler>,
    /// Bytes that were read and written.
    io: Meter,
}

impl SharedThrottler {
    /// A throttle of so many bytes a second.
    pub fn new(most_per_second: f64) -> Self {
        let throttler = Mutex::new(Throttler::new(most_per_second, Duration::ZERO));
        Self { began: Instant::now(), throttler, io: Meter::default() }
    }

    /// Lets so many bytes a second pass from now on.
    pub fn set_rate(&self, most_per_second: f64) {
        self.throttler.lock().set_rate(most_per_second);
    }

    /// Counts the bytes that are read and written.
    pub fn io(&self) -> &Meter {
        &self.io
    }

    fn observe(&self, bytes: usize) -> Duration {
        self.io.mark(bytes as u64);
        self.throttler.lock().observe(bytes as u64, self.began.elapsed())
    }
}

/// One of the cleaners.
#[derive(Debug)]
pub struct Cleaner {
    /// Its number, from 0.
    pub id: usize,
    buffers: CleanerBuffers,
    throttler: Arc<SharedThrottler>,
    hasher: KeyHasher,
    stop: CancellationToken,
}

/// A log that was cleaned.
#[derive(Clone, Debug)]
pub struct CleanedLog {
    /// Everything below is clean.
    pub clean_offset: Offset,
    /// What was done.
    pub stats: CleanerStats,
}

/// A cleaning of one log under way.
struct CleanRun<'a> {
    cleaner: &'a Cleaner,
    log: &'a Log,
    segments: &'a SegmentList,
    stats: CleanerStats,
}

impl Cleaner {
    /// A cleaner that gives up what it does once `stop` is cancelled.
    pub fn new(
        id: usize,
        buffers: CleanerBuffers,
        throttler: Arc<SharedThrottler>,
        stop: CancellationToken,
    ) -> Self {
        let hasher = KeyHasher::new((fastrand::u64(..), fastrand::u64(..)));
        Self { id, buffers, throttler, hasher, stop }
    }

    /// Whether it is to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Cleans a log whose turn the caller has.
    ///
    /// # Errors
    /// [`CleaningError`]. Segments exchanged before stay so.
    pub fn clean(&self, log: &Log, cleanable: &LogToClean) -> Result<CleanedLog, CleaningError> {
        let segments = log.segment_list();
        let mut run = CleanRun { cleaner: self, log, segments: &segments, stats: CleanerStats::default() };
        let clean_offset = run.clean(cleanable)?;
        Ok(CleanedLog { clean_offset, stats: run.stats })
    }
}

impl CleanRun<'_> {
    fn clean(&mut self, cleanable: &LogToClean) -> Result<Offset, CleaningError> {
        let (id, name, began) = (self.cleaner.id, self.log.partition(), Instant::now());
        log::info!(target: TARGET, "Cleaner {id}: Beginning cleaning of log {name}.");
        let first_dirty = cleanable.first_dirty_offset;
        let horizon = self.delete_horizon(first_dirty)?;
        log::info!(target: TARGET, "Cleaner {id}: Building offset map for {name}...");
        let map = self.build_offset_map(first_dirty..cleanable.first_uncleanable_offset)?;
        let end = map.latest_offset().map_or(first_dirty, |latest| latest + 1);
        self.stats.index_time = began.elapsed();
        log::info!(
            target: TARGET,
            "Cleaner {id}: Cleaning log {name} (cleaning prior to {end}, discarding tombstones prior to {horizon})..."
        );
        let dirty_end = self.segments.partition_point(|segment| segment.base_offset < end);
        let facts = self.segments[..dirty_end].iter().map(|segment| facts(segment)).collect::<Vec<_>>();
        let settings = self.log.settings();
        let (segment_bytes, index_bytes) = (settings.segment_bytes, settings.segment_index_bytes);
        let groups = group_segments(&facts, segment_bytes, index_bytes, cleanable.first_uncleanable_offset);
        let mut transactions = CleanedTransactionMetadata::default();
        for group in groups {
            self.clean_group(group, &map, horizon, &mut transactions)?;
        }
        self.stats.buffer_utilization = map.utilization();
        self.stats.elapsed = began.elapsed();
        Ok(end)
    }

    /// Tombstones and markers in segments last written to before this go.
    fn delete_horizon(&self, first_dirty: Offset) -> Result<Millis, CleaningError> {
        let clean = self.segments.partition_point(|segment| segment.base_offset < first_dirty);
        let Some(last) = self.segments[..clean].last() else { return Ok(0) };
        Ok(last.last_modified()?.saturating_sub(self.log.settings().delete_retention_ms))
    }

    /// Gives up where the log is to be truncated, moved or deleted, or the cleaner to stop.
    fn check_done(&self) -> Result<(), CleaningError> {
        match self.cleaner.is_stopped() || self.log.cleaning().is_aborted() {
            true => Err(CleaningError::Aborted),
            false => Ok(()),
        }
    }

    fn throttle(&self, bytes: usize) -> Result<(), CleaningError> {
        let mut wait = self.cleaner.throttler.observe(bytes);
        while !wait.is_zero() {
            let nap = wait.min(NAP);
            self.log.cleaning().sleep(nap);
            self.check_done()?;
            wait -= nap;
        }
        Ok(())
    }

    // ---- the latest offsets ----

    /// The latest offset of each key in a range of offsets, as many as fit in memory.
    fn build_offset_map(&mut self, dirty: Range<Offset>) -> Result<OffsetMap, CleaningError> {
        let CleanerBuffers { dedupe_bytes, load_factor, .. } = self.cleaner.buffers;
        let most_records = usize::try_from(dirty.end - dirty.start).unwrap_or(0);
        let mut map = OffsetMap::new(dedupe_bytes, load_factor, most_records);
        let mut transactions = CleanedTransactionMetadata::default();
        let first = self.segments.floor(dirty.start).unwrap_or(0);
        transactions.add_aborted(self.aborted_in(first, dirty.end)?);
        let after = self.segments.partition_point(|segment| segment.base_offset < dirty.end);
        for at in first..after.max(first) {
            let next = self.segments[..after].get(at + 1).map_or(dirty.end, |next| next.base_offset);
            if self.map_segment(at, dirty.start, &mut map, &mut transactions)? {
                log::debug!(
                    target: TARGET,
                    "Cleaner {}: Offset map is full, {} segments fully mapped, segment with base offset {} is \
                     partially mapped",
                    self.cleaner.id, at - first, self.segments[at].base_offset
                );
                break;
            }
            // Offsets may be missing at the segment's end.
            map.update_latest_offset(next - 1);
        }
        log::info!(
            target: TARGET,
            "Cleaner {}: Offset map for log {} complete.",
            self.cleaner.id, self.log.partition()
        );
        Ok(map)
    }

    /// Adds the records of a segment from `start` on. Returns whether the map is full.
    fn map_segment(
        &mut self,
        at: usize,
        start: Offset,
        map: &mut OffsetMap,
        transactions: &mut CleanedTransactionMetadata,
    ) -> Result<bool, CleaningError> {
        let segment = &self.segments[at];
        let position = segment.indexes.read().offset.lookup(start)?.position;
        let mut chunks = SegmentChunks::new(segment, position, self.cleaner.buffers.io_bytes)?;
        let mut keys = Vec::new();
        loop {
            self.check_done()?;
            let Some(chunk) = chunks.next_chunk()? else { return Ok(false) };
            let size = chunk.len();
            self.throttle(size)?;
            for batch in Batch::split(chunk) {
                let batch = batch?;
                let header = batch.header();
                if header.is_control() {
                    transactions.meet_marker(header, marker_of(&batch)?);
                } else if !transactions.meet_batch(header) && self.map_batch(&batch, start, map, &mut keys)? {
                    return Ok(true);
                }
                if header.last_offset() >= start {
                    map.update_latest_offset(header.last_offset());
                }
            }
            self.stats.map_bytes_read += size as u64;
        }
    }

    /// Adds the records of a batch from `start` on. Returns whether the map is full.
    fn map_batch(
        &self,
        batch: &Batch,
        start: Offset,
        map: &mut OffsetMap,
        keys: &mut Vec<KeyOffset>,
    ) -> Result<bool, CleaningError> {
        let hasher = self.cleaner.hasher;
        if batch.header().magic < 2 {
            keys.clear();
            for record in batch.records()? {
                let record = record?;
                let key = record.key.filter(|_| record.offset >= start);
                keys.extend(key.map(|key| KeyOffset { hash: hasher.hash(&key), offset: record.offset }));
            }
            return Ok(map.put_all(keys) < keys.len());
        }
        let mut runs = RecordRuns::of(batch)?;
        while let Some(run) = runs.next_run()? {
            keys.clear();
            let dirty = run.records.iter().filter(|record| record.offset >= start);
            keys.extend(dirty.filter_map(|record| {
                Some(KeyOffset { hash: hasher.hash(run.key(record)?), offset: record.offset })
            }));
            if map.put_all(keys) < keys.len() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The aborted transactions that a walk from a segment up to an offset may meet.
    fn aborted_in(&self, segment: usize, to: Offset) -> Result<Vec<AbortedEntry>, CleaningError> {
        Ok(aborted_in(&self.segments[segment..], self.log.log_start_offset(), to)?)
    }

    // ---- the cleaned segments ----

    /// Cleans segments that lie one behind the other into one, and puts it in their place.
    fn clean_group(
        &mut self,
        group: Range<usize>,
        map: &OffsetMap,
        horizon: Millis,
        transactions: &mut CleanedTransactionMetadata,
    ) -> Result<(), CleaningError> {
        let segments = self.segments;
        let base_offset = segments[group.start].base_offset;
        let mut output = CleanedOutput::create(self.log, base_offset)?;
        let last_records = self.log.last_records_of_active_producers();
        for at in group.clone() {
            let segment = &segments[at];
            let upper = match at + 1 < group.end {
                true => segments[at + 1].base_offset,
                false => map.latest_offset().map_or(0, |latest| latest + 1),
            };
            transactions.add_aborted(self.aborted_in(at, upper)?);
            let is_recent = segment.last_modified()? > horizon;
            let tombstones = if is_recent { Tombstones::Retained } else { Tombstones::Discarded };
            log::info!(
                target: TARGET,
                "Cleaner {}: Cleaning segment {} in log {} into {base_offset} with deletion horizon {horizon}, {} \
                 deletes.",
                self.cleaner.id, segment.base_offset, self.log.partition(),
                if is_recent { "retaining" } else { "discarding" }
            );
            let cleaned = self.clean_into(segment, &mut output, map, tombstones, transactions, &last_records);
            if let Err(overflow @ CleaningError::Overflow(_)) = &cleaned {
                log::info!(target: TARGET, "Caught segment overflow error during cleaning: {overflow}");
                self.log.split_overflowed_segment(segment)?;
                return Err(CleaningError::Aborted);
            }
            cleaned?;
        }
        let modified = segments[group.end - 1].open_log()?.metadata()?.modified()?;
        let cleaned = output.finish(modified)?;
        log::info!(
            target: TARGET,
            "Cleaner {}: Swapping in cleaned segment {base_offset} for segment(s) {:?} in log {}",
            self.cleaner.id,
            segments[group.clone()].iter().map(|segment| segment.base_offset).collect::<Vec<_>>(),
            self.log.partition()
        );
        Ok(self.log.replace_segments(&segments[group], vec![cleaned])?)
    }

    /// Writes what is left of a segment.
    fn clean_into(
        &mut self,
        segment: &Arc<Segment>,
        output: &mut CleanedOutput,
        map: &OffsetMap,
        tombstones: Tombstones,
        transactions: &mut CleanedTransactionMetadata,
        last_records: &LastRecords,
    ) -> Result<(), CleaningError> {
        let mut filter = Filter::new(map, self.cleaner.hasher, tombstones);
        let mut chunks = SegmentChunks::new(segment, 0, self.cleaner.buffers.io_bytes)?;
        loop {
            self.check_done()?;
            let Some(chunk) = chunks.next_chunk()? else { break };
            self.throttle(chunk.len())?;
            let before = output.size();
            for batch in Batch::split(chunk.clone()) {
                let batch = batch?;
                let marker = if batch.header().is_control() { marker_of(&batch)? } else { None };
                let retention = retention(batch.header(), marker, tombstones, transactions, last_records);
                if let Some(entry) = &retention.aborted {
                    output.note_aborted(entry)?;
                }
                match filter.apply(&batch, &retention)? {
                    FilteredBatch::Whole => output.write(&batch)?,
                    FilteredBatch::Rewritten(bytes) => output.write(&Batch::parse(&bytes)?)?,
                    FilteredBatch::Nothing => {}
                }
            }
            let written = output.size() - before;
            self.stats.bytes_read += chunk.len() as u64;
            self.stats.bytes_written += written;
            self.throttle(written as usize)?;
        }
        let (records, counts) = (&mut self.stats.records, filter.counts);
        records.read += counts.read;
        records.retained += counts.retained;
        records.invalid += counts.invalid;
        Ok(())
    }
}

impl Log {
    /// The last that each active producer has in the log.
    fn last_records_of_active_producers(&self) -> LastRecords {
        let appender = self.appender();
        let entries = appender.state.producers.entries();
        let last = entries.map(|entry| {
            let offset = entry.last_data_offset();
            let last_data_offset = (offset >= 0).then_some(offset);
            (entry.producer_id, LastRecord { last_data_offset, epoch: entry.epoch })
        });
        last.collect()
    }
}

/// What the decisions on groups need to know of a segment.
fn facts(segment: &Segment) -> SegmentToClean {
    let indexes = segment.indexes.read();
    SegmentToClean {
        base_offset: segment.base_offset,
        size: u64::from(segment.size()),
        index_size: indexes.offset.entries.bytes(),
        time_index_size: indexes.time.entries.bytes(),
        ..SegmentToClean::default()
    }
}

/// The content of the marker in a control batch; None if the batch was emptied.
fn marker_of(batch: &Batch) -> Result<Option<ControlType>, CleaningError> {
    match batch.records()?.next() {
        None => Ok(None),
        Some(record) => Ok(Some(ControlType::parse(record?.key.as_deref().unwrap_or_default())?)),
    }
}
