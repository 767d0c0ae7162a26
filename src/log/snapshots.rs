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
}

impl ProducerState {
    /// No producer yet; snapshots are kept in `dir`.
    pub fn new(partition: TopicPartition, dir: Arc<LogDir>, expiration: Millis) -> Self {
        Self { producers: Producers::new(partition, expiration), dir, last_snapshot: 0, listed: None }
    }

    /// Writes a snapshot unless there is one of this offset already.
    ///
    /// # Errors
    /// Those of writing and syncing.
    pub fn take_snapshot(&mut self) -> io::Result<()> {
        let offset = self.producers.end_offset();
        if offset > self.last_snapshot {
            let path = self.path(offset);
            let file = retry(|| fs::File::create(&path))?;
            io::Write::write_all(&mut &file, &self.producers.snapshot())?;
            file.sync_all()?;
            self.last_snapshot = offset;
            if let Some(listed) = &mut self.listed {
                listed.insert(offset);
            }
        }
        Ok(())
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

    /// Lists the directory. Returns the offsets of the snapshots there are, rising.
    ///
    /// # Errors
    /// Those of listing the directory.
    pub fn offsets(&mut self) -> io::Result<Vec<Offset>> {
        let files = directory::files(&self.dir.path())?;
        let snapshots = files.iter().filter(|name| name.ends_with(SNAPSHOT));
        let listed: BTreeSet<_> = snapshots.filter_map(|name| offset_of(name)).collect();
        let offsets = listed.iter().copied().collect();
        self.listed = Some(listed);
        Ok(offsets)
    }

    /// The snapshots there are, by the last listing and what was done since.
    fn known(&mut self) -> io::Result<&mut BTreeSet<Offset>> {
        if self.listed.is_none() {
            self.offsets()?;
        }
        Ok(self.listed.get_or_insert_default())
    }

    fn delete(&mut self, goes: impl Fn(Offset) -> bool) -> io::Result<()> {
        let going: Vec<_> = self.known()?.iter().copied().filter(|offset| goes(*offset)).collect();
        for offset in going {
            remove_if_there(&self.path(offset))?;
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
