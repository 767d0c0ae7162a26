//! The fetching side of an incremental session with a broker (KIP-227): each request names only what differs from the
//! last one. Followers and consumers have such sessions.
//!
//! Pure. Never keeps what a broker claims without having been asked: an answer that names other partitions ends the
//! session. Kafka: `FetchSessionHandler`.

use std::collections::{HashMap, HashSet};

use crate::base::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// The epoch of a request that names all partitions and asks for a new session.
const INITIAL_EPOCH: i32 = 0;

/// One fetch request, as far as the session decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSessionRequest<T> {
    /// The session; 0 for none.
    pub session_id: i32,
    /// The epoch in it; 0 for a request that names everything.
    pub session_epoch: i32,
    /// The partitions to name, in the order given.
    pub to_send: Vec<(TopicPartition, T)>,
    /// The partitions that leave the session, sorted.
    pub to_forget: Vec<TopicPartition>,
}

/// The session with one broker, as far as it is known. `T` is what is asked for of a partition.
#[derive(Clone, Debug)]
pub struct FetchSessionHandler<T> {
    id: i32,
    /// The epoch of the next request.
    epoch: i32,
    /// What the broker is to fetch, once it has the last request.
    partitions: HashMap<TopicPartition, T>,
}

impl<T> Default for FetchSessionHandler<T> {
    fn default() -> Self {
        Self { id: 0, epoch: INITIAL_EPOCH, partitions: HashMap::new() }
    }
}

impl<T: Copy + PartialEq> FetchSessionHandler<T> {
    /// Whether the next request names all partitions, because there is no session.
    pub fn is_full(&self) -> bool {
        self.epoch == INITIAL_EPOCH
    }

    /// Whether nothing is fetched in the session.
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// The next request. A full one is given all partitions; an incremental one what may have changed since the last
    /// request, where None means that a partition leaves the session.
    pub fn change(&mut self, changes: Vec<(TopicPartition, Option<T>)>) -> FetchSessionRequest<T> {
        let (session_id, session_epoch) = (self.id, self.epoch);
        if self.is_full() {
            self.partitions.clear();
        }
        let (mut to_send, mut to_forget) = (Vec::new(), Vec::new());
        for (partition, wanted) in changes {
            match wanted {
                Some(wanted) if self.partitions.insert(partition.clone(), wanted) != Some(wanted) => {
                    to_send.push((partition, wanted));
                }
                Some(_) => {}
                None if self.partitions.remove(&partition).is_some() => to_forget.push(partition),
                None => {}
            }
        }
        to_forget.sort_unstable();
        FetchSessionRequest { session_id, session_epoch, to_send, to_forget }
    }

    /// The next request, by which exactly these partitions are fetched.
    pub fn request(&mut self, wanted: Vec<(TopicPartition, T)>) -> FetchSessionRequest<T> {
        let mut changes: Vec<_> = Vec::with_capacity(wanted.len());
        if !self.is_full() {
            let ids: HashSet<_> = wanted.iter().map(|(id, _)| id).collect();
            let unwanted = self.partitions.keys().filter(|known| !ids.contains(known));
            changes.extend(unwanted.map(|id| (id.clone(), None)));
        }
        changes.extend(wanted.into_iter().map(|(id, wanted)| (id, Some(wanted))));
        self.change(changes)
    }

    /// What the last request asks for of a partition; None where it is not in the session.
    pub fn wanted(&self, partition: &TopicPartition) -> Option<&T> {
        self.partitions.get(partition)
    }

    /// Applies an answer: its error, its session, and the partitions it names. False if the rest of the answer is of no
    /// use.
    pub fn answered(&mut self, error: ErrorCode, session_id: i32, named: &[TopicPartition]) -> bool {
        if error != ErrorCode::None {
            match error {
                ErrorCode::FetchSessionIdNotFound => self.begin_anew(),
                _ => self.failed(),
            }
            return false;
        }
        let is_full = self.is_full();
        let all_known = named.iter().all(|partition| self.partitions.contains_key(partition));
        if is_full && (!all_known || named.len() != self.partitions.len()) {
            // A broker that throttles answers a full request without partitions (KIP-219).
            self.begin_anew();
            return false;
        }
        if !all_known {
            self.failed();
            return false;
        }
        match session_id {
            0 => self.begin_anew(),
            id if is_full => (self.id, self.epoch) = (id, 1),
            _ => self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 },
        }
        true
    }

    /// It is not known whether the broker got the request: the next one ends the session and begins another.
    pub fn failed(&mut self) {
        self.epoch = INITIAL_EPOCH;
    }

    fn begin_anew(&mut self) {
        (self.id, self.epoch) = (0, INITIAL_EPOCH);
    }
}

#[cfg(test)]
mod tests;
