//! The groups that this broker coordinates, over all partitions of `__consumer_offsets` that it leads.
//!
//! Writes the log lines and counts what the machines want logged and counted. Never decides. Kafka: `GroupCoordinator`
//! as the handlers see it, the metrics of `GroupMetadataManager`.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::group::commit::CommitResult;
use super::group::counts::GroupCounts;
use super::group::describe::{GroupOverview, GroupSummary};
use super::group::effect::{GroupEffect, GroupLogger, GroupMeter, LineLevel};
use super::group::fetch::{FetchedOffset, OffsetsFetch};
use super::group::join::{GroupJoin, JoinGroupResult};
use super::group::leave::{GroupLeave, LeaveGroupResult};
use super::group::metadata::GroupState;
use super::group::request::{GroupEvent, GroupId, GroupRequest, GroupResponse, OffsetsCommit, OffsetsDelete};
use super::group::session::GroupHeartbeat;
use super::group::sync::{GroupSync, SyncGroupResult};
use super::group::{GroupCoordinator, GroupSettings};
use super::runtime::{CoordinatorRuntime, CoordinatorSettings, ServedPartitions, Unavailable};
use super::transaction_result::TransactionResult;
use crate::base::time::millis;
use crate::base::{BrokerId, Clock, ProducerId, TopicPartition};
use crate::config::BrokerConfig;
use crate::metrics::meter::MeterReading;
use crate::metrics::{Meter, Metric};
use crate::replica::ReplicaManager;
use crate::replica::produce::RequiredAcks;
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;

const COORDINATOR: &str = "kafka.coordinator.group.GroupCoordinator";
const MANAGER: &str = "kafka.coordinator.group.GroupMetadataManager";
/// Kafka's name of the metrics of the coordinator.
const COORDINATOR_METRICS: &str = "group-coordinator-metrics";
const METADATA: &str = "kafka.coordinator.group.GroupMetadata";

/// The groups of the partitions that this broker serves.
#[derive(Clone, Debug)]
pub struct ListedGroups {
    /// The groups, in no order.
    pub groups: Vec<GroupOverview>,
    /// Whether some may be missing, as their partition is still being loaded.
    pub is_loading: bool,
}

/// The groups of this broker.
#[derive(Debug)]
#[doc(alias = "GroupCoordinator")]
pub struct Groups {
    runtime: Arc<CoordinatorRuntime<GroupCoordinator>>,
    counted: Arc<Counted>,
}

/// The topic that keeps groups and offsets.
#[derive(Clone, Copy, Debug)]
pub struct OffsetsTopic {
    /// Its name: `__consumer_offsets`.
    pub name: &'static str,
    /// How many partitions it has, or is to have where it does not exist; at least 1.
    pub partitions: i32,
}

/// What the machines have counted.
#[derive(Debug, Default)]
struct Counted {
    /// By partition.
    counts: Mutex<HashMap<i32, GroupCounts>>,
    commits: Meter,
    expirations: Meter,
    deletions: Meter,
    rebalances: Meter,
}

