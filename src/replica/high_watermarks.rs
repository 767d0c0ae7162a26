//! High watermarks on disk: written every few seconds and at the stop, read when a partition's log is opened.
//!
//! Kafka: `ReplicaManager.checkpointHighWatermarks`, `highWatermarkCheckpoints`, `replication-offset-checkpoint`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::partition::Partition;
use super::partitions::Partitions;
use crate::base::{Offset, TopicPartition};
use crate::log::{Log, LogManager};

/// How often a checkpoint is written even if nothing has changed. It finds a failed directory to which
/// nothing is appended.
const REWRITE: Duration = Duration::from_secs(60);

/// High watermarks by partition, those of one data directory.
type HighWatermarks = BTreeMap<TopicPartition, Offset>;

/// Writes and reads the high watermarks of all partitions (Kafka's `highWatermarkCheckpoints`).
#[derive(Debug)]
#[doc(alias = "highWatermarkCheckpoints")]
pub(super) struct HighWatermarkCheckpoints {
    logs: Arc<LogManager>,
    partitions: Arc<Partitions>,
    /// Whether a LeaderAndIsr has described this broker's partitions. Before that a checkpoint would lack
    /// most of them.
    is_allowed: AtomicBool,
    /// The content written last, by data directory, so that an unchanged one is not written again.
    written: Mutex<HashMap<PathBuf, HighWatermarks>>,
}

/// The high watermarks last written; each directory's checkpoint is read once.
pub(super) struct StoredHighWatermarks {
    logs: Arc<LogManager>,
    read: HashMap<PathBuf, HighWatermarks>,
}

impl StoredHighWatermarks {
    /// A log's high watermark as last written, bounded to the log; the log's start if none was written.
    pub fn of(&mut self, partition: &TopicPartition, log: &Log) -> Offset {
        let (dir, logs) = (log.data_dir(), &self.logs);
        let stored = match self.read.get(dir) {
            Some(stored) => stored,
            None => {
                let read = logs.read_high_watermarks(dir).unwrap_or_default();
                self.read.entry(dir.to_owned()).or_insert(read)
            }
        };
        let written = stored.get(partition).copied().unwrap_or(0);
        written.clamp(log.log_start_offset(), log.log_end_offset())
    }
}

impl HighWatermarkCheckpoints {
    pub fn new(logs: Arc<LogManager>, partitions: Arc<Partitions>) -> Self {
        Self { logs, partitions, is_allowed: AtomicBool::new(false), written: Mutex::default() }
    }

    /// The checkpoints as they are on disk.
    pub fn stored(&self) -> StoredHighWatermarks {
        StoredHighWatermarks { logs: self.logs.clone(), read: HashMap::new() }
    }

    /// The controller has described this broker's partitions: from now on their high watermarks may be
    /// written.
    pub fn allow(&self) {
        self.is_allowed.store(true, Ordering::Release);
    }

    /// Writes the high watermarks of every data directory, once that is allowed. Blocks on the disks.
    pub fn write(&self) {
        for (dir, offsets) in self.current() {
            self.write_to(&dir, offsets);
        }
    }

    /// The high watermarks by data directory; none before they may be written.
    fn current(&self) -> HashMap<PathBuf, HighWatermarks> {
        let mut by_dir: HashMap<PathBuf, HighWatermarks> = HashMap::new();
        if !self.is_allowed.load(Ordering::Acquire) {
            return by_dir;
        }
        for partition in self.partitions.online() {
            for log in [partition.log(), partition.future()].into_iter().flatten() {
                let offset = log.high_watermark();
                match by_dir.get_mut(log.data_dir()) {
                    Some(offsets) => drop(offsets.insert(partition.id().clone(), offset)),
                    None => {
                        let first = HighWatermarks::from([(partition.id().clone(), offset)]);
                        by_dir.insert(log.data_dir().to_owned(), first);
                    }
                }
            }
        }
        by_dir
    }

    /// The high watermarks by data directory, without the directories in which nothing has changed since the last
    /// write.
    fn changed(&self) -> HashMap<PathBuf, HighWatermarks> {
        let mut changed = self.current();
        let written = self.written.lock();
        changed.retain(|dir, offsets| written.get(dir) != Some(offsets));
        changed
    }

    fn write_to(&self, dir: &Path, offsets: HighWatermarks) {
        match self.logs.write_high_watermarks(dir, &offsets) {
            Ok(()) => drop(self.written.lock().insert(dir.to_owned(), offsets)),
            Err(error) => {
                log::error!(target: "kafka.server.ReplicaManager", "Error while writing to highwatermark file in directory {}: {error}", dir.display());
            }
        }
    }

    /// Writes changed high watermarks every `interval` until `stop`, and all of them once a minute; also
    /// removes timed-out produces. A directory that has not finished its last checkpoint is left out, so that
    /// it does not delay the others.
    pub async fn keep(self: Arc<Self>, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        let mut writing: HashMap<PathBuf, JoinHandle<()>> = HashMap::new();
        let mut rewrite_at = Instant::now() + REWRITE;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => break,
            }
            self.partitions.online().iter().map(Arc::as_ref).for_each(Partition::sweep);
            writing.retain(|_, task| !task.is_finished());
            let is_rewrite = Instant::now() >= rewrite_at;
            if is_rewrite {
                rewrite_at = Instant::now() + REWRITE;
            }
            let due = if is_rewrite { self.current() } else { self.changed() };
            for (dir, offsets) in due {
                writing.entry(dir).or_insert_with_key(|dir| {
                    let (checkpoints, dir) = (self.clone(), dir.clone());
                    spawn_blocking(move || checkpoints.write_to(&dir, offsets))
                });
            }
        }
        for task in writing.into_values() {
            // A panic has been logged.
            let _ = task.await;
        }
    }
}

#[cfg(test)]
mod tests;
