//! What a consumer reads: topics, a pattern of topics, or partitions assigned by hand.
//!
//! Kafka: `KafkaConsumer.subscribe`, `assign`, `unsubscribe`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Consumer;
use super::error::ConsumerError;
use super::listener::ConsumerRebalanceListener;
use crate::base::TopicPartition;
use crate::client::error::ClientError;
use crate::client::metadata::FollowedTopics;

impl Consumer {
    /// Joins the group for these topics, instead of those before; the group assigns their partitions to its members.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`], [`ConsumerError::MixedSubscription`].
    pub fn subscribe(
        &mut self,
        topics: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Result<(), ClientError> {
        self.subscribe_to(topics, None)
    }

    /// As [`Consumer::subscribe`], with a listener that is notified of the partitions assigned and given up.
    ///
    /// # Errors
    /// As [`Consumer::subscribe`].
    pub fn subscribe_with(
        &mut self,
        topics: impl IntoIterator<Item = impl Into<Arc<str>>>,
        listener: Arc<dyn ConsumerRebalanceListener>,
    ) -> Result<(), ClientError> {
        self.subscribe_to(topics, Some(listener))
    }

    fn subscribe_to(
        &mut self,
        topics: impl IntoIterator<Item = impl Into<Arc<str>>>,
        listener: Option<Arc<dyn ConsumerRebalanceListener>>,
    ) -> Result<(), ClientError> {
        self.member()?;
        self.shared.state().subscribe(topics.into_iter().map(Into::into).collect())?;
        self.subscribed(listener)
    }

    /// Joins the group for all topics whose whole name matches a regular expression, those that are created later
    /// included. Kafka's own topics are left out unless `exclude.internal.topics` is false.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`], [`ConsumerError::MixedSubscription`], [`ConsumerError::BadPattern`].
    pub fn subscribe_pattern(&mut self, pattern: &str) -> Result<(), ClientError> {
        self.subscribe_to_pattern(pattern, None)
    }

    /// As [`Consumer::subscribe_pattern`], with a listener that is notified of the partitions assigned and given up.
    ///
    /// # Errors
    /// As [`Consumer::subscribe_pattern`].
    pub fn subscribe_pattern_with(
        &mut self,
        pattern: &str,
        listener: Arc<dyn ConsumerRebalanceListener>,
    ) -> Result<(), ClientError> {
        self.subscribe_to_pattern(pattern, Some(listener))
    }

    fn subscribe_to_pattern(
        &mut self,
        pattern: &str,
        listener: Option<Arc<dyn ConsumerRebalanceListener>>,
    ) -> Result<(), ClientError> {
        self.member()?;
        let whole = regex::Regex::new(&format!("^(?:{pattern})$"));
        let whole = whole.map_err(|error| ConsumerError::BadPattern(error.to_string()))?;
        self.shared.state().subscribe_pattern(whole)?;
        self.subscribed(listener)
    }

    fn subscribed(
        &mut self,
        listener: Option<Arc<dyn ConsumerRebalanceListener>>,
    ) -> Result<(), ClientError> {
        self.member()?.listener = listener;
        self.assignment_changed();
        self.update_group();
        Ok(())
    }

    /// Reads these partitions instead of those before; partitions that stay keep their positions. None ends it.
    ///
    /// A position begins where the group has committed one, else by `auto.offset.reset`.
    ///
    /// # Errors
    /// [`ConsumerError::MixedSubscription`].
    pub fn assign(
        &mut self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), ClientError> {
        let partitions: BTreeSet<_> = partitions.into_iter().collect();
        let was_assigned = !self.shared.state().has_auto_assigned_partitions();
        if partitions.is_empty() && was_assigned {
            self.shared.state().unsubscribe();
            self.assignment_changed();
            return Ok(());
        }
        self.shared.state().assign_from_user(partitions)?;
        self.assignment_changed();
        Ok(())
    }

    /// Ends the subscription or the assignment. A member gives up its partitions, its listener is notified, and it
    /// leaves its group. Dropped half-way, the next poll goes on with it.
    ///
    /// # Errors
    /// Why the member gave up before.
    pub async fn unsubscribe(&mut self) -> Result<(), ClientError> {
        self.part().await
    }

    /// Has the group rebalance though nothing has changed (KIP-568), once the consumer is polled.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`].
    pub fn enforce_rebalance(&mut self) -> Result<(), ClientError> {
        self.member()?.coordinator.request_rejoin();
        Ok(())
    }

    /// Drops what belongs to partitions that are no longer assigned, and looks at the topics of those that are new.
    pub(super) fn assignment_changed(&mut self) {
        let gone: Vec<_> = {
            let state = self.shared.state();
            self.fetcher.retain_assigned(&state);
            self.unread.unread().map(|it| it.partition).filter(|id| !state.is_assigned(id)).collect()
        };
        for id in &gone {
            self.unread.remove(id);
        }
        let followed = {
            let state = self.shared.state();
            let mut topics = state.metadata_topics();
            topics.extend(self.group.iter().flat_map(|member| member.coordinator.group_topics()));
            if state.has_pattern() { FollowedTopics::All } else { FollowedTopics::Only(topics) }
        };
        self.shared.cluster.follow(followed);
        // The leaders of partitions that are new here may be known already.
        self.snapshots.mark_changed();
    }

    /// The partitions assigned now.
    pub fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.shared.assignment()
    }

    /// The topics subscribed to; none where partitions are assigned by hand.
    pub fn subscription(&self) -> BTreeSet<Arc<str>> {
        self.shared.state().subscription()
    }
}
