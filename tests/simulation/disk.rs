//! One replica's log, as far as replication sees it, and what of it survives a crash.

use barnabas::base::{LeaderEpoch, Offset};
use barnabas::log::LogPosition;
use barnabas::log::epochs::{EpochEnd, Epochs};

/// A record: the epoch of the leader that wrote it, and a value that no other record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The leader epoch.
    pub epoch: LeaderEpoch,
    /// The value.
    pub value: u64,
}

/// A log that starts at offset 0.
#[derive(Clone, Debug, Default)]
pub struct Log {
    records: Vec<Record>,
    /// Where leader epochs begin; what is written there is on disk at once, as in Kafka.
    pub epochs: Epochs,
    high_watermark: Offset,
    /// The leader epoch in force: nothing decided in an earlier one is written any more (`log::log`). Not on disk.
    pub fence: LeaderEpoch,
    flushed: usize,
    checkpointed: Offset,
}

impl Log {
    /// Where it ends.
    pub fn end(&self) -> Offset {
        self.records.len() as Offset
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
        self.records.get(usize::try_from(offset).ok()?).copied()
    }

    /// Up to `most` records from an offset on.
    pub fn read(&self, from: Offset, most: usize) -> Vec<Record> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        self.records.iter().skip(from).take(most).copied().collect()
    }

    /// Appends, and notes an epoch that begins.
    pub fn append(&mut self, record: Record) {
        self.epochs.assign(record.epoch, self.end());
        self.records.push(record);
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
        self.records.truncate(usize::try_from(to).unwrap_or(0));
        self.epochs.truncate_from_end(to);
        self.high_watermark = self.high_watermark.min(to);
        self.flushed = self.flushed.min(self.records.len());
    }

    /// Where the largest epoch up to this one ends.
    pub fn end_offset_for(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_offset_for(epoch, self.end())
    }

    /// Everything so far survives a crash.
    pub fn flush(&mut self) {
        self.flushed = self.records.len();
    }

    /// The high watermark so far is known after a crash.
    pub fn checkpoint(&mut self) {
        self.checkpointed = self.high_watermark;
    }

    /// What is found after a crash; where the machine crashed and not the process alone, `loses` what was not flushed.
    pub fn crash(&mut self, loses: bool) {
        if loses {
            self.truncate(self.flushed as Offset);
        }
        self.high_watermark = self.checkpointed.clamp(0, self.end());
        self.fence = 0;
    }
}

/// An offset as the machines take it.
pub fn position(offset: Offset) -> LogPosition {
    offset.into()
}
