//! Runs a coordinator's machines: one a partition of its topic that this broker leads, each in a task of its own.
//!
//! ```text
//! role feed ─► Leader: load the log, then take requests       (load, partition_task)
//!          └─► anything else: unload, answer what still waits
//! ```
//!
//! A partition's task takes requests, finished appends, timers and events one at a time, so a machine needs no lock.
//! All that a turn appends outside of transactions goes into one batch. A request waits for its turn in a queue of
//! bounded length. Kafka: the loading and unloading of `GroupMetadataManager` and `TransactionStateManager`.

mod append;
mod load;
mod partition_task;
mod timers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::partition_task::{Input, PartitionTask};
use super::machine::CoordinatorMachine;
use crate::base::{Clock, LeaderEpoch, TopicPartition, jvm_order};
use crate::metrics::{Histogram, Metric};
use crate::replica::ReplicaManager;
use crate::replica::produce::RequiredAcks;
use crate::replica::role_feed::{NewRole, RoleChanged};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;

/// How many requests wait for their turn at a partition; more wait in their connections.
const QUEUE: usize = 1024;

/// What a coordinator's topic is, and how records are appended to it.
#[derive(Clone, Debug)]
pub struct CoordinatorSettings {
    /// The topic.
    pub topic: Arc<str>,
    /// How many partitions it has; at least 1.
    pub partitions: i32,
    /// Which replicas must have a record before it counts.
    pub acks: RequiredAcks,
    /// How long to wait for them, where an append has no timeout of its own.
    pub timeout: Duration,
    /// The codec of the records.
    pub compression: Compression,
    /// How many bytes of the log are read at once while loading; at least one batch is.
    pub load_buffer_size: i32,
    /// The logger, and what the records are to it: "offsets and group metadata", "transaction metadata".
    pub log: (&'static str, &'static str),
}

/// Why a partition of the coordinator cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The broker stops (COORDINATOR_NOT_AVAILABLE).
    Stopped,
    /// Another broker leads the partition (NOT_COORDINATOR).
    NotCoordinator,
    /// The log is still being read (COORDINATOR_LOAD_IN_PROGRESS).
    Loading,
}

impl Unavailable {
    /// What a client is answered.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Stopped => ErrorCode::CoordinatorNotAvailable,
            Self::NotCoordinator => ErrorCode::NotCoordinator,
            Self::Loading => ErrorCode::CoordinatorLoadInProgress,
        }
    }
}

/// The partitions that a coordinator serves at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedPartitions {
    /// Those that are loaded, in no order.
    pub loaded: Vec<i32>,
    /// Whether any is still being loaded.
    pub is_loading: bool,
}

/// Makes the machine of a partition that is led in an epoch.
type NewMachine<M> = Box<dyn Fn(i32, LeaderEpoch) -> M + Send + Sync>;
/// Has others do what a machine wants done.
type Effects<M> = Arc<dyn Fn(LoadedPartition<M>, <M as CoordinatorMachine>::Effect) + Send + Sync>;

/// A partition as it is loaded now: where events go that come of an effect. They are lost once it is unloaded.
#[derive(Debug)]
pub struct LoadedPartition<M: CoordinatorMachine> {
    partition: i32,
    leader_epoch: LeaderEpoch,
    inputs: mpsc::WeakSender<Input<M>>,
}

impl<M: CoordinatorMachine> Clone for LoadedPartition<M> {
    fn clone(&self) -> Self {
        Self { inputs: self.inputs.clone(), ..*self }
    }
}

impl<M: CoordinatorMachine> LoadedPartition<M> {
    /// Its number.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The leader epoch in which it was loaded.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// Whether it is unloaded by now: events are lost.
    pub fn is_unloaded(&self) -> bool {
        self.inputs.strong_count() == 0
    }

    /// Notifies the machine, once there is room in its queue.
    pub async fn notify(&self, event: M::Event) {
        if let Some(inputs) = self.inputs.upgrade() {
            let _ = inputs.send(Input::Event(event)).await; // Unloaded meanwhile.
        }
    }
}

/// A partition that is loaded, or being loaded.
#[derive(Debug)]
struct PartitionHandle<M: CoordinatorMachine> {
    leader_epoch: LeaderEpoch,
    inputs: mpsc::Sender<Input<M>>,
    is_loaded: Arc<AtomicBool>,
    unload: CancellationToken,
    task: JoinHandle<()>,
}

