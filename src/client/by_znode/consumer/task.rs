//! The task of a ZooKeeper consumer: it gives what the watches bring to the machines, carries out what they decide, and
//! fetches records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::super::znode_cluster::{WatchStep, ZnodeReport};
use super::assignment::{GroupView, OwnerMap};
use super::group_znodes::GroupZnodes;
use super::handout::Handout;
use super::member_znodes::{ClaimOutcome, MemberZnodes};
use super::offset_store::OffsetStore;
use super::rebalancer::{RebalanceAction, Rebalancer, RetryLimits};
use super::settings::ZookeeperConsumerSettings;
use super::topic_count::TopicCount;
use crate::base::{Clock, Millis, Offset, TopicPartition};
use crate::client::OffsetAndMetadata;
use crate::client::admin::Admin;
use crate::client::consumer::Consumer;
use crate::client::error::ClientError;
use crate::zk::{Watches, ZnodeChange, ZooKeeper};

/// A poll of the fetching consumer that found nothing is followed by another.
const LONGEST_POLL: Duration = Duration::from_secs(60);

/// A request of the application.
#[derive(Debug)]
pub(super) enum ConnectorCommand {
    /// Commit what was read.
    Commit(oneshot::Sender<Result<(), ClientError>>),
    /// Commit, and end.
    Close(oneshot::Sender<Result<(), ClientError>>),
}

/// The state of the task.
pub(super) struct ConnectorTask {
    id: Arc<str>,
    settings: ZookeeperConsumerSettings,
    subscription: TopicCount,
    zk: ZooKeeper,
    member: MemberZnodes,
    watches: Watches,
    /// The session that the rebalancer knows of.
    generation: u64,
    znodes: GroupZnodes,
    rebalancer: Rebalancer,
    consumer: Consumer,
    offsets: OffsetStore,
    /// The last known position of each partition that is read.
    positions: BTreeMap<TopicPartition, Offset>,
    /// The znodes of owners in the way that are watched.
    watched_owners: BTreeSet<String>,
    handout: Arc<Handout>,
    assignment: watch::Sender<BTreeSet<TopicPartition>>,
    /// Receives the outcome of the first rebalance.
    begun: Option<oneshot::Sender<Result<(), ClientError>>>,
    /// The zero of the task's clock.
    started: Instant,
    next_commit: Instant,
}

/// What a task is made of.
pub(super) struct ConnectorParts {
    pub(super) id: Arc<str>,
    pub(super) settings: ZookeeperConsumerSettings,
    pub(super) subscription: TopicCount,
    /// Fetches the records.
    pub(super) consumer: Consumer,
    /// The session of the consumer's cluster.
    pub(super) zk: ZooKeeper,
    pub(super) handout: Arc<Handout>,
    /// Shows the partitions that are read.
    pub(super) assignment: watch::Sender<BTreeSet<TopicPartition>>,
    /// Receives the outcome of the first rebalance.
    pub(super) begun: oneshot::Sender<Result<(), ClientError>>,
}

impl ConnectorTask {
    pub(super) fn new(parts: ConnectorParts) -> Self {
        let ConnectorParts { id, settings, subscription, consumer, zk, handout, assignment, begun } = parts;
        let backoff = Millis::try_from(settings.rebalance_backoff.as_millis()).unwrap_or(Millis::MAX);
        let limits = RetryLimits { retries: settings.rebalance_max_retries, backoff };
        let admin = Admin::of(consumer.cluster().clone());
        let (watches, generation) = (zk.watches(), zk.generation());
        Self {
            member: MemberZnodes::new(zk.clone(), &settings.group_id, &id),
            znodes: GroupZnodes::new(&settings.group_id, settings.exclude_internal_topics),
            offsets: OffsetStore::new(zk.clone(), admin, &settings.group_id, settings.offset_storage),
            rebalancer: Rebalancer::new(limits),
            id,
            positions: BTreeMap::new(),
            watched_owners: BTreeSet::new(),
            begun: Some(begun),
            started: Instant::now(),
            next_commit: Instant::now() + settings.auto_commit_interval,
            settings,
            subscription,
            zk,
            watches,
            generation,
            consumer,
            handout,
            assignment,
        }
    }

