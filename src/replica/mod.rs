//! The replicas of this broker: the partitions it leads and follows, its followers' progress, and the
//! requests that wait for them.
//!
//! - *Entry points:* [`ReplicaManager`], one a broker. Its parts own their state: [`partitions`] (the map),
//!   [`role_changes`] (the controller's requests, under one lock), [`role_feed`] (the stream of role
//!   changes), `alter_isr`, `high_watermarks`, [`log_configs`], [`move_dirs`]; followers' fetches have a room
//!   of their own, [`fetcher`]. Requests: `produce`, `fetch`, `offsets`, `delete_records`.
//! - *Never:* sends the controller a request, except AlterIsr; knows the wire form of the controller's
//!   requests, which `api::cluster` decodes.
//! - *Locks,* in the order in which they are taken: the role-change lock ([`role_changes`]), the map of
//!   partitions, one partition, its log's marks. Only the first is held over IO, and no request is woken
//!   while another is held.
//! - *In Kafka:* `ReplicaManager`, `Partition`, `FetchSession`, `DelayedProduce`, `DelayedFetch`.

mod alter_isr;
pub mod broker_topic_stats;
pub mod controller_epoch;
pub mod delete_records;
mod down_conversion;
pub mod fetch;
pub mod fetcher;
mod high_watermarks;
pub mod log_configs;
pub mod machine;
mod metrics;
pub mod move_dirs;
pub mod offsets;
pub mod old_formats;
pub mod orders;
pub mod partition;
pub mod partitions;
pub mod preferred_replica;
pub mod produce;
pub mod role_changes;
pub mod role_feed;
mod throttle;
pub(crate) mod waiters;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::alter_isr::IsrProposals;
use self::high_watermarks::HighWatermarkCheckpoints;
use self::log_configs::LogConfigs;
use self::move_dirs::{LogDirMoves, ReplicaLogDirs};
use self::partitions::Partitions;
use self::role_changes::RoleChanges;
use self::throttle::Throttles;
use crate::base::{BrokerId, Clock, TopicPartition};
use crate::config::{BrokerConfig, TopicConfig};
use crate::log::LogManager;
use crate::metadata::MetadataCache;
use crate::wire::error_code::ErrorCode;

pub use fetch::{
    FetchCaller, FetchContext, FetchOutcome, FetchParams, FetchReader, Isolation, PartitionFetch,
    SessionRequest,
};
pub use metrics::Waits;
pub use move_dirs::ReplicaInDir;
pub use partition::Partition;
pub use preferred_replica::Location;
pub use produce::{PendingProduce, ProduceOutcome};

/// The replicas of this broker (Kafka's `ReplicaManager`): its parts, each of which owns its state, and the requests
/// that read and append records.
pub struct ReplicaManager {
    broker_id: BrokerId,
    config: Arc<BrokerConfig>,
    logs: Arc<LogManager>,
    clock: Clock,
    /// The listener through which the controller is reached.
    controller_listener: String,
    metadata: Arc<MetadataCache>,
    partitions: Arc<Partitions>,
    role_changes: Arc<RoleChanges>,
    log_configs: Arc<LogConfigs>,
    log_dirs: Arc<ReplicaLogDirs>,
    alter_isr: Arc<IsrProposals>,
    checkpoints: Arc<HighWatermarkCheckpoints>,
    fetchers: Arc<fetcher::Fetchers>,
    fetch_sessions: fetch::FetchSessions,
    throttles: Arc<Throttles>,
    /// Permits for validations that take long.
    validations: Semaphore,
    waits: Arc<metrics::Waits>,
}

impl std::fmt::Debug for ReplicaManager {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ReplicaManager").field("broker_id", &self.broker_id).finish_non_exhaustive()
    }
}

