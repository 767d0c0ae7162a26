//! One partition of this broker: its machine, its log and who waits for it, under one lock, which is never held over IO.
//!
//! What is decided under the lock and takes the disk is done after it, in two steps: the decision names a leader epoch; the
//! log, under its own lock, refuses what was decided in an epoch that is no longer in force; and what follows from it is
//! taken in under the state's lock again, if the epoch is still the same. So a record never lands behind a change of roles
//! that has begun to truncate.

mod append;
mod following;
mod moving;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use append::{Acknowledgement, Refused};
pub use following::{Fetched, NotFollowed};
pub use moving::Copied;

use super::machine::{FollowerFetch, IsrAnswer, IsrOutcome, IsrProposal, Machine, Role, Told};
use super::waiters::{self, Awaits, FetchWaiters, ProduceWaiters, Released};
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::log::{Log, LogPosition, LogSnapshot};
use crate::wire::error_code::ErrorCode;

/// A partition that this broker leads or follows (Kafka's `Partition`).
#[derive(Debug)]
pub struct Partition {
    id: TopicPartition,
    me: BrokerId,
    lag_max: Millis,
    state: Mutex<State>,
    fetches: Mutex<FetchWaiters>,
}

#[derive(Debug)]
struct State {
    machine: Machine,
    log: Option<Arc<Log>>,
    /// The log on its way to another data directory.
    moving: Option<moving::Moving>,
    produces: ProduceWaiters,
    /// How many of its replicas a reassignment is adding, and removing.
    reassignment: (usize, usize),
}

/// How well a partition that is led here is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replication {
    /// How many replicas it is to have, those left out that a reassignment is adding.
    pub factor: usize,
    /// How many are in sync.
    pub in_sync: usize,
    /// `min.insync.replicas`.
    pub min_in_sync: usize,
    /// Whether a reassignment is under way.
    pub reassigning: bool,
}

impl Partition {
    /// A partition of which nothing is known yet; `lag_max` is `replica.lag.time.max.ms`.
    pub fn new(id: TopicPartition, me: BrokerId, lag_max: Millis) -> Self {
        let state = State {
            machine: Machine::new(me),
            log: None,
            moving: None,
            produces: ProduceWaiters::default(),
            reassignment: (0, 0),
        };
        Self { id, me, lag_max, state: Mutex::new(state), fetches: Mutex::new(FetchWaiters::default()) }
    }

    /// Which partition it is.
    pub fn id(&self) -> &TopicPartition {
        &self.id
    }

    /// Its log, once it has one.
    pub fn log(&self) -> Option<Arc<Log>> {
        self.state.lock().log.clone()
    }

    /// What the controller told last, and what this broker is.
    pub fn standing(&self) -> (Told, Role) {
        let state = self.state.lock();
        (state.machine.told().clone(), state.machine.role().clone())
    }

