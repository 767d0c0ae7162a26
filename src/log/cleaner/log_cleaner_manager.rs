//! Which log a cleaner cleans next, and what follows of how that went.
//!
//! The filthiest log that is due is cleaned first. Behind each cleaning the compacted logs let the segments go that
//! retention, or their start offset, no longer asks for: the others are no concern of the cleaners. Kafka:
//! `LogCleanerManager`, `CleanerThread`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::cleanable::{InvalidCheckpoint, LogFacts, LogToClean, SegmentToClean};
use super::cleaner::{CleanedLog, Cleaner};
use super::error::CleaningError;
use super::state::CleaningTurn;
use super::{LogCleaner, TARGET};
use crate::base::Offset;
use crate::log::checkpoint::{self, CLEANER_OFFSETS};
use crate::log::log::Log;
use crate::log::log_manager::LogManager;

/// A log that a cleaner has the turn of.
struct GrabbedLog {
    log: Arc<Log>,
    cleanable: LogToClean,
    _turn: CleaningTurn,
}

/// What is known before a cleaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PreCleanStats {
    cleanable: usize,
    delayed: usize,
    longest_delay_ms: i64,
}

/// What cannot be cleaned, as cleaning it has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uncleanable {
    /// How many partitions.
    pub partitions: usize,
    /// Bytes of these that would be cleaned.
    pub bytes: usize,
}

impl LogManager {
    /// Cleans the filthiest log that is due, if any is, and deletes old segments of compacted logs. Returns whether a
    /// log was cleaned. Blocks on the disk, for as long as that takes.
    pub fn clean_filthiest_log(&self, cleaners: &LogCleaner, cleaner: &Cleaner) -> bool {
        let cleaned = match self.grab_filthiest_log(cleaners, cleaner) {
            Some((grabbed, waiting)) => {
                self.clean(cleaners, cleaner, &grabbed, waiting);
                true
            }
            None => false,
        };
        for log in self.compacted_logs() {
            if cleaner.is_stopped() {
                break;
            }
            let Some(_turn) = log.cleaning().begin() else { continue };
            if let Err(error) = log.delete_old_segments() {
                log::warn!(
                    target: TARGET,
                    "Unexpected exception thrown when deleting old segments of log {}: {error}", log.partition()
                );
            }
        }
        cleaned
    }

    fn compacted_logs(&self) -> impl Iterator<Item = Arc<Log>> {
        self.all().into_iter().filter(|log| log.settings().compact)
    }

    /// Takes the turn of the filthiest log that is due.
    fn grab_filthiest_log(
        &self,
        cleaners: &LogCleaner,
        cleaner: &Cleaner,
    ) -> Option<(GrabbedLog, PreCleanStats)> {
        let mut found = Vec::new();
        for log in self.compacted_logs().filter(|log| !log.cleaning().is_uncleanable()) {
            match self.cleanable(&log) {
                Ok(cleanable) if cleanable.total_bytes() > 0 => found.push((log, cleanable)),
                Ok(_) => {}
                Err(error) => self.failed_to_clean(&log, &error.into()),
            }
        }
        found.sort_by(|(_, one), (_, other)| other.cleanable_ratio().total_cmp(&one.cleanable_ratio()));
        let dirtiest = found.first().map_or(0.0, |(_, cleanable)| cleanable.cleanable_ratio());
        let delays = || found.iter().map(|(_, cleanable)| cleanable.compaction_delay_ms);
        let mut waiting = PreCleanStats {
            cleanable: 0,
            delayed: delays().filter(|delay| *delay > 0).count(),
            longest_delay_ms: delays().max().unwrap_or(0),
        };
        cleaners.metrics().looked(self.shared().clock.now(), dirtiest);
        found.retain(|(_, cleanable)| cleanable.is_due());
        waiting.cleanable = found.len();
        let grabbed = found.into_iter().find_map(|(log, _)| {
            let turn = log.cleaning().begin()?;
            // What was seen before may no longer be so.
            let cleanable = self.cleanable(&log).ok()?;
            let is_due = cleanable.total_bytes() > 0 && cleanable.is_due();
            is_due.then_some(GrabbedLog { log, cleanable, _turn: turn })
        })?;
        cleaners.metrics().delayed(cleaner.id, waiting.longest_delay_ms);
        Some((grabbed, waiting))
    }

    /// The part of a log that may be cleaned. A checkpoint that cannot be true is corrected.
    fn cleanable(&self, log: &Log) -> io::Result<LogToClean> {
        let settings = log.settings();
        let segments = log.segment_list();
        let (lag, limit) = (settings.min_compaction_lag_ms, settings.max_compaction_lag_ms);
        let facts = segments.iter().map(|segment| {
            Ok(SegmentToClean {
                base_offset: segment.base_offset,
                size: u64::from(segment.size()),
                largest_timestamp: if lag > 0 { segment.largest_timestamp()? } else { 0 },
                first_batch_timestamp: match limit {
                    i64::MAX => None,
                    _ => segment.first_batch_timestamp()?,
                },
                ..SegmentToClean::default()
            })
        });
        let facts = facts.collect::<io::Result<Vec<_>>>()?;
        let marks = log.snapshot();
        let cleanable = LogToClean::of(&LogFacts {
            segments: &facts,
            log_start_offset: marks.log_start_offset,
            log_end_offset: marks.log_end.offset,
            last_stable_offset: marks.last_stable.offset,
            clean_offset: log.cleaning().clean_offset(),
            min_compaction_lag_ms: lag,
            max_compaction_lag_ms: limit,
            min_cleanable_ratio: settings.min_cleanable_ratio,
            now: self.shared().clock.now(),
        });
        if let Some(invalid) = cleanable.invalid_checkpoint {
            self.correct_checkpoint(log, invalid, cleanable.first_dirty_offset, settings.delete);
        }
        Ok(cleanable)
    }

