//! One partition of this broker: its machine, its log and the requests that wait for it, under one lock, which is
//! never held over IO.
//!
//! A change of the log takes three steps. It is decided under the lock, in a leader epoch. It is written
//! under the log's own lock, which refuses a change that was decided in an epoch that is no longer in force
//! (the fence). Its effects are applied under the partition's lock again, if the epoch is still the same. So
//! no record is appended after a change of roles has begun to truncate.

mod append;
mod following;
mod moving;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use append::{Acknowledgement, Refused};
pub use following::{Fetched, NotFollowed};
pub use moving::Copied;

use super::broker_topic_stats::TopicStats;
use super::fetch::delayed::PartitionKey;
use super::fetch::session::IdleFetch;
use super::fetch::watch::{LogChange, SharedSession, Watchers};
use super::machine::{
    Follower, FollowerFetch, IsrAnswer, IsrOutcome, IsrProposal, LeadershipState, LocalReplica, ReadFrom,
    ReplicaRole,
};
use super::orders::Reassigned;
use super::role_feed::{NewRole, RoleFeed};
use super::waiters::{ProduceWaiters, Released};
use crate::base::{BrokerId, LeaderAndIsr, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::log::{Log, LogPosition, LogSnapshot};
use crate::wire::error_code::ErrorCode;

/// A partition that this broker leads or follows (Kafka's `Partition`).
#[derive(Debug)]
pub struct Partition {
    id: TopicPartition,
    me: BrokerId,
    /// `replica.lag.time.max.ms`.
    lag_max: Millis,
    state: Mutex<LockedState>,
    /// Where a change of the role is sent, under the lock of `state`.
    roles: Arc<RoleFeed>,
    /// Counts what is appended and read.
    stats: Arc<TopicStats>,
}

#[derive(Debug)]
struct LockedState {
    machine: LocalReplica,
    /// Invariant: Some while this broker leads or follows.
    log: Option<Arc<Log>>,
    /// The copy of the log in another data directory, while it is made. Invariant: None unless `log` is Some.
    moving: Option<moving::Moving>,
    /// Invariant: empty unless this broker leads.
    produces: ProduceWaiters,
    /// The waiting requests that are notified of changes of the log and the role.
    watchers: Watchers,
    reassignment: Reassigned,
}

/// Why a replica is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// StopReplica: its log stays, and its high watermark is still written.
    KeepLog,
    /// Its log is about to be deleted.
    DeleteLog,
    /// Its log directory has failed.
    DirectoryFailed,
}

impl Stop {
    /// The answer to the requests that wait for the replica.
    fn error(self) -> ErrorCode {
        match self {
            Self::KeepLog | Self::DeleteLog => ErrorCode::NotLeaderOrFollower,
            Self::DirectoryFailed => ErrorCode::KafkaStorageError,
        }
    }

    fn role(self) -> NewRole {
        match self {
            Self::KeepLog => NewRole::Stopped,
            Self::DeleteLog => NewRole::Deleted,
            Self::DirectoryFailed => NewRole::Offline,
        }
    }
}

/// A follower's fetch that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CountedFetch {
    /// A larger ISR, where the follower has caught up.
    pub proposal: Option<IsrProposal>,
    /// The leader epoch in which it was applied.
    pub leader_epoch: LeaderEpoch,
}

/// How well a partition that is led here is replicated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Replication {
    /// How many replicas it is to have, without those that a reassignment is adding.
    pub factor: usize,
    /// How many are in sync.
    pub in_sync: usize,
    /// `min.insync.replicas`.
    pub min_in_sync: usize,
    /// Whether a reassignment is in progress.
    pub reassigning: bool,
    /// How many records lie between the last stable offset and the high watermark.
    pub last_stable_lag: usize,
}

impl Partition {
    /// A partition that the controller has not described yet; `lag_max` is `replica.lag.time.max.ms`.
    pub fn new(
        id: TopicPartition,
        me: BrokerId,
        lag_max: Millis,
        roles: Arc<RoleFeed>,
        stats: Arc<TopicStats>,
    ) -> Self {
        let state = LockedState {
            machine: LocalReplica::new(me),
            log: None,
            moving: None,
            produces: ProduceWaiters::default(),
            watchers: Watchers::default(),
            reassignment: Reassigned::default(),
        };
        Self { id, me, lag_max, state: Mutex::new(state), roles, stats }
    }

    /// Counts what is appended to it and read of it.
    pub(super) fn stats(&self) -> &TopicStats {
        &self.stats
    }

