//! All logs of a broker, over all its data directories: opened, found, made, deleted, closed.
//!
//! A data directory that fails takes its own logs with it and no others. Which ones can be used is found in
//! [`usable_dirs`], loading is in [`load`], what is done every now and then in [`tasks`]. Kafka: `LogManager`.

pub mod load;
mod metrics;
pub mod moves;
mod recovery_turns;
pub mod tasks;
mod usable_dirs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

pub use load::{LogManagerOptions, OpenError};

use super::checkpoint::{self, HIGH_WATERMARKS, LOG_START_OFFSETS, RECOVERY_POINTS};
use super::cleaner::LogCleaner;
use super::directory::{self, DirLock};
use super::failure::StorageError;
use super::log::{Log, Shared};
use super::recovery::{LastStop, Opening};
use super::scheduler::ScheduledTask;
use super::settings::Settings;
use crate::base::{Offset, TopicPartition};

const TARGET: &str = "kafka.log.LogManager";

/// The logs of a broker.
#[derive(Debug)]
pub struct LogManager {
    /// As configured, failed ones included.
    dirs: Vec<PathBuf>,
    shared: Arc<Shared>,
    options: LogManagerOptions,
    /// What the config of topics without overrides means.
    defaults: Settings,
    logs: RwLock<HashMap<TopicPartition, Arc<Log>>>,
    /// Logs on their way from another data directory; kept, not yet served.
    future: RwLock<HashMap<TopicPartition, Arc<Log>>>,
    /// The directories in which an administrator wants the logs of partitions to be created
    /// (`AlterReplicaLogDirs`).
    preferred: Mutex<HashMap<TopicPartition, PathBuf>>,
    /// Never held over IO: a directory that does not answer keeps no caller from the others.
    live: Mutex<Live>,
    /// What cleans compacted logs; None where `log.cleaner.enable` is false.
    cleaner: Option<LogCleaner>,
}

/// The directories that work, in the order configured, and their locks.
#[derive(Debug, Default)]
struct Live {
    dirs: Vec<(PathBuf, DirLock)>,
    /// Locked while logs are created. The caller makes sure that no log is created twice.
    making: HashMap<TopicPartition, PathBuf>,
}

impl LogManager {
    /// The log of a partition.
    pub fn get(&self, partition: &TopicPartition) -> Option<Arc<Log>> {
        self.logs.read().get(partition).cloned()
    }

    /// All logs, in no order.
    pub fn all(&self) -> Vec<Arc<Log>> {
        self.logs.read().values().cloned().collect()
    }

    /// The data directories as configured.
    pub fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// The number of a data directory among those configured.
    pub fn number_of(&self, dir: &Path) -> usize {
        self.dirs.iter().position(|known| known == dir).unwrap_or(0)
    }

    /// The data directories that work.
    pub fn live_dirs(&self) -> Vec<PathBuf> {
        self.live.lock().dirs.iter().map(|(dir, _)| dir.clone()).collect()
    }

    /// What cleans compacted logs; None where that is turned off.
    pub fn cleaner(&self) -> Option<&LogCleaner> {
        self.cleaner.as_ref()
    }

    /// What all logs share: the clock and the failed directories.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The log of a partition, created if there is none: in the directory with the fewest logs. `is_new`: the
    /// partition was never on this broker. If it is not new it might lie in a directory that is offline, and
    /// is not created. Blocks on that directory. Not to be called twice at once for one partition.
    ///
    /// # Errors
    /// It may lie in an offline directory, or no directory works; or the topic's name is none that files can hold.
    pub fn get_or_create(
        &self,
        partition: &TopicPartition,
        is_new: bool,
        settings: impl FnOnce() -> Settings,
    ) -> Result<Arc<Log>, StorageError> {
        if let Some(log) = self.get(partition) {
            return Ok(log);
        }
        let candidates = self.begin_making(partition, is_new)?;
        let made = self.make(partition, &candidates, settings);
        let mut live = self.live.lock();
        live.making.remove(partition);
        let log = made?;
        if !live.has(log.data_dir()) {
            log.abandon();
            let message = format!("The log dir {} has failed", log.data_dir().display());
            return Err(StorageError::new(message, log.data_dir()));
        }
        self.logs.write().insert(partition.clone(), log.clone());
        log::info!(target: TARGET, "Created log for partition {partition} in {}", log.data_dir().display());
        Ok(log)
    }

