//! What a ZooKeeper consumer does next to read the partitions that are its own, and no others.
//!
//! Pure. One action at a time is carried out; what has changed meanwhile is taken into account by the next. Partitions
//! are released before others are claimed, and claimed before their offsets are looked up: what their owner before has
//! committed is then final. A partition that stays is read on. Kafka: `ZKRebalancerListener`, which releases all
//! partitions and begins anew at each change.

use std::collections::BTreeSet;

use super::assignment::{ConsumerThreadId, OwnerMap};
use crate::base::{Millis, TopicPartition};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RebalanceAction {
    /// Create this consumer's registration in the present session.
    Register,
    /// Read these no longer, commit their offsets, and then delete their owners.
    Release(BTreeSet<TopicPartition>),
    /// Create the owners of these.
    Claim(OwnerMap),
    /// Look up the offsets of these, which are owned, and read them.
    Read(BTreeSet<TopicPartition>),
}

/// How often claims are repeated, and after which time.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryLimits {
    /// `rebalance.max.retries`.
    pub(super) retries: u32,
    /// `rebalance.backoff.ms`.
    pub(super) backoff: Millis,
}

/// The rebalances of one consumer.
#[derive(Debug)]
pub(super) struct Rebalancer {
    limits: RetryLimits,
    /// Whether it is registered in the present session.
    registered: bool,
    /// The partitions that are to be its own; None while that is not known, and nothing is changed then.
    target: Option<OwnerMap>,
    /// The partitions whose owner it is, by the znodes of the present session.
    owned: OwnerMap,
    /// Invariant: all of them are owned.
    reading: BTreeSet<TopicPartition>,
    /// The partitions of the target that another consumer owned at the last try.
    conflicts: BTreeSet<TopicPartition>,
    /// How often it has registered in vain; once it is registered, how often it has claimed in vain since the target
    /// changed.
    tries: u32,
    /// No registration and no claim before this.
    claim_at: Option<Millis>,
    /// No lookup of offsets before this.
    read_at: Option<Millis>,
    /// Whether the target was reached once.
    has_settled: bool,
}

impl Rebalancer {
    pub(super) fn new(limits: RetryLimits) -> Self {
        Self {
            limits,
            registered: false,
            target: None,
            owned: OwnerMap::new(),
            reading: BTreeSet::new(),
            conflicts: BTreeSet::new(),
            tries: 0,
            claim_at: None,
            read_at: None,
            has_settled: false,
        }
    }

    /// A new session has begun: the znodes of the one before are gone, and other consumers may read its partitions.
    pub(super) fn session_began(&mut self) {
        *self = Self { has_settled: self.has_settled, target: self.target.take(), ..Self::new(self.limits) };
    }

    /// Its registration was deleted by another client.
    pub(super) fn registration_lost(&mut self) {
        self.registered = false;
    }

    /// Sets the partitions that are to be its own; None where that is not known at the moment.
    pub(super) fn set_target(&mut self, target: Option<OwnerMap>) {
        if self.target != target {
            self.target = target;
            self.tries = 0;
            self.try_now();
        }
    }

    /// An owner that was in the way may be gone.
    pub(super) fn try_now(&mut self) {
        self.claim_at = None;
        self.conflicts.clear();
    }

    /// What is to be done now; None until something changes or [`Rebalancer::due`].
    pub(super) fn next_action(&mut self, now: Millis) -> Option<RebalanceAction> {
        let may_claim = self.claim_at.is_none_or(|at| at <= now);
        if !self.registered {
            return may_claim.then_some(RebalanceAction::Register);
        }
        let target = self.target.as_ref()?;
        let is_foreign =
            |(id, thread): &(&TopicPartition, &ConsumerThreadId)| target.get(*id) != Some(*thread);
        let gone: BTreeSet<_> = self.owned.iter().filter(is_foreign).map(|(id, _)| id.clone()).collect();
        if !gone.is_empty() {
            return Some(RebalanceAction::Release(gone));
        }
        let unread: BTreeSet<_> =
            self.owned.keys().filter(|id| !self.reading.contains(*id)).cloned().collect();
        if !unread.is_empty() && self.read_at.is_none_or(|at| at <= now) {
            return Some(RebalanceAction::Read(unread));
        }
        let missing = target.iter().filter(|(id, _)| !self.owned.contains_key(id));
        let missing: OwnerMap = missing.map(|(id, thread)| (id.clone(), thread.clone())).collect();
        if missing.is_empty() {
            self.has_settled = true;
            return None;
        }
        may_claim.then_some(RebalanceAction::Claim(missing))
    }

    /// It is registered.
    pub(super) fn registered(&mut self) {
        self.registered = true;
        self.tries = 0;
    }

    /// It could not register: another session's registration is in the way.
    pub(super) fn not_registered(&mut self, now: Millis) {
        self.tries = self.tries.saturating_add(1);
        self.claim_at = Some(now.saturating_add(self.limits.backoff));
    }

    /// These were released.
    pub(super) fn released(&mut self, gone: &BTreeSet<TopicPartition>) {
        self.owned.retain(|id, _| !gone.contains(id));
        self.reading.retain(|id| !gone.contains(id));
    }

    /// Of the partitions claimed these are its own now; others belong to the `conflicts` of other consumers.
    pub(super) fn claimed(&mut self, own: OwnerMap, conflicts: BTreeSet<TopicPartition>, now: Millis) {
        self.owned.extend(own);
        if conflicts.is_empty() {
            self.tries = 0;
        } else {
            self.tries = self.tries.saturating_add(1);
            self.claim_at = Some(now.saturating_add(self.limits.backoff));
        }
        self.conflicts = conflicts;
    }

    /// These are read now.
    pub(super) fn reading(&mut self, begun: &BTreeSet<TopicPartition>) {
        self.read_at = None;
        self.reading.extend(begun.iter().filter(|id| self.owned.contains_key(id)).cloned());
    }

    /// Their offsets could not be looked up.
    pub(super) fn not_reading(&mut self, now: Millis) {
        self.read_at = Some(now.saturating_add(self.limits.backoff));
    }

    /// The partitions that another consumer owned at the last try; [`Rebalancer::try_now`] once one of these owners is
    /// gone.
    pub(super) fn conflicts(&self) -> &BTreeSet<TopicPartition> {
        &self.conflicts
    }

    /// Whether it has tried often enough in vain for a rebalance to have failed. It tries on.
    pub(super) fn has_given_up(&self) -> bool {
        self.tries >= self.limits.retries
    }

    /// Whether it has owned and read all that was to be its own, once.
    pub(super) fn has_settled(&self) -> bool {
        self.has_settled
    }

    /// When to ask for an action again that waits for its time.
    pub(super) fn due(&self, now: Millis) -> Option<Millis> {
        let times = [self.claim_at, self.read_at].into_iter().flatten();
        times.filter(|at| *at > now).min()
    }

    /// The partitions that are read.
    pub(super) fn being_read(&self) -> &BTreeSet<TopicPartition> {
        &self.reading
    }

    /// The partitions whose owner it is.
    #[cfg(test)]
    pub(super) fn owned(&self) -> &OwnerMap {
        &self.owned
    }
}

#[cfg(test)]
mod tests;
