//! A consumer: it reads the partitions that are assigned to it and keeps a position in each.
//!
//! - *Pure:* where it stands ([`subscription_state`]), what it fetches and what it has fetched ([`fetcher`]), its
//!   membership. [`machines`] names them for tests that play them without a shell.
//! - *Shell:* [`poll`] takes turns of these and waits; [`tasks`] are what it waits for.
//! - *Never:* blocks a thread of the runtime, copies a record that is not compressed, loses a record where a call is
//!   dropped.
//! - *In Kafka:* `KafkaConsumer`, `Fetcher`, `SubscriptionState`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::client_id::name_consumer;
use super::cluster::Cluster;
use super::error::ClientError;
use super::metadata::{ClusterSnapshot, PartitionInfo, TopicInfo};
use super::offsets::OffsetAndMetadata;
use super::settings::{ConsumerSettings, OffsetReset};
use crate::base::{Millis, Offset, TopicPartition};
use fetcher::ConsumerFetcher;
use group::GroupMember;
use records::UnreadPosition;
use shared::ConsumerShared;
use tasks::ConsumerTasks;

mod answers;
mod commits;
mod coordinator;
mod error;
mod fetcher;
mod group;
mod interceptor;
mod listener;
pub mod machines;
mod metrics;
mod offset_lookup;
mod offset_validation;
mod poll;
mod records;
mod shared;
mod subscription_state;
mod subscriptions;
mod tasks;
mod wakeup;

pub use coordinator::GroupError;
pub use coordinator::assignor::{
    ConsumerAssignment, ConsumerPartitionAssignor, ConsumerSubscription, CooperativeStickyAssignor,
    RangeAssignor, RebalanceProtocol, ReceivedAssignment, RoundRobinAssignor, StickyAssignor,
    SubscribedMember,
};
pub(in crate::client) use coordinator::{GroupRebalanceConfig, read_assignment};
pub use error::{ConsumerError, LogTruncation};
pub use interceptor::ConsumerInterceptor;
pub use listener::{ConsumerRebalanceListener, ListenerFuture, RebalancingConsumer};
pub use metrics::ConsumerMetrics;
pub use offset_lookup::OffsetAndTimestamp;
pub use records::{ConsumerRecord, ConsumerRecordRef, ConsumerRecords, OwnedRecords, RecordsIter};
pub use wakeup::WakeupHandle;

/// Reads partitions from positions that advance with every record.
#[doc(alias = "KafkaConsumer")]
pub struct Consumer {
    shared: Arc<ConsumerShared>,
    fetcher: ConsumerFetcher,
    snapshots: watch::Receiver<Arc<ClusterSnapshot>>,
    tasks: ConsumerTasks,
    /// None without a group.
    group: Option<GroupMember>,
    wakeup: WakeupHandle,
    /// Whether a batch is being unpacked; nothing is taken meanwhile.
    is_unpacking: bool,
    /// Records that were taken and not returned yet, as they are returned one by one. The positions are behind them.
    unread: OwnedRecords,
}

impl Consumer {
    /// A consumer with these settings and no partitions.
    ///
    /// # Errors
    /// A bootstrap address is wrong.
    pub async fn new(mut settings: ConsumerSettings) -> Result<Self, ClientError> {
        name_consumer(&mut settings);
        let cluster = Cluster::new(settings.cluster.clone()).await?;
        let settings = Arc::new(settings);
        let shared = Arc::new(ConsumerShared::new(cluster, settings.clone()));
        Ok(Self {
            snapshots: shared.cluster.snapshots(),
            group: GroupMember::new(&shared)?,
            fetcher: ConsumerFetcher::new(settings),
            shared,
            tasks: ConsumerTasks::new(),
            wakeup: WakeupHandle::default(),
            is_unpacking: false,
            unread: OwnedRecords::default(),
        })
    }

    /// The cluster it reads from.
    pub fn cluster(&self) -> &Cluster {
        &self.shared.cluster
    }

    /// A handle by which another thread or task ends the consumer's waits.
    pub fn wakeup_handle(&self) -> WakeupHandle {
        self.wakeup.clone()
    }

    /// What it has done so far, and how far it is behind.
    pub fn metrics(&self) -> ConsumerMetrics {
        let rebalances =
            self.group.as_ref().map(|member| member.coordinator.rebalances()).unwrap_or_default();
        ConsumerMetrics {
            rebalances: rebalances.completed,
            failed_rebalances: rebalances.failed,
            ..self.shared.metrics()
        }
    }

    /// Goes on at this offset of a partition. With a leader epoch it is first checked that the log still has it.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`], [`ConsumerError::NegativeOffset`].
    pub fn seek(&mut self, partition: &TopicPartition, to: &OffsetAndMetadata) -> Result<(), ClientError> {
        self.shared.seek(partition, to)?;
        self.unread.remove(partition);
        Ok(())
    }