/// A coordinator of this broker.
#[doc(alias = "GroupMetadataManager")]
#[doc(alias = "TransactionStateManager")]
pub struct CoordinatorRuntime<M: CoordinatorMachine> {
    settings: Arc<CoordinatorSettings>,
    replicas: Arc<ReplicaManager>,
    clock: Clock,
    machine: NewMachine<M>,
    effects: Effects<M>,
    served: RwLock<HashMap<i32, PartitionHandle<M>>>,
    /// How long partitions took to load.
    load_times: Arc<Histogram>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<M: CoordinatorMachine> std::fmt::Debug for CoordinatorRuntime<M> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CoordinatorRuntime").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<M: CoordinatorMachine> CoordinatorRuntime<M> {
    /// Serves the partitions of the coordinator's topic as this broker comes to lead them, until `stop`. `effects` must
    /// not block; it is called by the partition's task. For tasks of a runtime only.
    pub fn start(
        settings: CoordinatorSettings,
        replicas: Arc<ReplicaManager>,
        clock: Clock,
        machine: impl Fn(i32, LeaderEpoch) -> M + Send + Sync + 'static,
        effects: impl Fn(LoadedPartition<M>, M::Effect) + Send + Sync + 'static,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let mut changes = replicas.partitions().roles().subscribe();
        let runtime = Arc::new(Self {
            settings: Arc::new(settings),
            replicas,
            clock,
            machine: Box::new(machine),
            effects: Arc::new(effects),
            served: RwLock::default(),
            load_times: Arc::new(Histogram::of_micros()),
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        let following = runtime.clone();
        tasks.spawn(stop.run_until_cancelled_owned(async move {
            while let Some(change) = changes.recv().await {
                following.role_changed(change);
            }
        }));
        runtime
    }

    /// The partition that a group or a transactional id belongs to (`partitionFor`).
    pub fn partition_for(&self, id: &str) -> i32 {
        jvm_order::hash_code(id).checked_abs().unwrap_or(0) % self.settings.partitions.max(1)
    }

    /// Asks a partition. Cancelled, the request is carried out all the same.
    ///
    /// # Errors
    /// The partition is not served here, or not yet.
    pub async fn request(&self, partition: i32, request: M::Request) -> Result<M::Response, Unavailable> {
        let inputs = self.loaded(partition)?;
        let (respond, response) = oneshot::channel();
        let gone = |_| self.not_served();
        inputs.send(Input::Request(request, respond)).await.map_err(gone)?;
        response.await.map_err(|_| self.not_served())
    }

    /// The partitions that are served.
    pub fn served_partitions(&self) -> ServedPartitions {
        let served = self.served.read();
        let (loaded, loading): (Vec<_>, Vec<_>) =
            served.iter().partition(|(_, served)| served.is_loaded.load(Ordering::Acquire));
        let loaded = loaded.into_iter().map(|(partition, _)| *partition).collect();
        ServedPartitions { loaded, is_loading: !loading.is_empty() }
    }

    /// Notifies the machine of a partition, after what is in its queue; of a partition that is being loaded too.
    /// Nothing is done where it is not served here.
    pub async fn notify(&self, partition: i32, event: M::Event) {
        let inputs = self.served.read().get(&partition).map(|served| served.inputs.clone());
        if let Some(inputs) = inputs {
            let _ = inputs.send(Input::Event(event)).await; // Unloaded meanwhile.
        }
    }

    /// Notifies the machines of all partitions served here.
    pub async fn notify_all(&self, event: &M::Event)
    where
        M::Event: Clone,
    {
        let partitions: Vec<_> = self.served.read().keys().copied().collect();
        for partition in partitions {
            self.notify(partition, event.clone()).await;
        }
    }

    fn not_served(&self) -> Unavailable {
        if self.stop.is_cancelled() { Unavailable::Stopped } else { Unavailable::NotCoordinator }
    }

    fn loaded(&self, partition: i32) -> Result<mpsc::Sender<Input<M>>, Unavailable> {
        if self.stop.is_cancelled() {
            return Err(Unavailable::Stopped);
        }
        let served = self.served.read();
        let served = served.get(&partition).ok_or(Unavailable::NotCoordinator)?;
        if !served.is_loaded.load(Ordering::Acquire) {
            return Err(Unavailable::Loading);
        }
        Ok(served.inputs.clone())
    }

    fn role_changed(&self, RoleChanged { partition, role }: RoleChanged) {
        if partition.topic != self.settings.topic {
            return;
        }
        let mut served = self.served.write();
        match role {
            NewRole::Leader(epoch) => {
                let is_new = served.get(&partition.partition).is_none_or(|it| it.leader_epoch < epoch);
                if is_new {
                    let before = served.remove(&partition.partition);
                    served.insert(partition.partition, self.serve(partition, epoch, before));
                }
            }
            _ => {
                if let Some(before) = served.remove(&partition.partition) {
                    before.unload.cancel();
                    self.tasks.spawn(async move {
                        // The task logs what it comes to; a panic in it is reported by the runtime.
                        let _ = before.task.await;
                    });
                }
            }
        }
    }

    /// `partition-load-time-max` and `partition-load-time-avg`, in milliseconds, of all loads since the start. (Kafka's
    /// are of the last half minute, and so mostly none.)
    pub fn load_metrics(&self, kind: &'static str) -> [Metric; 2] {
        let read = self.load_times.read();
        [
            Metric::attribute(kind, "partition-load-time-max", read.max),
            Metric::attribute(kind, "partition-load-time-avg", read.mean),
        ]
    }

    /// Loads a partition once it has been unloaded in the epoch before.
    fn serve(
        &self,
        partition: TopicPartition,
        epoch: LeaderEpoch,
        before: Option<PartitionHandle<M>>,
    ) -> PartitionHandle<M> {
        let (inputs, queue) = mpsc::channel(QUEUE);
        let (is_loaded, unload) = (Arc::new(AtomicBool::new(false)), self.stop.child_token());
        let handle = LoadedPartition {
            partition: partition.partition,
            leader_epoch: epoch,
            inputs: inputs.downgrade(),
        };
        let task = PartitionTask {
            machine: (self.machine)(partition.partition, epoch),
            partition,
            handle,
            settings: self.settings.clone(),
            replicas: self.replicas.clone(),
            clock: self.clock.clone(),
            effects: self.effects.clone(),
            load_times: self.load_times.clone(),
            queue,
            is_loaded: is_loaded.clone(),
            unload: unload.clone(),
        };
        let task = self.tasks.spawn(async move {
            if let Some(before) = before {
                before.unload.cancel();
                let _ = before.task.await; // As above.
            }
            task.run().await;
        });
        PartitionHandle { leader_epoch: epoch, inputs, is_loaded, unload, task }
    }
}

#[cfg(test)]
mod tests;
