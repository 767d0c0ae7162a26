//! What becomes of the answers that a consumer's tasks bring.
//!
//! An error that may pass is none: what it was about is tried again. Kafka: `Fetcher`, `ConsumerCoordinator`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Consumer;
use super::error::{ConsumerError, LogTruncation};
use super::metrics::count;
use super::offset_lookup::OffsetsFound;
use super::offset_validation::ValidationAnswer;
use super::subscription_state::ConsumerPosition;
use super::tasks::TaskOutcome;
use crate::base::{BrokerId, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::{ClusterSnapshot, TopicInfo};
use crate::client::offsets::OffsetAndMetadata;
use crate::client::settings::OffsetReset;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::FetchResponse;

impl Consumer {
    /// Applies what a task has found.
    ///
    /// # Errors
    /// What a later try does not cure.
    pub(super) fn apply(&mut self, outcome: TaskOutcome) -> Result<(), ClientError> {
        match outcome {
            TaskOutcome::Fetched { broker, answer } => self.apply_fetch(broker, answer),
            TaskOutcome::Unpacked(batch) => {
                self.is_unpacking = false;
                self.fetcher.unpacked(batch);
                Ok(())
            }
            TaskOutcome::AutoCommitted(outcome) => {
                self.auto_committed(&outcome);
                Ok(())
            }
            TaskOutcome::Committed { asked, outcome } => self.apply_committed(&asked, outcome),
            TaskOutcome::Reset { asked, outcome } => {
                let retry =
                    outcome.as_ref().map_or_else(|_| asked.keys().cloned().collect(), |it| it.retry.clone());
                self.retry_soon(retry.iter());
                outcome.or_else(passing).map(|found| {
                    for (id, to) in asked {
                        self.apply_reset(&id, to, &found);
                    }
                })
            }
            TaskOutcome::Validated { asked, outcome } => {
                let found = match outcome {
                    Ok(found) => found,
                    Err(error) => {
                        self.retry_soon(asked.keys());
                        return passing(error);
                    }
                };
                self.retry_soon(asked.keys().filter(|id| !found.contains_key(id)));
                let truncated: Vec<_> = asked
                    .iter()
                    .filter_map(|(id, position)| self.apply_validation(id, position, *found.get(id)?))
                    .collect();
                if truncated.is_empty() { Ok(()) } else { Err(ConsumerError::LogTruncated(truncated).into()) }
            }
        }
    }

    fn apply_committed(
        &mut self,
        asked: &BTreeSet<TopicPartition>,
        outcome: Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, ClientError>,
    ) -> Result<(), ClientError> {
        let soon = self.shared.now().saturating_add(self.shared.retry_backoff());
        self.shared.state().retry_at(asked, soon);
        let committed = match outcome {
            Ok(committed) => committed,
            // The coordinator cannot be reached: the consumer goes on to wait for it, as for a leader.
            Err(ClientError::Timeout(_)) => return Ok(()),
            Err(error) => return passing(error),
        };
        for (id, found) in &committed {
            if let Some(epoch) = found.as_ref().and_then(|it| it.leader_epoch) {
                self.shared.cluster.note_leader_epoch(id, epoch);
            }
        }
        Ok(self.shared.state().initialize(&committed, |id| self.shared.leader(id))?)
    }

    /// The lookups of these partitions are tried again a little later, with the leaders of then.
    fn retry_soon<'a>(&mut self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        let at = self.shared.now().saturating_add(self.shared.retry_backoff());
        let mut partitions = partitions.peekable();
        if partitions.peek().is_some() {
            self.shared.state().retry_at(partitions, at);
            self.shared.cluster.request_update();
        }
    }

    fn apply_fetch(
        &mut self,
        broker: BrokerId,
        answer: Result<FetchResponse, ClientError>,
    ) -> Result<(), ClientError> {
        let (now, counters) = (self.shared.now(), &self.shared.counters);
        match answer {
            Ok(answer) => {
                match self.fetcher.answered(broker, answer, now) {
                    Some(size) => {
                        counters.fetched_from(broker);
                        count(&counters.bytes_fetched, size);
                    }
                    None => count(&counters.failed_fetches, 1),
                }
                Ok(())
            }
            Err(error) => {
                count(&counters.failed_fetches, 1);
                self.fetcher.failed(broker, &mut self.shared.state(), now);
                self.shared.cluster.request_update();
                passing(error)
            }
        }
    }

    fn apply_reset(&self, id: &TopicPartition, to: OffsetReset, found: &OffsetsFound) {
        if let Some(Some(offset)) = found.found.get(id) {
            // Without the epoch the position needs no validation.
            let position = ConsumerPosition {
                offset: offset.offset,
                offset_epoch: None,
                leader: self.shared.leader(id),
            };
            self.shared.state().complete_reset(id, to, position);
        }
    }

    fn apply_validation(
        &self,
        id: &TopicPartition,
        asked: &ConsumerPosition,
        answer: ValidationAnswer,
    ) -> Option<LogTruncation> {
        let mut state = self.shared.state();
        match answer {
            ValidationAnswer::Found(end) => state.complete_validation(id, asked, end),
            ValidationAnswer::Unsupported => {
                state.skip_validation(id);
                None
            }
        }
    }

    /// Applies the metadata of now: leaders that have changed.
    ///
    /// # Errors
    /// A topic may not be read or cannot exist.
    pub(super) fn apply_snapshot(&mut self) -> Result<(), ClientError> {
        let snapshot = self.snapshots.borrow_and_update().clone();
        let mut state = self.shared.state();
        for id in state.assigned().cloned().collect::<Vec<_>>() {
            if let Some(leader) = self.shared.leader(&id) {
                state.leader_changed(&id, leader);
            }
        }
        let excluded = |topic: &TopicInfo| topic.is_internal && self.shared.settings.exclude_internal_topics;
        let matching = snapshot.topics.values().filter(|topic| !excluded(topic)).map(|topic| &topic.name);
        state.match_topics(matching);
        let topics = state.metadata_topics();
        drop(state);
        self.update_group();
        check_topics(&snapshot, &topics)
    }
}

/// The errors of these topics that do not pass.
fn check_topics(snapshot: &ClusterSnapshot, topics: &BTreeSet<Arc<str>>) -> Result<(), ClientError> {
    let mut unauthorized = Vec::new();
    for (name, error) in snapshot.topic_errors.iter().filter(|(name, _)| topics.contains(*name)) {
        match error {
            ErrorCode::TopicAuthorizationFailed => unauthorized.push(name.to_string()),
            ErrorCode::InvalidTopicException => ClientError::check_topic(error.code(), name)?,
            _ => {}
        }
    }
    if unauthorized.is_empty() { Ok(()) } else { Err(ConsumerError::TopicAuthorization(unauthorized).into()) }
}

/// An error that may pass is no error of the poll.
fn passing<T: Default>(error: ClientError) -> Result<T, ClientError> {
    if error.is_retriable() { Ok(T::default()) } else { Err(error) }
}