impl ReplicaManager {
    /// No partitions yet; `topic_defaults` are the configs of topics that have none of their own.
    pub fn new(
        broker_id: BrokerId,
        config: Arc<BrokerConfig>,
        logs: Arc<LogManager>,
        metadata: Arc<MetadataCache>,
        clock: Clock,
        topic_defaults: impl Fn() -> TopicConfig + Send + Sync + 'static,
    ) -> Arc<Self> {
        // A wrong listener has been refused when the settings were read.
        let listener = config.inter_broker_listener().unwrap_or_default();
        let control_plane =
            config.control_plane_listener_name.as_deref().map(crate::config::listener::normalised);
        let partitions = Partitions::new(broker_id, config.replica_lag_time_max_ms, metadata.clone());
        let partitions = Arc::new(partitions);
        let fetchers: Arc<fetcher::Fetchers> = Arc::default();
        let moves = Arc::new(LogDirMoves::new(logs.clone(), partitions.clone()));
        let checkpoints = Arc::new(HighWatermarkCheckpoints::new(logs.clone(), partitions.clone()));
        let role_changes = Arc::new(RoleChanges {
            me: broker_id,
            listener: listener.clone(),
            clock: clock.clone(),
            logs: logs.clone(),
            partitions: partitions.clone(),
            metadata: metadata.clone(),
            fetchers: fetchers.clone(),
            moves: moves.clone(),
            checkpoints: checkpoints.clone(),
            locks: Default::default(),
        });
        let throttles = Arc::new(Throttles::new(&config));
        let log_dirs = ReplicaLogDirs::new(
            role_changes.clone(),
            moves,
            throttles.clone(),
            config.clone(),
            clock.clone(),
        );
        let slots = usize::try_from(config.max_incremental_fetch_session_cache_slots).unwrap_or(0);
        let replicas = Arc::new(Self {
            broker_id,
            controller_listener: control_plane.unwrap_or(listener),
            metadata,
            log_configs: Arc::new(LogConfigs::new(logs.clone(), partitions.clone(), topic_defaults)),
            log_dirs: Arc::new(log_dirs),
            alter_isr: Arc::new(IsrProposals::new(partitions.clone(), clock.clone())),
            role_changes,
            checkpoints,
            fetchers,
            fetch_sessions: fetch::FetchSessions::new(slots),
            throttles,
            validations: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
            waits: Arc::default(),
            partitions,
            config,
            logs,
            clock,
        });
        let weak = Arc::downgrade(&replicas);
        replicas.logs.shared().log_starts.listen(move |id| {
            if let Some(replicas) = weak.upgrade() {
                replicas.log_start_moved(id);
            }
        });
        replicas
    }

    /// The listener through which this broker reaches the controller.
    pub fn controller_listener(&self) -> &str {
        &self.controller_listener
    }

    /// A log start has moved: a follower that fetches from it here gets it in an answer, and this broker's
    /// own leader gets it in a fetch.
    fn log_start_moved(&self, id: &TopicPartition) {
        if let Ok(partition) = self.partition(id) {
            partition.log_start_moved();
        }
        self.fetchers.log_start_moved(id);
    }

    /// The partition, by [`Partitions::partition`].
    ///
    /// # Errors
    /// As there.
    pub fn partition(&self, id: &TopicPartition) -> Result<Arc<Partition>, ErrorCode> {
        self.partitions.partition(id)
    }

    /// The map of partitions.
    pub fn partitions(&self) -> &Arc<Partitions> {
        &self.partitions
    }

    /// Applies the controller's requests.
    pub fn role_changes(&self) -> &Arc<RoleChanges> {
        &self.role_changes
    }

    /// The configs of logs.
    pub fn log_configs(&self) -> &Arc<LogConfigs> {
        &self.log_configs
    }

    /// The replicas by data directory.
    pub fn log_dirs(&self) -> &Arc<ReplicaLogDirs> {
        &self.log_dirs
    }

    /// Writes the high watermarks every `replica.high.watermark.checkpoint.interval.ms`, until `stop`.
    pub async fn checkpoint_high_watermarks(self: Arc<Self>, stop: CancellationToken) {
        let interval =
            u64::try_from(self.config.replica_high_watermark_checkpoint_interval_ms).unwrap_or(5000);
        self.checkpoints.clone().keep(Duration::from_millis(interval.max(1)), stop).await;
    }

    /// Writes the high watermarks for the last time, after which this broker follows nothing more. Blocks on
    /// the disks.
    pub fn close(&self) {
        self.fetchers.close();
        self.checkpoints.write();
    }
}

#[cfg(test)]
pub(crate) mod tests;