    /// Where a log may be made, best first; it counts as lying in the first of these from now on.
    fn begin_making(&self, partition: &TopicPartition, is_new: bool) -> Result<Vec<PathBuf>, StorageError> {
        if !directory::is_storable(&partition.topic) {
            return Err(StorageError::new(unstorable(&partition.topic), Path::new("")));
        }
        let mut live = self.live.lock();
        let offline: Vec<_> = self.dirs.iter().filter(|dir| !live.has(dir)).collect();
        if let (false, Some(dir)) = (is_new, offline.first()) {
            let list = listed(&offline);
            let message =
                format!("Can not create log for {partition} because log directories {list} are offline");
            return Err(StorageError::new(message, dir));
        }
        let preferred = self.preferred.lock().remove(partition).filter(|dir| live.has(dir));
        let candidates = preferred.map_or_else(|| self.by_load(&live), |dir| vec![dir]);
        if let Some(first) = candidates.first() {
            live.making.insert(partition.clone(), first.clone());
        }
        Ok(candidates)
    }

    /// Makes a log in the first of these directories that lets it. Blocks on the disk.
    fn make(
        &self,
        partition: &TopicPartition,
        candidates: &[PathBuf],
        settings: impl FnOnce() -> Settings,
    ) -> Result<Arc<Log>, StorageError> {
        let name = directory::partition_dir(partition);
        let made = candidates.iter().find_map(|dir| self.make_dir(dir, &name).ok());
        let Some(dir) = made else {
            let list = listed(&candidates.iter().collect::<Vec<_>>());
            let message = format!("No log directories available. Tried {list}");
            return Err(StorageError::new(message, Path::new("")));
        };
        let opening = Opening {
            partition: partition.clone(),
            dir,
            settings: settings(),
            log_start: 0,
            recovery_point: 0,
            last_stop: LastStop::Unclean,
        };
        Log::open(opening, self.shared.clone())
    }

    fn make_dir(&self, dir: &Path, name: &str) -> Result<PathBuf, StorageError> {
        let path = dir.join(name);
        std::fs::create_dir_all(&path).map(|()| path).map_err(|error| {
            let what = format!("Error while creating log for {name} in dir {}", dir.display());
            self.shared.failures.report(dir, what, &error)
        })
    }

    /// The directories that work, the one with the fewest logs first.
    fn by_load(&self, live: &Live) -> Vec<PathBuf> {
        if let [(dir, _)] = live.dirs.as_slice() {
            return vec![dir.clone()];
        }
        let (logs, future) = (self.logs.read(), self.future.read());
        // Asked for every log that is made: whole names are compared, not their parts.
        let lies_in = |log: &Log, dir: &Path| log.data_dir().as_os_str() == dir.as_os_str();
        let load = |dir: &Path| {
            let making = live.making.values().filter(|making| making.as_os_str() == dir.as_os_str()).count();
            making + logs.values().chain(future.values()).filter(|log| lies_in(log, dir)).count()
        };
        let mut dirs: Vec<_> = live.dirs.iter().map(|(dir, _)| (load(dir), dir.clone())).collect();
        dirs.sort_by_key(|(load, _)| *load);
        dirs.into_iter().map(|(_, dir)| dir).collect()
    }

    /// Removes a log: its directory is renamed now and deleted later. None if there is no such log. After the
    /// last removal the caller calls [`LogManager::forget_deleted`].
    ///
    /// # Errors
    /// It may lie in an offline directory, or the disk failed.
    pub fn delete(&self, partition: &TopicPartition) -> Result<Option<Arc<Log>>, StorageError> {
        let live = self.live.lock();
        let Some(log) = self.logs.write().remove(partition) else {
            let offline: Vec<_> = self.dirs.iter().filter(|dir| !live.has(dir)).collect();
            let Some(dir) = offline.first() else { return Ok(None) };
            let message = format!(
                "Failed to delete log for  {partition} because it may be in one of the offline directories {}",
                listed(&offline)
            );
            return Err(StorageError::new(message, dir));
        };
        drop(live);
        log.cleaning().end();
        log.rename_dir(&directory::deleted_dir(partition))?;
        log.abandon();
        let dir = log.dir();
        self.remove_later(dir.clone());
        log::info!(
            target: TARGET,
            "Log for partition {partition} is renamed to {} and is scheduled for deletion",
            dir.display()
        );
        Ok(Some(log))
    }

