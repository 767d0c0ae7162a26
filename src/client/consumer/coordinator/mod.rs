//! A consumer's side of its group: membership, assignments, commits.
//!
//! - *Entry point:* `ConsumerCoordinator`, one for each consumer with a `group.id`; [`assignor`] for an application
//!   that assigns by rules of its own.
//! - *Decides:* [`membership`], [`assignor`] and [`assignment`], which are pure.
//! - *Tasks:* one that joins and sends heartbeats ([`task`]), one that sends commits ([`commit_queue`]).
//! - *Never:* changes what the consumer fetches; it hands out events, and the consumer carries them out.
//! - *In Kafka:* `ConsumerCoordinator`, `AbstractCoordinator`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::assignor::ConsumerPartitionAssignor;
use self::commit::{CommittedOffsets, FoundOffsets, RefusedOffsets, fetch_request, read_committed};
use self::commit_queue::QueuedCommit;
use self::connection::{CoordinatorConnection, lacks_field};
pub use self::error::GroupError;
pub use self::membership::RebalanceEvent;
use self::membership::{MemberGeneration, Membership, MembershipAction};
pub(in crate::client) use self::protocol::read_assignment;
pub use self::settings::GroupRebalanceConfig;
use self::settings::span;
use crate::base::{Millis, TopicPartition};
use crate::client::cluster::Cluster;
use crate::client::error::ClientError;
use crate::client::offsets::ConsumerGroupMetadata;

pub mod assignment;
pub mod assignor;
pub mod commit;
mod commit_queue;
mod connection;
mod error;
pub mod membership;
mod protocol;
mod settings;
mod task;

/// What the handle and the tasks share.
#[derive(Debug)]
struct GroupShared {
    settings: GroupRebalanceConfig,
    connection: CoordinatorConnection,
    /// Locked for as long as a decision takes, never over an await.
    member: Mutex<Membership>,
    /// The task has something to do.
    work: Notify,
    /// The consumer has something to do.
    news: Notify,
    /// When the task acts next, in milliseconds, if nothing happens before; changed with `member` locked.
    planned: AtomicI64,
    /// A LeaveGroup request was answered.
    left: Notify,
    closed: CancellationToken,
    begun: Instant,
}

impl GroupShared {
    /// Milliseconds since the consumer was made.
    fn now(&self) -> Millis {
        Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    fn instant(&self, at: Millis) -> Instant {
        self.begun + Duration::from_millis(u64::try_from(at).unwrap_or(0))
    }

    /// Changes the machine, and wakes the consumer where that has given it something to do.
    fn change<T>(&self, change: impl FnOnce(&mut Membership, Millis) -> T) -> T {
        let mut member = self.member.lock();
        let changed = change(&mut member, self.now());
        if member.has_news() {
            self.news.notify_one();
        }
        changed
    }

    /// As [`GroupShared::change`]; the task does what the machine has decided.
    fn change_and_act<T>(&self, change: impl FnOnce(&mut Membership, Millis) -> T) -> T {
        self.change(|member, now| {
            let changed = change(member, now);
            let is_earlier = |at: Millis| at < self.planned.load(Ordering::Relaxed);
            if member.has_actions() || member.deadline(now).is_some_and(is_earlier) {
                self.work.notify_one();
            }
            changed
        })
    }

    /// What the task is to do now, and when it is to act next.
    fn next_actions(&self) -> (Vec<MembershipAction>, Option<Millis>) {
        self.change(|member, now| {
            member.advance(now);
            let deadline = member.deadline(now);
            self.planned.store(deadline.unwrap_or(Millis::MAX), Ordering::Relaxed);
            (member.take_actions(), deadline)
        })
    }
}

/// The part of a consumer that is a member of its group. Its tasks end when it is dropped; the group notices that when
/// the session is over, or at once after [`ConsumerCoordinator::leave`].
#[derive(Debug)]
pub(in crate::client) struct ConsumerCoordinator {
    shared: Arc<GroupShared>,
    commits: mpsc::Sender<QueuedCommit>,
    _closes: DropGuard,
}

/// A call of the application that waits: the application polls.
struct PollingGuard<'a>(&'a GroupShared);

impl<'a> PollingGuard<'a> {
    fn new(shared: &'a GroupShared) -> Self {
        shared.change_and_act(Membership::begin_polling);
        Self(shared)
    }
}

impl Drop for PollingGuard<'_> {
    fn drop(&mut self) {
        self.0.change_and_act(Membership::end_polling);
    }
}

