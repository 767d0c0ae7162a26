//! A batch with the records that survive a cleaning, laid out anew where some do not.
//!
//! Pure. Records of format 2 are copied as they lie, without a look at their values; a batch is unpacked
//! piece by piece, and what survives is packed again with the codec it had. Kafka: `MemoryRecords.filterTo`.

use std::io::Write;

use bytes::Bytes;

use super::offset_map::{KeyHasher, KeyOffset, OffsetMap};
use super::retention::{BatchRetention, RecordToRetain, RetainedRecords, Tombstones, is_retained};
use crate::base::Millis;
use crate::wire::batch::{BATCH_OVERHEAD, Batch, BatchError, NO_TIMESTAMP, TimestampType};
use crate::wire::compression::{Compression, Compressor};
use crate::wire::legacy::{LegacyMessage, Messages};
use crate::wire::record::RecordHeaders;
use crate::wire::record::runs::{RecordRun, RecordRuns};
use crate::wire::records_builder::{NewRecord, RecordsBuilder};

/// How many bytes of surviving records of a batch are in memory before they are packed.
const GATHERED_AT_MOST: usize = 8 << 20;

/// What is left of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilteredBatch {
    /// All of it, as it is.
    Whole,
    /// A batch with fewer records, or with none.
    Rewritten(Bytes),
    /// Nothing.
    Nothing,
}

/// How many records a filter met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterCounts {
    /// Records read.
    pub read: u64,
    /// Of these, records that survive.
    pub retained: u64,
    /// Of these, records without a key, which do not belong in a compacted log.
    pub invalid: u64,
}

/// Decides on records, by the latest offsets of keys.
#[derive(Debug)]
pub struct Filter<'a> {
    map: &'a OffsetMap,
    hasher: KeyHasher,
    tombstones: Tombstones,
    /// What was met so far.
    pub counts: FilterCounts,
    keys: Vec<KeyOffset>,
    kept: Vec<bool>,
}

impl<'a> Filter<'a> {
    /// A filter by this map, whose hashes were made by `hasher`.
    pub fn new(map: &'a OffsetMap, hasher: KeyHasher, tombstones: Tombstones) -> Self {
        let counts = FilterCounts::default();
        Self { map, hasher, tombstones, counts, keys: Vec::new(), kept: Vec::new() }
    }

    /// What survives of a batch.
    ///
    /// # Errors
    /// Its records cannot be read or its checksum is wrong, or the codec fails.
    pub fn apply(&mut self, batch: &Batch, retention: &BatchRetention) -> Result<FilteredBatch, BatchError> {
        if retention.records == RetainedRecords::None && !retention.retains_empty {
            return Ok(FilteredBatch::Nothing);
        }
        batch.check_crc()?;
        if batch.header().magic < 2 {
            return self.messages(batch);
        }
        if retention.records == RetainedRecords::None {
            return Ok(FilteredBatch::Rewritten(batch.emptied()?));
        }
        self.records(batch, retention)
    }

    fn records(&mut self, batch: &Batch, retention: &BatchRetention) -> Result<FilteredBatch, BatchError> {
        let header = batch.header();
        let (mut runs, mut kept) = (RecordRuns::of(batch)?, KeptRecords::new(header.compression()?));
        let mut read = 0;
        while let Some(run) = runs.next_run()? {
            self.decide(&run, retention.records);
            kept.take(&run, &self.kept)?;
            read += run.records.len();
        }
        self.counts.read += read as u64;
        self.counts.retained += kept.count as u64;
        match kept.count {
            // An empty batch that stays as it is.
            0 if retention.retains_empty && read == 0 => Ok(FilteredBatch::Whole),
            0 if retention.retains_empty => Ok(FilteredBatch::Rewritten(batch.emptied()?)),
            0 => Ok(FilteredBatch::Nothing),
            count if count == read => Ok(FilteredBatch::Whole),
            count => {
                let max_timestamp = kept.max_timestamp;
                let records = kept.finish()?;
                Ok(FilteredBatch::Rewritten(batch.with_records(records, count, max_timestamp)?))
            }
        }
    }

    /// Decides on each record of a run.
    fn decide(&mut self, run: &RecordRun<'_>, rule: RetainedRecords) {
        self.kept.clear();
        if rule == RetainedRecords::All {
            self.kept.resize(run.records.len(), true);
            return;
        }
        self.keys.clear();
        let keys = run.records.iter().filter_map(|record| {
            Some(KeyOffset { hash: self.hasher.hash(run.key(record)?), offset: record.offset })
        });
        self.keys.extend(keys);
        self.map.touch(&self.keys);
        let mut keys = self.keys.iter();
        for record in run.records {
            let key = record.key.as_ref().and_then(|_| keys.next()).map(|key| key.hash);
            self.counts.invalid += u64::from(key.is_none());
            let record = RecordToRetain { offset: record.offset, key, has_value: record.has_value };
            self.kept.push(is_retained(&record, self.map, self.tombstones));
        }
    }

