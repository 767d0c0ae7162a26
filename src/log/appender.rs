//! What only the thread that changes a log's files may use: the list of segments, and the producers.
//!
//! [`Appender`] lies behind the one lock of a log that is held over IO. A method that takes `&mut Appender` runs under
//! that lock; one that takes `&Appender` needs the lock but changes nothing in it. [`AppendLock`] is the lock as other
//! rooms hold it. Kafka: `Log.lock`.

use parking_lot::MutexGuard;

use super::epochs::EpochEntry;
use super::failure::StorageError;
use super::log::Log;
use super::segments::SegmentsWriter;
use super::snapshots::ProducerState;
use crate::base::{LeaderEpoch, Offset};

/// What a thread needs that appends to a log, or otherwise changes its files.
#[derive(Debug)]
pub(super) struct Appender {
    /// The right to change the list of segments.
    pub segments: SegmentsWriter,
    /// The producers and their snapshots.
    pub state: ProducerState,
}

/// A log that no other thread changes meanwhile: appends, truncations and deletions wait.
pub struct AppendLock<'a> {
    log: &'a Log,
    appender: MutexGuard<'a, Appender>,
}

impl Log {
    /// Keeps the log from changing for as long as the guard lives; waits until the append under way is done.
    pub fn append_lock(&self) -> AppendLock<'_> {
        AppendLock { log: self, appender: self.appender() }
    }
}

impl AppendLock<'_> {
    /// Makes this broker the leader from now on, in this epoch: fences every earlier one, and notes where this one
    /// begins.
    /// Returns the log's end, which is that offset unless the epoch was known; None where another log has taken this
    /// one's place.
    ///
    /// # Errors
    /// The log is closed; or, where a later epoch is known, its checkpoint cannot be written.
    pub fn begin_leadership(&self, epoch: LeaderEpoch) -> Result<Option<Offset>, StorageError> {
        let log = self.log;
        log.fence_below(epoch);
        if !log.admits(epoch) {
            return Ok(None);
        }
        log.still_open()?;
        let end = log.log_end_offset();
        let has_later = |latest: EpochEntry| latest.epoch > epoch;
        if log.epochs().get(|epochs| epochs.latest()).is_some_and(has_later) {
            log.change_epochs(&self.appender, |epochs| epochs.assign(epoch, end))?;
        } else {
            log.epochs().change_unwritten(&self.appender, |epochs| epochs.assign(epoch, end));
        }
        Ok(Some(end))
    }

    /// Renames the log's directory within its data directory.
    ///
    /// # Errors
    /// The disk failed.
    pub fn rename_dir(&mut self, name: &str) -> Result<(), StorageError> {
        let log = self.log;
        log.own_dir().rename(log.data_dir().join(name)).map_err(|error| {
            let data_dir = log.data_dir().display();
            let what = format!("Error while renaming dir for {} in log dir {data_dir}", log.partition());
            log.failed(what, &error)
        })
    }

    /// Hands the log's role over to another log: whatever waits to be appended here is refused as fenced.
    pub fn supersede(&self, by: &Log) {
        by.fence_below(self.log.close_fence());
    }
}
