//! The watchers of a partition's log and role: sessions of fetches, and deletions of records.
//!
//! Kept under the partition's lock, so that a change and its notice are atomic. A session's own lock is taken
//! within that one, and is a leaf. The requests to wake are collected, and woken once no lock is held. Kafka:
//! the watcher lists of `DelayedOperationPurgatory`.

use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::delayed::PartitionKey;
use super::session::{FetchSession, IdleFetch};
use crate::base::BrokerId;
use crate::log::LogSnapshot;

/// A session that a request uses, and that partitions notify.
#[derive(Debug)]
pub(in crate::replica) struct SharedSession {
    state: Mutex<FetchSession>,
    /// Woken when the waiting request has to check its state.
    pub woken: Notify,
}

impl SharedSession {
    pub fn new(session: FetchSession) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(session), woken: Notify::new() })
    }

    /// Never held while another lock is taken.
    pub fn lock(&self) -> MutexGuard<'_, FetchSession> {
        self.state.lock()
    }
}

/// A partition of a session.
#[derive(Debug)]
struct PartitionWatch {
    session: Weak<SharedSession>,
    key: PartitionKey,
}

/// The number of watches from which on those of sessions that are gone are looked for.
const SWEEP_FROM: usize = 64;

/// The watches of one kind of reader.
#[derive(Debug, Default)]
struct PartitionWatches {
    watches: Vec<PartitionWatch>,
    sweep_at: usize,
}

/// The requests that watch a partition.
#[derive(Debug, Default)]
pub(in crate::replica) struct Watchers {
    /// Sessions of followers, which see what is appended.
    followers: PartitionWatches,
    /// Sessions of consumers, which see what is replicated.
    consumers: PartitionWatches,
    /// Deletions of records that wait for followers' log starts.
    starts: Vec<Weak<Notify>>,
    /// How often the role has changed.
    role_changes: u64,
}

/// The requests to wake, once no lock is held.
#[derive(Debug, Default)]
#[must_use]
pub(in crate::replica) struct Woken {
    sessions: Vec<Arc<SharedSession>>,
    starts: Vec<Weak<Notify>>,
}

/// What has changed in a partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::replica) enum LogChange {
    /// Records were appended; the high watermark may have moved, too.
    Appended {
        /// Whether the high watermark has moved.
        high_watermark_too: bool,
    },
    /// The high watermark has moved.
    HighWatermark,
    /// The log start has moved.
    LogStart,
}

impl PartitionWatches {
    fn add(&mut self, session: &Arc<SharedSession>, key: PartitionKey) {
        if self.watches.len() >= self.sweep_at.max(SWEEP_FROM) {
            self.watches.retain(|watch| watch.session.strong_count() > 0);
            self.sweep_at = self.watches.len() * 2;
        }
        self.watches.push(PartitionWatch { session: Arc::downgrade(session), key });
    }

    fn moved(&mut self, now: &LogSnapshot, woken: &mut Woken) {
        self.watches.retain(|watch| {
            let Some(session) = watch.session.upgrade() else { return false };
            let notice = session.lock().moved(watch.key, now);
            if notice.wake {
                woken.sessions.push(session);
            }
            notice.keep
        });
    }

    fn role_changed(&mut self, woken: &mut Woken) {
        for watch in self.watches.drain(..) {
            if let Some(session) = watch.session.upgrade()
                && session.lock().role_changed(watch.key)
            {
                woken.sessions.push(session);
            }
        }
    }
}

impl Watchers {
    /// How often the role has changed so far.
    pub fn role_changes(&self) -> u64 {
        self.role_changes
    }

    /// Notifies a session of changes from the state `now` on. If the role has changed since `role_changes`
    /// was read from [`Watchers::role_changes`], that is a change already.
    pub fn watch(
        &mut self,
        session: &Arc<SharedSession>,
        key: PartitionKey,
        now: Option<&LogSnapshot>,
        role_changes: u64,
    ) {
        let mut state = session.lock();
        let is_follower = state.reader().is_follower();
        let Some(now) = now.filter(|_| role_changes == self.role_changes) else {
            state.role_changed(key);
            return;
        };
        state.watched(key, now);
        drop(state);
        let watches = if is_follower { &mut self.followers } else { &mut self.consumers };
        watches.add(session, key);
    }

    /// Wakes `waiter` once, when a follower's log start may have moved, or the role has changed.
    pub fn await_starts(&mut self, waiter: &Arc<Notify>) {
        self.starts.retain(|known| known.strong_count() > 0 && !known.ptr_eq(&Arc::downgrade(waiter)));
        self.starts.push(Arc::downgrade(waiter));
    }

    /// The log has changed, and has this state now.
    pub fn moved(&mut self, change: LogChange, now: &LogSnapshot) -> Woken {
        let mut woken = Woken::default();
        self.followers.moved(now, &mut woken);
        if change != (LogChange::Appended { high_watermark_too: false }) {
            self.consumers.moved(now, &mut woken);
        }
        woken
    }

    /// The role has changed: every watching request is woken.
    pub fn role_changed(&mut self) -> Woken {
        self.role_changes += 1;
        let mut woken = Woken::default();
        self.followers.role_changed(&mut woken);
        self.consumers.role_changed(&mut woken);
        woken.starts = std::mem::take(&mut self.starts);
        woken
    }

    /// A follower's log start may have moved.
    pub fn take_starts(&mut self) -> Woken {
        Woken { sessions: Vec::new(), starts: std::mem::take(&mut self.starts) }
    }

    /// The ISR may admit followers now: their next fetches are applied.
    pub fn isr_changed(&mut self) {
        for watch in &self.followers.watches {
            if let Some(session) = watch.session.upgrade() {
                session.lock().isr_changed(watch.key);
            }
        }
    }

    /// What followers' requests have shown without reading this partition.
    pub fn idle_fetches(&self) -> Vec<(BrokerId, IdleFetch)> {
        let of = |watch: &PartitionWatch| {
            let session = watch.session.upgrade()?;
            let state = session.lock();
            Some((state.reader().replica_id, state.idle_fetch(watch.key)?))
        };
        self.followers.watches.iter().filter_map(of).collect()
    }
}

impl Woken {
    /// Both sets of requests.
    pub fn and(mut self, other: Self) -> Self {
        self.sessions.extend(other.sessions);
        self.starts.extend(other.starts);
        self
    }

    /// Wakes these requests.
    pub fn wake(self) {
        for session in self.sessions {
            session.woken.notify_waiters();
        }
        for waiter in self.starts.iter().filter_map(Weak::upgrade) {
            waiter.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
