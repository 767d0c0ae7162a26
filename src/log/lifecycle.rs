//! A log's settings, its name, and its end: configs put into force, directories renamed, files closed.
//!
//! Kafka: `Log.updateConfig`, `initializeLeaderEpochCache`, `renameDir`, `close`, `closeHandlers`.

use super::epoch_checkpoint::Loaded;
use super::failure::StorageError;
use super::log::Log;
use super::recovery::LogSync;
use super::recovery_point::FlushUpTo;
use super::settings::Settings;

const TARGET: &str = "kafka.log.Log";

impl Log {
    /// Keeps the log by other settings from now on. True where the message format changed in a way that the epochs'
    /// checkpoint has to follow: [`Log::adopt_format`] does that. Waits for no disk.
    pub fn set_settings(&self, settings: Settings) -> bool {
        let magic = settings.magic;
        let old = self.swap_settings(settings);
        if magic < old.magic {
            log::warn!(
                target: TARGET,
                "Record format version of {} has been downgraded from V{} to V{magic}.",
                self.partition(),
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
        let appender = self.appender();
        self.still_open()?;
        let magic = self.current_settings().magic;
        if (magic >= 2) == self.epochs().is_kept() {
            return Ok(());
        }
        if self.load_epochs(magic)? == Loaded::Damaged {
            self.rebuild_epochs(&appender)
                .map_err(|error| self.failed("Error while rebuilding leader epochs".to_owned(), &error))?;
        }
        Ok(())
    }

    /// Reads the epochs from their checkpoint; without leader epochs in the format there is none.
    pub(super) fn load_epochs(&self, magic: i8) -> Result<Loaded, StorageError> {
        self.epochs().load(magic).map_err(|error| {
            let path = self.epochs().path();
            self.failed(format!("Error while reading checkpoint file {}", path.display()), &error)
        })
    }

    /// Closes the log: the producers and all leader epochs are written, the index files trimmed to their
    /// entries. Flushes nothing.
    ///
    /// # Errors
    /// The disk failed.
    pub fn close(&self) -> Result<(), StorageError> {
        self.close_syncing(LogSync::EachFile)
    }

    /// Closes the log as [`Log::close`] does, and leaves what it writes to be synced with the data directory. Returns
    /// what is not known to be on the disk, for [`Log::synced`].
    ///
    /// # Errors
    /// The disk failed.
    pub(in crate::log) fn close_unsynced(&self) -> Result<Option<FlushUpTo>, StorageError> {
        self.close_syncing(LogSync::WholeDirectory)?;
        Ok(self.recovery().begin_flush(self.log_end_offset()))
    }

    /// The data directory was synced after [`Log::close_unsynced`].
    pub(in crate::log) fn synced(&self, unsynced: Option<FlushUpTo>) {
        if let Some(unsynced) = unsynced {
            self.recovery().flushed(unsynced, self.now());
        }
    }

    fn close_syncing(&self, sync: LogSync) -> Result<(), StorageError> {
        let mut appender = self.appender();
        appender.state.sync_snapshots(sync);
        if self.shut() {
            return Ok(());
        }
        let closed = appender.state.take_snapshot().and_then(|()| self.active().deactivate());
        closed.and_then(|()| self.epochs().write_pending(&appender)).map_err(|error| {
            let dir = self.data_dir().display();
            self.failed(format!("Error while closing {} in dir {dir}", self.partition()), &error)
        })
    }

    /// Stops all changes of the files: the directory has failed, or is about to be removed. Does not wait for
    /// an append in progress.
    pub fn abandon(&self) {
        self.shut();
    }

    /// Renames the log's directory within its data directory.
    ///
    /// # Errors
    /// The disk failed.
    pub fn rename_dir(&self, name: &str) -> Result<(), StorageError> {
        self.append_lock().rename_dir(name)
    }
}

#[cfg(test)]
mod tests;