    /// What survives of a batch of format 0 or 1.
    fn messages(&mut self, batch: &Batch) -> Result<FilteredBatch, BatchError> {
        let magic = batch.header().magic;
        let (mut decisions, mut is_whole, mut first_offset) = (Vec::new(), true, None);
        let mut messages = Messages::of(batch)?;
        while let Some(message) = messages.next_message()? {
            let is_kept = self.decide_message(&message)?;
            // KAFKA-4298: some brokers wrote wrappers around messages of another format.
            is_whole &= is_kept && message.magic() == magic;
            if is_kept {
                first_offset = first_offset.or(Some(message.offset));
            }
            decisions.push(is_kept);
        }
        self.counts.read += decisions.len() as u64;
        self.counts.retained += decisions.iter().filter(|is_kept| **is_kept).count() as u64;
        let Some(base_offset) = first_offset else { return Ok(FilteredBatch::Nothing) };
        if is_whole {
            return Ok(FilteredBatch::Whole);
        }
        let header = batch.header();
        let append_time =
            (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
        let mut builder = RecordsBuilder::messages(magic, header.compression()?, append_time, base_offset);
        let (mut messages, mut decisions) = (Messages::of(batch)?, decisions.into_iter());
        while let Some(message) = messages.next_message()? {
            if decisions.next() == Some(true) {
                let (key, value) = (message.key()?, message.value()?);
                let headers = RecordHeaders::NONE;
                let record = NewRecord { timestamp: message.timestamp, key, value, headers };
                builder.push_new(message.offset, &record)?;
            }
        }
        Ok(FilteredBatch::Rewritten(builder.build()?))
    }

    fn decide_message(&mut self, message: &LegacyMessage<'_>) -> Result<bool, BatchError> {
        let key = message.key()?.map(|key| self.hasher.hash(key));
        self.counts.invalid += u64::from(key.is_none());
        let record = RecordToRetain { offset: message.offset, key, has_value: message.value()?.is_some() };
        Ok(is_retained(&record, self.map, self.tombstones))
    }
}

/// The records of a batch that survive.
struct KeptRecords {
    codec: Compression,
    count: usize,
    max_timestamp: Millis,
    /// What was not packed yet; behind room for a header, where nothing was packed.
    gathered: Vec<u8>,
    /// What is packed, where there is too much to keep it until the end.
    packed: Option<Compressor<Vec<u8>>>,
}

impl KeptRecords {
    fn new(codec: Compression) -> Self {
        Self { codec, count: 0, max_timestamp: NO_TIMESTAMP, gathered: Vec::new(), packed: None }
    }

    fn take(&mut self, run: &RecordRun<'_>, kept: &[bool]) -> Result<(), BatchError> {
        let mut from = None;
        for (record, is_kept) in run.records.iter().zip(kept) {
            if *is_kept {
                self.count += 1;
                self.max_timestamp = self.max_timestamp.max(record.timestamp);
                from.get_or_insert(record.bytes.start);
            } else if let Some(from) = from.take() {
                self.gathered.extend_from_slice(&run.bytes[from..record.bytes.start]);
            }
        }
        if let Some(from) = from {
            self.gathered.extend_from_slice(&run.bytes[from..]);
        }
        if self.gathered.len() > GATHERED_AT_MOST && self.codec != Compression::None {
            self.pack()?;
        }
        Ok(())
    }

    fn pack(&mut self) -> Result<(), BatchError> {
        let packed = match &mut self.packed {
            Some(packed) => packed,
            None => self.packed.insert(Compressor::new(self.codec, vec![0; BATCH_OVERHEAD]).map_err(failed)?),
        };
        packed.write_all(&self.gathered).map_err(failed)?;
        self.gathered.clear();
        Ok(())
    }

    /// The records as they are to be stored, behind room for the header.
    fn finish(mut self) -> Result<Vec<u8>, BatchError> {
        if self.packed.is_some() {
            self.pack()?;
        }
        if let Some(packed) = self.packed {
            return packed.finish().map_err(failed);
        }
        let mut out = vec![0; BATCH_OVERHEAD];
        match self.codec {
            Compression::None => out.append(&mut self.gathered),
            codec => out.append(&mut codec.compress(&self.gathered)?),
        }
        Ok(out)
    }
}

fn failed(error: std::io::Error) -> BatchError {
    BatchError::Decompress(error.to_string())
}

#[cfg(test)]
mod tests;
