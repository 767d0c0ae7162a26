//! A counter that many threads add to.
//!
//! Never locks. A sharded counter costs each thread an addition in a cache line that it shares with few others.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The most shards of a counter.
const SHARDS: usize = 8;

/// How many shards a counter has that all threads add to: one for each core, up to [`SHARDS`].
pub(super) fn shards() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS)
}

/// The shard of this thread, among so many.
pub(super) fn shard(of: usize) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread that is ending has no number of its own any more.
    THREAD.try_with(|thread| *thread).unwrap_or(0) % of.max(1)
}

/// A count alone in its cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Padded(AtomicU64);

/// A count that only rises.
#[derive(Debug)]
pub struct Counter(Box<[Padded]>);

impl Default for Counter {
    fn default() -> Self {
        Self::with_shards(1)
    }
}

impl Counter {
    /// A counter for what all threads of a broker count at once.
    pub fn sharded() -> Self {
        Self::with_shards(shards())
    }

    fn with_shards(shards: usize) -> Self {
        Self((0..shards).map(|_| Padded::default()).collect())
    }

    /// Adds `amount`.
    pub fn add(&self, amount: u64) {
        let padded = match &*self.0 {
            [only] => only,
            all => &all[shard(all.len())],
        };
        padded.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// The sum of what was added.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|padded| padded.0.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_add_is_summed() {
        for counter in [Counter::default(), Counter::with_shards(3)] {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..1000).for_each(|_| counter.add(2)));
                }
            });
            assert_eq!(counter.get(), 8000);
        }
    }
}
