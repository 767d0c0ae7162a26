//! The partitions of this broker: who leads them, who follows how far, what waits for them, and what clients are told.
//!
//! - *Entry points:* [`ReplicaManager`], one a broker; each of its jobs has a file: `produce`, `fetch`, `offsets`,
//!   `delete_records`, `role_change`, `metadata`, `watermarks`, `isr_report`; following has a room of its own, [`fetcher`].
//! - *Never:* calls the controller; it is told by LeaderAndIsr, StopReplica and UpdateMetadata, over the wire.
//! - *Locks:* the map of partitions, then one partition, then its log's marks; none of them is held over IO, and whoever
//!   waits is woken after unlock. Role changes have one of their own, which is.
//! - *In Kafka:* `ReplicaManager`, `Partition`, `MetadataCache`, `FetchSession`, `DelayedProduce`, `DelayedFetch`.

pub mod controller_epoch;
pub mod delete_records;
mod down_conversion;
pub mod fetch;
pub mod fetcher;
mod metrics;
mod isr_report;
pub mod log_configs;
pub mod machine;
mod move_dirs;
pub mod offsets;
pub mod old_formats;
pub mod partition;
pub mod preferred_replica;
pub mod produce;
pub(crate) mod role_change;
mod throttle;
pub(crate) mod waiters;
mod watermarks;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use crate::base::{BrokerId, Clock, TopicPartition};
use crate::config::{BrokerConfig, TopicConfig};
use crate::log::LogManager;
use crate::metadata::MetadataCache;
use crate::wire::error_code::ErrorCode;

pub use fetch::{
    FetchCaller, FetchContext, FetchOutcome, FetchParams, FetchPartition, FetchReader, Isolation,
    SessionRequest,
};
pub use metrics::Waits;
pub use move_dirs::ReplicaInDir;
pub use partition::Partition;
pub use preferred_replica::Location;
pub use produce::{PendingProduce, ProduceOutcome};

/// A partition this broker was told of.
#[derive(Clone)]
enum Hosted {
    /// It works.
    Online(Arc<Partition>),
    /// Its log directory has failed.
    Offline,
}

/// All partitions of this broker, and its picture of the cluster (Kafka's `ReplicaManager`).
pub struct ReplicaManager {
    broker_id: BrokerId,
    config: Arc<BrokerConfig>,
    logs: Arc<LogManager>,
    clock: Clock,
    log_configs: log_configs::LogConfigs,
    partitions: RwLock<HashMap<TopicPartition, Hosted>>,
    /// Held while the controller's orders are carried out, from the reading of configs on, so that they take effect in
    /// the order in which they came. Fair.
    orders: Arc<tokio::sync::Mutex<()>>,
    /// The epoch of the controller heeded last.
    controller_epoch: Mutex<controller_epoch::ControllerEpoch>,
    /// Held by whoever changes the roles of partitions or who fetches them, over IO: never on a thread that polls, and
    /// nobody needs it to read, write or tick (Kafka's `replicaStateChangeLock`).
    role_changes: Mutex<()>,
    metadata: Arc<MetadataCache>,
    fetch_sessions: fetch::FetchSessions,
    fetchers: fetcher::Fetchers,
    isr_reports: isr_report::IsrReports,
    throttles: throttle::Throttles,
    moves: move_dirs::Moves,
    /// Turns for validating what takes its time.
    validations: Semaphore,
    waits: Arc<metrics::Waits>,
    isr_changes: metrics::IsrChanges,
    /// The listener between brokers.
    listener: String,
    /// The listener through which the controller is reached.
    controller_listener: String,
    /// Whether all partitions have been told of once: before that, high watermarks would be lost by being written.
    complete: AtomicBool,
}

impl std::fmt::Debug for ReplicaManager {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ReplicaManager").field("broker_id", &self.broker_id).finish_non_exhaustive()
    }
}