impl ConsumerCoordinator {
    /// A consumer that is in no group yet; `assignors` with the preferred one first. Needs a runtime.
    ///
    /// # Errors
    /// The assignors have no rebalance protocol in common, or the settings contradict each other.
    pub fn new(
        cluster: Cluster,
        settings: GroupRebalanceConfig,
        assignors: Vec<Arc<dyn ConsumerPartitionAssignor>>,
    ) -> Result<Self, ClientError> {
        let backoff = span(cluster.options().retry_backoff);
        let member = Membership::new(Arc::new(settings.clone()), backoff, assignors)?;
        let shared = Arc::new(GroupShared {
            connection: CoordinatorConnection::new(cluster, &settings),
            settings,
            member: Mutex::new(member),
            work: Notify::new(),
            news: Notify::new(),
            planned: AtomicI64::new(Millis::MAX),
            left: Notify::new(),
            closed: CancellationToken::new(),
            begun: Instant::now(),
        });
        let (commits, queued) = commit_queue::new();
        tokio::spawn(task::run(shared.clone()));
        tokio::spawn(commit_queue::run(shared.clone(), queued));
        Ok(Self { commits, _closes: shared.closed.clone().drop_guard(), shared })
    }

    /// What the consumer is subscribed to now, names resolved from a pattern. A change makes the member join again. An
    /// empty set ends the membership: the consumer has carried out [`ConsumerCoordinator::parting_event`] before.
    pub fn subscribe(&self, topics: BTreeSet<Arc<str>>) {
        self.shared.change_and_act(|member, now| member.subscribe(now, topics));
    }

    /// The numbers of partitions as the consumer's metadata have them now, 0 for a topic that does not exist. Topics
    /// that are left out are as they were. The leader joins again where its assignment was made of other numbers.
    pub fn metadata_changed(&self, partition_counts: &BTreeMap<Arc<str>, i32>) {
        self.shared.change_and_act(|member, now| member.metadata_changed(now, partition_counts));
    }

    /// The topics whose metadata matter to this member because it leads the group, beside those it is subscribed to.
    pub fn group_topics(&self) -> BTreeSet<Arc<str>> {
        self.shared.member.lock().group_topics()
    }

    /// What the consumer is to carry out; the same one until [`ConsumerCoordinator::event_done`]. While this waits, the
    /// application counts as polling. May be dropped at any time.
    ///
    /// # Errors
    /// Why the member gave up. It tries again when the application polls again.
    pub async fn next_event(&self) -> Result<RebalanceEvent, ClientError> {
        let _polling = PollingGuard::new(&self.shared);
        loop {
            let notified = self.shared.news.notified();
            if let Some(news) = self.take_news() {
                return news;
            }
            notified.await;
        }
    }

    /// What [`ConsumerCoordinator::next_event`] would return now; does not wait.
    fn take_news(&self) -> Option<Result<RebalanceEvent, ClientError>> {
        let mut member = self.shared.member.lock();
        if let Some(error) = member.take_failure() {
            return Some(Err(error));
        }
        member.next_event().map(Ok)
    }

    /// The consumer has carried out the event, and has these partitions now.
    pub fn event_done(&self, owned: BTreeSet<TopicPartition>) {
        self.shared.change_and_act(|member, now| member.event_done(now, owned));
    }

    /// What the consumer is to carry out before it unsubscribes or leaves; None where it has no partitions.
    pub fn parting_event(&self) -> Option<RebalanceEvent> {
        self.shared.member.lock().parting_event()
    }

    /// The application polls: `max.poll.interval.ms` begins anew.
    pub fn poll(&self) {
        self.shared.change_and_act(Membership::poll);
    }

    /// The member joins again (`enforceRebalance`).
    pub fn request_rejoin(&self) {
        self.shared.change_and_act(Membership::request_rejoin);
    }

    /// Commits offsets; repeats that until they are accepted or the time for calls is over. Commits are sent in the
    /// order in which they were made. A call that is dropped may or may not have committed.
    ///
    /// # Errors
    /// [`GroupError::RebalanceInProgress`], [`GroupError::CommitFailed`], [`ClientError::Timeout`], the coordinator's
    /// own error.
    pub async fn commit(&self, offsets: CommittedOffsets) -> Result<(), ClientError> {
        let end = Instant::now() + self.shared.connection.consumers().options().api_timeout;
        let Some((commit, done)) = self.prepare(offsets, Some(end))? else { return Ok(()) };
        self.commits.send(commit).await.map_err(|_| ClientError::Closed)?;
        done.await.map_err(|_| ClientError::Closed)?
    }

