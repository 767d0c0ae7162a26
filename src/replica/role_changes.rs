//! Role changes: this broker leads, follows and stops replicas as the controller's requests ask.
//!
//! Requests are applied one at a time, in the order in which they came, under one lock
//! ([`RoleChanges::lock`]). Kafka: `ReplicaManager.becomeLeaderOrFollower`, `stopReplicas`,
//! `handleLogDirFailure`, `replicaStateChangeLock`.

use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::OwnedMutexGuard;

use super::controller_epoch::{ControllerEpoch, RequestEpochs};
use super::fetcher::plan::Start;
use super::fetcher::{Fetchers, Follow};
use super::high_watermarks::{HighWatermarkCheckpoints, StoredHighWatermarks};
use super::log_configs::LogSettings;
use super::machine::{LeadershipState, LocalReplica};
use super::move_dirs::LogDirMoves;
use super::orders::{
    LeaderAndIsrOrder, OrderOutcomes, PartitionOrder, ReplicaStop, StopReplicaOrder, StoppedLog,
};
use super::partition::Stop;
use super::partitions::{HostedPartition, Partitions};
use crate::base::{BrokerId, Clock, TopicPartition};
use crate::log::{Log, LogManager, in_parallel};
use crate::metadata::{MetadataCache, MetadataUpdate};
use crate::wire::error_code::ErrorCode;

const TARGET: &str = "state.change.logger";

/// How many partitions change their roles at once.
const AT_ONCE: usize = 16;

/// The effect of a request on a partition.
enum RoleOutcome {
    /// This broker leads it.
    Leads,
    /// It follows.
    Follows(Follow),
    /// Its role is unchanged: its leader is not alive.
    Unchanged,
}

/// Changes the roles of this broker's replicas.
///
/// Locks, in the order in which they are taken: the turn, the role-change lock, the controller epoch or the map of
/// partitions, a partition, its log's marks. Only the first two are held over IO.
#[derive(Debug)]
pub struct RoleChanges {
    pub(super) me: BrokerId,
    /// The listener between brokers.
    pub(super) listener: String,
    pub(super) clock: Clock,
    pub(super) logs: Arc<LogManager>,
    pub(super) partitions: Arc<Partitions>,
    pub(super) metadata: Arc<MetadataCache>,
    pub(super) fetchers: Arc<Fetchers>,
    pub(super) moves: Arc<LogDirMoves>,
    pub(super) checkpoints: Arc<HighWatermarkCheckpoints>,
    pub(super) locks: RoleChangeLocks,
}

/// What requests wait for.
#[derive(Debug, Default)]
pub(super) struct RoleChangeLocks {
    /// Taken by a request from the reading of configs to its end, so that requests take effect in the order
    /// in which they came. Fair.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Kafka's `replicaStateChangeLock`.
    replica_state_change: Mutex<()>,
    /// The largest controller epoch accepted.
    controller_epoch: Mutex<ControllerEpoch>,
}

