//! Who waits for a partition: produces for the high watermark, fetches for anything new (Kafka's purgatories).
//!
//! The high watermark only rises while a broker leads, so produces are released from the front of a queue ordered by
//! offset. Followers are woken by what is appended, consumers by what is replicated; they read again when woken, and
//! register anew. Nobody is woken while a lock is held.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use tokio::sync::{Notify, oneshot};

use crate::base::Offset;
use crate::wire::error_code::ErrorCode;

/// Produces that wait for the high watermark to pass their last record.
#[derive(Debug, Default)]
pub(super) struct ProduceWaiters {
    queue: VecDeque<(Offset, oneshot::Sender<ErrorCode>)>,
}

/// Produces to be told how they ended, once no lock is held.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Released(Vec<(oneshot::Sender<ErrorCode>, ErrorCode)>);

impl ProduceWaiters {
    /// Waits until the high watermark is at least `required`.
    pub fn wait_for(&mut self, required: Offset) -> oneshot::Receiver<ErrorCode> {
        let (sender, receiver) = oneshot::channel();
        let at = self.queue.partition_point(|(offset, _)| *offset <= required);
        self.queue.insert(at, (required, sender));
        receiver
    }

    /// Those whose records the high watermark has passed; `outcome` is how they end.
    pub fn release(&mut self, high_watermark: Offset, outcome: ErrorCode) -> Released {
        let count = self.queue.partition_point(|(offset, _)| *offset <= high_watermark);
        Released(self.queue.drain(..count).map(|(_, sender)| (sender, outcome)).collect())
    }

    /// All of them, because the records are no longer this broker's to acknowledge.
    pub fn give_up(&mut self, outcome: ErrorCode) -> Released {
        Released(self.queue.drain(..).map(|(_, sender)| (sender, outcome)).collect())
    }

    /// Forgets those that no longer wait.
    pub fn sweep(&mut self) {
        self.queue.retain(|(_, sender)| !sender.is_closed());
    }
}

impl Released {
    /// Tells them.
    pub fn wake(self) {
        for (sender, outcome) in self.0 {
            let _ = sender.send(outcome); // Its time may have run out meanwhile.
        }
    }
}

/// What a request waits for in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// Records at the end: followers.
    End,
    /// Records that are replicated: consumers.
    Watermark,
    /// Followers whose logs start later: deletions of records.
    Starts,
}

/// How many waiters there are before those that no longer wait are looked for.
const SWEEP_FROM: usize = 64;

/// Fetches, and deletions of records, that wait for something new in a partition.
#[derive(Debug, Default)]
pub(super) struct FetchWaiters {
    end: Waiting,
    watermark: Waiting,
    starts: Waiting,
}

/// Waiting fetches by their address, so that one that looks often is held once. A waiter that is gone keeps its address
/// until it is swept.
#[derive(Debug, Default)]
struct Waiting {
    fetches: HashMap<usize, Weak<Notify>>,
    sweep_at: usize,
}

impl Waiting {
    fn add(&mut self, waiter: &Arc<Notify>) {
        if self.fetches.len() >= self.sweep_at.max(SWEEP_FROM) {
            self.fetches.retain(|_, waiter| waiter.strong_count() > 0);
            self.sweep_at = self.fetches.len() * 2;
        }
        self.fetches.entry(Arc::as_ptr(waiter).addr()).or_insert_with(|| Arc::downgrade(waiter));
    }
}

impl FetchWaiters {
    /// Wakes `waiter` at the next change of what it awaits.
    pub fn register(&mut self, waiter: &Arc<Notify>, awaits: Awaits) {
        match awaits {
            Awaits::End => self.end.add(waiter),
            Awaits::Watermark => self.watermark.add(waiter),
            Awaits::Starts => self.starts.add(waiter),
        }
    }

    /// Those that await one of these, to be woken once no lock is held.
    pub fn take(&mut self, end: bool, watermark: bool) -> Vec<Weak<Notify>> {
        let mut taken = Vec::new();
        if end {
            taken.extend(self.end.fetches.drain().map(|(_, waiter)| waiter));
        }
        if watermark {
            taken.extend(self.watermark.fetches.drain().map(|(_, waiter)| waiter));
        }
        taken
    }

    /// Those that await followers' starts, to be woken once no lock is held.
    pub fn take_starts(&mut self) -> Vec<Weak<Notify>> {
        self.starts.fetches.drain().map(|(_, waiter)| waiter).collect()
    }
}

/// Wakes fetches.
pub(super) fn wake(waiting: Vec<Weak<Notify>>) {
    for waiter in waiting.iter().filter_map(Weak::upgrade) {
        waiter.notify_one();
    }
}

#[cfg(test)]
mod tests;