    /// Commits offsets, once; the request is under way whether or not the future is polled.
    ///
    /// # Errors
    /// In the future: as [`ConsumerCoordinator::commit`], and [`GroupError::RetriableCommitFailed`].
    pub fn commit_async(
        &self,
        offsets: CommittedOffsets,
    ) -> impl Future<Output = Result<(), ClientError>> + Send + 'static {
        let queued = self.prepare(offsets, None).and_then(|prepared| {
            let Some((commit, done)) = prepared else { return Ok(None) };
            let full = |_| ClientError::Group(GroupError::RetriableCommitFailed { cause: None });
            self.commits.try_send(commit).map_err(full)?;
            Ok(Some(done))
        });
        async move {
            match queued? {
                Some(done) => done.await.map_err(|_| ClientError::Closed)?,
                None => Ok(()),
            }
        }
    }

    /// A commit for the queue and its outcome; None where there is nothing to commit.
    #[allow(clippy::type_complexity)]
    fn prepare(
        &self,
        offsets: CommittedOffsets,
        repeated_until: Option<Instant>,
    ) -> Result<Option<(QueuedCommit, oneshot::Receiver<Result<(), ClientError>>)>, ClientError> {
        if offsets.is_empty() {
            return Ok(None);
        }
        if let Some(committed) = offsets.values().find(|committed| committed.offset < 0) {
            return Err(ClientError::Group(GroupError::InvalidOffset(committed.offset)));
        }
        let generation = self.shared.member.lock().commit_generation().map_err(ClientError::Group)?;
        let (reply, done) = oneshot::channel();
        Ok(Some((QueuedCommit { offsets, generation, repeated_until, reply }, done)))
    }

    /// What the group has committed of these partitions. Offsets of open transactions are waited for.
    ///
    /// # Errors
    /// [`ClientError::Timeout`], or the coordinator's own error.
    pub async fn committed(&self, partitions: &[TopicPartition]) -> Result<FoundOffsets, ClientError> {
        let partitions: BTreeSet<_> = partitions.iter().cloned().collect();
        if partitions.is_empty() {
            return Ok(FoundOffsets::new());
        }
        let options = self.shared.connection.consumers().options();
        let end = Instant::now() + options.api_timeout;
        let attempts = async {
            loop {
                match self.fetch_committed(&partitions).await {
                    Err(error) if error.is_retriable() => sleep(options.retry_backoff).await,
                    outcome => return outcome,
                }
            }
        };
        timeout_at(end, attempts).await.unwrap_or_else(|_| {
            let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
            Err(ClientError::Timeout(format!(
                "Timeout of {}ms expired before the last committed offset for partitions [{}] could be determined. \
                 Try tuning default.api.timeout.ms larger to relax the threshold.",
                options.api_timeout.as_millis(),
                names.join(", ")
            )))
        })
    }

    async fn fetch_committed(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<FoundOffsets, ClientError> {
        let (connection, group) = (&self.shared.connection, &self.shared.settings.group_id);
        let limit = connection.consumers().options().request_timeout;
        let stable = connection.call(&fetch_request(group, partitions, true), limit).await;
        let answer = match stable {
            // A broker before 2.5 has no offsets of open transactions to wait for.
            Err(error) if lacks_field(&error) => {
                connection.call(&fetch_request(group, partitions, false), limit).await?
            }
            answer => answer?,
        };
        read_committed(group, partitions, answer).map_err(|refused| match refused {
            RefusedOffsets::Retry(error) | RefusedOffsets::Fail(error) => error,
            RefusedOffsets::FindCoordinator(error) => {
                connection.forget();
                error
            }
            RefusedOffsets::AskMember(error) => {
                ClientError::Refused { error, message: error.message().to_owned() }
            }
        })
    }

    /// The member as its group knows it.
    pub fn group_metadata(&self) -> ConsumerGroupMetadata {
        self.shared.member.lock().group_metadata()
    }

    /// How many rebalances were completed, and how many attempts failed.
    pub fn rebalances(&self) -> RebalanceCounts {
        let member = self.shared.member.lock();
        RebalanceCounts { completed: member.rebalances(), failed: member.failed_rebalances() }
    }

    /// The member leaves its group, in `limit` at most, after the commits that wait; a static member stays until its
    /// session is over. The consumer has carried out [`ConsumerCoordinator::parting_event`] before.
    pub async fn leave(&self, limit: Duration) {
        let leaving = async {
            self.commits_sent().await;
            self.shared.change_and_act(|member, now| member.subscribe(now, BTreeSet::new()));
            loop {
                let left = self.shared.left.notified();
                if !self.shared.member.lock().is_leaving() {
                    return;
                }
                left.await;
            }
        };
        // Without an answer, the member is removed when its session is over.
        let _ = timeout(limit, leaving).await;
    }

    /// Waits until the commits that were made before are answered.
    async fn commits_sent(&self) {
        let (reply, done) = oneshot::channel();
        let (offsets, generation) = (CommittedOffsets::new(), MemberGeneration::NONE);
        let last = QueuedCommit { offsets, generation, repeated_until: None, reply };
        if self.commits.send(last).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// The rebalances of a member so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct RebalanceCounts {
    /// How many were completed.
    pub completed: u64,
    /// How many attempts to join failed.
    pub failed: u64,
}

#[cfg(test)]
mod tests;