impl RoleChanges {
    /// The right to apply a request of the controller, LeaderAndIsr or StopReplica: one request has it at a
    /// time, in the order in which they asked for it.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        self.locks.turn.clone().lock_owned().await
    }

    /// While this is locked no role changes (Kafka's `replicaStateChangeLock`). It is held over IO: never
    /// lock it on a thread that polls. Reading, appending and ticking do not need it.
    #[doc(alias = "replicaStateChangeLock")]
    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.locks.replica_state_change.lock()
    }

    fn accept(&self, epochs: RequestEpochs, own_broker_epoch: i64) -> Result<(), ErrorCode> {
        self.locks.controller_epoch.lock().accept(epochs, own_broker_epoch)
    }

    /// Applies an UpdateMetadata to the metadata cache (`maybeUpdateMetadataCache`), and to the fetchers of
    /// leaders that listen elsewhere now.
    ///
    /// # Errors
    /// STALE_BROKER_EPOCH, STALE_CONTROLLER_EPOCH; then nothing is applied.
    pub fn update_metadata(
        &self,
        epochs: RequestEpochs,
        own_broker_epoch: i64,
        update: MetadataUpdate,
    ) -> Result<(), ErrorCode> {
        // Locked until the update is applied, so that no update of a replaced controller can come after it.
        let mut accepted = self.locks.controller_epoch.lock();
        accepted.accept(epochs, own_broker_epoch)?;
        self.metadata.apply(update);
        drop(accepted);
        for broker in self.metadata.snapshot().live_brokers() {
            if let Some(endpoint) = broker.endpoint(&self.listener) {
                self.fetchers.leader_moved(broker.id, endpoint);
            }
        }
        Ok(())
    }

    /// Applies a LeaderAndIsr. Logs are created with `settings`, which hold every topic that has any log to
    /// be created. Blocks on the disks.
    ///
    /// # Errors STALE_BROKER_EPOCH, STALE_CONTROLLER_EPOCH; then nothing is changed. The outcome of a
    /// partition is an error if its role is unchanged: STALE_CONTROLLER_EPOCH, UNKNOWN_TOPIC_OR_PARTITION,
    /// KAFKA_STORAGE_ERROR.
    pub fn become_leader_or_follower(
        &self,
        order: LeaderAndIsrOrder,
        own_broker_epoch: i64,
        settings: &LogSettings,
    ) -> Result<OrderOutcomes, ErrorCode> {
        let _one_at_a_time = self.lock();
        self.accept(order.epochs, own_broker_epoch)?;
        let stored = Mutex::new(self.checkpoints.stored());
        // A leader's epoch waits for the disk, which serves many as fast as one.
        let changed = in_parallel(AT_ONCE, order.partitions, |order| {
            let id = order.partition.clone();
            let outcome = self.apply(order, settings, &stored);
            (id, outcome)
        });
        let (mut moved, mut followed) = (Vec::new(), Vec::new());
        let outcomes = changed.into_iter().map(|(id, outcome)| {
            let outcome = outcome.map(|role| match role {
                RoleOutcome::Leads => moved.push(id.clone()),
                RoleOutcome::Follows(follow) => {
                    moved.push(id.clone());
                    followed.push(follow);
                }
                RoleOutcome::Unchanged => {}
            });
            (id, outcome)
        });
        let outcomes = outcomes.collect();
        self.fetchers.leave(moved.iter());
        self.fetchers.follow(followed);
        self.fetchers.end_idle();
        self.checkpoints.allow();
        Ok(outcomes)
    }

    fn apply(
        &self,
        order: PartitionOrder,
        settings: &LogSettings,
        stored: &Mutex<StoredHighWatermarks>,
    ) -> Result<RoleOutcome, ErrorCode> {
        let PartitionOrder { partition: id, state, is_new, reassignment } = order;
        let accepted = match self.partitions.hosted(&id) {
            Some(HostedPartition::Online(partition)) => partition.accepts(&state),
            Some(HostedPartition::Offline) => return Err(ErrorCode::KafkaStorageError),
            None => LocalReplica::new(self.me).accepts(&state),
        };
        if let Err(error) = accepted {
            self.log_ignored(&id, &state, error);
            return Err(error);
        }
        let partition = self.partitions.get_or_create(&id)?;
        let log = self.log_for(&id, is_new, settings, stored)?;
        self.moves.resume(&partition);
        partition.set_reassignment(reassignment);
        let (leader, leader_epoch) = (state.leadership.leader, state.leadership.leader_epoch);
        if leader == self.me {
            partition.lead(state, log, self.clock.now())?;
            log::info!(target: TARGET, "[Broker id={}] Leader {id} starts at leader epoch {leader_epoch}", self.me);
            return Ok(RoleOutcome::Leads);
        }
        let metadata = self.metadata.snapshot();
        let endpoint = metadata.live_broker(leader).and_then(|broker| broker.endpoint(&self.listener));
        let Some(endpoint) = endpoint.cloned() else {
            log::error!(target: TARGET, "Received LeaderAndIsrRequest for partition {id} but cannot become follower since the new leader {leader} is unavailable.");
            // Its role is unchanged, but its log exists, so that its high watermark is still written
            // (KAFKA-1647).
            partition.set_log(log);
            return Ok(RoleOutcome::Unchanged);
        };
        let start = Start { offset: log.high_watermark(), leader_epoch };
        let dir = self.logs.number_of(log.data_dir());
        partition.follow(state, log);
        log::info!(target: TARGET, "[Broker id={}] Follower {id} starts at leader epoch {leader_epoch}", self.me);
        Ok(RoleOutcome::Follows(Follow { partition: id, leader, endpoint, start, dir }))
    }

    /// The partition's log, created if there is none; its high watermark is the one last written.
    fn log_for(
        &self,
        id: &TopicPartition,
        is_new: bool,
        settings: &LogSettings,
        stored: &Mutex<StoredHighWatermarks>,
    ) -> Result<Arc<Log>, ErrorCode> {
        let existing = self.partitions.partition(id).ok().and_then(|partition| partition.log());
        if let Some(log) = existing {
            return Ok(log);
        }
        let log = match (self.logs.get(id), settings.get(&id.topic)) {
            (Some(log), _) => Ok(log),
            (None, Some(settings)) => self.logs.get_or_create(id, is_new, || settings.clone()),
            // They could not be read, as was logged.
            (None, None) => return Err(ErrorCode::KafkaStorageError),
        };
        let log = log.map_err(|error| {
            log::error!(target: TARGET, "No log for partition {id}: {error}");
            // If only a file descriptor was missing the next request may succeed.
            if !error.is_transient {
                self.partitions.mark_offline(id.clone());
            }
            ErrorCode::KafkaStorageError
        })?;
        let high_watermark = stored.lock().of(id, &log);
        log.update_high_watermark(high_watermark);
        Ok(log)
    }

    fn log_ignored(&self, id: &TopicPartition, state: &LeadershipState, error: ErrorCode) {
        if error == ErrorCode::StaleControllerEpoch {
            let known = self.partitions.partition(id).map_or(-1, |partition| partition.leader_epoch());
            log::info!(target: TARGET, "Ignoring LeaderAndIsr request for partition {id} since its leader epoch {} is not larger than the current leader epoch {known}", state.leadership.leader_epoch);
        } else {
            log::warn!(target: TARGET, "Ignoring LeaderAndIsr request for partition {id} as the broker is not in the assigned replica list {:?}", state.replicas);
        }
    }

    /// Applies a StopReplica. Blocks on the disks.
    ///
    /// # Errors STALE_BROKER_EPOCH, STALE_CONTROLLER_EPOCH; then nothing is changed. The outcome of a
    /// partition is an error if its role is unchanged: FENCED_LEADER_EPOCH, KAFKA_STORAGE_ERROR.
    pub fn stop_replicas(
        &self,
        order: StopReplicaOrder,
        own_broker_epoch: i64,
    ) -> Result<OrderOutcomes, ErrorCode> {
        let _one_at_a_time = self.lock();
        self.accept(order.epochs, own_broker_epoch)?;
        let mut deleted = Vec::new();
        let outcomes = order.replicas.into_iter().map(|replica| {
            let outcome = self.stop(&replica).map(|log| deleted.extend(log));
            (replica.partition, outcome)
        });
        let outcomes = outcomes.collect();
        self.logs.forget_deleted(&deleted);
        Ok(outcomes)
    }

    /// Stops a replica; returns its log if that was deleted.
    fn stop(&self, replica: &ReplicaStop) -> Result<Option<Arc<Log>>, ErrorCode> {
        let ReplicaStop { partition: id, leader_epoch, log } = replica;
        let stop = match log {
            StoppedLog::Kept => Stop::KeepLog,
            StoppedLog::Deleted => Stop::DeleteLog,
        };
        match self.partitions.hosted(id) {
            Some(HostedPartition::Offline) => return Err(ErrorCode::KafkaStorageError),
            Some(HostedPartition::Online(partition)) => {
                partition.accepts_stop(*leader_epoch)?;
                self.fetchers.leave(std::iter::once(id));
                partition.stop(stop);
            }
            None => {}
        }
        if stop == Stop::KeepLog {
            return Ok(None);
        }
        self.partitions.remove(id);
        self.logs.delete_future(id).map_err(|_| ErrorCode::KafkaStorageError)?;
        // A partition that was not opened since the start may still have a log on disk.
        self.logs.delete(id).map_err(|error| {
            log::error!(target: TARGET, "Deleting {id}: {error}");
            ErrorCode::KafkaStorageError
        })
    }

    /// A log directory has failed: its partitions go offline, and the requests that wait for them fail. This
    /// does not wait for a request in progress, which may itself wait for that directory.
    pub fn directory_failed(&self, dir: &Path) {
        let gone = self.logs.take_offline(dir);
        self.moves.drop_failed();
        let lost: Vec<_> = gone.into_iter().filter_map(|id| self.partitions.mark_offline(id)).collect();
        self.fetchers.leave(lost.iter().map(|partition| partition.id()));
        lost.iter().for_each(|partition| partition.stop(Stop::DirectoryFailed));
    }
}

#[cfg(test)]
mod tests;
