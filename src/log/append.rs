//! Appending to a log: check, validate, assign offsets, roll if due, write, account.
//!
//! What takes time without needing the log is done before (`prepare`). One append at a time; each costs one
//! write of the pieces it is made of, or a few where they are large, and nothing that grows with the log.
//! What may be appended is decided in [`super::validate`] and [`super::producers`]. Kafka: `Log.append`.

mod outcome;
mod prepare;

use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub use outcome::{AppendError, LogAppendInfo};
pub use prepare::Prepared;

use super::appender::Appender;
use super::disk::AppendTakes;
use super::epochs::EpochEntry;
use super::failure::StorageError;
use super::index::{AbortedEntry, TimestampOffset};
use super::log::Log;
use super::position::LogPosition;
use super::producers::{Change, CompletedTransaction, ProducerError};
use super::segment::{Coming, Segment};
use super::settings::Settings;
use super::snapshots::ProducerState;
use super::validate::{AppendOrigin, Checked, Validated, check};
use crate::base::{LeaderEpoch, Millis, Offset};
use crate::wire::batch::{Batch, BatchError, BatchHeader};
use crate::wire::control::EndTransactionMarker;
use crate::wire::memory_records::MemoryRecords;

/// How many bytes are copied into the page cache in no more time than another thread needs to wake up.
const QUICK_BYTES: usize = 128 << 10;

/// A batch as its producer and the leader epochs account for it.
struct ReadyBatch {
    /// Its header as written.
    header: BatchHeader,
    /// The marker in it, if it is a control batch that has one.
    marker: Option<EndTransactionMarker>,
}

/// Batches ready to be written.
struct Ready {
    pieces: Vec<Bytes>,
    /// All of them; of messages of formats 0 and 1 that a producer sent, the last one.
    batches: Vec<ReadyBatch>,
    size: usize,
    first_offset: Option<Offset>,
    last_offset: Offset,
    largest: TimestampOffset,
    log_append_time: Millis,
}

impl Log {
    /// Appends a producer's or coordinator's batches, giving them offsets and this leader epoch.
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended then. [`AppendError::Fenced`] where a later leader epoch is in force.
    pub fn append_as_leader(
        &self,
        records: impl Into<MemoryRecords>,
        leader_epoch: LeaderEpoch,
        origin: AppendOrigin,
    ) -> Result<LogAppendInfo, AppendError> {
        self.append_prepared(self.prepare(&records.into(), origin)?, leader_epoch)
    }

    /// Appends prepared batches, giving them offsets and this leader epoch.
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended then. [`AppendError::Fenced`] where a later leader epoch is in force.
    pub fn append_prepared(
        &self,
        prepared: Prepared,
        leader_epoch: LeaderEpoch,
    ) -> Result<LogAppendInfo, AppendError> {
        let Prepared { origin, checked, settings, batches, log_append_time, .. } = prepared;
        let Some((validated, marker)) = batches else { return Ok(self.nothing_appended(&checked)) };
        self.append(&checked, &settings, origin, Some(leader_epoch), || {
            self.with_offsets(validated, marker, log_append_time, leader_epoch)
        })
    }

    /// Appends batches that were fetched from the leader of this epoch; else as [`Log::append_as_follower`].
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended then. [`AppendError::Fenced`] where a later leader epoch is in force.
    pub fn append_fetched(
        &self,
        records: &MemoryRecords,
        epoch: LeaderEpoch,
    ) -> Result<LogAppendInfo, AppendError> {
        self.append_replicated(records, Some(epoch))
    }

    /// Appends batches fetched from the leader, as they are. An incomplete batch at the end is left out.
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended then.
    pub fn append_as_follower(&self, records: &MemoryRecords) -> Result<LogAppendInfo, AppendError> {
        self.append_replicated(records, None)
    }

    fn append_replicated(
        &self,
        records: &MemoryRecords,
        epoch: Option<LeaderEpoch>,
    ) -> Result<LogAppendInfo, AppendError> {
        let origin = AppendOrigin::Replication;
        let checked = check(self.partition(), records, origin, None)?;
        if checked.batches == 0 {
            return Ok(self.nothing_appended(&checked));
        }
        self.append(&checked, &self.settings(), origin, epoch, || self.as_offered(records, &checked))
    }

