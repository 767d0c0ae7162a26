//! Produces that wait for the high watermark of a partition (Kafka's `DelayedProduce`).
//!
//! The high watermark only rises while a broker leads, so produces are released from the front of a queue ordered by
//! offset. No request is woken while a lock is held.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::fetch::watch::Woken;
use crate::base::Offset;
use crate::wire::error_code::ErrorCode;

/// Produces that wait for the high watermark to pass their last record.
#[derive(Debug, Default)]
pub(super) struct ProduceWaiters {
    queue: VecDeque<(Offset, oneshot::Sender<ErrorCode>)>,
}

/// Requests to be woken once no lock is held: produces that have ended, and the sessions that watch the
/// partition.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Released {
    produces: Vec<(oneshot::Sender<ErrorCode>, ErrorCode)>,
    woken: Woken,
}

impl ProduceWaiters {
    /// Waits until the high watermark is at least `required`.
    pub fn wait_for(&mut self, required: Offset) -> oneshot::Receiver<ErrorCode> {
        let (sender, receiver) = oneshot::channel();
        let at = self.queue.partition_point(|(offset, _)| *offset <= required);
        self.queue.insert(at, (required, sender));
        receiver
    }

    /// The produces whose records the high watermark has passed; `outcome` is how they end.
    pub fn release(&mut self, high_watermark: Offset, outcome: ErrorCode) -> Released {
        let count = self.queue.partition_point(|(offset, _)| *offset <= high_watermark);
        Released::of(self.queue.drain(..count).map(|(_, sender)| (sender, outcome)).collect())
    }

    /// All produces, because this broker can no longer acknowledge their records.
    pub fn give_up(&mut self, outcome: ErrorCode) -> Released {
        Released::of(self.queue.drain(..).map(|(_, sender)| (sender, outcome)).collect())
    }

    /// Removes the produces that no longer wait.
    pub fn sweep(&mut self) {
        self.queue.retain(|(_, sender)| !sender.is_closed());
    }
}

impl Released {
    fn of(produces: Vec<(oneshot::Sender<ErrorCode>, ErrorCode)>) -> Self {
        Self { produces, woken: Woken::default() }
    }

    /// These produces, and the watching requests.
    pub fn and(mut self, woken: Woken) -> Self {
        self.woken = self.woken.and(woken);
        self
    }

    /// Wakes them all.
    pub fn wake(self) {
        for (sender, outcome) in self.produces {
            let _ = sender.send(outcome); // The produce may have timed out meanwhile.
        }
        self.woken.wake();
    }
}

#[cfg(test)]
mod tests;