    /// The same, to be kept.
    pub(super) fn shared_stats(&self) -> Arc<TopicStats> {
        self.stats.clone()
    }

    /// Its topic and number.
    pub fn id(&self) -> &TopicPartition {
        &self.id
    }

    /// Its log, once it has one.
    pub fn log(&self) -> Option<Arc<Log>> {
        self.state.lock().log.clone()
    }

    /// The state that the controller described last, and this broker's role.
    pub fn standing(&self) -> (LeadershipState, ReplicaRole) {
        let state = self.state.lock();
        (state.machine.state().clone(), state.machine.role().clone())
    }

    /// The leader epoch described last; -1 before the first.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.lock().machine.leader_epoch()
    }

    /// Whether this broker leads it.
    pub fn is_leader(&self) -> bool {
        self.state.lock().machine.is_leader()
    }

    /// Whether a state is to be applied, by [`LocalReplica::accepts`].
    pub(super) fn accepts(&self, next: &LeadershipState) -> Result<(), ErrorCode> {
        self.state.lock().machine.accepts(next)
    }

    /// Whether a stop is to be applied, by [`LocalReplica::accepts_stop`].
    pub(super) fn accepts_stop(&self, leader_epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        self.state.lock().machine.accepts_stop(leader_epoch)
    }

    /// Leads, from the end of this log on; true if it did not lead in this epoch before. Blocks on the disk.
    ///
    /// # Errors KAFKA_STORAGE_ERROR: the epoch could not be written; the role is unchanged.
    pub(super) fn lead(&self, next: LeadershipState, log: Arc<Log>, now: Millis) -> Result<bool, ErrorCode> {
        loop {
            let current = self.state.lock().log.get_or_insert_with(|| log.clone()).clone();
            if let Some((fresh, released)) = self.lead_with(&next, &current, now)? {
                released.wake();
                return Ok(fresh);
            }
        }
    }

    /// Leads with this log; None if a copy in another data directory has replaced it meanwhile.
    fn lead_with(
        &self,
        next: &LeadershipState,
        log: &Arc<Log>,
        now: Millis,
    ) -> Result<Option<(bool, Released)>, ErrorCode> {
        // Appends find the log fenced and this partition in its new epoch, or neither.
        let append_lock = log.append_lock();
        // The start of the epoch is on disk before any record of it, so that followers can find out where to
        // truncate. A broker that cannot write it does not lead. An epoch that is known keeps its start.
        let begun = append_lock
            .begin_leadership(next.leadership.leader_epoch)
            .map_err(|_| ErrorCode::KafkaStorageError)?;
        let mut state = self.state.lock();
        let is_current = state.log.as_ref().is_some_and(|current| Arc::ptr_eq(current, log));
        let Some(end) = begun.filter(|_| is_current) else { return Ok(None) };
        let fresh = state.machine.become_leader(next.clone(), end, now);
        self.roles.send(&self.id, NewRole::Leader(next.leadership.leader_epoch));
        let released = self.raise_watermark(&mut state, now).unwrap_or_default();
        Ok(Some((fresh, state.role_changed(released))))
    }

    /// Follows; requests that wait for this broker to acknowledge fail. True if the leader or the epoch has
    /// changed.
    pub(super) fn follow(&self, next: LeadershipState, log: Arc<Log>) -> bool {
        let mut state = self.state.lock();
        let (leader, leader_epoch) = (next.leadership.leader, next.leadership.leader_epoch);
        state.log.get_or_insert(log).fence_below(leader_epoch);
        let changed = state.machine.become_follower(next);
        self.roles.send(&self.id, NewRole::Follower { leader, leader_epoch });
        let released = state.produces.give_up(ErrorCode::NotLeaderOrFollower);
        let released = state.role_changed(released);
        drop(state);
        released.wake();
        changed
    }

    /// Sets the log, whatever the role.
    pub(super) fn set_log(&self, log: Arc<Log>) {
        self.state.lock().log.get_or_insert(log);
    }

    /// Stops leading or following; requests that wait for this broker to acknowledge fail.
    pub(super) fn stop(&self, how: Stop) {
        let mut state = self.state.lock();
        state.moving = None;
        if let Some(log) = &state.log {
            log.fence_below(state.machine.leader_epoch().saturating_add(1));
        }
        if how != Stop::KeepLog {
            state.log = None;
        }
        state.machine.stop();
        self.roles.send(&self.id, how.role());
        let released = state.produces.give_up(how.error());
        let released = state.role_changed(released);
        drop(state);
        released.wake();
    }

    /// Applies a follower's fetch, which was read in the leader epoch that it names, and the follower's
    /// fetches before it that read nothing here. None if the follower is no replica, or the epoch is another.
    pub(super) fn follower_fetched(
        &self,
        fetch: FollowerFetch,
        epoch: Option<LeaderEpoch>,
        idle: Option<IdleFetch>,
        now: Millis,
    ) -> Option<CountedFetch> {
        let mut state = self.state.lock();
        let (leader_epoch, follower) = (state.machine.leader_epoch(), fetch.from);
        if epoch.is_some_and(|epoch| epoch != leader_epoch)
            || !state.machine.state().replicas.contains(&follower)
        {
            return None;
        }
        let log = state.log.clone()?;
        if let Some(IdleFetch { leader_epoch, at }) = idle {
            state.machine.on_idle_fetch(follower, leader_epoch, at);
        }
        let LogSnapshot { log_end, high_watermark, .. } = log.snapshot();
        let step = state.machine.on_follower_fetch(fetch, log_end, high_watermark.offset, now, self.lag_max);
        let released = step.high_watermark.and_then(|to| release(&mut state, &log, to));
        // Nothing was appended. Only the high watermark may have changed, so followers are not woken for
        // records.
        let released = state.high_watermark_moved(released).and(state.watchers.take_starts());
        drop(state);
        released.wake();
        Some(CountedFetch { proposal: step.proposal, leader_epoch })
    }

    /// The followers, as their fetches show them; None where this broker does not lead.
    pub(super) fn followers(&self) -> Option<BTreeMap<BrokerId, Follower>> {
        let mut state = self.state.lock();
        state.count_idle_fetches();
        match state.machine.role() {
            ReplicaRole::Leader { followers, .. } => Some(followers.clone()),
            ReplicaRole::Follower => None,
        }
    }

    /// Proposes the ISR without the followers that no longer keep up (`maybeShrinkIsr`).
    pub(super) fn tick(&self, now: Millis) -> Option<IsrProposal> {
        let mut state = self.state.lock();
        let log = state.log.clone()?;
        let LogSnapshot { log_end, high_watermark, .. } = log.snapshot();
        if state.machine.out_of_sync(log_end.offset, now, self.lag_max).is_empty() {
            return None;
        }
        state.count_idle_fetches();
        let before = state.machine.state().leadership.isr.clone();
        let proposal = state.machine.on_tick(log_end.offset, now, self.lag_max)?;
        drop(state);
        log::info!(target: "kafka.cluster.Partition", "[Partition {} broker={}] Shrinking ISR from {} to {}. Leader: (highWatermark: {}, endOffset: {}).",
            self.id, self.me, commas(&before), commas(&proposal.isr), high_watermark.offset, log_end.offset);
        Some(proposal)
    }

    /// Whether the answer to this proposal is still awaited.
    pub(super) fn awaits(&self, proposal: &IsrProposal) -> bool {
        self.state.lock().machine.proposed() == Some(proposal)
    }

    /// Applies the answer to a proposal.
    pub(super) fn isr_answered(&self, proposal: &IsrProposal, answer: IsrAnswer, now: Millis) -> IsrOutcome {
        let mut state = self.state.lock();
        let outcome = state.machine.on_isr_answer(proposal, answer);
        if outcome != IsrOutcome::Changed {
            state.watchers.isr_changed();
            return outcome;
        }
        let LeaderAndIsr { isr, zk_version, .. } = &state.machine.state().leadership;
        log::info!(target: "kafka.cluster.Partition", "[Partition {} broker={}] ISR updated to {} and version updated to [{zk_version}]", self.id, self.me, commas(isr));
        // The high watermark no longer waits for a replica that left.
        let released = self.raise_watermark(&mut state, now);
        let released = state.high_watermark_moved(released);
        state.watchers.isr_changed();
        drop(state);
        released.wake();
        outcome
    }

    /// The log to read from, if the caller knows the present leader epoch.
    ///
    /// # Errors
    /// FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
    pub fn readable(&self, epoch: Option<LeaderEpoch>, read_from: ReadFrom) -> Result<Arc<Log>, ErrorCode> {
        let state = self.state.lock();
        state.machine.admits_read(epoch, read_from)?;
        state.log.clone().ok_or(ErrorCode::KafkaStorageError)
    }

    /// Whether a broker is in the ISR.
    pub(super) fn is_in_sync(&self, broker: BrokerId) -> bool {
        self.state.lock().machine.state().leadership.isr.contains(&broker)
    }

    /// Wakes `waiter` once, when a follower's log start may have moved, or the role has changed.
    pub(super) fn await_starts(&self, waiter: &Arc<Notify>) {
        self.state.lock().watchers.await_starts(waiter);
    }

    /// How often the role has changed.
    pub(super) fn role_changes(&self) -> u64 {
        self.state.lock().watchers.role_changes()
    }

    /// Notifies a session of changes from now on; `role_changes` is the count at which the session has read
    /// the role.
    pub(super) fn watch(&self, session: &Arc<SharedSession>, key: PartitionKey, role_changes: u64) {
        let mut state = self.state.lock();
        let now = state.log.as_ref().map(|log| log.snapshot());
        state.watchers.watch(session, key, now.as_ref(), role_changes);
    }

    /// The log start has moved.
    pub(super) fn log_start_moved(&self) {
        let released = self.state.lock().log_changed(LogChange::LogStart, Released::default());
        released.wake();
    }

    /// The log start in all live replicas.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER.
    pub(super) fn low_watermark(&self, is_live: impl Fn(BrokerId) -> bool) -> Result<Offset, ErrorCode> {
        let state = self.state.lock();
        let start = state.log.as_ref().map_or(-1, |log| log.log_start_offset());
        state.machine.low_watermark(start, is_live).ok_or(ErrorCode::NotLeaderOrFollower)
    }

    /// Sets the reassignment in progress.
    pub(super) fn set_reassignment(&self, reassignment: Reassigned) {
        self.state.lock().reassignment = reassignment;
    }

    /// Whether a reassignment is adding replicas.
    pub(super) fn is_reassigned(&self) -> bool {
        self.state.lock().reassignment.adding > 0
    }

    /// How well it is replicated; None where this broker does not lead it.
    pub(super) fn replication(&self) -> Option<Replication> {
        let state = self.state.lock();
        if !state.machine.is_leader() {
            return None;
        }
        let described = state.machine.state();
        let Reassigned { adding, removing } = state.reassignment;
        let unstable = |log: &Arc<Log>| log.high_watermark() - log.last_stable_offset();
        Some(Replication {
            factor: described.replicas.len().saturating_sub(adding),
            in_sync: described.leadership.isr.len(),
            min_in_sync: state.log.as_deref().map_or(0, min_isr),
            reassigning: adding + removing > 0,
            last_stable_lag: usize::try_from(state.log.as_ref().map_or(0, unstable)).unwrap_or(0),
        })
    }

    /// Removes waiting produces that have timed out.
    pub(super) fn sweep(&self) {
        self.state.lock().produces.sweep();
    }

    fn raise_watermark(&self, state: &mut LockedState, now: Millis) -> Option<Released> {
        let log = state.log.clone()?;
        if state.machine.has_followers_out_of_sync() {
            state.count_idle_fetches();
        }
        let to = state.machine.high_watermark(log.snapshot().log_end, now, self.lag_max)?;
        release(state, &log, to)
    }
}

