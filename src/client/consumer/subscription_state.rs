//! What a consumer is subscribed to, which partitions it has, and where it stands in each.
//!
//! Pure. Never asks a broker: it names the partitions that need an offset, a reset or a validation, and applies what
//! was found. Time is in milliseconds of a clock that does not go back. Kafka: `SubscriptionState`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::ConsumerError;
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::client::metadata::PartitionLeader;
use crate::client::offsets::OffsetAndMetadata;
use crate::client::settings::OffsetReset;

mod partition;
mod validation;

use partition::TopicPartitionState;
pub use validation::EpochEndOffsetFound;

/// The next record to be returned of a partition, and what is known of the log before it.
#[doc(alias = "FetchPosition")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerPosition {
    /// The offset of the next record.
    pub offset: Offset,
    /// The leader epoch of the record before it, where it is known.
    pub offset_epoch: Option<LeaderEpoch>,
    /// The leader as it was when the position was last found to be valid; None where it is not known.
    pub leader: Option<PartitionLeader>,
}

/// How partitions come to a consumer. Kafka: `SubscriptionState.SubscriptionType`.
#[derive(Clone, Debug, Default)]
enum SubscriptionKind {
    /// Not at all.
    #[default]
    None,
    /// The group assigns those of these topics.
    Topics(BTreeSet<Arc<str>>),
    /// The group assigns those of the topics that match, which are these.
    Pattern { pattern: regex::Regex, topics: BTreeSet<Arc<str>> },
    /// The application assigns them.
    UserAssigned,
}

/// The subscription and the assignment of one consumer.
#[derive(Debug)]
pub struct SubscriptionState {
    kind: SubscriptionKind,
    /// Invariant: empty without a subscription.
    assignment: BTreeMap<TopicPartition, TopicPartitionState>,
    default_reset: OffsetReset,
    /// Grows with every partition that has had its turn.
    turns: u64,
}

impl SubscriptionState {
    /// Without a subscription; `default_reset` is used where a position is unknown or out of range.
    pub fn new(default_reset: OffsetReset) -> Self {
        Self { kind: SubscriptionKind::None, assignment: BTreeMap::new(), default_reset, turns: 0 }
    }

    /// Subscribes to topics instead of those before. Partitions stay assigned until the group has assigned others.
    ///
    /// # Errors
    /// [`ConsumerError::MixedSubscription`].
    pub fn subscribe(&mut self, topics: BTreeSet<Arc<str>>) -> Result<(), ConsumerError> {
        match &mut self.kind {
            SubscriptionKind::None | SubscriptionKind::Topics(_) => {
                self.kind = SubscriptionKind::Topics(topics)
            }
            _ => return Err(ConsumerError::MixedSubscription),
        }
        Ok(())
    }

    /// Subscribes to all topics whose whole name matches; which ones these are comes by
    /// [`SubscriptionState::match_topics`].
    ///
    /// # Errors
    /// [`ConsumerError::MixedSubscription`].
    pub fn subscribe_pattern(&mut self, pattern: regex::Regex) -> Result<(), ConsumerError> {
        let topics = match std::mem::take(&mut self.kind) {
            SubscriptionKind::None => BTreeSet::new(),
            SubscriptionKind::Pattern { topics, .. } => topics,
            other => {
                self.kind = other;
                return Err(ConsumerError::MixedSubscription);
            }
        };
        self.kind = SubscriptionKind::Pattern { pattern, topics };
        Ok(())
    }