    /// Appends what `ready` makes of the log's end, unless it was decided in an epoch that is no longer in force.
    fn append(
        &self,
        checked: &Checked,
        settings: &Settings,
        origin: AppendOrigin,
        decided_in: Option<LeaderEpoch>,
        ready: impl FnOnce() -> Result<Ready, AppendError>,
    ) -> Result<LogAppendInfo, AppendError> {
        let mut appender = self.appender();
        if let Some(epoch) = decided_in.filter(|epoch| !self.admits(*epoch)) {
            return Err(AppendError::Fenced(epoch));
        }
        self.still_open()?;
        let ready = ready()?;
        self.note_epochs(&appender, &ready.batches)?;
        if ready.size as u64 > settings.segment_bytes {
            return Err(AppendError::LargerThanSegment(format!(
                "Message batch size is {} bytes in append to partition {}, which exceeds the maximum configured \
                 segment size of {}.",
                ready.size,
                self.partition(),
                settings.segment_bytes
            )));
        }
        let segment = self.roll_if_due(&mut appender, &ready, settings)?;
        let info = self.appended(checked, &ready);
        let (change, completed) = match self.account(&appender.state, &ready, origin)? {
            Account::Duplicate { first_offset, last_offset, timestamp } => {
                let log_end = self.snapshot().log_end;
                let (first_offset, bytes) = (Some(first_offset), 0);
                let log_append_time = timestamp;
                let duplicate = true;
                return Ok(LogAppendInfo {
                    first_offset,
                    last_offset,
                    log_append_time,
                    bytes,
                    duplicate,
                    log_end,
                    ..info
                });
            }
            Account::New(change, completed) => (change, completed),
        };
        let log_end =
            self.write(&mut appender.state, &segment, &ready, change, &completed).map_err(|error| {
                let dir = self.data_dir().display();
                self.failed(
                    format!("Error while appending records to {} in dir {dir}", self.partition()),
                    &error,
                )
            })?;
        drop(appender);
        let flushes_by_count = settings.flush_messages < i64::MAX;
        if flushes_by_count && log_end.offset.saturating_sub(self.recovery_point()) >= settings.flush_messages
        {
            self.flush()?;
        }
        Ok(LogAppendInfo { log_end, ..info })
    }

    /// How long writing so many bytes takes: microseconds where they are few and nothing is brought to the disk.
    pub fn append_takes(&self, bytes: usize) -> AppendTakes {
        match bytes <= QUICK_BYTES && self.current_settings().flush_messages == i64::MAX {
            true => AppendTakes::Microseconds,
            false => AppendTakes::Long,
        }
    }

    fn nothing_appended(&self, checked: &Checked) -> LogAppendInfo {
        let marks = self.snapshot();
        LogAppendInfo {
            first_offset: None,
            last_offset: checked.last_offset,
            max_timestamp: checked.max_timestamp,
            log_append_time: -1,
            log_start_offset: marks.log_start_offset,
            leader_epoch: -1,
            batches: 0,
            bytes: 0,
            duplicate: false,
            log_end: marks.log_end,
        }
    }

    fn appended(&self, checked: &Checked, ready: &Ready) -> LogAppendInfo {
        LogAppendInfo {
            first_offset: ready.first_offset,
            last_offset: ready.last_offset,
            max_timestamp: ready.largest.timestamp,
            log_append_time: ready.log_append_time,
            leader_epoch: ready.batches.last().map_or(-1, |batch| batch.header.leader_epoch),
            batches: ready.batches.len(),
            bytes: ready.size,
            ..self.nothing_appended(checked)
        }
    }

    /// Validated batches with offsets from the log's end on.
    fn with_offsets(
        &self,
        validated: Validated,
        marker: Option<EndTransactionMarker>,
        log_append_time: Millis,
        leader_epoch: LeaderEpoch,
    ) -> Result<Ready, AppendError> {
        let next_offset = self.log_end_offset();
        let assigned = validated.assign_offsets(next_offset, leader_epoch)?;
        Ok(Ready {
            size: assigned.size(),
            first_offset: Some(next_offset),
            last_offset: assigned.last_offset,
            largest: TimestampOffset {
                timestamp: assigned.max_timestamp,
                offset: assigned.offset_of_max_timestamp,
            },
            log_append_time,
            batches: assigned.batches.into_iter().map(|header| ReadyBatch { header, marker }).collect(),
            pieces: assigned.pieces,
        })
    }

    /// The leader's batches, if they continue the log.
    fn as_offered(&self, records: &MemoryRecords, checked: &Checked) -> Result<Ready, AppendError> {
        let batches = records.batches();
        let partition = self.partition();
        if !checked.monotonic {
            let offsets = first_offsets(batches, usize::MAX);
            return Err(AppendError::OutOfOrder(format!(
                "Out of order offsets found in append to {partition}: {offsets}"
            )));
        }
        let (end, start) = (self.log_end_offset(), self.log_start_offset());
        let (name, first) = match checked.first_offset {
            Some(first) => ("First offset", first),
            None => ("Last offset of the first batch", checked.last_offset_of_first_batch),
        };
        let last_offset = checked.last_offset;
        if first < end {
            let message = format!(
                "Unexpected offset in append to {partition}. {name} {first} is less than the next offset {end}. \
                 First 10 offsets in append: {}, last offset in append: {last_offset}. Log start offset = {start}",
                first_offsets(batches, 10)
            );
            return Err(AppendError::UnexpectedOffset { message, first_offset: first, last_offset });
        }
        let ready = |batch: &Batch| {
            let marker = EndTransactionMarker::of_batch(batch)?;
            Ok(ReadyBatch { header: batch.header().clone(), marker })
        };
        let pieces = records.whole();
        Ok(Ready {
            size: pieces.len(),
            first_offset: checked.first_offset,
            last_offset,
            largest: TimestampOffset {
                timestamp: checked.max_timestamp,
                offset: checked.offset_of_max_timestamp,
            },
            log_append_time: -1,
            batches: batches.iter().map(ready).collect::<Result<_, BatchError>>()?,
            pieces: vec![pieces],
        })
    }

