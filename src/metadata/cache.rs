//! The snapshot in force: replaced as a whole, never changed in place, so that a reader holds no lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{MetadataSnapshot, MetadataUpdate};

/// The cluster as this broker knows it (Kafka's `MetadataCache`).
#[derive(Debug)]
pub struct MetadataCache {
    snapshot: ArcSwap<MetadataSnapshot>,
    /// Locked while a snapshot is replaced by the next one. Readers do not take this lock.
    updating: Mutex<()>,
    /// Counts the snapshots, so that the next one can be awaited.
    changes: watch::Sender<u64>,
}

impl Default for MetadataCache {
    fn default() -> Self {
        Self { snapshot: ArcSwap::default(), updating: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl MetadataCache {
    /// The cluster as it is known now.
    pub fn snapshot(&self) -> Arc<MetadataSnapshot> {
        self.snapshot.load_full()
    }

    /// Counts the snapshots; a receiver is notified of every later one.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Replaces the snapshot by one with this update, and notifies every receiver.
    pub fn apply(&self, update: MetadataUpdate) {
        {
            let _one_at_a_time = self.updating.lock();
            let next = self.snapshot.load().updated(update);
            self.snapshot.store(Arc::new(next));
        }
        self.changes.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests;
