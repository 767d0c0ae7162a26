//! A data directory that failed: noted once, told to whoever serves its partitions.
//!
//! The log only reports; what follows (partitions offline, the controller told) is decided above.
//! Kafka: `LogDirFailureChannel`.

use std::collections::HashSet;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tokio::sync::mpsc;

/// A disk operation failed and took its data directory offline (Kafka's `KafkaStorageException`).
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct StorageError {
    /// What was being done, in Kafka's words.
    pub message: String,
    /// The directory concerned.
    pub dir: PathBuf,
}

/// Collects failed data directories. One for the whole broker.
#[derive(Debug)]
pub struct DirFailures {
    offline: Mutex<HashSet<PathBuf>>,
    tell: mpsc::UnboundedSender<PathBuf>,
    told: Mutex<Option<mpsc::UnboundedReceiver<PathBuf>>>,
}

impl Default for DirFailures {
    fn default() -> Self {
        // Unbounded, yet never longer than the list of directories: each is told once.
        let (tell, told) = mpsc::unbounded_channel();
        Self { offline: Mutex::default(), tell, told: Mutex::new(Some(told)) }
    }
}

impl DirFailures {
    /// Notes that `dir` failed while doing what `message` says; logged and told the first time only.
    pub fn report(&self, dir: &Path, message: impl Display, error: &io::Error) -> StorageError {
        if self.offline.lock().insert(dir.to_owned()) {
            log::error!(target: "kafka.server.LogDirFailureChannel", "{message}: {error}");
            // Nobody listening means nobody serves the directory any more.
            let _ = self.tell.send(dir.to_owned());
        }
        StorageError { message: message.to_string(), dir: dir.to_owned() }
    }

    /// Whether `dir` has failed.
    pub fn is_offline(&self, dir: &Path) -> bool {
        self.offline.lock().contains(dir)
    }

    /// The failed directories, each once, as they fail. For one listener: None when it was already taken.
    pub fn listen(&self) -> Option<mpsc::UnboundedReceiver<PathBuf>> {
        self.told.lock().take()
    }
}

#[cfg(test)]
mod tests;