/// Methods that ask the partition of the request's group: `name: variant(request) -> response`.
macro_rules! requests {
    ($($(#[doc = $doc:literal])+ $name:ident: $variant:ident($request:ty) -> $response:ty;)+) => {
        impl Groups {
            $(
                $(#[doc = $doc])+
                ///
                /// # Errors
                /// This broker does not coordinate the group, or not yet.
                pub async fn $name(&self, request: $request) -> Result<$response, Unavailable> {
                    let partition = self.partition_for(&request.group);
                    match self.runtime.request(partition, GroupRequest::$variant(request)).await? {
                        GroupResponse::$variant(response) => Ok(response),
                        // No machine answers one request with the response to another.
                        _ => Err(Unavailable::Stopped),
                    }
                }
            )+
        }
    };
}

requests! {
    /// A member joins; answered once the generation begins.
    join: Join(GroupJoin) -> JoinGroupResult;
    /// A member asks for its assignment; answered once the leader has brought it.
    sync: Sync(GroupSync) -> SyncGroupResult;
    /// A member is alive.
    heartbeat: Heartbeat(GroupHeartbeat) -> ErrorCode;
    /// Members leave.
    leave: Leave(GroupLeave) -> LeaveGroupResult;
    /// Offsets are to be kept; answered once they are in the log.
    commit: Commit(OffsetsCommit) -> CommitResult;
    /// Which offsets are kept.
    fetch: Fetch(OffsetsFetch) -> Vec<(TopicPartition, FetchedOffset)>;
    /// Offsets are to be deleted.
    delete_offsets: DeleteOffsets(OffsetsDelete) -> Result<Vec<ErrorCode>, ErrorCode>;
    /// What a group is.
    describe: Describe(GroupId) -> GroupSummary;
    /// A group is to be deleted.
    delete: Delete(GroupId) -> ErrorCode;
}

impl Groups {
    /// Coordinates groups as this broker comes to lead partitions of `topic`, until `stop`. For tasks of a runtime
    /// only.
    pub fn start(
        broker_id: BrokerId,
        config: &BrokerConfig,
        topic: OffsetsTopic,
        replicas: Arc<ReplicaManager>,
        clock: Clock,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let settings = Arc::new(group_settings(config));
        let counted = Arc::new(Counted::default());
        let counting = counted.clone();
        let runtime = CoordinatorRuntime::start(
            runtime_settings(config, topic),
            replicas,
            clock,
            move |partition, _| GroupCoordinator::new(settings.clone(), partition),
            move |loaded, effect| counting.carry_out(broker_id, loaded.partition(), effect),
            tasks,
            stop,
        );
        Arc::new(Self { runtime, counted })
    }

    /// The partition of `__consumer_offsets` that a group belongs to.
    pub fn partition_for(&self, group: &str) -> i32 {
        self.runtime.partition_for(group)
    }

    /// The groups in these states, or all where none is named.
    pub async fn list(&self, states: &[GroupState]) -> ListedGroups {
        let ServedPartitions { loaded, is_loading } = self.runtime.served_partitions();
        let mut groups = Vec::new();
        for partition in loaded {
            let request = GroupRequest::List(states.to_vec());
            // A partition that is unloaded meanwhile has no groups here.
            if let Ok(GroupResponse::List(listed)) = self.runtime.request(partition, request).await {
                groups.extend(listed);
            }
        }
        ListedGroups { groups, is_loading }
    }

    /// Partitions are deleted: no group needs their offsets.
    pub async fn partitions_deleted(&self, partitions: Vec<TopicPartition>) {
        self.runtime.notify_all(&GroupEvent::PartitionsDeleted(partitions.into())).await;
    }

    /// The end of a producer's transaction is in the log of a partition of `__consumer_offsets`: the offsets committed
    /// in it count, or are dropped (`GroupCoordinator.scheduleHandleTxnCompletion`).
    pub async fn transaction_completed(
        &self,
        partition: i32,
        producer: ProducerId,
        result: TransactionResult,
    ) {
        self.runtime.notify(partition, GroupEvent::TransactionCompleted { producer, result }).await;
    }

    /// What is measured of the groups.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = self.counted.metrics();
        metrics.extend(self.runtime.load_metrics(COORDINATOR_METRICS));
        metrics
    }
}

fn group_settings(config: &BrokerConfig) -> GroupSettings {
    GroupSettings {
        min_session_timeout: config.group_min_session_timeout_ms.into(),
        max_session_timeout: config.group_max_session_timeout_ms.into(),
        max_size: usize::try_from(config.group_max_size).unwrap_or(0),
        initial_rebalance_delay: config.group_initial_rebalance_delay_ms.into(),
        max_offset_metadata: usize::try_from(config.offset_metadata_max_bytes).unwrap_or(0),
        offsets_retention: i64::from(config.offsets_retention_minutes) * 60_000,
        retention_check_interval: config.offsets_retention_check_interval_ms,
        protocol: config.inter_broker_protocol_version.clone(),
    }
}

fn runtime_settings(config: &BrokerConfig, topic: OffsetsTopic) -> CoordinatorSettings {
    let codec = u8::try_from(config.offsets_topic_compression_codec).ok();
    CoordinatorSettings {
        topic: topic.name.into(),
        partitions: topic.partitions,
        acks: RequiredAcks::from_wire(config.offsets_commit_required_acks).unwrap_or(RequiredAcks::All),
        timeout: millis(config.offsets_commit_timeout_ms),
        compression: codec.and_then(Compression::from_id).unwrap_or(Compression::None),
        load_buffer_size: config.offsets_load_buffer_size,
        log: (MANAGER, "offsets and group metadata"),
    }
}

impl Counted {
    fn carry_out(&self, broker_id: BrokerId, partition: i32, effect: GroupEffect) {
        match effect {
            GroupEffect::Log(logger, level, line) => log_line(broker_id, logger, level, &line),
            GroupEffect::Count(meter, more) => {
                let count = match meter {
                    GroupMeter::OffsetCommits => &self.commits,
                    GroupMeter::OffsetExpirations => &self.expirations,
                    GroupMeter::OffsetDeletions => &self.deletions,
                    GroupMeter::CompletedRebalances => &self.rebalances,
                };
                count.mark(more as u64);
            }
            GroupEffect::Counts(counts) => {
                self.counts.lock().insert(partition, counts);
            }
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut total = GroupCounts::default();
        self.counts.lock().values().for_each(|counts| total += *counts);
        let gauge = |name, value| {
            Metric::gauge("GroupMetadataManager", name, value).of_group("kafka.coordinator.group")
        };
        let mut metrics = vec![gauge("NumOffsets", total.offsets)];
        metrics.push(gauge("NumGroups", total.in_state.iter().sum()));
        for (state, count) in GroupState::ALL.into_iter().zip(total.in_state) {
            metrics.push(gauge(gauge_of(state), count));
        }
        let attributes = [
            ("offset-commit-count", "offset-commit-rate", &self.commits),
            ("offset-expiration-count", "offset-expiration-rate", &self.expirations),
            ("offset-deletion-count", "offset-deletion-rate", &self.deletions),
            ("group-completed-rebalance-count", "group-completed-rebalance-rate", &self.rebalances),
        ];
        // A rate is that of the last minute, where late seconds weigh more.
        metrics.extend(attributes.into_iter().flat_map(|(count, rate, meter)| {
            let MeterReading { count: counted, rates: [last_minute, ..], .. } = meter.read();
            [(count, counted as f64), (rate, last_minute)]
                .map(|(name, value)| Metric::attribute(COORDINATOR_METRICS, name, value))
        }));
        metrics
    }
}

fn gauge_of(state: GroupState) -> &'static str {
    match state {
        GroupState::PreparingRebalance => "NumGroupsPreparingRebalance",
        GroupState::CompletingRebalance => "NumGroupsCompletingRebalance",
        GroupState::Stable => "NumGroupsStable",
        GroupState::Dead => "NumGroupsDead",
        GroupState::Empty => "NumGroupsEmpty",
    }
}

fn log_line(broker_id: BrokerId, logger: GroupLogger, level: LineLevel, line: &str) {
    let level = match level {
        LineLevel::Info => log::Level::Info,
        LineLevel::Warn => log::Level::Warn,
        LineLevel::Error => log::Level::Error,
    };
    match logger {
        GroupLogger::Coordinator => {
            log::log!(target: COORDINATOR, level, "[GroupCoordinator {broker_id}]: {line}");
        }
        GroupLogger::Manager => {
            log::log!(target: MANAGER, level, "[GroupMetadataManager brokerId={broker_id}] {line}");
        }
        GroupLogger::Metadata => log::log!(target: METADATA, level, "{line}"),
    }
}