    fn correct_checkpoint(&self, log: &Log, invalid: InvalidCheckpoint, start: Offset, deletes: bool) {
        let name = log.partition();
        match invalid {
            // Where old segments are deleted too, that is what happens.
            InvalidCheckpoint::BeforeStart(_) if deletes => {}
            InvalidCheckpoint::BeforeStart(offset) => log::warn!(
                target: TARGET,
                "Resetting first dirty offset of {name} to log start offset {start} since the checkpointed offset \
                 {offset} is invalid."
            ),
            InvalidCheckpoint::PastEnd(offset) => log::warn!(
                target: TARGET,
                "The last checkpoint dirty offset for partition {name} is {offset}, which is larger than the log end \
                 offset {}. Resetting to the log start offset {start}.",
                log.log_end_offset()
            ),
        }
        log.cleaning().set_clean_offset(start);
        self.write_cleaner_offsets(log.data_dir());
    }

    fn clean(&self, cleaners: &LogCleaner, cleaner: &Cleaner, grabbed: &GrabbedLog, waiting: PreCleanStats) {
        let GrabbedLog { log, cleanable, .. } = grabbed;
        let from = cleanable.first_dirty_offset;
        match cleaner.clean(log, cleanable) {
            Ok(CleanedLog { clean_offset: to, stats }) => {
                let report = stats.report(cleaner.id, &log.partition().to_string(), from, to);
                log::info!(target: TARGET, "[kafka-log-cleaner-thread-{}]: {report}", cleaner.id);
                let PreCleanStats { cleanable, delayed, longest_delay_ms } = waiting;
                if delayed > 0 {
                    log::info!(
                        target: TARGET,
                        "\tCleanable partitions: {cleanable}, Delayed partitions: {delayed}, max delay: \
                         {longest_delay_ms}"
                    );
                }
                if stats.records.invalid > 0 {
                    log::warn!(
                        target: TARGET,
                        "\tFound {} invalid messages during compaction.", stats.records.invalid
                    );
                }
                cleaners.metrics().cleaned(cleaner.id, stats);
                log.cleaning().set_clean_offset(to);
                self.write_cleaner_offsets(log.data_dir());
            }
            Err(error) => self.failed_to_clean(log, &error),
        }
    }

    fn failed_to_clean(&self, log: &Log, error: &CleaningError) {
        let dir = log.data_dir().display();
        match error {
            // The next round begins anew, if there is to be one.
            CleaningError::Aborted | CleaningError::Storage(_) => {
                log::debug!(target: TARGET, "Cleaning of log {} ended: {error}", log.partition());
            }
            CleaningError::Io(disk) if error.is_of_disk() => {
                let what =
                    format!("Failed to clean up log for {} in dir {dir} due to IOException", log.partition());
                self.shared().failures.report(log.data_dir(), what, disk);
            }
            error => {
                log::warn!(
                    target: TARGET,
                    "Unexpected exception thrown when cleaning log {log}. Marking its partition ({}) as uncleanable: \
                     {error}",
                    log.partition()
                );
                log.cleaning().mark_uncleanable();
            }
        }
    }

    /// The partitions of a directory that cannot be cleaned.
    pub fn uncleanable(&self, dir: &Path) -> Uncleanable {
        let here = self.all().into_iter().filter(|log| log.data_dir() == dir);
        let mut found = Uncleanable::default();
        for log in here.filter(|log| log.cleaning().is_uncleanable()) {
            found.partitions += 1;
            found.bytes += self.cleanable(&log).map_or(0, |it| it.cleanable_bytes as usize);
        }
        found
    }

    /// Writes down up to where the logs of a directory are clean. A failure takes the directory offline.
    pub(in crate::log) fn write_cleaner_offsets(&self, dir: &Path) {
        let here = self.all().into_iter().filter(|log| log.data_dir() == dir);
        let known = here.filter_map(|log| Some((log.partition().clone(), log.cleaning().clean_offset()?)));
        if let Err(error) = self.write_checkpoint(dir, CLEANER_OFFSETS, &known.collect()) {
            log::error!(
                target: TARGET,
                "Failed to access checkpoint file {CLEANER_OFFSETS} in dir {}: {error}", dir.display()
            );
        }
    }

    /// Takes over a directory's checkpoint. A log whose line cannot be read is cleaned from its start.
    pub(in crate::log) fn read_cleaner_offsets(&self, dir: &Path) {
        let read = checkpoint::read_offsets(&dir.join(CLEANER_OFFSETS));
        let read = read.unwrap_or_else(|error| checkpoint::StoredOffsets {
            damage: Some(error.to_string()),
            ..Default::default()
        });
        match read.damage {
            None => {
                self.shared().disks.of(dir).checkpoints.lock().insert(CLEANER_OFFSETS, read.offsets.clone());
            }
            Some(damage) => log::warn!(
                target: TARGET,
                "{damage}: logs in {} that it does not tell of are cleaned from their start", dir.display()
            ),
        }
        for log in self.all().into_iter().filter(|log| log.data_dir() == dir) {
            if let Some(offset) = read.offsets.get(log.partition()) {
                log.cleaning().set_clean_offset(*offset);
            }
        }
    }
}

#[cfg(test)]
mod tests;
