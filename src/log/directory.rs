//! One data directory: its lock, its mark of a clean stop, and the names of what lies in it.
//!
//! Kafka: the names in `Log`'s companion object, `LogManager.lockLogDirs`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use rustix::fs::FlockOperation;

use super::open_files::retry;
use super::recovery::LastStop;
use crate::base::{Offset, TopicPartition};

/// Present, empty, when the broker stopped cleanly: nothing needs recovery.
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
const LOCK: &str = ".lock";

/// Record batches.
pub const LOG: &str = ".log";
/// Offsets to positions.
pub const OFFSET_INDEX: &str = ".index";
/// Timestamps to offsets.
pub const TIME_INDEX: &str = ".timeindex";
/// Aborted transactions.
pub const TRANSACTION_INDEX: &str = ".txnindex";
/// The producers' state at an offset.
pub const SNAPSHOT: &str = ".snapshot";
/// Appended to a file about to be unlinked.
pub const DELETED: &str = ".deleted";
/// Appended to a file that the cleaner is writing.
pub const CLEANED: &str = ".cleaned";
/// Appended to a cleaned file that is about to take its place.
pub const SWAP: &str = ".swap";

/// The name of a file of the segment or snapshot at `offset`: twenty digits and what the file is.
pub fn file_name(offset: Offset, kind: &str) -> String {
    format!("{offset:020}{kind}")
}

/// The offset that a file's name begins with, up to its first dot.
pub fn offset_of(name: &str) -> Option<Offset> {
    name.split_once('.')?.0.parse().ok()
}

/// Whether a topic of this name can have logs: its name fills one field of a checkpoint's line and one part of a path.
/// ZooKeeper takes names that Kafka's tools refuse.
pub fn is_storable(topic: &str) -> bool {
    let parts_a_line = |it: char| it.is_whitespace() || it.is_control() || it == '/';
    !topic.is_empty() && !topic.contains(parts_a_line)
}

/// Where a log lies: its own directory, which is renamed when the log is deleted or has arrived in a data directory.
/// Shared by all that opens files in it, so that none is looked for under the old name.
#[derive(Debug)]
pub struct LogDir {
    path: RwLock<PathBuf>,
}

impl LogDir {
    /// A log's directory, as it is called now.
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path: RwLock::new(path) })
    }

    /// What it is called now.
    pub fn path(&self) -> PathBuf {
        self.path.read().clone()
    }

    /// Does something with a path in the directory, which keeps its name meanwhile.
    pub fn with<T>(&self, name: &str, work: impl FnOnce(&Path) -> T) -> T {
        work(&self.path.read().join(name))
    }

    /// Renames it.
    ///
    /// # Errors
    /// Those of renaming; it then keeps its name.
    pub fn rename(&self, new: PathBuf) -> io::Result<()> {
        let mut path = self.path.write();
        fs::rename(&*path, &new)?;
        *path = new;
        Ok(())
    }

    /// Brings the names of its files to the disk.
    ///
    /// # Errors
    /// Those of syncing.
    pub fn sync(&self) -> io::Result<()> {
        retry(|| File::open(&*self.path.read())?.sync_all())
    }
}

/// What a directory inside a data directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A partition's log.
    Current,
    /// A log on its way from another data directory (`-future`).
    Future,
    /// A log about to be unlinked (`-delete`).
    Deleted,
}

/// The name of a partition's directory.
pub fn partition_dir(partition: &TopicPartition) -> String {
    partition.to_string()
}

/// A new name for the directory of a partition's log that is on its way from another data directory.
pub fn future_dir(partition: &TopicPartition) -> String {
    format!("{partition}.{}-future", uuid::Uuid::new_v4().simple())
}

/// A new name for the directory of a partition that is deleted: at most 255 bytes, with the topic shortened
/// if need be.
pub fn deleted_dir(partition: &TopicPartition) -> String {
    let suffix = format!("-{}.{}-delete", partition.partition, uuid::Uuid::new_v4().simple());
    let topic = &partition.topic;
    // Topic names are ASCII; the name of any other directory is not split inside a character.
    let mut end = topic.len().min(255usize.saturating_sub(suffix.len()));
    while !topic.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &topic[..end])
}