    /// Applies the names of all topics to the pattern.
    pub fn match_topics<'a>(&mut self, all: impl Iterator<Item = &'a Arc<str>>) {
        if let SubscriptionKind::Pattern { pattern, topics } = &mut self.kind {
            *topics = all.filter(|name| pattern.is_match(name)).cloned().collect();
        }
    }

    /// Assigns partitions by hand instead of those before; partitions that stay keep their positions.
    ///
    /// # Errors
    /// [`ConsumerError::MixedSubscription`].
    pub fn assign_from_user(
        &mut self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), ConsumerError> {
        match self.kind {
            SubscriptionKind::None | SubscriptionKind::UserAssigned => {
                self.kind = SubscriptionKind::UserAssigned
            }
            _ => return Err(ConsumerError::MixedSubscription),
        }
        self.replace_assignment(partitions);
        Ok(())
    }

    /// Applies the group's assignment; partitions that stay keep their positions.
    pub fn assign_from_subscribed(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        if self.has_auto_assigned_partitions() {
            self.replace_assignment(partitions);
        }
    }

    fn replace_assignment(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        let mut before = std::mem::take(&mut self.assignment);
        let state = |id: TopicPartition| {
            let state = before.remove(&id).unwrap_or_default();
            (id, state)
        };
        self.assignment = partitions.into_iter().map(state).collect();
    }

    /// Ends the subscription and drops the assignment.
    pub fn unsubscribe(&mut self) {
        self.kind = SubscriptionKind::None;
        self.assignment.clear();
    }

    /// Whether there is neither a subscription nor an assignment by hand.
    pub fn is_none(&self) -> bool {
        matches!(self.kind, SubscriptionKind::None)
    }

    /// Whether the group assigns the partitions.
    pub fn has_auto_assigned_partitions(&self) -> bool {
        matches!(self.kind, SubscriptionKind::Topics(_) | SubscriptionKind::Pattern { .. })
    }

    /// Whether the subscription is a pattern.
    pub fn has_pattern(&self) -> bool {
        matches!(self.kind, SubscriptionKind::Pattern { .. })
    }

    /// The topics subscribed to; none for an assignment by hand.
    pub fn subscription(&self) -> BTreeSet<Arc<str>> {
        match &self.kind {
            SubscriptionKind::Topics(topics) | SubscriptionKind::Pattern { topics, .. } => topics.clone(),
            SubscriptionKind::None | SubscriptionKind::UserAssigned => BTreeSet::new(),
        }
    }

    /// The topics whose metadata is needed.
    pub fn metadata_topics(&self) -> BTreeSet<Arc<str>> {
        let mut topics = self.subscription();
        topics.extend(self.assignment.keys().map(|id| id.topic.clone()));
        topics
    }

    /// The partitions assigned.
    pub fn assigned(&self) -> impl Iterator<Item = &TopicPartition> {
        self.assignment.keys()
    }

    /// Whether a partition is assigned.
    pub fn is_assigned(&self, id: &TopicPartition) -> bool {
        self.assignment.contains_key(id)
    }

    fn state(&mut self, id: &TopicPartition) -> Result<&mut TopicPartitionState, ConsumerError> {
        self.assignment.get_mut(id).ok_or_else(|| ConsumerError::NotAssigned(id.clone()))
    }

    /// Sets a position; it is validated first if epochs of it and of the leader are known.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`], [`ConsumerError::NegativeOffset`].
    pub fn seek(&mut self, id: &TopicPartition, to: ConsumerPosition) -> Result<(), ConsumerError> {
        if to.offset < 0 {
            return Err(ConsumerError::NegativeOffset);
        }
        self.state(id)?.seek_unvalidated(to);
        Ok(())
    }

    /// Has a position be found anew at the start or the end of the partition.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn request_reset(&mut self, id: &TopicPartition, to: OffsetReset) -> Result<(), ConsumerError> {
        self.state(id)?.request_reset(to);
        Ok(())
    }

    /// Has a position be found anew by the policy of the consumer; false where the policy is to fail.
    pub fn request_default_reset(&mut self, id: &TopicPartition) -> bool {
        let (policy, state) = (self.default_reset, self.assignment.get_mut(id));
        match (policy, state) {
            (OffsetReset::None, _) => return false,
            (_, Some(state)) => state.request_reset(policy),
            (_, None) => {}
        }
        true
    }

    /// Applies the offset that a reset found, unless another reset or a seek has come since.
    pub fn complete_reset(&mut self, id: &TopicPartition, asked: OffsetReset, found: ConsumerPosition) {
        if let Some(state) = self.assignment.get_mut(id) {
            state.complete_reset(asked, found);
        }
    }

    /// Applies what the group has committed: the position of partitions that had none is the committed one, or is reset
    /// by the policy where nothing was committed.
    ///
    /// # Errors
    /// [`ConsumerError::NoOffsetForPartition`] where the policy is to fail.
    pub fn initialize(
        &mut self,
        committed: &BTreeMap<TopicPartition, Option<OffsetAndMetadata>>,
        leader: impl Fn(&TopicPartition) -> Option<PartitionLeader>,
    ) -> Result<(), ConsumerError> {
        let mut without = Vec::new();
        for (id, committed) in committed {
            let Some(state) = self.assignment.get_mut(id).filter(|state| state.is_initializing()) else {
                continue;
            };
            match committed {
                Some(found) if found.offset >= 0 => state.seek_unvalidated(ConsumerPosition {
                    offset: found.offset,
                    offset_epoch: found.leader_epoch,
                    leader: leader(id),
                }),
                _ if self.default_reset == OffsetReset::None => without.push(id.clone()),
                _ => state.request_reset(self.default_reset),
            }
        }
        if without.is_empty() { Ok(()) } else { Err(ConsumerError::NoOffsetForPartition(without)) }
    }

    /// The partitions that have no position, are not being reset, and need that of their group.
    pub fn initializing(&self, now: Millis) -> BTreeSet<TopicPartition> {
        self.collect(|state| state.is_initializing() && state.may_retry(now))
    }

    /// The partitions to be reset, and to where.
    pub fn needing_reset(&self, now: Millis) -> BTreeMap<TopicPartition, OffsetReset> {
        let needing = self.assignment.iter().filter(|(_, state)| state.may_retry(now));
        needing.filter_map(|(id, state)| Some((id.clone(), state.reset_strategy()?))).collect()
    }

    /// No further request for the position of these partitions before `at`.
    pub fn retry_at<'a>(&mut self, ids: impl IntoIterator<Item = &'a TopicPartition>, at: Millis) {
        for id in ids {
            // By the time that a request fails, the assignment may be another.
            if let Some(state) = self.assignment.get_mut(id) {
                state.retry_at(at);
            }
        }
    }

    /// When the next request for a position may be sent, if one waits for its time.
    pub fn next_retry(&self) -> Option<Millis> {
        self.assignment.values().filter_map(TopicPartitionState::waits_until).min()
    }

    fn collect(&self, wanted: impl Fn(&TopicPartitionState) -> bool) -> BTreeSet<TopicPartition> {
        let found = self.assignment.iter().filter(|(_, state)| wanted(state));
        found.map(|(id, _)| id.clone()).collect()
    }

    /// The valid position of a partition; None while it is being found or validated.
    pub fn position(&self, id: &TopicPartition) -> Option<&ConsumerPosition> {
        self.assignment.get(id)?.valid_position()
    }

    /// Moves a valid position past records that were returned.
    pub fn consumed(&mut self, id: &TopicPartition, next: Offset, epoch: Option<LeaderEpoch>) {
        if let Some(state) = self.assignment.get_mut(id) {
            state.consumed(next, epoch);
        }
    }

    /// The offsets to commit: the valid positions.
    pub fn all_consumed(&self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        let committed = |position: &ConsumerPosition| OffsetAndMetadata {
            offset: position.offset,
            leader_epoch: position.offset_epoch,
            metadata: String::new(),
        };
        let valid = self.assignment.iter().filter_map(|(id, state)| Some((id, state.valid_position()?)));
        valid.map(|(id, position)| (id.clone(), committed(position))).collect()
    }

    /// The partitions to fetch with their positions, those first that have not had a turn for the longest time.
    pub fn fetchable(&self) -> Vec<(&TopicPartition, &ConsumerPosition)> {
        let fetchable = self.assignment.iter().filter(|(_, state)| !state.is_paused());
        let mut found: Vec<_> =
            fetchable.filter_map(|(id, state)| Some((state.turn(), id, state.valid_position()?))).collect();
        found.sort_by_key(|(turn, ..)| *turn);
        found.into_iter().map(|(_, id, position)| (id, position)).collect()
    }

    /// Whether there is a partition to fetch whose broker is `wanted`; None stands for one that is not known.
    pub fn has_fetchable(&self, now: Millis, wanted: impl Fn(Option<BrokerId>) -> bool) -> bool {
        let mut fetchable = self.assignment.values().filter(|state| !state.is_paused());
        fetchable.any(|state| state.valid_position().is_some() && wanted(state.broker(now)))
    }

    /// The partition has had its turn.
    pub fn move_to_end(&mut self, id: &TopicPartition) {
        self.turns += 1;
        if let Some(state) = self.assignment.get_mut(id) {
            state.set_turn(self.turns);
        }
    }

    /// Stops and resumes the return of a partition's records.
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn pause(&mut self, id: &TopicPartition) -> Result<(), ConsumerError> {
        self.state(id)?.pause();
        Ok(())
    }

    /// As [`SubscriptionState::pause`].
    ///
    /// # Errors
    /// [`ConsumerError::NotAssigned`].
    pub fn resume(&mut self, id: &TopicPartition) -> Result<(), ConsumerError> {
        self.state(id)?.resume();
        Ok(())
    }

    /// Whether a partition is assigned and paused.
    pub fn is_paused(&self, id: &TopicPartition) -> bool {
        self.assignment.get(id).is_some_and(TopicPartitionState::is_paused)
    }

    /// The partitions that are paused.
    pub fn paused(&self) -> BTreeSet<TopicPartition> {
        self.collect(TopicPartitionState::is_paused)
    }

    /// Applies the marks of a partition's log that a fetch has brought; negative ones are not known.
    pub fn update_marks(&mut self, id: &TopicPartition, marks: LogMarks) {
        if let Some(state) = self.assignment.get_mut(id) {
            state.update_marks(marks);
        }
    }

    /// How many records are left up to the end that a consumer of this isolation level sees; None before the first
    /// fetch.
    pub fn lag(&self, id: &TopicPartition, read_committed: bool) -> Option<Offset> {
        self.assignment.get(id)?.lag(read_committed)
    }

    /// The replica to read from instead of the leader, until it expires.
    pub fn preferred_read_replica(&self, id: &TopicPartition, now: Millis) -> Option<BrokerId> {
        self.assignment.get(id)?.preferred_read_replica(now)
    }

    /// The leader has named a replica to read from.
    pub fn prefer_replica(&mut self, id: &TopicPartition, replica: BrokerId, expires: Millis) {
        if let Some(state) = self.assignment.get_mut(id) {
            state.prefer_replica(replica, expires);
        }
    }

    /// Back to the leader; the replica that was read from.
    pub fn clear_preferred_read_replica(&mut self, id: &TopicPartition) -> Option<BrokerId> {
        self.assignment.get_mut(id)?.clear_preferred_read_replica()
    }

    /// Back to the leader for all partitions that are read from this replica.
    pub fn clear_preferred_read_replicas_at(&mut self, broker: BrokerId) {
        for state in self.assignment.values_mut().filter(|state| state.is_read_from(broker)) {
            state.clear_preferred_read_replica();
        }
    }
}

/// How far a partition's log goes, as its leader knows it; negative where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogMarks {
    /// Up to where all replicas in sync have the log.
    pub high_watermark: Offset,
    /// Up to where no transaction is open.
    pub last_stable_offset: Offset,
}

#[cfg(test)]
mod tests;
