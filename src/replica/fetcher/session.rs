//! A fetcher's incremental session with a leader (KIP-227): each request names only what differs from the last one.
//!
//! Pure. The other side is [`crate::replica::fetch::session`]. Kafka: `FetchSessionHandler`.

use std::collections::HashMap;

use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// The epoch of a request that names everything and asks for a new session.
const FULL: i32 = 0;

/// The fetch parameters of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The fetch offset.
    pub offset: Offset,
    /// The start of the follower's own log.
    pub log_start: Offset,
    /// The leader epoch as the follower knows it.
    pub leader_epoch: LeaderEpoch,
}

/// One fetch request, as far as the session decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetcherRequest {
    /// The session; 0 for none.
    pub session_id: i32,
    /// The epoch in it; 0 for a request that names everything.
    pub session_epoch: i32,
    /// The partitions to name.
    pub send: Vec<(TopicPartition, Want)>,
    /// The partitions to remove from the session.
    pub forget: Vec<TopicPartition>,
}

/// The leader's state of the session, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Session {
    id: i32,
    epoch: i32,
    partitions: HashMap<TopicPartition, Want>,
}

impl Session {
    /// Whether the next request names all partitions, because there is no session.
    pub fn is_full(&self) -> bool {
        self.epoch == FULL
    }

    /// The next request. A full one names all partitions; an incremental one what has changed since the last
    /// request, where None means that a partition is removed. None if there is nothing to ask or to remove.
    pub fn request(&mut self, changes: Vec<(TopicPartition, Option<Want>)>) -> Option<FetcherRequest> {
        let (session_id, session_epoch) = (self.id, self.epoch);
        if self.is_full() {
            self.partitions.clear();
        }
        let (mut send, mut forget) = (Vec::new(), Vec::new());
        for (partition, want) in changes {
            match want {
                Some(want) if self.partitions.insert(partition.clone(), want) != Some(want) => {
                    send.push((partition, want));
                }
                Some(_) => {}
                None if self.partitions.remove(&partition).is_some() => forget.push(partition),
                None => {}
            }
        }
        forget.sort_unstable();
        let something = !self.partitions.is_empty() || !forget.is_empty();
        something.then_some(FetcherRequest { session_id, session_epoch, send, forget })
    }

    /// The last parameters of a partition.
    pub fn wanted(&self, partition: &TopicPartition) -> Option<&Want> {
        self.partitions.get(partition)
    }

    /// Applies an answer: its error, its session, and the partitions it names. False if the rest of the
    /// answer is of no use.
    pub fn answered(&mut self, error: ErrorCode, session_id: i32, named: &[TopicPartition]) -> bool {
        if error != ErrorCode::None {
            match error {
                ErrorCode::FetchSessionIdNotFound => self.begin_anew(),
                _ => self.failed(),
            }
            return false;
        }
        let full = self.epoch == FULL;
        let known = named.iter().all(|partition| self.partitions.contains_key(partition));
        if !known || (full && named.len() != self.partitions.len()) {
            if full {
                self.begin_anew()
            } else {
                self.failed()
            }
            return false;
        }
        match session_id {
            0 => self.begin_anew(),
            id if full => (self.id, self.epoch) = (id, 1),
            _ => self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 },
        }
        true
    }

    /// It is not known whether the leader got the request: the next one ends the session and begins another.
    pub fn failed(&mut self) {
        self.epoch = FULL;
    }

    fn begin_anew(&mut self) {
        (self.id, self.epoch) = (0, FULL);
    }
}

#[cfg(test)]
mod tests;
