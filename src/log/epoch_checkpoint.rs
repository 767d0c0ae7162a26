//! The leader epochs of a log, and the file that they are written to.
//!
//! The file follows the records. An epoch that begins at the log's end has none yet, and would be dropped when the log
//! is opened again: it is kept in memory, and written before the first record of it, or when the log is closed. So a
//! change of the roles of thousands of partitions writes no file.
//!
//! A file that was written is synced before the recovery point passes the records of its epochs, and before a
//! clean stop. Until then a power failure may leave an older file, a damaged one or an empty one. Every epoch
//! that may be missing then began at or above the recovery point, where recovery reads each batch and notes
//! its epoch again. A file without any entry beside a log with records is rebuilt from all batches.
//!
//! Never decides which epochs there are: [`super::epochs`] does. Kafka: `LeaderEpochFileCache`,
//! `LeaderEpochCheckpointFile`; it writes and syncs the file with every change.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::appender::Appender;
use super::checkpoint::{self, LEADER_EPOCHS};
use super::directory::{LogDir, remove_if_there};
use super::epochs::Epochs;

/// What was found in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loaded {
    /// Epochs, or no file because the message format has none.
    Sound,
    /// Nothing: right for a log without records.
    Empty,
    /// No checkpoint. The epochs are to be taken from the batches (Kafka gives up the directory).
    Damaged,
}

/// The leader epochs of one log.
#[derive(Debug)]
pub(super) struct EpochCheckpoint {
    dir: Arc<LogDir>,
    /// None where the message format has no leader epochs. Changed under the appender's lock.
    epochs: RwLock<Option<Epochs>>,
    /// Whether the file lacks what was changed at the log's end. Changed under the appender's lock.
    unwritten: AtomicBool,
    /// Whether the file may differ on the disk.
    unsynced: AtomicBool,
}

impl EpochCheckpoint {
    /// Not loaded yet.
    pub fn new(dir: Arc<LogDir>) -> Self {
        Self {
            dir,
            epochs: RwLock::default(),
            unwritten: AtomicBool::new(false),
            unsynced: AtomicBool::new(false),
        }
    }

    /// Where the file lies now.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join(LEADER_EPOCHS)
    }

    /// Whether the log has leader epochs.
    pub fn is_kept(&self) -> bool {
        self.epochs.read().is_some()
    }

    /// Looks at the epochs; None where the message format has none.
    pub fn get<T>(&self, look: impl FnOnce(&Epochs) -> Option<T>) -> Option<T> {
        look(self.epochs.read().as_ref()?)
    }

    /// Reads the file, and makes it where there is none; for a message format without leader epochs it is removed.
    ///
    /// # Errors
    /// Those of reading, creating and removing.
    pub fn load(&self, magic: i8) -> io::Result<Loaded> {
        let path = self.path();
        let (epochs, loaded) = if magic < 2 {
            if remove_if_there(&path)? {
                let dir = self.dir.path();
                log::warn!(
                    target: "kafka.log.Log",
                    "Deleting the leader epochs in {}: the message format has none",
                    dir.display()
                );
            }
            (None, Loaded::Sound)
        } else {
            match checkpoint::read_epochs(&path) {
                Ok(entries) if entries.is_empty() => (Some(Epochs::default()), Loaded::Empty),
                Ok(entries) => (Some(Epochs::of(entries)), Loaded::Sound),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    log::warn!(
                        target: "kafka.server.LogDirFailureChannel",
                        "{error}: the epochs are taken from the batches"
                    );
                    (Some(Epochs::default()), Loaded::Damaged)
                }
                Err(error) => return Err(error),
            }
        };
        *self.epochs.write() = epochs;
        Ok(loaded)
    }

    /// Changes the epochs and, if `change` returns true, the file. The appender's lock keeps the order of the
    /// file's versions; the epochs' own lock is not held while the file is written.
    ///
    /// # Errors
    /// Those of writing and renaming; nothing has changed then.
    pub fn change(&self, _lock: &Appender, change: impl FnOnce(&mut Epochs) -> bool) -> io::Result<()> {
        let Some(mut epochs) = self.epochs.read().clone() else { return Ok(()) };
        if !change(&mut epochs) {
            return Ok(());
        }
        self.write(&epochs)?;
        *self.epochs.write() = Some(epochs);
        Ok(())
    }

    /// Changes the epochs at or above the log's end, where there are no records. The file follows with the first
    /// record.
    pub fn change_at_end(&self, _lock: &Appender, change: impl FnOnce(&mut Epochs) -> bool) {
        let mut epochs = self.epochs.write();
        if epochs.as_mut().is_some_and(change) {
            self.unwritten.store(true, Ordering::Release);
        }
    }

    /// Whether the file lacks what was changed at the log's end.
    fn is_unwritten(&self) -> bool {
        self.unwritten.load(Ordering::Acquire)
    }

    /// Writes what was changed at the log's end, as records are about to come there.
    ///
    /// # Errors
    /// Those of writing and renaming; it is then still to be done.
    pub fn write_pending(&self, _lock: &Appender) -> io::Result<()> {
        if !self.is_unwritten() {
            return Ok(());
        }
        let epochs = self.epochs.read().clone();
        epochs.map_or(Ok(()), |epochs| self.write(&epochs))
    }

    fn write(&self, epochs: &Epochs) -> io::Result<()> {
        checkpoint::write_epochs(&self.path(), epochs.entries())?;
        self.unwritten.store(false, Ordering::Release);
        self.unsynced.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the file may differ on the disk.
    pub fn is_unsynced(&self) -> bool {
        self.unsynced.load(Ordering::Acquire)
    }

    /// Brings the file to the disk, if it was written since the last time.
    ///
    /// # Errors
    /// Those of syncing; it is then still to be done.
    pub fn sync(&self) -> io::Result<()> {
        if !self.unsynced.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let synced = checkpoint::sync(&self.path()).and_then(|()| self.dir.sync());
        synced.inspect_err(|_| self.unsynced.store(true, Ordering::Release))
    }
}

#[cfg(test)]
mod tests;
