//! Replicas moved from one data directory of this broker to another (KIP-113): ordered, copied one after the other, told of.
//!
//! Kafka: `ReplicaManager.alterReplicaLogDirs`, `describeLogDirs`, `ReplicaAlterLogDirsManager`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::partition::{Copied, NotFollowed};
use super::{Hosted, Partition, ReplicaManager};
use crate::base::{Offset, TopicPartition};
use crate::log::Log;
use crate::log::directory::future_dir;
use crate::log::settings::Settings;
use crate::wire::error_code::ErrorCode;

const TARGET: &str = "kafka.server.ReplicaAlterLogDirsManager";
/// The longest name of a directory, in bytes.
const LONGEST_NAME: usize = 255;

/// Partitions whose logs are to be copied.
#[derive(Debug, Default)]
pub(super) struct Moves {
    waiting: Mutex<BTreeSet<TopicPartition>>,
    added: Notify,
}

impl Moves {
    fn add(&self, id: &TopicPartition) {
        self.waiting.lock().insert(id.clone());
        self.added.notify_one();
    }
}

/// A replica in a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaInDir {
    /// Which partition's.
    pub partition: TopicPartition,
    /// Bytes of its segments.
    pub size: u64,
    /// How many records it is behind: the copy behind its log, a log behind its high watermark; -1 where the broker holds
    /// no such partition.
    pub lag: Offset,
    /// Whether it is on its way here.
    pub is_future: bool,
}

impl ReplicaManager {
    /// Has replicas moved to data directories, each absolute path as configured; how that went for each.
    pub fn alter_log_dirs(
        &self,
        wanted: Vec<(TopicPartition, PathBuf)>,
    ) -> Vec<(TopicPartition, Result<(), ErrorCode>)> {
        // No role may change meanwhile.
        let _held = self.role_changes.lock();
        let altered = wanted.into_iter().map(|(id, dir)| {
            let outcome = self.alter_log_dir(&id, &dir);
            if let Err(error) = outcome {
                log::warn!(target: TARGET, "Unable to alter log dirs for {id}: {}", error.name());
            }
            (id, outcome)
        });
        altered.collect()
    }

    fn alter_log_dir(&self, id: &TopicPartition, dir: &Path) -> Result<(), ErrorCode> {
        if future_dir(id).len() > LONGEST_NAME {
            return Err(ErrorCode::InvalidTopicException);
        }
        if !self.logs.dirs().iter().any(|known| known == dir) {
            return Err(ErrorCode::LogDirNotFound);
        }
        if !self.logs.live_dirs().iter().any(|live| live == dir) {
            return Err(ErrorCode::KafkaStorageError);
        }
        let hosted = self.partitions.read().get(id).cloned();
        let partition = match hosted {
            Some(Hosted::Offline) => return Err(ErrorCode::KafkaStorageError),
            Some(Hosted::Online(partition)) => Some(partition),
            None => None,
        };
        if let Some(partition) = &partition
            && partition.future().is_some_and(|future| future.data_dir() != dir)
        {
            partition.end_move();
            self.logs.delete_future(id).map_err(|_| ErrorCode::KafkaStorageError)?;
        }
        // Also where the log does not exist yet: it will be made there.
        self.logs.prefer(id, dir);
        // Older clients know of no other error for a replica that is not here.
        let not_here = |error| match error {
            ErrorCode::NotLeaderOrFollower => ErrorCode::ReplicaNotAvailable,
            error => error,
        };
        let partition = self.partition(id).map_err(not_here)?;
        let log = partition.log().ok_or(ErrorCode::ReplicaNotAvailable)?;
        if log.data_dir() == dir {
            return Ok(());
        }
        let future = self.logs.create_future(id, Settings::clone(&log.settings()));
        self.move_to(&partition, future.map_err(|_| ErrorCode::KafkaStorageError)?);
        Ok(())
    }

    fn move_to(&self, partition: &Partition, future: Arc<Log>) {
        log::info!(target: TARGET, "Added log dir fetcher for partition {} with initial offset {}", partition.id(), future.log_end_offset());
        partition.begin_move(future);
        self.moves.add(partition.id());
    }

    /// Goes on with a move that was under way when the broker was started, or the partition stopped.
    pub(super) fn resume_move(&self, partition: &Partition) {
        if let Some(future) = self.logs.future(partition.id()) {
            self.move_to(partition, future);
        }
    }

    /// Lets those moves go whose directory has failed.
    pub(super) fn drop_failed_moves(&self) {
        for partition in self.online() {
            if partition.future().is_some() && self.logs.future(partition.id()).is_none() {
                partition.end_move();
            }
        }
    }

    /// Copies what is to be moved until `stop`, with `num.replica.alter.log.dirs.threads` copying at once, else one for each
    /// data directory.
    pub async fn move_logs(self: Arc<Self>, stop: CancellationToken) {
        let configured = self.config.num_replica_alter_log_dirs_threads;
        let count = configured.and_then(|count| usize::try_from(count).ok());
        let movers = (0..count.unwrap_or(self.logs.dirs().len()).max(1)).map(|_| self.copy_in_turn());
        stop.run_until_cancelled(futures_util::future::join_all(movers)).await;
    }

    async fn copy_in_turn(self: &Arc<Self>) {
        loop {
            let next = self.moves.waiting.lock().pop_first();
            match next {
                Some(id) => self.copy(id).await,
                None => self.moves.added.notified().await,
            }
        }
    }

    /// Copies one partition's log to its end.
    async fn copy(self: &Arc<Self>, id: TopicPartition) {
        // Others may wait, too.
        self.moves.added.notify_one();
        log::info!(target: TARGET, "Beginning/resuming copy of partition {id}");
        loop {
            if self.throttles.moving.lock().is_exceeded(self.clock.now()) {
                let pause = u64::try_from(self.config.replica_fetch_backoff_ms).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                continue;
            }
            let (replicas, partition) = (self.clone(), id.clone());
            let copying = tokio::task::spawn_blocking(move || {
                let held = replicas.partition(&partition).map_err(|_| NotFollowed::Outdated)?;
                held.copy_some(&replicas.logs, replicas.config.replica_fetch_max_bytes)
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

    /// Every data directory as configured, with its replicas or why they cannot be told.
    pub fn describe_log_dirs(&self) -> Vec<(PathBuf, Result<Vec<ReplicaInDir>, ErrorCode>)> {
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
        let held = self.partition(log.partition()).ok().and_then(|partition| partition.log());
        let lag = match held {
            None => -1,
            Some(held) if is_future => held.log_end_offset() - log.log_end_offset(),
            Some(held) => (held.high_watermark() - log.log_end_offset()).max(0),
        };
        ReplicaInDir { partition: log.partition().clone(), size: log.size(), lag, is_future }
    }
}

#[cfg(test)]
mod tests;
