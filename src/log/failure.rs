//! A data directory that failed: noted once, and announced to the part that serves its partitions.
//!
//! The log only reports; the consequences (partitions offline, the controller notified) are decided above.
//! Kafka: `LogDirFailureChannel`.

use std::collections::HashSet;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::io::Errno;
use tokio::sync::mpsc;

use super::open_files::is_exhausted;

/// A disk operation failed and took its data directory offline (Kafka's `KafkaStorageException`), or had no descriptor
/// left and is to be tried again.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct StorageError {
    /// What was being done, in Kafka's words.
    pub message: String,
    /// The directory concerned.
    pub dir: PathBuf,
    /// Whether only a descriptor was wanting: the directory works, and the same may succeed later.
    pub is_transient: bool,
}

impl StorageError {
    /// What failed for good, concerning a directory.
    pub fn new(message: impl Display, dir: &Path) -> Self {
        Self { message: message.to_string(), dir: dir.to_owned(), is_transient: false }
    }
}

impl From<StorageError> for io::Error {
    /// As an error of whatever it was part of; the want of a descriptor stays one.
    fn from(error: StorageError) -> Self {
        if error.is_transient { Errno::MFILE.into() } else { io::Error::other(error.message) }
    }
}

/// Collects failed data directories. One for the whole broker.
#[derive(Debug)]
pub struct DirFailures {
    offline: Mutex<HashSet<PathBuf>>,
    sender: mpsc::UnboundedSender<PathBuf>,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<PathBuf>>>,
}

impl Default for DirFailures {
    fn default() -> Self {
        // Unbounded, yet never longer than the list of directories: each is reported once.
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { offline: Mutex::default(), sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl DirFailures {
    /// Notes that `dir` failed during the operation in `message`; logged and reported the first time only. A
    /// missing file descriptor is no failure of the directory.
    pub fn report(&self, dir: &Path, message: impl Display, error: &io::Error) -> StorageError {
        if is_exhausted(error) {
            log::warn!(target: "kafka.server.LogDirFailureChannel", "{message}: {error}");
            return StorageError { is_transient: true, ..StorageError::new(message, dir) };
        }
        if self.offline.lock().insert(dir.to_owned()) {
            log::error!(target: "kafka.server.LogDirFailureChannel", "{message}: {error}");
            // Without a listener no part serves the directory any more.
            let _ = self.sender.send(dir.to_owned());
        }
        StorageError::new(message, dir)
    }

    /// Whether `dir` has failed.
    pub fn is_offline(&self, dir: &Path) -> bool {
        self.offline.lock().contains(dir)
    }

    /// The failed directories, each once, as they fail. For one listener: None when it was already taken.
    pub fn listen(&self) -> Option<mpsc::UnboundedReceiver<PathBuf>> {
        self.receiver.lock().take()
    }
}

#[cfg(test)]
mod tests;
