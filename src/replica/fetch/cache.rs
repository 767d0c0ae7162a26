//! The sessions of a broker's clients, at most `max.incremental.fetch.session.cache.slots` of them.
//!
//! They are found without a lock; one is taken only to begin and to end sessions. Kafka: `FetchSessionCache`.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::watch::SharedSession;
use crate::base::Millis;
use crate::metrics::Meter;

/// How long a session is safe after it began, and when it is not used, in milliseconds.
const SAFE_FOR: Millis = 120_000;

/// A session in the cache.
#[derive(Clone, Debug)]
struct CachedSession {
    session: Arc<SharedSession>,
    /// Whether it is a follower's.
    privileged: bool,
}

type CachedSessions = HashMap<i32, CachedSession>;

/// The rank of a session, by which one is evicted for another.
#[derive(Clone, Copy, Debug)]
struct SessionFacts {
    id: i32,
    privileged: bool,
    size: usize,
    created: Millis,
    used: Millis,
}

/// All sessions, by their ids.
#[derive(Debug)]
#[doc(alias = "FetchSessionCache")]
pub struct FetchSessions {
    slots: usize,
    sessions: ArcSwap<CachedSessions>,
    /// Locked while a session begins or ends.
    changes: Mutex<()>,
    /// The sessions that made room for others.
    evictions: Meter,
}

impl FetchSessions {
    /// Room for so many sessions.
    pub fn new(slots: usize) -> Self {
        Self { slots, sessions: ArcSwap::default(), changes: Mutex::default(), evictions: Meter::default() }
    }

    /// Counts the sessions that made room for others.
    pub fn evictions(&self) -> &Meter {
        &self.evictions
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.sessions.load().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many partitions all of them hold.
    pub fn partitions(&self) -> usize {
        self.sessions.load().values().map(|slot| slot.session.lock().len()).sum()
    }

    /// A session.
    pub(super) fn get(&self, id: i32) -> Option<Arc<SharedSession>> {
        self.sessions.load().get(&id).map(|slot| slot.session.clone())
    }

    /// Ends a session.
    pub(super) fn remove(&self, id: i32) {
        // Most requests without a session have id 0.
        if !self.sessions.load().contains_key(&id) {
            return;
        }
        let _guard = self.changes.lock();
        let mut sessions = CachedSessions::clone(&self.sessions.load());
        sessions.remove(&id);
        self.sessions.store(Arc::new(sessions));
    }

    /// Adds a session under the first of the `ids` that is free; None if there is no room for it.
    pub(super) fn insert(
        &self,
        mut ids: impl Iterator<Item = i32>,
        session: Arc<SharedSession>,
        now: Millis,
    ) -> Option<i32> {
        let (privileged, size) = {
            let state = session.lock();
            (state.reader().is_follower(), state.len())
        };
        let _guard = self.changes.lock();
        let current = self.sessions.load();
        let victim =
            if current.len() < self.slots { None } else { Some(victim(&current, size, privileged, now)?) };
        let id = ids.find(|id| !current.contains_key(id))?;
        let mut sessions = CachedSessions::clone(&current);
        if let Some(victim) = victim {
            sessions.remove(&victim);
            self.evictions.mark(1);
        }
        sessions.insert(id, CachedSession { session, privileged });
        self.sessions.store(Arc::new(sessions));
        Some(id)
    }
}

/// The session to evict for one of this size; None if all rank higher.
fn victim(sessions: &CachedSessions, size: usize, privileged: bool, now: Millis) -> Option<i32> {
    let facts = sessions.iter().map(|(id, slot)| {
        let state = slot.session.lock();
        let (size, created, used) = (state.len(), state.created(), state.used());
        SessionFacts { id: *id, privileged: slot.privileged, size, created, used }
    });
    let facts: Vec<_> = facts.collect();
    let oldest = facts.iter().min_by_key(|it| it.used)?;
    if now - oldest.used > SAFE_FOR {
        return Some(oldest.id);
    }
    // Followers' sessions rank higher than consumers', larger ones higher than smaller ones. A young session
    // is safe from one of its own kind, else many clients would evict each other in turns.
    let worth = |it: &SessionFacts| (it.privileged, it.size);
    let at_risk = |it: &&SessionFacts| privileged && !it.privileged || now - it.created > SAFE_FOR;
    let least = facts.iter().filter(at_risk).min_by_key(|it| worth(it))?;
    (worth(least) < (privileged, size)).then_some(least.id)
}

#[cfg(test)]
mod tests;