    /// The epoch of the leadership told last; -1 before that.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.lock().machine.told().leader_epoch
    }

    /// Whether what was told is news, by [`Machine::heeds`].
    pub(super) fn heeds(&self, told: &Told) -> Result<(), ErrorCode> {
        self.state.lock().machine.heeds(told)
    }

    /// Whether an order to stop is, by [`Machine::heeds_stop`].
    pub(super) fn heeds_stop(&self, leader_epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        self.state.lock().machine.heeds_stop(leader_epoch)
    }

    /// Leads, from the end of this log on; true where it did not at this epoch before. Blocks on the disk.
    ///
    /// # Errors
    /// KAFKA_STORAGE_ERROR: the epoch could not be written down; the role is what it was.
    pub(super) fn lead(&self, told: Told, log: Arc<Log>, now: Millis) -> Result<bool, ErrorCode> {
        loop {
            let held = self.state.lock().log.get_or_insert_with(|| log.clone()).clone();
            if let Some((fresh, released)) = self.lead_with(&told, &held, now)? {
                self.wake(true, Some(released));
                return Ok(fresh);
            }
        }
    }

    /// Leads with this log; None where a copy in another data directory has taken its place meanwhile.
    fn lead_with(
        &self,
        told: &Told,
        log: &Arc<Log>,
        now: Millis,
    ) -> Result<Option<(bool, Released)>, ErrorCode> {
        // Appends find the log fenced and this partition in its new epoch, or neither.
        let held = log.hold();
        // Before any record, so that followers can be told where the epoch begins; who cannot write it down does not lead.
        // An epoch that is known keeps its start.
        let begun = held.begin_leadership(told.leader_epoch).map_err(|_| ErrorCode::KafkaStorageError)?;
        let mut state = self.state.lock();
        let is_held = state.log.as_ref().is_some_and(|current| Arc::ptr_eq(current, log));
        let Some(end) = begun.filter(|_| is_held) else { return Ok(None) };
        let fresh = state.machine.become_leader(told.clone(), end, now);
        let released = self.raise_watermark(&mut state, now).unwrap_or_default();
        Ok(Some((fresh, released)))
    }

    /// Follows; whoever waited for this broker to acknowledge learns that it cannot. True where leader or epoch changed.
    pub(super) fn follow(&self, told: Told, log: Arc<Log>) -> bool {
        let mut state = self.state.lock();
        state.log.get_or_insert(log).fence_below(told.leader_epoch);
        let changed = state.machine.become_follower(told);
        let released = state.produces.give_up(ErrorCode::NotLeaderOrFollower);
        drop(state);
        self.wake(true, Some(released));
        changed
    }

    /// Has this log, whatever its role.
    pub(super) fn hold(&self, log: Arc<Log>) {
        self.state.lock().log.get_or_insert(log);
    }

    /// Serves nobody any more; whoever waits for an acknowledgement gets `outcome`.
    pub(super) fn give_up(&self, outcome: ErrorCode, keep_log: bool) {
        let mut state = self.state.lock();
        state.moving = None;
        if let Some(log) = &state.log {
            log.fence_below(state.machine.told().leader_epoch.saturating_add(1));
        }
        if !keep_log {
            state.log = None;
        }
        state.machine.stop();
        let released = state.produces.give_up(outcome);
        drop(state);
        self.wake(true, Some(released));
    }

    /// Takes in a follower's fetch, read in the leader epoch that it names; a larger ISR where it has caught up.
    pub(super) fn follower_fetched(
        &self,
        fetch: FollowerFetch,
        epoch: Option<LeaderEpoch>,
        now: Millis,
    ) -> Option<IsrProposal> {
        let mut state = self.state.lock();
        if epoch.is_some_and(|epoch| epoch != state.machine.told().leader_epoch) {
            return None;
        }
        let log = state.log.clone()?;
        let LogSnapshot { log_end, high_watermark, .. } = log.snapshot();
        let step = state.machine.on_follower_fetch(fetch, log_end, high_watermark.offset, now, self.lag_max);
        let released = step.high_watermark.and_then(|to| release(&mut state, &log, to));
        drop(state);
        // Nothing was appended: followers, this one among them, would look in vain.
        self.wake(false, released);
        let starts = self.fetches.lock().take_starts();
        waiters::wake(starts);
        step.proposal
    }

    /// Looks for followers that no longer keep up: the ISR without them.
    pub(super) fn tick(&self, now: Millis) -> Option<IsrProposal> {
        let mut state = self.state.lock();
        let log = state.log.clone()?;
        let LogSnapshot { log_end, high_watermark, .. } = log.snapshot();
        let before = state.machine.told().isr.clone();
        let proposal = state.machine.on_tick(log_end.offset, now, self.lag_max)?;
        drop(state);
        log::info!(target: "kafka.cluster.Partition", "[Partition {} broker={}] Shrinking ISR from {} to {}. Leader: (highWatermark: {}, endOffset: {}).", self.id, self.me, commas(&before), commas(&proposal.isr), high_watermark.offset, log_end.offset);
        Some(proposal)
    }

    /// Whether the answer to this proposal is still awaited.
    pub(super) fn awaits(&self, proposal: &IsrProposal) -> bool {
        self.state.lock().machine.proposed() == Some(proposal)
    }

    /// Takes in the answer to a proposal.
    pub(super) fn isr_answered(&self, proposal: &IsrProposal, answer: IsrAnswer, now: Millis) -> IsrOutcome {
        let mut state = self.state.lock();
        let outcome = state.machine.on_isr_answer(proposal, answer);
        if outcome != IsrOutcome::Changed {
            return outcome;
        }
        let Told { isr, zk_version, .. } = state.machine.told();
        log::info!(target: "kafka.cluster.Partition", "[Partition {} broker={}] ISR updated to {} and version updated to [{zk_version}]", self.id, self.me, commas(isr));
        // Whoever left no longer holds the high watermark.
        let released = self.raise_watermark(&mut state, now);
        drop(state);
        self.wake(false, released);
        outcome
    }

    /// The log to read from, where the caller's idea of the leadership is right.
    ///
    /// # Errors
    /// FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
    pub fn readable(&self, epoch: Option<LeaderEpoch>, leader_only: bool) -> Result<Arc<Log>, ErrorCode> {
        let state = self.state.lock();
        state.machine.admits_read(epoch, leader_only)?;
        state.log.clone().ok_or(ErrorCode::KafkaStorageError)
    }

    /// Whether this broker is a replica of the partition, by what the controller told.
    pub(super) fn has_replica(&self, broker: BrokerId) -> bool {
        broker == self.me || self.state.lock().machine.told().replicas.contains(&broker)
    }

    /// Whether a broker is in the ISR.
    pub(super) fn is_in_sync(&self, broker: BrokerId) -> bool {
        self.state.lock().machine.told().isr.contains(&broker)
    }

    /// Wakes `waiter` when what it awaits has changed, or the role has.
    pub(super) fn register(&self, waiter: &Arc<Notify>, awaits: Awaits) {
        self.fetches.lock().register(waiter, awaits);
    }

    /// Where the log starts in all live replicas.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER.
    pub(super) fn low_watermark(&self, is_live: impl Fn(BrokerId) -> bool) -> Result<Offset, ErrorCode> {
        let state = self.state.lock();
        let start = state.log.as_ref().map_or(-1, |log| log.log_start_offset());
        state.machine.low_watermark(start, is_live).ok_or(ErrorCode::NotLeaderOrFollower)
    }

    /// A reassignment is adding and removing so many of its replicas; none of them where there is no reassignment.
    pub(super) fn reassigns(&self, adding: usize, removing: usize) {
        self.state.lock().reassignment = (adding, removing);
    }

    /// How well it is replicated; None where this broker does not lead it.
    pub(super) fn replication(&self) -> Option<Replication> {
        let state = self.state.lock();
        if !state.machine.is_leader() {
            return None;
        }
        let told = state.machine.told();
        let (adding, removing) = state.reassignment;
        Some(Replication {
            factor: told.replicas.len().saturating_sub(adding),
            in_sync: told.isr.len(),
            min_in_sync: state.log.as_deref().map_or(0, min_isr),
            reassigning: adding + removing > 0,
        })
    }

    /// Forgets waiting produces whose time ran out.
    pub(super) fn sweep(&self) {
        self.state.lock().produces.sweep();
    }

    fn raise_watermark(&self, state: &mut State, now: Millis) -> Option<Released> {
        let log = state.log.clone()?;
        let to = state.machine.high_watermark(log.snapshot().log_end, now, self.lag_max)?;
        release(state, &log, to)
    }

    /// Wakes everybody whom a change concerns: of the end, or of the high watermark, which is what releases produces. No
    /// lock of the partition is held here.
    fn wake(&self, end: bool, released: Option<Released>) {
        let watermark = released.is_some();
        if let Some(released) = released {
            released.wake();
        }
        if end || watermark {
            let mut fetches = self.fetches.lock();
            let waiting = fetches.take(end, watermark);
            // The role may have changed, which ends the wait for followers' starts.
            let starts = if end { fetches.take_starts() } else { Vec::new() };
            drop(fetches);
            waiters::wake(waiting);
            waiters::wake(starts);
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
fn release(state: &mut State, log: &Log, to: LogPosition) -> Option<Released> {
    log.maybe_increment_high_watermark(to)?;
    let outcome = state.machine.replicated(min_isr(log));
    Some(state.produces.release(log.high_watermark(), outcome))
}
