//! A consumer's part in its group: what it carries out in a rebalance, and when it commits by itself.
//!
//! The work of a rebalance is a future that lives in the consumer: where a poll is dropped, the next call goes on with
//! it. No record is returned while it goes on. Kafka: `ConsumerCoordinator.onJoinPrepare`, `onJoinComplete`,
//! `maybeAutoCommitOffsetsAsync`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Consumer;
use super::coordinator::{ConsumerCoordinator, RebalanceEvent};
use super::error::ConsumerError;
use super::listener::{ConsumerRebalanceListener, ListenerFuture, RebalancingConsumer};
use super::shared::ConsumerShared;
use super::tasks::TaskOutcome;
use crate::base::TopicPartition;
use crate::client::error::ClientError;

/// How long an application may take records one by one before the member notes that it polls.
const SINGLE_RECORDS: Duration = Duration::from_secs(1);

/// What comes next of a member's group.
pub(super) enum MemberStep {
    /// The consumer is to carry this out.
    Begin(RebalanceEvent),
    /// The work has been done.
    Done,
}

/// Why partitions are given up or assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RebalanceCause {
    /// The group rebalances.
    Group,
    /// The consumer unsubscribes or is closed.
    Parting,
}

/// A rebalance that the consumer carries out.
struct RunningRebalance {
    event: RebalanceEvent,
    cause: RebalanceCause,
    /// Never locked: a lock around the future lets tasks share the consumer, whatever the listener's future holds.
    work: Mutex<ListenerFuture>,
}

/// A consumer as a member of its group.
pub(super) struct GroupMember {
    pub(super) coordinator: Arc<ConsumerCoordinator>,
    pub(super) listener: Option<Arc<dyn ConsumerRebalanceListener>>,
    running: Option<RunningRebalance>,
    last_poll: Instant,
    /// When positions are committed next by themselves.
    next_commit: Instant,
}

impl GroupMember {
    /// The member of the consumer's group; None without a group.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub(super) fn new(shared: &ConsumerShared) -> Result<Option<Self>, ClientError> {
        let settings = &shared.settings;
        let Some(config) = settings.group() else { return Ok(None) };
        let coordinator =
            ConsumerCoordinator::new(shared.cluster.clone(), config, settings.assignors.clone())?;
        Ok(Some(Self {
            coordinator: Arc::new(coordinator),
            listener: None,
            running: None,
            last_poll: Instant::now(),
            next_commit: Instant::now() + settings.auto_commit_interval,
        }))
    }

    /// The application polls.
    pub(super) fn poll(&mut self) {
        self.coordinator.poll();
        self.last_poll = Instant::now();
    }

    /// The application takes records one by one: that counts as polling, too.
    pub(super) fn poll_if_late(&mut self) {
        if self.last_poll.elapsed() > SINGLE_RECORDS {
            self.poll();
        }
    }

    /// Whether the consumer carries out a rebalance.
    pub(super) fn is_rebalancing(&self) -> bool {
        self.running.is_some()
    }

    /// Waits for what comes next. May be dropped at any time.
    ///
    /// # Errors
    /// Why the member gave up; it tries again when the application polls again.
    pub(super) async fn next(&mut self) -> Result<MemberStep, ClientError> {
        match &mut self.running {
            Some(running) => {
                running.work.get_mut().as_mut().await;
                Ok(MemberStep::Done)
            }
            None => self.coordinator.next_event().await.map(MemberStep::Begin),
        }
    }

    /// The work of an event: positions are committed before partitions are given up, and the listener is notified.
    fn work(&self, shared: &Arc<ConsumerShared>, event: &RebalanceEvent) -> ListenerFuture {
        let consumer = RebalancingConsumer::new(shared, &self.coordinator);
        let (listener, event, shared) = (self.listener.clone(), event.clone(), shared.clone());
        Box::pin(async move {
            if shared.settings.enable_auto_commit && matches!(event, RebalanceEvent::Revoke(_)) {
                // Records whose offsets cannot be committed are read again by their next owner.
                let _ = consumer.commit_sync().await;
            }
            let Some(listener) = listener else { return };
            match event {
                RebalanceEvent::Revoke(partitions) => {
                    listener.on_partitions_revoked(consumer, partitions).await
                }
                RebalanceEvent::Assign { added, .. } => {
                    listener.on_partitions_assigned(consumer, added).await
                }
                RebalanceEvent::Lost(partitions) => listener.on_partitions_lost(consumer, partitions).await,
            }
        })
    }
}

/// Waits for what comes next of a group; for ever without one.
pub(super) async fn next_step(member: Option<&mut GroupMember>) -> Result<MemberStep, ClientError> {
    match member {
        Some(member) => member.next().await,
        None => std::future::pending().await,
    }
}

impl Consumer {
    /// The group that the consumer is a member of.
    ///
    /// # Errors
    /// [`ConsumerError::NoGroup`].
    pub(super) fn member(&mut self) -> Result<&mut GroupMember, ConsumerError> {
        self.group.as_mut().ok_or(ConsumerError::NoGroup)
    }

