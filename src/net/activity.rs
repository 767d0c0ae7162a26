//! When a connection was used last: whenever bytes have come or gone on it (Kafka's
//! `Selector.IdleExpiryManager`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::traffic::Traffic;
use crate::base::Millis;

/// The last use of a connection, shared by its clones; the reading half and the writing half both mark it.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    begun: Instant,
    last: Arc<AtomicI64>,
    /// What counts the bytes of its listener; None where they are not counted.
    traffic: Option<Arc<Traffic>>,
}

impl Activity {
    /// A connection used just now. Those with the same `begun` can be compared by [`Activity::last`].
    pub fn since(begun: Instant) -> Self {
        let activity = Self { begun, last: Arc::default(), traffic: None };
        activity.mark();
        activity
    }

    /// The same, whose bytes are counted there.
    #[must_use]
    pub fn counted_by(&self, traffic: Arc<Traffic>) -> Self {
        Self { traffic: Some(traffic), ..self.clone() }
    }

    /// So many bytes have come.
    pub fn received(&self, bytes: usize) {
        self.mark();
        self.traffic.iter().for_each(|traffic| traffic.received(bytes));
    }

    /// The other side has taken so many bytes.
    pub fn sent(&self, bytes: usize) {
        self.mark();
        self.traffic.iter().for_each(|traffic| traffic.sent(bytes));
    }

    /// Marks the connection as used now.
    pub fn mark(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// When the connection was used last, in milliseconds since `begun`.
    pub fn last(&self) -> Millis {
        self.last.load(Ordering::Relaxed)
    }

    /// How long the connection has been unused.
    pub fn unused_for(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now() - self.last()).unwrap_or(0))
    }

    /// Waits until the connection has been unused for `limit`.
    pub async fn expired(&self, limit: Duration) {
        loop {
            let left = limit.saturating_sub(self.unused_for());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    fn now(&self) -> Millis {
        Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}

#[cfg(test)]
mod tests;