    /// Works until the application closes the consumer or drops it.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<ConnectorCommand>,
        _fence: AbortOnDropHandle<()>,
    ) {
        let first = self.znodes.first_watches();
        self.set(first);
        loop {
            self.rebalance().await;
            let reads = !self.rebalancer.being_read().is_empty();
            let may_fill = reads && self.handout.wants_more();
            let due = self.next_due();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(ConnectorCommand::Commit(reply)) => {
                        let _ = reply.send(self.commit().await); // A caller that is gone needs no reply.
                    }
                    Some(ConnectorCommand::Close(reply)) => {
                        let _ = reply.send(self.close().await);
                        break;
                    }
                    None => break,
                },
                change = self.watches.next() => match change {
                    Some(change) => self.take(change),
                    None => break,
                },
                () = sleep_until(due) => self.commit_in_time().await,
                records = self.consumer.poll(LONGEST_POLL), if may_fill => match records {
                    Ok(records) => self.handout.fill(records, self.generation),
                    Err(error) => self.handout.fail(error),
                },
                () = self.handout.taken(), if reads && !may_fill => {}
            }
        }
        self.handout.end();
    }

    /// Carries out what is to be done now, and shows what has come of it.
    async fn rebalance(&mut self) {
        loop {
            self.take_all_changes();
            let now = self.now();
            let Some(action) = self.rebalancer.next_action(now) else { break };
            self.carry_out(action).await;
        }
        self.watch_conflicts();
        let read = self.rebalancer.being_read();
        self.assignment.send_if_modified(|shown| {
            let differs = shown != read;
            if differs {
                shown.clone_from(read);
            }
            differs
        });
        let outcome = if self.rebalancer.has_settled() || self.znodes.lacks_brokers() {
            Ok(())
        } else if self.rebalancer.has_given_up() {
            let retries = self.settings.rebalance_max_retries;
            Err(ClientError::RebalanceFailed { consumer: self.id.to_string(), retries })
        } else {
            return;
        };
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(outcome); // An application that is gone needs no word.
        }
    }

    /// Milliseconds since the consumer was made.
    fn now(&self) -> Millis {
        Millis::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    fn next_due(&self) -> Instant {
        let now = self.now();
        let wait = |at: Millis| Duration::from_millis(u64::try_from(at - now).unwrap_or(0));
        let retry = self.rebalancer.due(now).map(|at| Instant::now() + wait(at));
        let commit = if self.settings.auto_commit { self.next_commit } else { self.started + FAR_AWAY };
        retry.map_or(commit, |retry| retry.min(commit))
    }

    /// Applies all that the watches have brought by now.
    fn take_all_changes(&mut self) {
        while let Some(Some(change)) = self.watches.next().now_or_never() {
            self.take(change);
        }
    }

    fn take(&mut self, change: ZnodeChange) {
        let report = match change {
            ZnodeChange::Session(state) => {
                if state.generation != self.generation {
                    self.generation = state.generation;
                    self.lose_all();
                }
                return;
            }
            ZnodeChange::Data { path, data, .. } if self.watched_owners.contains(&path) => {
                if data.is_none() {
                    self.rebalancer.try_now();
                }
                return;
            }
            ZnodeChange::Children { path, children, .. } => ZnodeReport::Children { path, children },
            ZnodeChange::Data { path, data, .. } => {
                ZnodeReport::Data { path, data: data.map(|(data, stat)| (data, stat.version)) }
            }
        };
        let was_there = self.znodes.has_consumer(&self.id);
        let steps = self.znodes.apply(report);
        self.set(steps);
        if was_there && !self.znodes.has_consumer(&self.id) {
            self.rebalancer.registration_lost();
        }
        self.choose_target();
    }

    /// The partitions that are to be this consumer's, by what is known.
    fn choose_target(&mut self) {
        let view = self.znodes.view().filter(|_| self.znodes.has_consumer(&self.id));
        let own = |view: GroupView| {
            let mut owners = view.assign(self.settings.assignment_strategy);
            owners.retain(|_, thread| thread.consumer == self.id);
            owners
        };
        self.rebalancer.set_target(view.map(own));
    }

    /// The session is over: others may read its partitions, so that nothing of them is committed.
    fn lose_all(&mut self) {
        self.handout.begin(self.generation);
        self.rebalancer.session_began();
        self.positions.clear();
        let none = self.consumer.assign([]);
        debug_assert!(none.is_ok(), "partitions are assigned by hand alone");
    }

    fn set(&mut self, steps: Vec<WatchStep>) {
        for step in steps {
            match step {
                WatchStep::Children(path) => self.watches.watch_children(&path),
                WatchStep::Data(path) => self.watches.watch_data(&path),
                WatchStep::Unwatch(path) => self.watches.unwatch(&path),
            }
        }
    }

    /// Watches the owners that are in the way, and no others.
    fn watch_conflicts(&mut self) {
        let wanted: BTreeSet<_> =
            self.rebalancer.conflicts().iter().map(|id| self.member.owner_path(id)).collect();
        for path in self.watched_owners.difference(&wanted) {
            self.watches.unwatch(path);
        }
        for path in wanted.difference(&self.watched_owners) {
            self.watches.watch_data(path);
        }
        self.watched_owners = wanted;
    }

    async fn carry_out(&mut self, action: RebalanceAction) {
        match action {
            RebalanceAction::Register => self.register().await,
            RebalanceAction::Release(partitions) => self.release(partitions).await,
            RebalanceAction::Claim(wanted) => self.claim(wanted).await,
            RebalanceAction::Read(partitions) => self.read(partitions).await,
        }
    }

    async fn register(&mut self) {
        let registration = self.subscription.registration(Clock::System.now());
        if self.member.register(&registration).await {
            self.rebalancer.registered();
        } else {
            self.rebalancer.not_registered(self.now());
        }
    }

    async fn release(&mut self, partitions: BTreeSet<TopicPartition>) {
        self.note_positions();
        let left = self.handout.take_back(&partitions, self.settings.rebalance_backoff).await;
        let mut offsets: BTreeMap<_, _> =
            self.positions.extract_if(.., |id, _| partitions.contains(id)).collect();
        offsets.extend(left);
        self.assign_read(|id| !partitions.contains(id));
        if self.settings.auto_commit {
            // Records whose offsets cannot be committed are read again by their next owner.
            let _ = self.offsets.commit(offsets).await;
        }
        self.member.release(&partitions).await;
        self.rebalancer.released(&partitions);
    }

    async fn claim(&mut self, wanted: OwnerMap) {
        let ClaimOutcome { own, conflicts } = self.member.claim(wanted).await;
        self.rebalancer.claimed(own, conflicts, self.now());
    }

    async fn read(&mut self, partitions: BTreeSet<TopicPartition>) {
        let found = match self.offsets.fetch(&partitions).await {
            Ok(found) => found,
            Err(error) => {
                if !error.is_retriable() {
                    self.handout.fail(error);
                }
                return self.rebalancer.not_reading(self.now());
            }
        };
        self.rebalancer.reading(&partitions);
        self.assign_read(|_| true);
        for (id, offset) in found {
            let begun = self.consumer.seek(&id, &OffsetAndMetadata::new(offset));
            debug_assert!(begun.is_ok(), "the partition is assigned, and the offset is not negative");
            self.positions.insert(id, offset);
        }
    }

    /// Has the consumer fetch the partitions that are read and wanted.
    fn assign_read(&mut self, wanted: impl Fn(&TopicPartition) -> bool) {
        let read = self.rebalancer.being_read().iter().filter(|id| wanted(id)).cloned();
        let assigned = self.consumer.assign(read);
        debug_assert!(assigned.is_ok(), "partitions are assigned by hand alone");
    }

    /// Notes the positions that are known and valid at the moment.
    fn note_positions(&mut self) {
        let read = self.rebalancer.being_read();
        let known = self.consumer.consumed().into_iter().filter(|(id, _)| read.contains(id));
        self.positions.extend(known.map(|(id, position)| (id, position.offset)));
    }

    async fn commit_in_time(&mut self) {
        if self.settings.auto_commit && self.next_commit <= Instant::now() {
            self.next_commit = Instant::now() + self.settings.auto_commit_interval;
            // The next commit covers what this one could not.
            let _ = self.commit().await;
        }
    }

    /// Commits how far the application has come.
    async fn commit(&mut self) -> Result<(), ClientError> {
        self.note_positions();
        let mut offsets = self.positions.clone();
        offsets.extend(self.handout.unfinished());
        self.offsets.commit(offsets).await
    }

    async fn close(&mut self) -> Result<(), ClientError> {
        self.take_all_changes();
        let committed = if self.settings.auto_commit { self.commit().await } else { Ok(()) };
        self.zk.close().await;
        committed
    }
}

/// Longer than any consumer waits for something.
const FAR_AWAY: Duration = Duration::from_secs(365 * 86_400);
