//! The leader epochs of a log, and the file that they are written to.
//!
//! The file follows the recovery point. What recovery finds again in the batches need not be written sooner than the
//! recovery point passes it, so that a start of thousands of partitions, in new leader epochs, writes no file:
//!
//! - An epoch without records would be dropped when the log is opened again, in Kafka too. It is kept in memory.
//! - An epoch with records is kept in memory, if it is later than all that the file has. Recovery reads every batch
//!   from the recovery point on and notes later epochs, as Kafka's does. ([`super::epochs`] decides which it finds.)
//! - One that contradicts the file is written before its first record.
//! - What takes records away (truncation, a new log start) writes the file at once.
//!
//! Before the recovery point passes an epoch, before segments are cleaned, and before a clean stop, the file has it
//! and is synced. So whatever a crash leaves (of a power failure: an older file, a damaged or an empty one), each epoch
//! with records is in the file or in the batches behind the recovery point, and replicas truncate by the same epochs
//! as before the crash. A file without any entry beside a log with records may have lost them: it is rebuilt from all
//! batches, unless recovery reads them anyway.
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
use crate::base::Offset;

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
    kept: RwLock<Option<KeptEpochs>>,
    /// Whether the file may differ on the disk.
    unsynced: AtomicBool,
}

#[derive(Debug, Default)]
struct KeptEpochs {
    now: Epochs,
    /// What the file has, where that is something else.
    written: Option<Epochs>,
}

impl KeptEpochs {
    /// Epochs as they are read from the file.
    fn read(now: Epochs) -> Self {
        Self { now, written: None }
    }

    fn change(&mut self, change: impl FnOnce(&mut Epochs) -> bool) {
        let before = self.now.clone();
        if change(&mut self.now) {
            let written = self.written.take().unwrap_or(before);
            self.written = (written != self.now).then_some(written);
        }
    }
}

impl EpochCheckpoint {
    /// Not loaded yet.
    pub fn new(dir: Arc<LogDir>) -> Self {
        Self { dir, kept: RwLock::default(), unsynced: AtomicBool::new(false) }
    }

    /// Where the file lies now.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join(LEADER_EPOCHS)
    }

    /// Whether the log has leader epochs.
    pub fn is_kept(&self) -> bool {
        self.kept.read().is_some()
    }

    /// Looks at the epochs; None where the message format has none.
    pub fn get<T>(&self, look: impl FnOnce(&Epochs) -> Option<T>) -> Option<T> {
        look(&self.kept.read().as_ref()?.now)
    }

    /// Reads the file, and makes it where there is none; for a message format without leader epochs it is removed.
    ///
    /// # Errors
    /// Those of reading, creating and removing.
    pub fn load(&self, magic: i8) -> io::Result<Loaded> {
        let path = self.path();
        let (kept, loaded) = if magic < 2 {
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
                Ok(entries) if entries.is_empty() => (Some(KeptEpochs::default()), Loaded::Empty),
                Ok(entries) => (Some(KeptEpochs::read(Epochs::of(entries))), Loaded::Sound),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    log::warn!(
                        target: "kafka.server.LogDirFailureChannel",
                        "{error}: the epochs are taken from the batches"
                    );
                    // It is to be written, whatever the epochs are.
                    (
                        Some(KeptEpochs { written: Some(Epochs::default()), ..Default::default() }),
                        Loaded::Damaged,
                    )
                }
                Err(error) => return Err(error),
            }
        };
        *self.kept.write() = kept;
        Ok(loaded)
    }

    /// Changes the epochs and, if `change` returns true, the file. The appender's lock keeps the order of the
    /// file's versions; the epochs' own lock is not held while the file is written.
    ///
    /// # Errors
    /// Those of writing and renaming; nothing has changed then.
    pub fn change(&self, lock: &Appender, change: impl FnOnce(&mut Epochs) -> bool) -> io::Result<()> {
        let Some(mut epochs) = self.get(|epochs| Some(epochs.clone())) else { return Ok(()) };
        if !change(&mut epochs) {
            return Ok(());
        }
        self.write(lock, epochs)
    }

    /// Changes the epochs where no records are, or none that a recovery would not read. The file follows later.
    pub fn change_unwritten(&self, _lock: &Appender, change: impl FnOnce(&mut Epochs) -> bool) {
        if let Some(kept) = self.kept.write().as_mut() {
            kept.change(change);
        }
    }

    /// Where the first epoch begins that the file lacks.
    pub fn first_unwritten(&self) -> Option<Offset> {
        let kept = self.kept.read();
        let KeptEpochs { now, written } = kept.as_ref()?;
        now.first_missing_in(written.as_ref()?)
    }

    /// Writes the file before records are appended, if a recovery with these records and the file as it is would not
    /// find the epochs.
    ///
    /// # Errors
    /// Those of writing and renaming; it is then still to be done.
    pub fn write_before_records(&self, lock: &Appender) -> io::Result<()> {
        self.write_if(lock, |now, written| !now.are_found_again_from(written))
    }

    /// Whether the file differs.
    pub fn is_unwritten(&self) -> bool {
        self.kept.read().as_ref().is_some_and(|kept| kept.written.is_some())
    }

    /// Writes the file if it differs.
    ///
    /// # Errors
    /// Those of writing and renaming; it is then still to be done.
    pub fn write_pending(&self, lock: &Appender) -> io::Result<()> {
        self.write_if(lock, |_, _| true)
    }

    fn write_if(&self, lock: &Appender, is_due: impl FnOnce(&Epochs, &Epochs) -> bool) -> io::Result<()> {
        let due = match &*self.kept.read() {
            Some(KeptEpochs { now, written: Some(written) }) if is_due(now, written) => now.clone(),
            _ => return Ok(()),
        };
        self.write(lock, due)
    }

    fn write(&self, _lock: &Appender, epochs: Epochs) -> io::Result<()> {
        checkpoint::write_epochs(&self.path(), epochs.entries())?;
        *self.kept.write() = Some(KeptEpochs::read(epochs));
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
