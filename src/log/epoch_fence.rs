//! Which leader epochs may still write to a log.
//!
//! What is decided in a leader epoch under a partition's lock is written later, under the log's: the fence refuses it
//! if a later epoch came into force in between. Never waits. Kafka has no counterpart: it decides and writes under one
//! lock.

use std::sync::atomic::{AtomicI32, Ordering};

use crate::base::{LeaderAndIsr, LeaderEpoch};

/// The fence of a log: the leader epoch in force.
#[derive(Debug)]
pub(super) struct EpochFence {
    /// [`LeaderEpoch::MAX`] once another log has taken this one's place.
    in_force: AtomicI32,
}

impl EpochFence {
    /// Admits every epoch.
    pub fn open() -> Self {
        Self { in_force: AtomicI32::new(LeaderAndIsr::NO_EPOCH) }
    }

    /// Refuses every earlier epoch than this one. A log whose place was taken stays closed for ever.
    pub fn raise(&self, epoch: LeaderEpoch) {
        let unless_closed = |in_force: LeaderEpoch| (in_force != LeaderEpoch::MAX).then_some(epoch);
        let _ = self.in_force.fetch_update(Ordering::AcqRel, Ordering::Acquire, unless_closed);
    }

    /// Whether what was decided in a leader epoch may be written. Asked under the appender's lock.
    pub fn admits(&self, epoch: LeaderEpoch) -> bool {
        epoch >= self.in_force.load(Ordering::Acquire)
    }

    /// Refuses every epoch from now on. Returns the one that was in force.
    pub fn close(&self) -> LeaderEpoch {
        self.in_force.swap(LeaderEpoch::MAX, Ordering::AcqRel)
    }
}
