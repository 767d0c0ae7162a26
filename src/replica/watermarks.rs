//! High watermarks on disk: written every few seconds and at the end, read when a partition is opened again.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Partition, Replicas};
use crate::base::{Offset, TopicPartition};
use crate::log::{Log, Logs};

/// The high watermarks last written, read once for each directory that is asked about.
pub(super) struct Stored {
    logs: Arc<Logs>,
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

impl Replicas {
    pub(super) fn stored_watermarks(&self) -> Stored {
        Stored { logs: self.logs.clone(), read: HashMap::new() }
    }

    /// The controller has told of this broker's partitions: their high watermarks may be written from now on.
    pub(super) fn allow_watermarks(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Writes the high watermark of every partition, once the controller has told of them all: those it has not yet told
    /// of would be missing. Blocks on the disk.
    pub fn write_watermarks(&self) {
        if !self.complete.load(Ordering::Acquire) {
            return;
        }
        let mut by_dir: HashMap<PathBuf, BTreeMap<TopicPartition, Offset>> = HashMap::new();
        for partition in self.online() {
            if let Some(log) = partition.log() {
                for log in [Some(log), partition.future()].into_iter().flatten() {
                    let dir = by_dir.entry(log.data_dir().to_owned()).or_default();
                    dir.insert(partition.id().clone(), log.high_watermark());
                }
            }
        }
        for (dir, offsets) in by_dir {
            if let Err(error) = self.logs.write_high_watermarks(&dir, &offsets) {
                log::error!(target: "kafka.server.ReplicaManager", "Error while writing to highwatermark file in directory {}: {error}", dir.display());
            }
        }
    }

    /// Writes the high watermarks every `replica.high.watermark.checkpoint.interval.ms` until `stop`, and sweeps waiting
    /// produces whose time ran out.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let interval =
            u64::try_from(self.config.replica_high_watermark_checkpoint_interval_ms).unwrap_or(5000);
        let mut ticks = tokio::time::interval(Duration::from_millis(interval.max(1)));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let replicas = self.clone();
            let work = tokio::task::spawn_blocking(move || {
                replicas.online().iter().map(Arc::as_ref).for_each(Partition::sweep);
                replicas.write_watermarks();
            });
            if let Err(error) = work.await {
                log::error!(target: "kafka.server.ReplicaManager", "Writing high watermarks: {error}");
            }
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
