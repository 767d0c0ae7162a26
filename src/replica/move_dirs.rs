//! Replicas moved from one data directory of this broker to another (KIP-113): begun, copied one after the
//! other, and described.
//!
//! Kafka: `ReplicaManager.alterReplicaLogDirs`, `describeLogDirs`, `ReplicaAlterLogDirsManager`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::partition::Partition;
use super::partition::{Copied, NotFollowed};
use super::partitions::{HostedPartition, Partitions};
use super::role_changes::RoleChanges;
use super::throttle::Throttles;
use crate::base::{Clock, Offset, TopicPartition};
use crate::config::BrokerConfig;
use crate::log::cleaner::state::CleaningPause;
use crate::log::directory::future_dir;
use crate::log::settings::Settings;
use crate::log::{Log, LogManager};
use crate::wire::error_code::ErrorCode;

const TARGET: &str = "kafka.server.ReplicaAlterLogDirsManager";
/// The longest name of a directory, in bytes.
const LONGEST_NAME: usize = 255;

/// The moves under way, and the logs that wait to be copied (Kafka's `ReplicaAlterLogDirsManager`).
#[derive(Debug)]
#[doc(alias = "ReplicaAlterLogDirsManager")]
pub(super) struct LogDirMoves {
    logs: Arc<LogManager>,
    partitions: Arc<Partitions>,
    waiting: Mutex<BTreeSet<TopicPartition>>,
    added: Notify,
}

impl LogDirMoves {
    pub fn new(logs: Arc<LogManager>, partitions: Arc<Partitions>) -> Self {
        Self { logs, partitions, waiting: Mutex::default(), added: Notify::new() }
    }

    fn begin(&self, partition: &Partition, future: Arc<Log>, cleaning_pause: Option<CleaningPause>) {
        log::info!(target: TARGET, "Added log dir fetcher for partition {} with initial offset {}", partition.id(), future.log_end_offset());
        partition.begin_move(future, cleaning_pause);
        self.waiting.lock().insert(partition.id().clone());
        self.added.notify_one();
    }

    /// Resumes a move that was in progress when the broker was started, or the partition stopped.
    pub fn resume(&self, partition: &Partition) {
        if let Some(future) = self.logs.future(partition.id()) {
            let cleaning_pause = self.logs.get(partition.id()).map(|log| log.abort_and_pause_cleaning());
            self.begin(partition, future, cleaning_pause);
        }
    }

    /// Ends the moves whose directory has failed.
    pub fn drop_failed(&self) {
        for partition in self.partitions.online() {
            if partition.future().is_some() && self.logs.future(partition.id()).is_none() {
                partition.end_move();
            }
        }
    }

    /// The next log to copy, once there is one.
    async fn next(&self) -> TopicPartition {
        loop {
            let next = self.waiting.lock().pop_first();
            match next {
                Some(id) => {
                    // There may be work for another mover.
                    self.added.notify_one();
                    return id;
                }
                None => self.added.notified().await,
            }
        }
    }
}

/// A replica in a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaInDir {
    /// Its partition.
    pub partition: TopicPartition,
    /// Bytes of its segments.
    pub size: u64,
    /// How many records it is behind: the copy behind its log, a log behind its high watermark; -1 if the
    /// broker has no such partition.
    pub lag: Offset,
    /// Whether it is the copy of a move in progress.
    pub is_future: bool,
}

/// This broker's replicas by data directory: moves them, and describes them.
#[derive(Debug)]
pub struct ReplicaLogDirs {
    logs: Arc<LogManager>,
    partitions: Arc<Partitions>,
    moves: Arc<LogDirMoves>,
    role_changes: Arc<RoleChanges>,
    throttles: Arc<Throttles>,
    config: Arc<BrokerConfig>,
    clock: Clock,
}

impl ReplicaLogDirs {
    pub(super) fn new(
        role_changes: Arc<RoleChanges>,
        moves: Arc<LogDirMoves>,
        throttles: Arc<Throttles>,
        config: Arc<BrokerConfig>,
        clock: Clock,
    ) -> Self {
        let (logs, partitions) = (moves.logs.clone(), moves.partitions.clone());
        Self { logs, partitions, moves, role_changes, throttles, config, clock }
    }

    /// Begins moves of replicas to data directories, each an absolute path as configured; returns the outcome
    /// of each.
    pub fn alter(
        &self,
        wanted: Vec<(TopicPartition, PathBuf)>,
    ) -> Vec<(TopicPartition, Result<(), ErrorCode>)> {
        let _no_role_changes = self.role_changes.lock();
        let altered = wanted.into_iter().map(|(id, dir)| {
            let outcome = self.alter_one(&id, &dir);
            if let Err(error) = outcome {
                log::warn!(target: TARGET, "Unable to alter log dirs for {id}: {}", error.name());
            }
            (id, outcome)
        });
        altered.collect()
    }