    /// Writes the checkpoints of the directories that these logs were deleted from: once for all, as each write waits
    /// for the disk and names every log.
    pub fn forget_deleted(&self, deleted: &[Arc<Log>]) {
        let dirs: BTreeSet<_> = deleted.iter().map(|log| log.data_dir()).collect();
        for dir in dirs {
            self.write_offsets(dir);
        }
    }

    /// Writes all that is known of the logs of a directory by their offsets.
    fn write_offsets(&self, dir: &Path) {
        self.write_recovery_points(dir);
        self.write_log_start_offsets(dir);
        if self.cleaner.is_some() {
            self.write_cleaner_offsets(dir);
        }
    }

    fn remove_later(&self, dir: PathBuf) {
        let delay = self.options.defaults.file_delete_delay_ms;
        let due = self.shared.clock.now().saturating_add(delay);
        let data_dir = dir.parent().unwrap_or(Path::new("/"));
        self.shared.disks.of(data_dir).scheduler.schedule(due, ScheduledTask::RemoveDir(dir));
    }

    /// Stops serving a failed directory. Returns the partitions that go offline with it; those that only were on their
    /// way there stay where they are. The broker must stop when [`LogManager::live_dirs`] is empty after it.
    pub fn take_offline(&self, dir: &Path) -> Vec<TopicPartition> {
        log::warn!(target: TARGET, "Stopping serving logs in dir {}", dir.display());
        let mut live = self.live.lock();
        live.dirs.retain(|(path, _)| path != dir);
        if live.dirs.is_empty() {
            log::error!(
                target: TARGET,
                "Shutdown broker because all log dirs in {} have failed",
                listed(&self.dirs.iter().collect::<Vec<_>>())
            );
        }
        let taken = |logs: &RwLock<HashMap<TopicPartition, Arc<Log>>>| {
            let mut gone = Vec::new();
            logs.write().retain(|partition, log| {
                let stays = log.data_dir() != dir;
                if !stays {
                    log.abandon();
                    gone.push(partition.clone());
                }
                stays
            });
            gone
        };
        let gone = taken(&self.logs);
        taken(&self.future);
        log::warn!(
            target: TARGET,
            "Logs for {} partitions are offline due to failure on log directory {}",
            gone.len(),
            dir.display()
        );
        gone
    }

    // ---- checkpoints ----