/// A directory in a data directory that holds no partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Found directory {at}, '{name}' is not in the form of topic-partition or topic-partition.uniqueId-delete \
     (if marked for deletion).\nKafka's log directories (and children) should only contain Kafka topic data."
)]
pub struct StrayDir {
    at: String,
    name: String,
}

/// The partition and purpose of a directory, from its name.
///
/// # Errors
/// The directory holds no partition.
pub fn parse_dir(path: &Path) -> Result<(TopicPartition, Purpose), StrayDir> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    parse_dir_name(name).ok_or_else(|| {
        let at = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        StrayDir { at: at.display().to_string(), name: name.to_owned() }
    })
}

fn parse_dir_name(name: &str) -> Option<(TopicPartition, Purpose)> {
    let (name, purpose) = match (name.strip_suffix("-delete"), name.strip_suffix("-future")) {
        (Some(marked), _) => (without_id(marked)?, Purpose::Deleted),
        (_, Some(marked)) => (without_id(marked)?, Purpose::Future),
        _ => (name, Purpose::Current),
    };
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = partition.parse().ok()?;
    (!topic.is_empty()).then(|| (TopicPartition::new(topic, partition), purpose))
}

/// `topic-partition` of `topic-partition.id`; no part may be empty or hold white space.
fn without_id(marked: &str) -> Option<&str> {
    let (name, id) = marked.rsplit_once('.')?;
    let (topic, partition) = name.rsplit_once('-')?;
    let written = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    [topic, partition, id].into_iter().all(written).then_some(name)
}

/// A locked data directory; the lock ends when it is dropped.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Locks a data directory against other brokers, Kafka's among them.
    ///
    /// # Errors
    /// `WouldBlock` when another broker holds it, else those of opening the file.
    pub fn acquire(dir: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(LOCK))?;
        // The record lock is the one that Java takes, but it does not keep out a second holder in this process.
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(
            |error| match error {
                rustix::io::Errno::ACCESS => rustix::io::Errno::AGAIN,
                other => other,
            },
        )?;
        Ok(Self { _file: file })
    }
}

/// How the broker stopped that last used `dir`.
pub fn last_stop(dir: &Path) -> LastStop {
    if dir.join(CLEAN_SHUTDOWN).exists() { LastStop::Clean } else { LastStop::Unclean }
}

/// Leaves the mark of a clean stop.
///
/// # Errors
/// Those of creating a file.
pub fn mark_clean(dir: &Path) -> io::Result<()> {
    retry(|| File::create(dir.join(CLEAN_SHUTDOWN))).map(|_| ())
}

/// Takes the mark of a clean stop away, if there is one.
///
/// # Errors
/// Those of removing a file.
pub fn unmark_clean(dir: &Path) -> io::Result<()> {
    remove_if_there(&dir.join(CLEAN_SHUTDOWN)).map(|_| ())
}

/// Removes a file; returns whether there was one.
///
/// # Errors
/// Those of removing, a missing file excepted.
pub fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The files of a directory, by name; directories left out.
///
/// # Errors
/// Those of reading the directory.
pub fn files(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in retry(|| fs::read_dir(dir))? {
        let entry = entry?;
        if let (false, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The directories of a directory, by name.
///
/// # Errors
/// Those of reading the directory.
pub fn directories(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in retry(|| fs::read_dir(dir))? {
        let entry = entry?;
        // The listing shows what is a directory, unless it is a link: what it leads to has to be looked at.
        let is_dir = match entry.file_type() {
            Ok(it) if it.is_symlink() => entry.path().is_dir(),
            it => it.is_ok_and(|it| it.is_dir()),
        };
        if is_dir {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

#[cfg(test)]
mod tests;