    fn alter_one(&self, id: &TopicPartition, dir: &Path) -> Result<(), ErrorCode> {
        if future_dir(id).len() > LONGEST_NAME {
            return Err(ErrorCode::InvalidTopicException);
        }
        if !self.logs.dirs().iter().any(|known| known == dir) {
            return Err(ErrorCode::LogDirNotFound);
        }
        if !self.logs.live_dirs().iter().any(|live| live == dir) {
            return Err(ErrorCode::KafkaStorageError);
        }
        let partition = match self.partitions.hosted(id) {
            Some(HostedPartition::Offline) => return Err(ErrorCode::KafkaStorageError),
            Some(HostedPartition::Online(partition)) => Some(partition),
            None => None,
        };
        // The mover replaces a log by its copy under this lock: a move either has ended by now, or is in
        // progress.
        let log = partition.as_ref().and_then(|partition| partition.log());
        // Before the lock, which the cleaner may be waiting for.
        let moves = log.as_ref().filter(|log| log.data_dir() != dir);
        let cleaning_pause = moves.map(|log| log.abort_and_pause_cleaning());
        let _append_lock = log.as_ref().map(|log| log.append_lock());
        if let Some(partition) = &partition
            && partition.future().is_some_and(|future| future.data_dir() != dir)
        {
            partition.end_move();
            self.logs.delete_future(id).map_err(|_| ErrorCode::KafkaStorageError)?;
        }
        // Even if the log does not exist yet: it will be created there.
        self.logs.prefer(id, dir);
        // Older clients know no other error for a replica that is not here.
        let not_here = |error| match error {
            ErrorCode::NotLeaderOrFollower => ErrorCode::ReplicaNotAvailable,
            error => error,
        };
        let partition = self.partitions.partition(id).map_err(not_here)?;
        let log = partition.log().ok_or(ErrorCode::ReplicaNotAvailable)?;
        if log.data_dir() == dir {
            return Ok(());
        }
        let future = self.logs.create_future(id, Settings::clone(&log.settings()));
        let future = future.map_err(|_| ErrorCode::KafkaStorageError)?;
        self.moves.begin(&partition, future, cleaning_pause);
        Ok(())
    }

    /// Copies logs until `stop`, with `num.replica.alter.log.dirs.threads` copying at once, else one for each
    /// data directory.
    pub async fn copy_logs(self: Arc<Self>, stop: CancellationToken) {
        let configured = self.config.num_replica_alter_log_dirs_threads;
        let count = configured.and_then(|count| usize::try_from(count).ok());
        let movers = (0..count.unwrap_or(self.logs.dirs().len()).max(1)).map(|_| self.copy_in_turn());
        stop.run_until_cancelled(futures_util::future::join_all(movers)).await;
    }

    async fn copy_in_turn(self: &Arc<Self>) {
        loop {
            let id = self.moves.next().await;
            self.copy(id).await;
        }
    }

    /// Copies one partition's log to its end.
    async fn copy(self: &Arc<Self>, id: TopicPartition) {
        log::info!(target: TARGET, "Beginning/resuming copy of partition {id}");
        loop {
            if self.throttles.moving.lock().is_exceeded(self.clock.now()) {
                let pause = u64::try_from(self.config.replica_fetch_backoff_ms).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                continue;
            }
            let (dirs, id_copied) = (self.clone(), id.clone());
            let copying = tokio::task::spawn_blocking(move || {
                let partition = dirs.partitions.partition(&id_copied).map_err(|_| NotFollowed::Outdated)?;
                partition.copy_some(&dirs.logs, dirs.config.replica_fetch_max_bytes)
            });
            let copied = match copying.await {
                Ok(Ok(copied)) => copied,
                Ok(Err(error)) => {
                    log::error!(target: TARGET, "Error while copying the log of {id}: {error}");
                    return;
                }
                Err(error) => {
                    log::error!(target: TARGET, "Error while copying the log of {id}: {error}");
                    return;
                }
            };
            match copied {
                Copied::Some(bytes) => self.throttles.moving.lock().record(bytes, self.clock.now()),
                Copied::All(bytes) => {
                    self.throttles.moving.lock().record(bytes, self.clock.now());
                    return;
                }
                Copied::Nothing => return,
            }
        }
    }

    /// Every data directory as configured, with its replicas, or KAFKA_STORAGE_ERROR where it is offline.
    pub fn describe(&self) -> Vec<(PathBuf, Result<Vec<ReplicaInDir>, ErrorCode>)> {
        let (live, current, future) = (self.logs.live_dirs(), self.logs.all(), self.logs.all_future());
        let all = current.iter().map(|log| (log, false)).chain(future.iter().map(|log| (log, true)));
        let all: Vec<_> = all.collect();
        let described = self.logs.dirs().iter().map(|dir| {
            if !live.contains(dir) {
                return (dir.clone(), Err(ErrorCode::KafkaStorageError));
            }
            let here = all.iter().filter(|(log, _)| log.data_dir() == dir);
            let mut found: Vec<_> = here.map(|(log, is_future)| self.in_dir(log, *is_future)).collect();
            found.sort_by(|one, other| one.partition.cmp(&other.partition));
            (dir.clone(), Ok(found))
        });
        described.collect()
    }

    fn in_dir(&self, log: &Log, is_future: bool) -> ReplicaInDir {
        let current_log =
            self.partitions.partition(log.partition()).ok().and_then(|partition| partition.log());
        let lag = match current_log {
            None => -1,
            Some(current_log) if is_future => current_log.log_end_offset() - log.log_end_offset(),
            Some(current_log) => (current_log.high_watermark() - log.log_end_offset()).max(0),
        };
        ReplicaInDir { partition: log.partition().clone(), size: log.size(), lag, is_future }
    }
}

#[cfg(test)]
mod tests;
