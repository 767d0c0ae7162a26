//! What the controller orders: to lead, to follow, to stop (LeaderAndIsr, StopReplica).

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::controller_epoch::RequestEpochs;
use super::fetcher::Follow;
use super::fetcher::plan::Start;
use super::log_configs::LogSettings;
use super::machine::{Machine, Told};
use super::watermarks::Stored;
use super::{Hosted, Partition, ReplicaManager};
use crate::base::{LeaderAndIsr, TopicPartition};
use crate::log::{Log, in_parallel};
use crate::metadata::MetadataUpdate;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leader_and_isr::{
    LeaderAndIsrPartitionError, LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrResponse,
};
use crate::wire::message::stop_replica::{
    StopReplicaPartitionError, StopReplicaRequest, StopReplicaResponse,
};

/// How many partitions change their roles at once.
const AT_ONCE: usize = 16;

/// What an order made of a partition.
enum Change {
    /// This broker leads it.
    Leads,
    /// It follows.
    Follows(Follow),
    /// Nothing: its leader is not alive.
    Waits,
}

impl ReplicaManager {
    /// Applies what the controller says of the cluster to the metadata cache (`maybeUpdateMetadataCache`).
    ///
    /// # Errors
    /// STALE_BROKER_EPOCH, STALE_CONTROLLER_EPOCH; then nothing is applied.
    pub fn update_metadata(
        &self,
        epochs: RequestEpochs,
        own_broker_epoch: i64,
        update: MetadataUpdate,
    ) -> Result<(), ErrorCode> {
        // Held until the update is applied: one of a replaced controller cannot come after it.
        let mut accepted = self.controller_epoch.lock();
        accepted.accept(epochs, own_broker_epoch)?;
        self.metadata.apply(update);
        Ok(())
    }

    /// The right to carry out an order of the controller, LeaderAndIsr or StopReplica: one has it at a time, in the order
    /// asked for.
    pub async fn turn_to_obey(&self) -> OwnedMutexGuard<()> {
        self.orders.clone().lock_owned().await
    }

    /// Leads and follows as the controller orders. Logs are made with `settings`, which hold every topic that has any
    /// log to be made. Blocks on the disks.
    pub fn become_leader_or_follower(
        &self,
        request: &LeaderAndIsrRequest,
        own_broker_epoch: i64,
        settings: &LogSettings,
    ) -> LeaderAndIsrResponse {
        let _one_at_a_time = self.role_changes.lock();
        let epochs = RequestEpochs { controller: request.controller_epoch, broker: request.broker_epoch };
        if let Err(refusal) = self.controller_epoch.lock().accept(epochs, own_broker_epoch) {
            let partition_errors =
                states(request).map(|(topic, state)| told_of(topic, state, refusal)).collect();
            return LeaderAndIsrResponse { error_code: refusal.code(), partition_errors };
        }
        let high_watermarks = Mutex::new(self.stored_watermarks());
        // A leader's epoch waits for the disk, which serves many as fast as one.
        let outcomes = in_parallel(AT_ONCE, states(request).collect(), |(topic, state)| {
            let id = TopicPartition::new(topic, state.partition_index);
            let outcome = self.apply(&id, state, request.controller_epoch, settings, &high_watermarks);
            (told_of(topic, state, outcome.as_ref().err().copied().unwrap_or_default()), id, outcome)
        });
        let (mut partition_errors, mut moved, mut followed) = (Vec::new(), Vec::new(), Vec::new());
        for (told, id, outcome) in outcomes {
            partition_errors.push(told);
            match outcome {
                Ok(Change::Leads) => moved.push(id),
                Ok(Change::Follows(follow)) => {
                    moved.push(id);
                    followed.push(follow);
                }
                Ok(Change::Waits) | Err(_) => {}
            }
        }
        self.fetchers.leave(moved.iter());
        self.fetchers.follow(followed);
        self.fetchers.end_idle();
        self.allow_watermarks();
        LeaderAndIsrResponse { partition_errors, ..Default::default() }
    }