    /// Goes on at the start of these partitions, of all assigned ones for none. Its offset is looked up by the next
    /// poll.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn seek_to_beginning(&mut self, partitions: &[TopicPartition]) -> Result<(), ClientError> {
        self.seek_to(partitions, OffsetReset::Earliest)
    }

    /// Goes on at the end of these partitions, of all assigned ones for none. Its offset is looked up by the next poll.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn seek_to_end(&mut self, partitions: &[TopicPartition]) -> Result<(), ClientError> {
        self.seek_to(partitions, OffsetReset::Latest)
    }

    fn seek_to(&mut self, partitions: &[TopicPartition], to: OffsetReset) -> Result<(), ClientError> {
        self.shared.seek_to(partitions, to)?;
        if partitions.is_empty() {
            self.unread = OwnedRecords::default();
        }
        for id in partitions {
            self.unread.remove(id);
        }
        Ok(())
    }

    /// Returns no more records of these partitions until they are resumed. They stay assigned, and what was fetched of
    /// them is kept.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), ClientError> {
        self.shared.pause(partitions)?;
        for id in partitions {
            if let Some(unread) = self.unread.remove(id) {
                self.put_back(&unread);
            }
        }
        Ok(())
    }

    /// The records that were taken and not returned are fetched again.
    fn put_back_unread(&mut self) {
        for unread in std::mem::take(&mut self.unread).unread() {
            self.put_back(&unread);
        }
    }

    fn put_back(&self, unread: &UnreadPosition) {
        self.shared.state().consumed(&unread.partition, unread.offset, unread.leader_epoch);
    }

    /// Returns records of these partitions again.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), ClientError> {
        Ok(self.shared.resume(partitions)?)
    }

    /// The partitions that are paused.
    pub fn paused(&self) -> BTreeSet<TopicPartition> {
        self.shared.state().paused()
    }

    /// The offset of the next record to be returned of a partition; looks it up if it is not known yet.
    ///
    /// # Errors
    /// [`ConsumerError::PositionNotAssigned`]; as [`Consumer::poll`]; [`ClientError::Timeout`] after
    /// `default.api.timeout.ms`.
    pub async fn position(&mut self, partition: &TopicPartition) -> Result<Offset, ClientError> {
        if !self.shared.state().is_assigned(partition) {
            return Err(ConsumerError::PositionNotAssigned.into());
        }
        if let Some(unread) = self.unread.unread().find(|it| it.partition == *partition) {
            return Ok(unread.offset);
        }
        let limit = self.shared.settings.cluster.api_timeout;
        let end = Instant::now() + limit;
        loop {
            self.catch_up()?;
            if let Some(position) = self.shared.state().position(partition) {
                return Ok(position.offset);
            }
            if Instant::now() >= end {
                return Err(ClientError::Timeout(format!(
                    "Timeout of {}ms expired before the position for partition {partition} could be determined",
                    limit.as_millis()
                )));
            }
            self.wait_for_lookup(end).await?;
        }
    }

    /// The offset of the first record of each partition.
    ///
    /// # Errors
    /// A topic may not be read; [`ClientError::Timeout`] after `default.api.timeout.ms`.
    pub async fn beginning_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
        self.ends(partitions, offset_lookup::EARLIEST_TIMESTAMP).await
    }

    /// The offset after the last record of each partition that the consumer sees: the high watermark, or the last
    /// stable offset with `read_committed`.
    ///
    /// # Errors
    /// As [`Consumer::beginning_offsets`].
    pub async fn end_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
        self.ends(partitions, offset_lookup::LATEST_TIMESTAMP).await
    }

    async fn ends(
        &self,
        partitions: &[TopicPartition],
        time: Millis,
    ) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
        let asked = partitions.iter().map(|id| (id.clone(), time)).collect();
        let found = self.list_offsets(asked).await?;
        Ok(found.into_iter().filter_map(|(id, found)| Some((id, found?.offset))).collect())
    }

    /// For each partition the first record whose timestamp is at or after the one asked for, in milliseconds since the
    /// Unix epoch; None where there is none.
    ///
    /// # Errors
    /// As [`Consumer::beginning_offsets`]; [`ConsumerError::NegativeTime`].
    pub async fn offsets_for_times(
        &self,
        times: &BTreeMap<TopicPartition, Millis>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, ClientError> {
        if let Some((partition, time)) = times.iter().find(|(_, time)| **time < 0) {
            return Err(ConsumerError::NegativeTime { partition: partition.clone(), time: *time }.into());
        }
        self.list_offsets(times.clone()).await
    }

    async fn list_offsets(
        &self,
        asked: BTreeMap<TopicPartition, Millis>,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, ClientError> {
        offset_lookup::list_offsets(&self.shared.cluster, asked, self.shared.settings.read_committed).await
    }

    /// The partitions of a topic; asks for them if they are not known.
    ///
    /// # Errors
    /// The topic's error, or that of asking.
    pub async fn partitions_for(&self, topic: &str) -> Result<Vec<PartitionInfo>, ClientError> {
        Ok(self.shared.cluster.partitions_for(topic).await?.partitions().to_vec())
    }

    /// All topics that the consumer may describe, with their partitions.
    ///
    /// # Errors
    /// No broker answers within `default.api.timeout.ms`.
    pub async fn list_topics(&self) -> Result<Vec<Arc<TopicInfo>>, ClientError> {
        self.shared.cluster.metadata(None, false).await?;
        Ok(self.shared.cluster.snapshot().topics.values().cloned().collect())
    }

    /// Ends the consumer within `limit`: commits the positions if it commits by itself, gives up its partitions, and
    /// leaves its group. A consumer that is dropped does none of that; its group notices when its session is over.
    ///
    /// # Errors
    /// The positions could not be committed.
    pub async fn close(mut self, limit: Duration) -> Result<(), ClientError> {
        let end = poll::deadline(limit);
        let mut committed = Ok(());
        if self.group.is_some() && self.shared.settings.enable_auto_commit {
            let late = || ClientError::Timeout(format!("The positions were not committed within {limit:?}"));
            committed = timeout_at(end, self.commit_sync()).await.unwrap_or_else(|_| Err(late()));
        }
        // A listener that takes too long, or a member that gave up, does not keep the consumer from leaving.
        let _ = timeout_at(end, self.part()).await;
        if let Some(member) = &self.group {
            member.coordinator.leave(end.saturating_duration_since(Instant::now())).await;
        }
        self.shared.settings.interceptors.iter().for_each(|it| it.close());
        committed
    }
}