impl ReplicaManager {
    /// No partitions yet; `topic_defaults` gives what topics without configs of their own are kept by.
    pub fn new(
        broker_id: BrokerId,
        config: Arc<BrokerConfig>,
        logs: Arc<LogManager>,
        metadata: Arc<MetadataCache>,
        clock: Clock,
        topic_defaults: impl Fn() -> TopicConfig + Send + Sync + 'static,
    ) -> Arc<Self> {
        // A listener that is wrong has been refused when the settings were read.
        let listener = config.inter_broker_listener().unwrap_or_default();
        let control_plane =
            config.control_plane_listener_name.as_deref().map(crate::config::listener::normalised);
        let slots = usize::try_from(config.max_incremental_fetch_session_cache_slots).unwrap_or(0);
        let throttles = throttle::Throttles::new(&config);
        let replicas = Arc::new(Self {
            broker_id,
            config,
            logs,
            clock,
            log_configs: log_configs::LogConfigs::new(topic_defaults),
            partitions: RwLock::new(HashMap::new()),
            orders: Arc::default(),
            controller_epoch: Mutex::default(),
            role_changes: Mutex::default(),
            metadata,
            fetch_sessions: fetch::FetchSessions::new(slots),
            fetchers: fetcher::Fetchers::default(),
            isr_reports: isr_report::IsrReports::default(),
            throttles,
            moves: move_dirs::Moves::default(),
            validations: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
            waits: Arc::default(),
            isr_changes: metrics::IsrChanges::default(),
            controller_listener: control_plane.unwrap_or_else(|| listener.clone()),
            listener,
            complete: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&replicas);
        replicas.logs.shared().log_starts.listen(move |id| {
            if let Some(replicas) = weak.upgrade() {
                replicas.log_start_moved(id);
            }
        });
        replicas
    }

    /// The partition, where this broker holds it and it works.
    ///
    /// # Errors
    /// KAFKA_STORAGE_ERROR where its directory has failed; NOT_LEADER_OR_FOLLOWER where others hold it;
    /// UNKNOWN_TOPIC_OR_PARTITION where nobody is known to.
    pub fn partition(&self, id: &TopicPartition) -> Result<Arc<Partition>, ErrorCode> {
        match self.partitions.read().get(id) {
            Some(Hosted::Online(partition)) => Ok(partition.clone()),
            Some(Hosted::Offline) => Err(ErrorCode::KafkaStorageError),
            None if self.metadata.snapshot().partition(id).is_some() => Err(ErrorCode::NotLeaderOrFollower),
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    /// All partitions that work.
    pub fn online(&self) -> Vec<Arc<Partition>> {
        let partitions = self.partitions.read();
        let online = partitions.values().filter_map(|hosted| match hosted {
            Hosted::Online(partition) => Some(partition.clone()),
            Hosted::Offline => None,
        });
        online.collect()
    }

    /// A log starts later: whoever fetches from it, here or from its leader, has that to say.
    fn log_start_moved(&self, id: &TopicPartition) {
        if let Ok(partition) = self.partition(id) {
            partition.log_start_moved();
        }
        self.fetchers.log_start_moved(id);
    }

    /// A log directory has failed: its partitions go offline, and whoever waits for them learns it.
    pub fn directory_failed(&self, dir: &std::path::Path) {
        let gone = self.logs.take_offline(dir);
        self.drop_failed_moves();
        let mut partitions = self.partitions.write();
        let lost: Vec<_> = gone
            .into_iter()
            .filter_map(|id| match partitions.insert(id, Hosted::Offline) {
                Some(Hosted::Online(partition)) => Some(partition),
                _ => None,
            })
            .collect();
        drop(partitions);
        self.fetchers.leave(lost.iter().map(|partition| partition.id()));
        for partition in lost {
            partition.give_up(ErrorCode::KafkaStorageError, false);
        }
    }
}

#[cfg(test)]
mod tests;
