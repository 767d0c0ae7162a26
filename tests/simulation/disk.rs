//! One replica's log, as far as replication and the cleaner see it, and what of it survives a crash.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{LeaderEpoch, Offset};
use barnabas::log::LogPosition;
use barnabas::log::cleaner::cleanable::{LogFacts, LogToClean, SegmentToClean};
use barnabas::log::cleaner::offset_map::{KeyHasher, KeyOffset, OffsetMap};
use barnabas::log::cleaner::retention::{RecordToRetain, Tombstones, is_retained};
use barnabas::log::epochs::{EpochEnd, Epochs};

/// How many keys the records have.
const KEYS: u64 = 3;
/// How many offsets a segment has.
const SEGMENT: Offset = 4;
/// How many keys a cleaner holds at most: fewer than there are, so that its memory fills up.
const MOST_KEYS: usize = 2;
/// How many bytes a key takes in the memory of a cleaner.
const ENTRY_SIZE: usize = 24;

/// A record: the epoch of the leader that wrote it, and a value that no other record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The leader epoch.
    pub epoch: LeaderEpoch,
    /// The value.
    pub value: u64,
}

impl Record {
    /// Its key, which later records have too.
    pub fn key(&self) -> u64 {
        self.value % KEYS
    }
}

/// A compacted log that starts at offset 0.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// By offset; the cleaner leaves gaps.
    records: BTreeMap<Offset, Record>,
    end: Offset,
    /// Everything below is clean, by the cleaner's checkpoint.
    clean_offset: Option<Offset>,
    /// Where leader epochs begin.
    pub epochs: Epochs,
    /// Those in the file, which survive a crash of the process (`log::epoch_checkpoint`).
    written: Epochs,
    /// Those in the file when it was last synced, which survive a crash of the machine.
    synced: Epochs,
    high_watermark: Offset,
    /// The leader epoch in force: nothing decided in an earlier one is written any more (`log::log`). Not on disk.
    pub fence: LeaderEpoch,
    flushed: Offset,
    checkpointed: Offset,
}

impl Log {
    /// Where it ends.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// The same as the machines take it.
    pub fn end_position(&self) -> LogPosition {
        position(self.end())
    }

    /// The high watermark.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The record at an offset.
    pub fn get(&self, offset: Offset) -> Option<Record> {
        self.records.get(&offset).copied()
    }

    /// Whether there is a record of this key behind an offset.
    pub fn has_later(&self, key: u64, offset: Offset) -> bool {
        self.records.range(offset + 1..).any(|(_, record)| record.key() == key)
    }

    /// Up to `most` records from an offset on, each with its offset.
    pub fn read(&self, from: Offset, most: usize) -> Vec<(Offset, Record)> {
        self.records.range(from..).take(most).map(|(offset, record)| (*offset, *record)).collect()
    }

    /// Appends at the end, as the leader does, and notes an epoch that begins.
    pub fn append(&mut self, record: Record) {
        self.append_at(self.end, record);
    }

    /// Appends at an offset at or behind the end, as a follower does, and notes an epoch that begins.
    pub fn append_at(&mut self, offset: Offset, record: Record) {
        self.epochs.assign(record.epoch, offset);
        if !self.epochs.are_found_again_from(&self.written) {
            self.written = self.epochs.clone();
        }
        self.records.insert(offset, record);
        self.end = offset + 1;
    }

