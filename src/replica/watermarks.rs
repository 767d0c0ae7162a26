//! High watermarks on disk: written every few seconds and at the end, read when a partition is opened again.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{Partition, ReplicaManager};
use crate::base::{Offset, TopicPartition};
use crate::log::{Log, LogManager};

/// The high watermarks last written, read once for each directory that is asked about.
pub(super) struct Stored {
    logs: Arc<LogManager>,
    read: HashMap<PathBuf, BTreeMap<TopicPartition, Offset>>,
}

impl Stored {
    /// A log's high watermark as last written, within the log; its start where none was.
    pub fn of(&mut self, partition: &TopicPartition, log: &Log) -> Offset {
        let dir = log.data_dir().to_owned();
        let logs = &self.logs;
        let stored =
            self.read.entry(dir).or_insert_with_key(|dir| logs.read_high_watermarks(dir).unwrap_or_default());
        let written = stored.get(partition).copied().unwrap_or(0);
        written.clamp(log.log_start_offset(), log.log_end_offset())
    }
}

impl ReplicaManager {
    pub(super) fn stored_watermarks(&self) -> Stored {
        Stored { logs: self.logs.clone(), read: HashMap::new() }
    }

    /// The controller has told of this broker's partitions: their high watermarks may be written from now on.
    pub(super) fn allow_watermarks(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Writes the high watermark of every partition, once the controller has told of them all: those it has not yet told
    /// of would be missing. Blocks on the disks.
    pub fn write_watermarks(&self) {
        for (dir, offsets) in self.watermarks() {
            self.write_watermarks_of(&dir, &offsets);
        }
    }

    /// The high watermarks of each data directory; none before they may be written.
    fn watermarks(&self) -> HashMap<PathBuf, BTreeMap<TopicPartition, Offset>> {
        let mut by_dir: HashMap<PathBuf, BTreeMap<TopicPartition, Offset>> = HashMap::new();
        if !self.complete.load(Ordering::Acquire) {
            return by_dir;
        }
        for partition in self.online() {
            for log in [partition.log(), partition.future()].into_iter().flatten() {
                let dir = by_dir.entry(log.data_dir().to_owned()).or_default();
                dir.insert(partition.id().clone(), log.high_watermark());
            }
        }
        by_dir
    }

    fn write_watermarks_of(&self, dir: &Path, offsets: &BTreeMap<TopicPartition, Offset>) {
        if let Err(error) = self.logs.write_high_watermarks(dir, offsets) {
            log::error!(target: "kafka.server.ReplicaManager", "Error while writing to highwatermark file in directory {}: {error}", dir.display());
        }
    }

    /// Writes the high watermarks every `replica.high.watermark.checkpoint.interval.ms` until `stop`, and sweeps waiting
    /// produces whose time ran out. A directory that has not taken the last ones yet is left alone, and keeps the others
    /// from nothing.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let interval =
            u64::try_from(self.config.replica_high_watermark_checkpoint_interval_ms).unwrap_or(5000);
        let mut ticks = tokio::time::interval(Duration::from_millis(interval.max(1)));
        let mut writing: HashMap<PathBuf, JoinHandle<()>> = HashMap::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => break,
            }
            self.online().iter().map(Arc::as_ref).for_each(Partition::sweep);
            writing.retain(|_, task| !task.is_finished());
            for (dir, offsets) in self.watermarks() {
                writing.entry(dir).or_insert_with_key(|dir| {
                    let (replicas, dir) = (self.clone(), dir.clone());
                    spawn_blocking(move || replicas.write_watermarks_of(&dir, &offsets))
                });
            }
        }
        for task in writing.into_values() {
            // One that panicked has said so.
            let _ = task.await;
        }
    }

    /// Writes the high watermarks for the last time; nothing is followed from then on.
    pub fn close(&self) {
        self.fetchers.close();
        self.write_watermarks();
    }
}

#[cfg(test)]
mod tests;
