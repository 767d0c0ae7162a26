//! Opening a log, and making it whole again after a broker that did not stop cleanly.
//!
//! An interrupted deletion or cleaning is undone or completed ([`leftovers`]). The segments are opened, and indexes
//! that are missing or cannot be valid are rebuilt ([`loading`]). Segments behind the recovery point are read batch by
//! batch, truncated at the first incomplete batch and flushed ([`segments`]). Those whose offsets do not fit their
//! indexes are split ([`split`]). Leader epochs are noted from the batches ([`epochs`]), and producers are rebuilt from
//! their last snapshot and the batches behind it ([`producers`]).
//!
//! Kafka: `Log.loadSegments`, `recoverLog`, `LogSegment.recover`, `Log.rebuildProducerState`.

mod epochs;
mod leftovers;
mod loading;
mod producers;
mod segments;
mod split;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::directory;
use super::epoch_checkpoint::Loaded;
use super::failure::StorageError;
use super::log::{Log, Shared};
use super::settings::Settings;
use crate::base::{Offset, TopicPartition};

const TARGET: &str = "kafka.log.Log";

/// How the broker stopped that last used a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStop {
    /// With all it had on the disk: nothing needs recovery.
    Clean,
    /// By a crash, as far as is known: what lies behind the recovery point is read.
    Unclean,
}

/// When what the opening or closing of a log has read and written is brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSync {
    /// File by file.
    EachFile,
    /// By the caller, at once for the data directory, before its recovery points are written.
    WholeDirectory,
}

/// What is known of a log before it is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The partition.
    pub partition: TopicPartition,
    /// The log's own directory, in its data directory; it exists.
    pub dir: PathBuf,
    /// How it is to be kept.
    pub settings: Settings,
    /// Its start offset by the checkpoint, or 0.
    pub log_start: Offset,
    /// Its recovery point by the checkpoint, or 0.
    pub recovery_point: Offset,
    /// How the last broker stopped.
    pub last_stop: LastStop,
}

impl Log {
    /// Opens or begins a log. Reads what needs recovery: may take long.
    ///
    /// # Errors
    /// The disk failed; its directory is then offline.
    pub fn open(opening: Opening, shared: Arc<Shared>) -> Result<Arc<Self>, StorageError> {
        Self::open_syncing(LogSync::EachFile, opening, None, shared)
    }

    /// As [`Log::open`], with the choice of when a recovery is brought to the disk. `files` are the names of the files
    /// in its directory where they have been listed already.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub(super) fn open_syncing(
        sync: LogSync,
        opening: Opening,
        files: Option<Vec<String>>,
        shared: Arc<Shared>,
    ) -> Result<Arc<Self>, StorageError> {
        let Opening { partition, dir, settings, log_start, recovery_point, last_stop } = opening;
        let magic = settings.magic;
        let log = Self::new(partition, dir, settings, log_start, recovery_point, shared);
        let epochs = log.load_epochs(magic)?;
        log.load(last_stop, sync, epochs, files).map_err(|error| {
            log.failed(format!("Error while loading log dir {}", log.data_dir().display()), &error)
        })?;
        Ok(log)
    }

    fn load(
        &self,
        last_stop: LastStop,
        sync: LogSync,
        epochs: Loaded,
        files: Option<Vec<String>>,
    ) -> io::Result<()> {
        let mut appender = self.appender();
        appender.state.sync_snapshots(sync);
        let listed = files.map_or_else(|| directory::files(&self.dir()), Ok)?;
        let names = self.clear_leftovers(listed)?;
        appender.state.begin_loading(&names);
        self.load_segments(&mut appender, names, last_stop)?;
        if self.epochs_are_lost(epochs, last_stop) {
            self.rebuild_epochs(&appender)?;
        }
        let end = self.recover(&mut appender, last_stop, sync)?;
        self.active().activate()?;
        self.epochs().change_unwritten(&appender, |epochs| epochs.truncate_from_end(end));
        let start = self.log_start_offset().max(self.segments()[0].base_offset);
        let position = self.end_at(end);
        self.marks_mut().opened(start, position);
        self.change_epochs(&appender, |epochs| epochs.truncate_from_start(start))?;
        self.recovery().recovered(self.end_with_epochs(&appender, end)?);
        self.recovery().log_starts_at(start);
        self.rebuild_producers(&mut appender.state, end, last_stop)?;
        self.marks_mut().note_transactions(&mut appender.state.producers);
        appender.state.end_loading()?;
        appender.state.sync_snapshots(LogSync::EachFile);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