    /// Cleans what may be cleaned below `last_stable`; `retains_oldest` breaks the decision on records.
    pub fn clean(&mut self, last_stable: Offset, retains_oldest: bool) {
        let segments: Vec<_> = (0..=self.end / SEGMENT)
            .map(|number| {
                let base_offset = number * SEGMENT;
                let size = self.records.range(base_offset..base_offset + SEGMENT).count() as u64;
                SegmentToClean { base_offset, size, ..SegmentToClean::default() }
            })
            .collect();
        let cleanable = LogToClean::of(&LogFacts {
            segments: &segments,
            log_start_offset: 0,
            log_end_offset: self.end,
            last_stable_offset: last_stable,
            clean_offset: self.clean_offset,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            min_cleanable_ratio: 0.0,
            now: 0,
        });
        let dirty = cleanable.first_dirty_offset..cleanable.first_uncleanable_offset;
        if !cleanable.is_due() || dirty.is_empty() {
            return;
        }
        let hasher = KeyHasher::new((0, 0));
        let hash = |record: &Record| hasher.hash(&record.key().to_be_bytes());
        let mut map = OffsetMap::new(ENTRY_SIZE * MOST_KEYS, 1.0, MOST_KEYS);
        let noted = self
            .records
            .range(dirty.clone())
            .all(|(offset, record)| map.put_all(&[KeyOffset { hash: hash(record), offset: *offset }]) == 1);
        if noted {
            map.update_latest_offset(dirty.end - 1);
        }
        let end = map.latest_offset().map_or(dirty.start, |latest| latest + 1);
        let mut seen = BTreeSet::new();
        self.records.retain(|offset, record| {
            let key = Some(hash(record));
            let record_to_retain = RecordToRetain { offset: *offset, key, has_value: true };
            match retains_oldest {
                true => *offset >= end || seen.insert(record.key()),
                false => is_retained(&record_to_retain, &map, Tombstones::Retained),
            }
        });
        self.clean_offset = Some(end);
        // The cleaned segments are on the disk before they take their place, and the epochs before them.
        self.sync_epochs();
        self.flushed = self.flushed.max(end);
    }

    /// Raises the high watermark within the log; whether it rose.
    pub fn raise(&mut self, to: Offset) -> bool {
        let to = to.min(self.end());
        let rises = to > self.high_watermark;
        if rises {
            self.high_watermark = to;
        }
        rises
    }

    /// Takes over a high watermark, wherever it is, within the log (`updateHighWatermark`).
    pub fn set_high_watermark(&mut self, to: Offset) {
        self.high_watermark = to.clamp(0, self.end());
    }

    /// Forgets the records from an offset on, and the epochs that begin there though nothing was written in them.
    pub fn truncate(&mut self, to: Offset) {
        let to = to.clamp(0, self.end());
        let takes_records = to < self.end();
        self.records.split_off(&to);
        self.end = to;
        self.clean_offset = self.clean_offset.map(|clean| clean.min(to));
        if self.epochs.truncate_from_end(to) && takes_records {
            self.written = self.epochs.clone();
        }
        self.high_watermark = self.high_watermark.min(to);
        self.flushed = self.flushed.min(to);
    }

    /// Where the largest epoch up to this one ends.
    pub fn end_offset_for(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_offset_for(epoch, self.end())
    }

    /// Everything so far survives a crash.
    pub fn flush(&mut self) {
        self.sync_epochs();
        self.flushed = self.end;
    }

    /// The records so far survive a crash, and recovery does not read them; a flaw, as the epochs may not.
    pub fn flush_records(&mut self) {
        self.flushed = self.end;
    }

    fn sync_epochs(&mut self) {
        self.written = self.epochs.clone();
        self.synced = self.epochs.clone();
    }

    /// The high watermark so far is known after a crash.
    pub fn checkpoint(&mut self) {
        self.checkpointed = self.high_watermark;
    }

    /// What is found after a crash; where the machine crashed and not the process alone, `loses` what was not flushed.
    pub fn crash(&mut self, loses: bool) {
        if loses {
            self.written = self.synced.clone();
            self.records.split_off(&self.flushed);
            self.end = self.flushed;
            self.clean_offset = self.clean_offset.map(|clean| clean.min(self.end));
        }
        self.recover_epochs();
        self.high_watermark = self.checkpointed.clamp(0, self.end());
        self.fence = 0;
    }

    /// The epochs of the file, and those of the batches behind the recovery point.
    fn recover_epochs(&mut self) {
        self.epochs = self.written.clone();
        for (offset, record) in self.records.range(self.flushed..) {
            self.epochs.note_recovered(record.epoch, *offset);
        }
        self.epochs.truncate_from_end(self.end);
    }
}

/// An offset as the machines take it.
pub fn position(offset: Offset) -> LogPosition {
    offset.into()
}