    /// The high watermarks that were last written for a directory; their meaning is the replicas' affair. A
    /// line that cannot be read does not affect the others, and the leader computes its value anew. A
    /// follower without leader epochs would truncate to its high watermark: if one of those is missing the
    /// directory is given up, as Kafka does in any case.
    ///
    /// # Errors
    /// The file cannot be read, or not believed; the directory is then offline.
    pub fn read_high_watermarks(&self, dir: &Path) -> Result<BTreeMap<TopicPartition, Offset>, StorageError> {
        let path = dir.join(HIGH_WATERMARKS);
        let read = checkpoint::read_offsets(&path).and_then(|read| match read.damage {
            None => Ok(read.offsets),
            Some(damage) => {
                let needed = |log: &Arc<Log>| log.settings().magic < 2 && log.log_end_offset() > 0;
                let missing = |log: &Arc<Log>| needed(log) && !read.offsets.contains_key(log.partition());
                if self.in_dir(dir).iter().any(missing) {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, damage));
                }
                log::warn!(
                    target: TARGET,
                    "{damage}: high watermarks in {} that it does not tell begin anew",
                    dir.display()
                );
                Ok(read.offsets)
            }
        });
        read.map_err(|error| {
            let what = format!("Error while reading checkpoint file {}", path.display());
            self.shared.failures.report(dir, what, &error)
        })
    }

    /// Writes the high watermarks of a directory's partitions, unless they are written already.
    ///
    /// # Errors
    /// The disk failed; the directory is then offline.
    pub fn write_high_watermarks(
        &self,
        dir: &Path,
        offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<(), StorageError> {
        self.write_checkpoint(dir, HIGH_WATERMARKS, offsets)
    }

    pub(super) fn write_checkpoint(
        &self,
        dir: &Path,
        name: &'static str,
        offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<(), StorageError> {
        let disk = self.shared.disks.of(dir);
        let mut written = disk.checkpoints.lock();
        if written.get(name) == Some(offsets) {
            return Ok(());
        }
        let path = dir.join(name);
        written.remove(name);
        checkpoint::write_offsets(&path, offsets).map_err(|error| {
            let what = format!("Error while writing to checkpoint file {}", path.display());
            self.shared.failures.report(dir, what, &error)
        })?;
        written.insert(name, offsets.clone());
        Ok(())
    }

    fn in_dir(&self, dir: &Path) -> Vec<Arc<Log>> {
        let (logs, future) = (self.logs.read(), self.future.read());
        logs.values().chain(future.values()).filter(|log| log.data_dir() == dir).cloned().collect()
    }

    /// Writes the recovery points of a directory's logs. A failure takes the directory offline.
    pub fn write_recovery_points(&self, dir: &Path) {
        let logs = self.in_dir(dir);
        let points = logs.iter().map(|log| (log.partition().clone(), log.recovery_point())).collect();
        if let Err(error) = self.write_checkpoint(dir, RECOVERY_POINTS, &points) {
            log::error!(
                target: TARGET,
                "Disk error while writing recovery offsets checkpoint in directory {}: {error}",
                dir.display()
            );
        }
    }

    /// Writes the starts of those of a directory's logs that begin within a segment.
    pub fn write_log_start_offsets(&self, dir: &Path) {
        let logs = self.in_dir(dir);
        let within = |log: &&Arc<Log>| {
            log.segment_offsets().first().is_some_and(|first| log.log_start_offset() > *first)
        };
        let starts = logs.iter().filter(within);
        let starts = starts.map(|log| (log.partition().clone(), log.log_start_offset())).collect();
        if let Err(error) = self.write_checkpoint(dir, LOG_START_OFFSETS, &starts) {
            log::error!(
                target: TARGET,
                "Disk error while writing log start offsets checkpoint in directory {}: {error}",
                dir.display()
            );
        }
    }

    // ---- the end ----

    /// Brings what logs left to be synced to the disk, for all logs of a directory at once. Returns whether it is
    /// there.
    fn sync_epochs(&self, dir: &Path) -> bool {
        !self.in_dir(dir).iter().any(|log| log.has_unsynced_epochs()) || sync_directory(dir)
    }

    /// Stops cleanly: everything flushed and closed, checkpoints written, the mark left that spares the next broker a
    /// recovery. Directories that fail meanwhile are left without the mark. Blocks.
    pub fn close(&self) {
        log::info!(target: TARGET, "Shutting down.");
        let live = std::mem::take(&mut self.live.lock().dirs);
        for (dir, _lock) in &live {
            let logs = self.in_dir(dir);
            let results = load::in_parallel(self.options.recovery_threads, logs.clone(), |log| {
                log.close_unsynced().map(|unsynced| (log, unsynced))
            });
            // One sync for all logs: one for each file takes as long as the disk takes to commit that many times.
            let synced = sync_directory(dir);
            for (log, unsynced) in results.iter().flatten().filter(|_| synced) {
                log.synced(*unsynced);
            }
            self.write_offsets(dir);
            self.delete_old_snapshots(dir);
            let closed = synced && results.iter().all(Result::is_ok);
            if closed && !self.shared.failures.is_offline(dir) {
                let _ = directory::mark_clean(dir).inspect_err(|error| note_failure(dir, error));
            }
        }
        log::info!(target: TARGET, "Shutdown complete.");
    }
}

impl Live {
    fn has(&self, dir: &Path) -> bool {
        self.dirs.iter().any(|(live, _)| live == dir)
    }
}

/// Brings all files of a data directory to the disk. Returns whether they are there.
fn sync_directory(dir: &Path) -> bool {
    let synced = std::fs::File::open(dir).and_then(|dir| Ok(rustix::fs::syncfs(dir)?));
    synced.inspect_err(|error| note_failure(dir, error)).is_ok()
}

fn note_failure(dir: &Path, error: &io::Error) {
    log::error!(target: TARGET, "Error while writing the clean shutdown file in {}: {error}", dir.display());
}

/// Why a topic has no logs.
fn unstorable(topic: &str) -> String {
    format!("Topic name {topic:?} is illegal: neither checkpoint files nor directories can hold it")
}

/// Directories as Kafka lists them in messages.
fn listed(dirs: &[&PathBuf]) -> String {
    dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