impl LockedState {
    /// Notifies of a change of the log; the requests to wake once the lock is free.
    fn log_changed(&mut self, change: LogChange, released: Released) -> Released {
        let Some(log) = &self.log else { return released };
        released.and(self.watchers.moved(change, &log.snapshot()))
    }

    /// Notifies of a higher high watermark, if it has released any request.
    fn high_watermark_moved(&mut self, released: Option<Released>) -> Released {
        match released {
            Some(released) => self.log_changed(LogChange::HighWatermark, released),
            None => Released::default(),
        }
    }

    /// Notifies of another role.
    fn role_changed(&mut self, released: Released) -> Released {
        released.and(self.watchers.role_changed())
    }

    /// Counts the fetches of followers that had everything here, and read nothing.
    fn count_idle_fetches(&mut self) {
        for (follower, IdleFetch { leader_epoch, at }) in self.watchers.idle_fetches() {
            self.machine.on_idle_fetch(follower, leader_epoch, at);
        }
    }
}

/// `min.insync.replicas`.
fn min_isr(log: &Log) -> usize {
    usize::try_from(log.config().min_insync_replicas).unwrap_or(0)
}

fn commas(ids: &[BrokerId]) -> String {
    ids.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(",")
}

/// Raises the log's high watermark, and takes out the produces that it has passed.
fn release(state: &mut LockedState, log: &Log, to: LogPosition) -> Option<Released> {
    log.maybe_increment_high_watermark(to)?;
    let outcome = state.machine.replicated(min_isr(log));
    Some(state.produces.release(log.high_watermark(), outcome))
}
