//! Which partitions of a session are watched, and what the session makes of their notices.
//!
//! Pure. A notice makes a partition due, or adds to what the waiting request can read.

use super::{FetchSession, IdleFetch, Notice};
use crate::log::LogSnapshot;
use crate::replica::fetch::delayed::{DelayedVerdict, PartitionKey};

impl FetchSession {
    /// The partitions among these that are to be watched: all of them by a request that waits, else those
    /// without anything to read.
    pub fn unwatched(&self, keys: impl IntoIterator<Item = PartitionKey>) -> Vec<PartitionKey> {
        let waits = self.delayed.is_some();
        let is_wanted = |key: &PartitionKey| {
            self.cached.get(key).is_some_and(|cached| !cached.is_watched && (waits || cached.is_at_end()))
        };
        keys.into_iter().filter(is_wanted).collect()
    }

    /// A partition is watched from now on; its log has this state.
    pub fn watched(&mut self, key: PartitionKey, now: &LogSnapshot) {
        let reader = self.reader;
        let Some(cached) = self.cached.get_mut(&key) else { return };
        cached.is_watched = true;
        cached.update(reader, now);
        self.count(key);
        self.refresh(key);
    }

    /// A watched partition's log has this state now.
    pub fn moved(&mut self, key: PartitionKey, now: &LogSnapshot) -> Notice {
        let reader = self.reader;
        let Some(cached) = self.cached.get_mut(&key) else { return Notice { keep: false, wake: false } };
        cached.update(reader, now);
        if cached.is_quiet(reader) {
            return Notice { keep: true, wake: false };
        }
        if self.delayed.is_some() {
            self.fall_due(key);
            let wake = self.count(key);
            return Notice { keep: true, wake };
        }
        // A follower's partitions stay watched; a consumer's are watched until they change, as it may not
        // come back.
        cached.is_watched = reader.is_follower();
        self.fall_due(key);
        Notice { keep: reader.is_follower(), wake: false }
    }

    /// The role of a watched partition has changed, or it is gone: it is no longer watched. Returns whether
    /// the waiting request has to check its state.
    pub fn role_changed(&mut self, key: PartitionKey) -> bool {
        let Some(cached) = self.cached.get_mut(&key) else { return false };
        cached.is_watched = false;
        // A follower that has everything is known to have it in the next epoch only once it has fetched
        // there.
        (cached.idle, cached.counted_in) = (None, None);
        self.due.insert(cached.slot, key);
        let Some((_, delayed)) = &mut self.delayed else { return false };
        let before = delayed.verdict();
        delayed.examine(key);
        delayed.verdict() != before
    }

    /// The ISR may admit a follower now that it did not admit before: the follower's next request is applied,
    /// though the log is unchanged.
    pub fn isr_changed(&mut self, key: PartitionKey) {
        self.fall_due(key);
        if let Some(cached) = self.cached.get_mut(&key) {
            cached.counted_in = None;
        }
    }

    pub(super) fn fall_due(&mut self, key: PartitionKey) {
        let Some(cached) = self.cached.get_mut(&key) else { return };
        if self.due.insert(cached.slot, key).is_none() {
            cached.idle = cached.counted_in.map(|leader_epoch| IdleFetch { leader_epoch, at: self.used });
        }
    }

    /// Applies a partition's state to the waiting request; returns whether the request has to check its
    /// state.
    pub(super) fn count(&mut self, key: PartitionKey) -> bool {
        let (Some((_, delayed)), Some(cached)) = (&mut self.delayed, self.cached.get(&key)) else {
            return false;
        };
        let before = delayed.verdict();
        if let Some(position) = cached.position() {
            delayed.count(key, position.readable());
        }
        if self.reader.is_follower() && cached.has_new_high_watermark() {
            delayed.has_new_high_watermark();
        }
        let after = delayed.verdict();
        after != before && after != DelayedVerdict::Waits
    }

    /// What a follower's requests have shown of a partition without reading it.
    pub fn idle_fetch(&self, key: PartitionKey) -> Option<IdleFetch> {
        let cached = self.cached.get(&key)?;
        if self.due.contains_key(&cached.slot) {
            return cached.idle;
        }
        Some(IdleFetch { leader_epoch: cached.counted_in?, at: self.used })
    }
}