    fn apply(
        &self,
        id: &TopicPartition,
        state: &LeaderAndIsrPartitionState,
        controller_epoch: i32,
        settings: &LogSettings,
        high_watermarks: &Mutex<Stored>,
    ) -> Result<Change, ErrorCode> {
        let told = told(state, controller_epoch);
        let heeded = match self.partitions.read().get(id) {
            Some(Hosted::Online(partition)) => partition.heeds(&told),
            Some(Hosted::Offline) => return Err(ErrorCode::KafkaStorageError),
            None => Machine::new(self.broker_id).heeds(&told),
        };
        if let Err(error) = heeded {
            let known = self.partition(id).map_or(-1, |held| held.leader_epoch());
            say_unheeded(id, &told, known, error);
            return Err(error);
        }
        let partition = self.hosted(id)?;
        let log = self.log_for(id, state.is_new, settings, high_watermarks)?;
        self.resume_move(&partition);
        partition.reassigns(state.adding_replicas.len(), state.removing_replicas.len());
        if state.leader == self.broker_id {
            partition.lead(told, log, self.clock.now())?;
            log::info!(target: "state.change.logger", "[Broker id={}] Leader {id} starts at leader epoch {}", self.broker_id, state.leader_epoch);
            return Ok(Change::Leads);
        }
        let metadata = self.metadata.snapshot();
        let endpoint = metadata.live_broker(state.leader).and_then(|broker| broker.endpoint(&self.listener));
        let Some(endpoint) = endpoint.cloned() else {
            log::error!(target: "state.change.logger", "Received LeaderAndIsrRequest for partition {id} but cannot become follower since the new leader {} is unavailable.", state.leader);
            // What it was it stays, but its log exists, so that its high watermark goes on being written (KAFKA-1647).
            partition.hold(log);
            return Ok(Change::Waits);
        };
        let start = Start { offset: log.high_watermark(), leader_epoch: state.leader_epoch };
        let dir = self.logs.number_of(log.data_dir());
        partition.follow(told, log);
        log::info!(target: "state.change.logger", "[Broker id={}] Follower {id} starts at leader epoch {}", self.broker_id, state.leader_epoch);
        Ok(Change::Follows(Follow { partition: id.clone(), leader: state.leader, endpoint, start, dir }))
    }

    /// The partition, made where this is the first that is heard of it.
    fn hosted(&self, id: &TopicPartition) -> Result<Arc<Partition>, ErrorCode> {
        let mut partitions = self.partitions.write();
        let made = || {
            let lag_max = self.config.replica_lag_time_max_ms;
            Hosted::Online(Arc::new(Partition::new(id.clone(), self.broker_id, lag_max)))
        };
        match partitions.entry(id.clone()).or_insert_with(made) {
            Hosted::Online(partition) => Ok(partition.clone()),
            Hosted::Offline => Err(ErrorCode::KafkaStorageError),
        }
    }

    /// The partition's log, made where there is none; its high watermark is the one last written.
    fn log_for(
        &self,
        id: &TopicPartition,
        is_new: bool,
        settings: &LogSettings,
        high_watermarks: &Mutex<Stored>,
    ) -> Result<Arc<Log>, ErrorCode> {
        let existing = self.partition(id).ok().and_then(|partition| partition.log());
        if let Some(log) = existing {
            return Ok(log);
        }
        let log = match (self.logs.get(id), settings.get(&id.topic)) {
            (Some(log), _) => Ok(log),
            (None, Some(settings)) => self.logs.get_or_create(id, is_new, || settings.clone()),
            // They could not be read, as was said.
            (None, None) => return Err(ErrorCode::KafkaStorageError),
        };
        let log = log.map_err(|error| {
            log::error!(target: "state.change.logger", "No log for partition {id}: {error}");
            // Where only a descriptor was wanting the next request may succeed.
            if !error.is_transient
                && let Some(hosted) = self.partitions.write().get_mut(id)
            {
                *hosted = Hosted::Offline;
            }
            ErrorCode::KafkaStorageError
        })?;
        let stored = high_watermarks.lock().of(id, &log);
        log.update_high_watermark(stored);
        Ok(log)
    }

    /// Stops replicas, and deletes their logs where ordered. Blocks on the disks.
    pub fn stop_replicas(&self, request: &StopReplicaRequest, own_broker_epoch: i64) -> StopReplicaResponse {
        let _one_at_a_time = self.role_changes.lock();
        let epochs = RequestEpochs { controller: request.controller_epoch, broker: request.broker_epoch };
        if let Err(refusal) = self.controller_epoch.lock().accept(epochs, own_broker_epoch) {
            return StopReplicaResponse { error_code: refusal.code(), ..Default::default() };
        }
        let (mut partition_errors, mut deleted) = (Vec::new(), Vec::new());
        for (id, epoch, delete) in orders(request) {
            let outcome = self.stop(&id, epoch, delete);
            partition_errors.push(StopReplicaPartitionError {
                topic_name: id.topic.to_string(),
                partition_index: id.partition,
                error_code: outcome.as_ref().err().copied().unwrap_or_default().code(),
            });
            deleted.extend(outcome.ok().flatten());
        }
        self.logs.forget_deleted(&deleted);
        StopReplicaResponse { partition_errors, ..Default::default() }
    }

