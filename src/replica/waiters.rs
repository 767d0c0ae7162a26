//! Who waits for a partition: produces for the high watermark, fetches for anything new (Kafka's purgatories).
//!
//! The high watermark only rises while a broker leads, so produces are released from the front of a queue ordered by
//! offset. Fetches read again when woken, and register anew. Nobody is woken while a lock is held.

use std::collections::VecDeque;
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

/// Fetches that wait for something new in a partition.
#[derive(Debug, Default)]
pub(super) struct FetchWaiters {
    waiting: Vec<Weak<Notify>>,
}

impl FetchWaiters {
    /// Wakes `waiter` at the next change.
    pub fn register(&mut self, waiter: &Arc<Notify>) {
        if self.waiting.len() >= 64 {
            self.waiting.retain(|waiter| waiter.strong_count() > 0);
        }
        self.waiting.push(Arc::downgrade(waiter));
    }

    /// All of them, to be woken once no lock is held.
    pub fn take(&mut self) -> Vec<Weak<Notify>> {
        std::mem::take(&mut self.waiting)
    }
}

/// Wakes fetches.
pub(super) fn wake(waiting: Vec<Weak<Notify>>) {
    for waiter in waiting.iter().filter_map(Weak::upgrade) {
        waiter.notify_one();
    }
}
