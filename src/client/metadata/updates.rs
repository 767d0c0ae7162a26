//! When a client asks for metadata again, and about which topics.
//!
//! Pure. Time is a parameter, in milliseconds of any steady clock. A refresh is due once the metadata is older than
//! `metadata.max.age.ms`, or after a call has found it to be wrong; between two refreshes lies `retry.backoff.ms`.
//! Topics that must be known before a call can go on are looked up at once, all that wait together. Kafka: `Metadata`,
//! `ProducerMetadata`, `ConsumerMetadata`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::Millis;

/// The topics that a client wants to stay informed about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowedTopics {
    /// These.
    Only(BTreeSet<Arc<str>>),
    /// All that the cluster has.
    All,
}

/// The times of refreshes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UpdateTimes {
    /// The age at which metadata is asked for again (`metadata.max.age.ms`).
    pub max_age: Millis,
    /// How long a topic that was used is followed (`metadata.max.idle.ms`).
    pub max_idle: Millis,
    /// The shortest time between two refreshes (`retry.backoff.ms`).
    pub backoff: Millis,
}

/// What to do about refreshing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefreshStep {
    /// Ask now, for these topics.
    Now(FollowedTopics),
    /// Ask at this time, unless something happens before.
    At(Millis),
    /// Nothing, until something happens.
    Wait,
}

/// Lookups that wait, each a `T`, by the topic that they wait for.
type WaitingLookups<T> = BTreeMap<Arc<str>, Vec<T>>;

/// The state of a client's refreshes and lookups.
#[derive(Debug)]
pub(crate) struct MetadataUpdates<T> {
    times: UpdateTimes,
    followed: FollowedTopics,
    /// When each topic that was used was used last.
    used: HashMap<Arc<str>, Millis>,
    /// Lookups that no request has been made for.
    lookups: WaitingLookups<T>,
    looking_up: bool,
    /// A refresh was asked for since the last one began.
    requested: bool,
    refreshing: bool,
    /// When the last refresh ended, whatever its outcome.
    tried: Option<Millis>,
    /// When metadata last came.
    updated: Option<Millis>,
}

impl<T> MetadataUpdates<T> {
    /// The state of a client that has not asked for anything.
    pub fn new(times: UpdateTimes) -> Self {
        Self {
            times,
            followed: FollowedTopics::Only(BTreeSet::new()),
            used: HashMap::new(),
            lookups: BTreeMap::new(),
            looking_up: false,
            requested: false,
            refreshing: false,
            tried: None,
            updated: None,
        }
    }

    /// Sets the followed topics. A refresh is due if there are new ones.
    pub fn follow(&mut self, topics: FollowedTopics) {
        let more = match (&self.followed, &topics) {
            (FollowedTopics::All, _) => false,
            (FollowedTopics::Only(_), FollowedTopics::All) => true,
            (FollowedTopics::Only(before), FollowedTopics::Only(now)) => !now.is_subset(before),
        };
        if more {
            self.requested = true;
            self.tried = None;
        }
        self.followed = topics;
    }

    /// Notes that a topic is in use.
    pub fn use_topic(&mut self, topic: &Arc<str>, now: Millis) {
        match self.used.get_mut(topic) {
            Some(last) => *last = now,
            None => {
                self.used.insert(topic.clone(), now);
            }
        }
    }

    /// Asks for a refresh.
    pub fn request(&mut self) {
        self.requested = true;
    }

    /// Whether there are topics to stay informed about.
    pub fn follows_any(&self) -> bool {
        self.followed != FollowedTopics::Only(BTreeSet::new()) || !self.used.is_empty()
    }

    /// Whether a topic is still wanted.
    pub fn wants(&self, topic: &str, now: Millis) -> bool {
        let followed = match &self.followed {
            FollowedTopics::All => true,
            FollowedTopics::Only(topics) => topics.contains(topic),
        };
        followed || self.used.get(topic).is_some_and(|last| now - last < self.times.max_idle)
    }

    /// What to do now about refreshing; [`RefreshStep::Now`] counts as begun.
    pub fn refresh(&mut self, now: Millis) -> RefreshStep {
        if self.refreshing {
            return RefreshStep::Wait;
        }
        let aged = self.updated.map(|updated| updated + self.times.max_age);
        let Some(due) = (if self.requested { Some(now) } else { aged }) else { return RefreshStep::Wait };
        let allowed = self.tried.map_or(now, |tried| tried + self.times.backoff);
        let due = due.max(allowed);
        if due > now {
            return RefreshStep::At(due);
        }
        self.requested = false;
        self.refreshing = true;
        RefreshStep::Now(self.topics(now))
    }

    fn topics(&mut self, now: Millis) -> FollowedTopics {
        let max_idle = self.times.max_idle;
        self.used.retain(|_, last| now - *last < max_idle);
        match &self.followed {
            FollowedTopics::All => FollowedTopics::All,
            FollowedTopics::Only(topics) => {
                FollowedTopics::Only(topics.iter().chain(self.used.keys()).cloned().collect())
            }
        }
    }

    /// Notes that a refresh has brought metadata.
    pub fn refreshed(&mut self, now: Millis) {
        self.refreshing = false;
        self.tried = Some(now);
        self.updated = Some(now);
    }

    /// Notes that a refresh has failed: it is tried again.
    pub fn refresh_failed(&mut self, now: Millis) {
        self.refreshing = false;
        self.tried = Some(now);
        self.requested = true;
    }

    /// Notes that metadata has come by a request that was no refresh.
    pub fn heard(&mut self, now: Millis) {
        self.updated.get_or_insert(now);
    }

    /// Adds a lookup of a topic.
    pub fn look_up(&mut self, topic: Arc<str>, waiting: T) {
        self.lookups.entry(topic).or_default().push(waiting);
    }

    /// The lookups to make a request for now: all that wait, unless one is under way. They count as under way.
    pub fn next_lookups(&mut self) -> Option<WaitingLookups<T>> {
        if self.looking_up || self.lookups.is_empty() {
            return None;
        }
        self.looking_up = true;
        Some(std::mem::take(&mut self.lookups))
    }

    /// Notes that the lookups under way have their answer.
    pub fn looked_up(&mut self) {
        self.looking_up = false;
    }
}

#[cfg(test)]
mod tests;