    /// Notes the leader epochs that begin in these batches. One of an old format makes all of them worthless.
    fn note_epochs(&self, appender: &Appender, batches: &[ReadyBatch]) -> Result<(), StorageError> {
        // Mostly the epoch is the latest one, which is seen without a copy of all of them.
        let latest = self.epochs().get(|epochs| epochs.latest());
        let is_known = |ReadyBatch { header, .. }: &ReadyBatch| {
            let continues = |latest: EpochEntry| {
                latest.epoch == header.leader_epoch && latest.start_offset <= header.base_offset
            };
            header.magic >= 2 && latest.is_some_and(continues)
        };
        if batches.iter().all(is_known) {
            return self.write_epochs_before_records(appender);
        }
        self.epochs().change_unwritten(appender, |epochs| {
            let mut changed = false;
            for ReadyBatch { header, .. } in batches {
                if header.magic >= 2 {
                    changed |= epochs.assign(header.leader_epoch, header.base_offset);
                } else if !epochs.entries().is_empty() {
                    log::warn!(
                        target: "kafka.log.Log",
                        "Clearing leader epoch cache of {} after unexpected append with message format v{}",
                        self.partition(),
                        header.magic
                    );
                    epochs.clear();
                    changed = true;
                }
            }
            changed
        });
        self.write_epochs_before_records(appender)
    }

    fn roll_if_due(
        &self,
        appender: &mut Appender,
        ready: &Ready,
        settings: &Settings,
    ) -> Result<Arc<Segment>, StorageError> {
        let active = self.active();
        let coming = Coming {
            bytes: ready.size as u64,
            last_offset: ready.last_offset,
            largest_timestamp: ready.largest.timestamp,
            segment_bytes: settings.segment_bytes,
            segment_ms: settings.max_segment_ms(),
        };
        let due = active.should_roll(&coming, self.now());
        let due = due.map_err(|error| self.failed(self.rolling_failed(), &error))?;
        if !due {
            return Ok(active);
        }
        // The first offset of old formats is not known; the lowest it can be keeps the last one within reach.
        let first = ready.first_offset.unwrap_or(ready.last_offset - i64::from(i32::MAX));
        self.roll_locked(appender, first)?;
        Ok(self.active())
    }

    /// What the batches mean for their producers.
    fn account(
        &self,
        state: &ProducerState,
        ready: &Ready,
        origin: AppendOrigin,
    ) -> Result<Account, ProducerError> {
        let mut change = Change::new(origin);
        let mut completed = Vec::new();
        for ReadyBatch { header, marker } in &ready.batches {
            if !header.has_producer_id() {
                continue;
            }
            if origin == AppendOrigin::Client
                && let Some(duplicate) = state.producers.duplicate_of(header)
            {
                return Ok(Account::Duplicate {
                    first_offset: duplicate.first_offset(),
                    last_offset: duplicate.last_offset,
                    timestamp: duplicate.timestamp,
                });
            }
            completed.extend(change.append(&state.producers, header, *marker)?);
        }
        Ok(Account::New(change, completed))
    }

    /// Writes, then lets the log's end and its producers follow. Returns the new end.
    fn write(
        &self,
        state: &mut ProducerState,
        segment: &Segment,
        ready: &Ready,
        change: Change,
        completed: &[CompletedTransaction],
    ) -> io::Result<LogPosition> {
        if completed.iter().any(|transaction| transaction.aborted) {
            segment.indexes.write().transaction.prepare()?;
        }
        segment.append(&ready.pieces, ready.last_offset, ready.largest)?;
        let end = ready.last_offset + 1;
        let log_end = segment.position(end, segment.size());
        state.producers.apply(change);
        for transaction in completed {
            let last_stable_offset = state.producers.last_stable_offset(transaction);
            if transaction.aborted {
                segment.indexes.write().transaction.append(&aborted(transaction, last_stable_offset))?;
            }
            state.producers.complete(transaction).map_err(io::Error::other)?;
        }
        state.producers.set_end_offset(end);
        self.marks_mut().appended(log_end, &mut state.producers);
        Ok(log_end)
    }
}

enum Account {
    /// The batch is in the log.
    Duplicate { first_offset: Offset, last_offset: Offset, timestamp: Millis },
    /// What changes once the batches are in the log, and the transactions they end.
    New(Change, Vec<CompletedTransaction>),
}

/// The entry of the transaction index for an aborted transaction.
pub(super) fn aborted(transaction: &CompletedTransaction, last_stable_offset: Offset) -> AbortedEntry {
    AbortedEntry {
        producer_id: transaction.producer_id,
        first_offset: transaction.first_offset,
        last_offset: transaction.last_offset,
        last_stable_offset,
    }
}

fn first_offsets(batches: &[Batch], most: usize) -> String {
    let offsets: Vec<_> =
        batches.iter().take(most).map(|batch| batch.header().base_offset.to_string()).collect();
    format!("ArrayBuffer({})", offsets.join(", "))
}

#[cfg(test)]
mod tests;