    /// Goes on with what has come of the group.
    pub(super) fn advance_group(&mut self, step: MemberStep) {
        match step {
            MemberStep::Begin(event) => self.begin_rebalance(event, RebalanceCause::Group),
            MemberStep::Done => self.finish_rebalance(),
        }
    }

    fn begin_rebalance(&mut self, event: RebalanceEvent, cause: RebalanceCause) {
        if let RebalanceEvent::Assign { all, .. } = &event {
            self.shared.state().assign_from_subscribed(all.iter().cloned());
            self.assignment_changed();
        }
        if let Some(member) = &mut self.group {
            let work = Mutex::new(member.work(&self.shared, &event));
            member.running = Some(RunningRebalance { event, cause, work });
        }
    }

    fn finish_rebalance(&mut self) {
        let Some(RunningRebalance { event, cause, .. }) =
            self.group.as_mut().and_then(|it| it.running.take())
        else {
            return;
        };
        if let RebalanceEvent::Revoke(gone) | RebalanceEvent::Lost(gone) = &event {
            let left: BTreeSet<TopicPartition> = self.shared.assignment().difference(gone).cloned().collect();
            self.shared.state().assign_from_subscribed(left);
            self.assignment_changed();
        }
        let owned = self.shared.assignment();
        match (cause, &self.group) {
            (RebalanceCause::Group, Some(member)) => member.coordinator.event_done(owned),
            _ => self.end_subscription(),
        }
    }

    /// Ends the subscription, its partitions have been given up.
    fn end_subscription(&mut self) {
        self.shared.state().unsubscribe();
        self.assignment_changed();
        if let Some(member) = &self.group {
            member.coordinator.subscribe(BTreeSet::new());
        }
    }

    /// Gives up all partitions and ends the subscription. Dropped half-way, the next call of the consumer that waits
    /// goes on with it.
    pub(super) async fn part(&mut self) -> Result<(), ClientError> {
        self.put_back_unread();
        let is_subscribed = self.shared.state().has_auto_assigned_partitions();
        while self.group.as_ref().is_some_and(GroupMember::is_rebalancing) {
            let step = next_step(self.group.as_mut()).await?;
            self.advance_group(step);
        }
        let parting =
            self.group.as_ref().filter(|_| is_subscribed).and_then(|it| it.coordinator.parting_event());
        match parting {
            Some(event) => {
                self.begin_rebalance(event, RebalanceCause::Parting);
                let step = next_step(self.group.as_mut()).await?;
                self.advance_group(step);
            }
            None => self.end_subscription(),
        }
        Ok(())
    }

    /// Sends the names of the topics subscribed to, and their numbers of partitions, to the group.
    pub(super) fn update_group(&self) {
        let Some(member) = &self.group else { return };
        let state = self.shared.state();
        if !state.has_auto_assigned_partitions() {
            return;
        }
        let topics = state.subscription();
        drop(state);
        let (snapshot, of_group) = (self.shared.cluster.snapshot(), member.coordinator.group_topics());
        let known = topics.iter().chain(&of_group).filter_map(|topic| {
            let count = match snapshot.partitions_of(topic) {
                Some(partitions) => i32::try_from(partitions.len()).unwrap_or(i32::MAX),
                None if snapshot.topic_errors.contains_key(topic) => 0,
                None => return None,
            };
            Some((topic.clone(), count))
        });
        member.coordinator.metadata_changed(&known.collect());
        member.coordinator.subscribe(topics);
    }

    /// Commits the positions if it is time to.
    pub(super) fn commit_in_time(&mut self) {
        let (settings, now) = (&self.shared.settings, Instant::now());
        let Some(member) = self.group.as_mut().filter(|_| settings.enable_auto_commit) else { return };
        if member.next_commit > now || member.is_rebalancing() {
            return;
        }
        member.next_commit = now + settings.auto_commit_interval;
        let offsets = self.shared.state().all_consumed();
        let commit = member.coordinator.commit_async(offsets.clone());
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            let outcome = commit.await;
            shared.committed(&offsets, &outcome);
            TaskOutcome::AutoCommitted(outcome)
        });
    }

    /// A commit that failed for a reason that may pass is repeated soon.
    pub(super) fn auto_committed(&mut self, outcome: &Result<(), ClientError>) {
        let soon = Instant::now() + self.shared.settings.cluster.retry_backoff;
        if let (Some(member), Err(error)) = (&mut self.group, outcome)
            && error.is_retriable()
        {
            member.next_commit = member.next_commit.min(soon);
        }
    }

    /// When positions are committed next by themselves.
    pub(super) fn next_commit(&self) -> Option<Instant> {
        let member = self.group.as_ref().filter(|it| !it.is_rebalancing())?;
        self.shared.settings.enable_auto_commit.then_some(member.next_commit)
    }
}
