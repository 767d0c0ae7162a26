//! A log's settings, its name, and its end: configs put into force, directories renamed, files closed.
//!
//! Kafka: `Log.updateConfig`, `initializeLeaderEpochCache`, `renameDir`, `close`, `closeHandlers`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::checkpoint::{self, LEADER_EPOCHS};
use super::directory::remove_if_there;
use super::epochs::Epochs;
use super::failure::StorageError;
use super::log::Log;
use super::settings::Settings;
use super::snapshots::ProducerState;
use crate::base::{LeaderEpoch, Offset};

const TARGET: &str = "kafka.log.Log";

impl Log {
    /// Keeps the log by other settings from now on. True where the message format changed in a way that the epochs'
    /// checkpoint has to follow: [`Log::adopt_format`] does that. Waits for no disk.
    pub fn set_settings(&self, settings: Settings) -> bool {
        let magic = settings.magic;
        let old = self.settings.swap(Arc::new(settings));
        if magic < old.magic {
            log::warn!(
                target: TARGET,
                "Record format version of {} has been downgraded from V{} to V{magic}.",
                self.partition,
                old.magic,
            );
        }
        (magic < 2) != (old.magic < 2)
    }

    /// Has leader epochs where the message format has them, and none where it has not. Blocks on the disk.
    ///
    /// # Errors
    /// The epochs' checkpoint could not follow.
    pub fn adopt_format(&self) -> Result<(), StorageError> {
        let _none_appends = self.appender.lock();
        self.still_open()?;
        let magic = self.settings.load().magic;
        if (magic < 2) == self.epochs.read().is_none() {
            return Ok(());
        }
        if self.load_epochs(magic)? {
            self.rebuild_epochs()
                .map_err(|error| self.failed("Error while rebuilding leader epochs".to_owned(), &error))?;
        }
        Ok(())
    }

    /// Reads the epochs from their checkpoint; without leader epochs in the format there is none. True where what the
    /// checkpoint holds is none, and the epochs are to be taken from the batches instead (Kafka gives up the directory).
    pub(super) fn load_epochs(&self, magic: i8) -> Result<bool, StorageError> {
        let path = self.dir().join(LEADER_EPOCHS);
        let read = || {
            if magic >= 2 {
                checkpoint::create(&path)?;
                return checkpoint::read_epochs(&path).map(|entries| Some(Epochs::of(entries)));
            }
            if remove_if_there(&path)? {
                log::warn!(target: TARGET, "Deleting leader epochs of {}: its message format has none", self.partition);
            }
            Ok(None)
        };
        let (epochs, is_damaged) = match read() {
            Ok(epochs) => (epochs, false),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                log::warn!(target: TARGET, "{error}: the leader epochs of {} are taken from its batches", self.partition);
                (Some(Epochs::default()), true)
            }
            Err(error) => {
                let doing = format!("Error while reading checkpoint file {}", path.display());
                return Err(self.failed(doing, &error));
            }
        };
        *self.epochs.write() = epochs;
        Ok(is_damaged)
    }

    /// Closes the log: the producers are written down, the files cut to what is in them. Flushes nothing.
    ///
    /// # Errors
    /// The disk failed.
    pub fn close(&self) -> Result<(), StorageError> {
        let mut state = self.appender.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        state.take_snapshot().and_then(|()| self.active().deactivate()).map_err(|error| {
            let dir = self.data_dir.display();
            self.failed(format!("Error while closing {} in dir {dir}", self.partition), &error)
        })
    }

    /// Lets nobody touch the files any more: the directory has failed, or is about to be removed. Does not wait for an
    /// append that is under way.
    pub fn abandon(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Renames the log's directory within its data directory.
    ///
    /// # Errors
    /// The disk failed.
    pub fn rename_dir(&self, name: &str) -> Result<(), StorageError> {
        self.hold().rename_dir(name)
    }

    /// Keeps the log from changing for as long as the guard lives; waits until the append under way is done.
    pub fn hold(&self) -> Held<'_> {
        Held { log: self, _none_appends: self.appender.lock() }
    }
}

/// A log that nobody else changes meanwhile: appends, truncations and deletions wait.
pub struct Held<'a> {
    log: &'a Log,
    _none_appends: MutexGuard<'a, ProducerState>,
}

impl Held<'_> {
    /// Is led by this broker from now on, in this epoch: fences every earlier one, and notes where this one begins. Returns
    /// the log's end, which is that place unless the epoch was known; None where another log has taken this one's place.
    ///
    /// # Errors
    /// The checkpoint cannot be written, and the directory is offline; or the log is closed.
    pub fn begin_leadership(&self, epoch: LeaderEpoch) -> Result<Option<Offset>, StorageError> {
        let log = self.log;
        log.fence_below(epoch);
        if !log.admits(epoch) {
            return Ok(None);
        }
        log.still_open()?;
        let end = log.log_end_offset();
        log.change_epochs(|epochs| epochs.assign(epoch, end))?;
        Ok(Some(end))
    }

    /// Renames the log's directory within its data directory.
    ///
    /// # Errors
    /// The disk failed.
    pub fn rename_dir(&mut self, name: &str) -> Result<(), StorageError> {
        let log = self.log;
        log.dir.rename(log.data_dir.join(name)).map_err(|error| {
            let data_dir = log.data_dir.display();
            let what = format!("Error while renaming dir for {} in log dir {data_dir}", log.partition);
            log.failed(what, &error)
        })
    }

    /// Hands the log's role over to another: whatever waits to be appended here is refused as fenced.
    pub fn supersede(&self, by: &Log) {
        by.fence_below(self.log.fence.swap(LeaderEpoch::MAX, Ordering::AcqRel));
    }
}

#[cfg(test)]
mod tests;