    /// Stops a replica; its log, where that was deleted.
    fn stop(&self, id: &TopicPartition, epoch: i32, delete: bool) -> Result<Option<Arc<Log>>, ErrorCode> {
        let hosted = self.partitions.read().get(id).cloned();
        match &hosted {
            Some(Hosted::Offline) => return Err(ErrorCode::KafkaStorageError),
            Some(Hosted::Online(partition)) => {
                partition.heeds_stop(epoch)?;
                self.fetchers.leave(std::iter::once(id));
                // A replica that is only stopped keeps its log, whose high watermark goes on being written.
                partition.give_up(ErrorCode::NotLeaderOrFollower, !delete);
            }
            None => {}
        }
        if !delete {
            return Ok(None);
        }
        self.partitions.write().remove(id);
        self.logs.delete_future(id).map_err(|_| ErrorCode::KafkaStorageError)?;
        // A partition that was never opened since the start may still lie on disk.
        self.logs.delete(id).map_err(|error| {
            log::error!(target: "state.change.logger", "Deleting {id}: {error}");
            ErrorCode::KafkaStorageError
        })
    }
}

/// What a request tells of a partition.
fn told(state: &LeaderAndIsrPartitionState, controller_epoch: i32) -> Told {
    let said = LeaderAndIsr {
        leader: state.leader,
        leader_epoch: state.leader_epoch,
        isr: state.isr.clone(),
        zk_version: state.zk_version,
    };
    Told::new(said, state.replicas.clone(), controller_epoch)
}

fn say_unheeded(id: &TopicPartition, told: &Told, known: i32, error: ErrorCode) {
    if error == ErrorCode::StaleControllerEpoch {
        log::info!(target: "state.change.logger", "Ignoring LeaderAndIsr request for partition {id} since its leader epoch {} is not larger than the current leader epoch {known}", told.leader_epoch);
    } else {
        log::warn!(target: "state.change.logger", "Ignoring LeaderAndIsr request for partition {id} as the broker is not in the assigned replica list {:?}", told.replicas);
    }
}

/// How a partition of a request fared.
fn told_of(topic: &str, state: &LeaderAndIsrPartitionState, error: ErrorCode) -> LeaderAndIsrPartitionError {
    LeaderAndIsrPartitionError {
        topic_name: topic.to_owned(),
        partition_index: state.partition_index,
        error_code: error.code(),
    }
}

/// The partition states of a request of any version, each with its topic.
pub(super) fn states(
    request: &LeaderAndIsrRequest,
) -> impl Iterator<Item = (&str, &LeaderAndIsrPartitionState)> {
    let grouped = request.topic_states.iter();
    let grouped =
        grouped.flat_map(|topic| topic.partition_states.iter().map(|told| (topic.topic_name.as_str(), told)));
    let ungrouped = request.ungrouped_partition_states.iter().map(|told| (told.topic_name.as_str(), told));
    ungrouped.chain(grouped)
}

/// What a request of any version orders, each partition once: its leader epoch, and whether to delete.
fn orders(request: &StopReplicaRequest) -> Vec<(TopicPartition, i32, bool)> {
    let delete = request.delete_partitions;
    let ungrouped = request.ungrouped_partitions.iter();
    let mut orders: Vec<_> = ungrouped
        .map(|it| {
            (TopicPartition::new(it.topic_name.as_str(), it.partition_index), LeaderAndIsr::NO_EPOCH, delete)
        })
        .collect();
    for topic in &request.topics {
        let partitions = topic.partition_indexes.iter();
        orders.extend(
            partitions
                .map(|at| (TopicPartition::new(topic.name.as_str(), *at), LeaderAndIsr::NO_EPOCH, delete)),
        );
    }
    for topic in &request.topic_states {
        let states = topic.partition_states.iter();
        orders.extend(states.map(|it| {
            (
                TopicPartition::new(topic.topic_name.as_str(), it.partition_index),
                it.leader_epoch,
                it.delete_partition,
            )
        }));
    }
    let mut seen = HashSet::new();
    orders.retain(|(id, _, _)| seen.insert(id.clone()));
    orders
}

#[cfg(test)]
mod tests;
