//! Offsets that a consumer commits for its group, and what the group has committed.
//!
//! Kafka: `KafkaConsumer.commitSync`, `commitAsync`, `committed`.

use std::collections::BTreeMap;

use super::Consumer;
use super::error::ConsumerError;
use super::records::UnreadPosition;
use crate::base::TopicPartition;
use crate::client::error::ClientError;
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};

impl Consumer {
    /// Commits the positions of all partitions assigned: the offsets behind the records that were returned. Tried again
    /// until it is done or `default.api.timeout.ms` is over. A call that is dropped may or may not have committed.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`], [`ConsumerError::Wakeup`]; [`super::GroupError`] where the consumer is no longer the
    /// owner, or a rebalance goes on; the coordinator's own error.
    pub async fn commit_sync(&mut self) -> Result<(), ClientError> {
        let offsets = self.consumed();
        self.commit_offsets(offsets).await
    }

    /// As [`Consumer::commit_sync`], these offsets.
    ///
    /// # Errors
    /// As [`Consumer::commit_sync`].
    pub async fn commit_offsets(
        &mut self,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> Result<(), ClientError> {
        let coordinator = self.member()?.coordinator.clone();
        let outcome = tokio::select! {
            biased;
            () = self.wakeup.woken() => return Err(ConsumerError::Wakeup.into()),
            outcome = coordinator.commit(offsets.clone()) => outcome,
        };
        self.shared.committed(&offsets, &outcome);
        outcome
    }

    /// Commits the positions of all partitions assigned, once. The commit is under way whether or not the future is
    /// polled; commits are sent in the order of their calls.
    ///
    /// # Errors
    /// In the future: as [`Consumer::commit_sync`], and `RetriableCommitFailed` where it is not tried again.
    pub fn commit_async(&mut self) -> impl Future<Output = Result<(), ClientError>> + Send + 'static {
        let offsets = self.consumed();
        self.commit_offsets_async(offsets)
    }

    /// As [`Consumer::commit_async`], these offsets.
    ///
    /// # Errors
    /// As [`Consumer::commit_async`].
    pub fn commit_offsets_async(
        &mut self,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> impl Future<Output = Result<(), ClientError>> + Send + 'static {
        let shared = self.shared.clone();
        let commit = self.member().map(|member| member.coordinator.commit_async(offsets.clone()));
        let committing = commit.map(|commit| {
            tokio::spawn(async move {
                let outcome = commit.await;
                shared.committed(&offsets, &outcome);
                outcome
            })
        });
        async move { committing?.await.map_err(|_| ClientError::Closed)? }
    }

    /// The offsets behind the records that were returned.
    pub(in crate::client) fn consumed(&self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        let mut offsets = self.shared.state().all_consumed();
        for UnreadPosition { partition, offset, leader_epoch } in self.unread.unread() {
            let first = OffsetAndMetadata { leader_epoch, ..OffsetAndMetadata::new(offset) };
            offsets.entry(partition).and_modify(|position| *position = first);
        }
        offsets
    }

    /// What the group has committed of these partitions; None where it has committed nothing.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`]; the coordinator's own error; [`ClientError::Timeout`] after
    /// `default.api.timeout.ms`.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, ClientError> {
        let member = self.group.as_ref().ok_or(ConsumerError::NoGroup)?;
        member.coordinator.committed(partitions).await
    }

    /// The consumer as its group knows it, for a transactional producer that commits its offsets.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`].
    pub fn group_metadata(&self) -> Result<ConsumerGroupMetadata, ClientError> {
        let member = self.group.as_ref().ok_or(ConsumerError::NoGroup)?;
        Ok(member.coordinator.group_metadata())
    }
}
