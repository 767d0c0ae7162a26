//! Code of the application that takes part in rebalances. Kafka: `ConsumerRebalanceListener`.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Weak};

use super::coordinator::ConsumerCoordinator;
use super::error::ConsumerError;
use super::shared::ConsumerShared;
use crate::base::{Offset, TopicPartition};
use crate::client::error::ClientError;
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::client::settings::OffsetReset;

/// What a listener does. The consumer keeps it, and goes on with it in the next call where a poll is dropped.
pub type ListenerFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Notified of the partitions that a consumer in a group is assigned and gives up.
///
/// The consumer calls it inside of a poll, an unsubscribe or a close, and returns no records until the future is done.
/// A listener that has nothing to wait for does its work and returns `Box::pin(std::future::ready(()))`.
pub trait ConsumerRebalanceListener: Send + Sync {
    /// The consumer gives up these partitions once the future is done. Their positions can still be committed.
    fn on_partitions_revoked(
        &self,
        consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture;

    /// The consumer is assigned these partitions beside those that it has kept. Their positions can be set.
    fn on_partitions_assigned(
        &self,
        consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture;

    /// The consumer has lost these partitions: other members may have them already, and nothing of them can be
    /// committed. Does what [`ConsumerRebalanceListener::on_partitions_revoked`] does, if it is not implemented.
    fn on_partitions_lost(
        &self,
        consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.on_partitions_revoked(consumer, partitions)
    }
}

/// The consumer as its listener may use it; cheap to clone.
#[derive(Clone, Debug)]
pub struct RebalancingConsumer {
    shared: Arc<ConsumerShared>,
    /// Gone once the consumer has left.
    coordinator: Weak<ConsumerCoordinator>,
}

impl RebalancingConsumer {
    pub(super) fn new(shared: &Arc<ConsumerShared>, coordinator: &Arc<ConsumerCoordinator>) -> Self {
        Self { shared: shared.clone(), coordinator: Arc::downgrade(coordinator) }
    }

    fn coordinator(&self) -> Result<Arc<ConsumerCoordinator>, ClientError> {
        self.coordinator.upgrade().ok_or(ClientError::Closed)
    }

    /// The partitions assigned now.
    pub fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.shared.assignment()
    }

    /// The offset of the next record to be returned of a partition; None where it is not known yet.
    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        self.shared.state().position(partition).map(|it| it.offset)
    }

    /// Commits the positions of all partitions assigned.
    ///
    /// # Errors
    /// As [`super::Consumer::commit_sync`].
    pub async fn commit_sync(&self) -> Result<(), ClientError> {
        let offsets = self.shared.state().all_consumed();
        self.commit_offsets(offsets).await
    }

    /// Commits these offsets.
    ///
    /// # Errors
    /// As [`super::Consumer::commit_sync`].
    pub async fn commit_offsets(
        &self,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> Result<(), ClientError> {
        let outcome = self.coordinator()?.commit(offsets.clone()).await;
        self.shared.committed(&offsets, &outcome);
        outcome
    }

    /// What the group has committed of these partitions.
    ///
    /// # Errors
    /// As [`super::Consumer::committed`].
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, ClientError> {
        self.coordinator()?.committed(partitions).await
    }

    /// The member as its group knows it: within an assignment, already that of the new generation.
    ///
    /// # Errors
    /// The consumer has left.
    pub fn group_metadata(&self) -> Result<ConsumerGroupMetadata, ClientError> {
        Ok(self.coordinator()?.group_metadata())
    }

    /// As [`super::Consumer::seek`].
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`], [`ConsumerError::NegativeOffset`].
    pub fn seek(&self, partition: &TopicPartition, to: &OffsetAndMetadata) -> Result<(), ConsumerError> {
        self.shared.seek(partition, to)
    }

    /// As [`super::Consumer::seek_to_beginning`].
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn seek_to_beginning(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        self.shared.seek_to(partitions, OffsetReset::Earliest)
    }

    /// As [`super::Consumer::seek_to_end`].
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn seek_to_end(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        self.shared.seek_to(partitions, OffsetReset::Latest)
    }

    /// As [`super::Consumer::pause`].
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        self.shared.pause(partitions)
    }

    /// As [`super::Consumer::resume`].
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        self.shared.resume(partitions)
    }
}
