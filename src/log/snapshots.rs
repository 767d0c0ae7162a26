//! The producers of a log and their `.snapshot` files, from which they are rebuilt after a stop.
//!
//! What is in a file is decided by [`super::producers`]; here the files are listed, written and deleted.
//! Kafka: the file half of `ProducerStateManager`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::directory::{self, LogDir, SNAPSHOT, file_name, offset_of, remove_if_there};
use super::open_files::retry;
use super::producers::Producers;
use super::recovery::LogSync;
use crate::base::{Millis, Offset, TopicPartition};

const TARGET: &str = "kafka.log.ProducerStateManager";

/// The producers of a log, and up to where they are in a snapshot.
#[derive(Debug)]
pub struct ProducerState {
    /// The producers.
    pub producers: Producers,
    dir: Arc<LogDir>,
    last_snapshot: Offset,
    /// The offsets of the snapshots there are, once the directory was listed: no other part writes or deletes any.
    listed: Option<BTreeSet<Offset>>,
    /// While the log is loaded, the offsets of files that are no snapshots any more, and still there: a recovery would
    /// delete most of them and write them again with the same bytes.
    outdated: Option<BTreeSet<Offset>>,
    sync: LogSync,
}

impl ProducerState {
    /// No producer yet; snapshots are kept in `dir`.
    pub fn new(partition: TopicPartition, dir: Arc<LogDir>, expiration: Millis) -> Self {
        Self {
            producers: Producers::new(partition, expiration),
            dir,
            last_snapshot: 0,
            listed: None,
            outdated: None,
            sync: LogSync::EachFile,
        }
    }

    /// Sets when snapshots are brought to the disk from now on.
    pub fn sync_snapshots(&mut self, sync: LogSync) {
        self.sync = sync;
    }

    /// Writes a snapshot unless there is one of this offset already.
    ///
    /// # Errors
    /// Those of writing and syncing.
    pub fn take_snapshot(&mut self) -> io::Result<()> {
        let offset = self.producers.end_offset();
        if offset > self.last_snapshot {
            let bytes = self.producers.snapshot();
            let outdated = self.outdated.as_mut().is_some_and(|it| it.remove(&offset));
            let is_there = outdated && self.sync == LogSync::WholeDirectory && self.has_bytes(offset, &bytes);
            if !is_there {
                self.write(offset, &bytes)?;
            }
            self.last_snapshot = offset;
            if let Some(listed) = &mut self.listed {
                listed.insert(offset);
            }
        }
        Ok(())
    }

    fn write(&self, offset: Offset, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(offset);
        let file = retry(|| fs::File::create(&path))?;
        io::Write::write_all(&mut &file, bytes)?;
        match self.sync {
            LogSync::EachFile => file.sync_all(),
            LogSync::WholeDirectory => Ok(()),
        }
    }

    /// Whether a file is there with just these bytes; one that cannot be read is to be written anew.
    fn has_bytes(&self, offset: Offset, bytes: &[u8]) -> bool {
        fs::read(self.path(offset)).is_ok_and(|found| found == bytes)
    }

    /// Goes back to the latest sound snapshot within the log, unless the producers stand at `log_end` already.
    /// Snapshots outside the log are deleted, and so are those that cannot be read.
    ///
    /// # Errors
    /// Those of reading and deleting files.
    pub fn truncate_and_reload(&mut self, log_start: Offset, log_end: Offset, now: Millis) -> io::Result<()> {
        self.delete(|offset| offset > log_end || offset <= log_start)?;
        if log_end == self.producers.end_offset() {
            return self.truncate_head(log_start);
        }
        self.producers.truncate_fully(log_start);
        self.last_snapshot = log_start;
        while let Some(offset) = self.known()?.last().copied() {
            let path = self.path(offset);
            log::info!(target: TARGET, "Loading producer state from snapshot file '{}'", path.display());
            match self.producers.load(&retry(|| fs::read(&path))?, offset, now) {
                Ok(()) => {
                    self.last_snapshot = offset;
                    break;
                }
                Err(error) => {
                    log::warn!(target: TARGET, "Failed to load producer snapshot from '{}': {error}", path.display());
                    self.delete(|damaged| damaged == offset)?;
                }
            }
        }
        Ok(())
    }

    /// The log now starts at `log_start`: older snapshots go.
    ///
    /// # Errors
    /// Those of deleting files.
    pub fn truncate_head(&mut self, log_start: Offset) -> io::Result<()> {
        self.producers.truncate_head(log_start);
        self.delete(|offset| offset < log_start)?;
        self.last_snapshot = self.known()?.last().copied().unwrap_or(log_start);
        Ok(())
    }

    /// Removes all producers and all snapshots; the log goes on, empty, at `offset`.
    ///
    /// # Errors
    /// Those of deleting files.
    pub fn truncate_fully(&mut self, offset: Offset) -> io::Result<()> {
        self.producers.truncate_fully(offset);
        self.last_snapshot = 0;
        self.delete(|_| true)
    }

    /// Deletes the snapshots that are not needed to rebuild the state from `offset` on.
    ///
    /// # Errors
    /// Those of deleting files.
    pub fn delete_before(&mut self, offset: Offset) -> io::Result<()> {
        self.delete(|snapshot| snapshot < offset)
    }

    /// Knows the snapshots from the names of the directory's files.
    fn list(&mut self, files: &[String]) {
        let snapshots = files.iter().filter(|name| name.ends_with(SNAPSHOT));
        self.listed = Some(snapshots.filter_map(|name| offset_of(name)).collect());
    }

    /// The log is loaded from now on, by the names of its files: what is no snapshot any more is deleted at the end.
    pub fn begin_loading(&mut self, files: &[String]) {
        self.list(files);
        self.outdated = Some(BTreeSet::new());
    }

    /// The log is loaded: deletes the files that are no snapshots any more.
    ///
    /// # Errors
    /// Those of deleting files.
    pub fn end_loading(&mut self) -> io::Result<()> {
        for offset in self.outdated.take().unwrap_or_default() {
            remove_if_there(&self.path(offset))?;
        }
        Ok(())
    }

    /// Whether there is any snapshot.
    ///
    /// # Errors
    /// Those of listing the directory.
    pub fn has_snapshots(&mut self) -> io::Result<bool> {
        Ok(!self.known()?.is_empty())
    }

    /// The snapshots there are, by the last listing and what was done since.
    fn known(&mut self) -> io::Result<&mut BTreeSet<Offset>> {
        if self.listed.is_none() {
            let files = directory::files(&self.dir.path())?;
            self.list(&files);
        }
        Ok(self.listed.get_or_insert_default())
    }

    fn delete(&mut self, goes: impl Fn(Offset) -> bool) -> io::Result<()> {
        let going: Vec<_> = self.known()?.iter().copied().filter(|offset| goes(*offset)).collect();
        for offset in going {
            match &mut self.outdated {
                Some(outdated) => _ = outdated.insert(offset),
                None => _ = remove_if_there(&self.path(offset))?,
            }
            self.known()?.remove(&offset);
        }
        Ok(())
    }

    fn path(&self, offset: Offset) -> PathBuf {
        self.dir.path().join(file_name(offset, SNAPSHOT))
    }
}

#[cfg(test)]
mod tests;
