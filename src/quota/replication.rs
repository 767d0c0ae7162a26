//! Throttled replication (KIP-73): which replicas are throttled, and whether they have used up their quota.
//!
//! Pure. A throttle holds back replicas that catch up, never those that are in sync: they would fall behind.
//! Bytes are counted for all throttled replicas, in sync or not. Kafka: `ReplicationQuotaManager`.

use super::rate::SimpleRate;
use crate::base::{BrokerId, Millis};

/// One side of throttled replication: what a broker sends as leader, or what it fetches as follower.
#[derive(Clone, Debug)]
pub struct ReplicationThrottle {
    bound: i64,
    rate: SimpleRate,
}

impl ReplicationThrottle {
    /// A throttle without a bound. Its rate is taken over `windows` windows (`replication.quota.window.num`),
    /// each `window` milliseconds long (`replication.quota.window.size.seconds`).
    pub fn new(windows: usize, window: Millis) -> Self {
        Self { bound: i64::MAX, rate: SimpleRate::new(windows, window) }
    }

    /// Sets the bound, in bytes a second.
    pub fn allow(&mut self, bytes_per_second: i64) {
        self.bound = bytes_per_second;
    }

    /// Counts bytes that have passed.
    pub fn record(&mut self, bytes: usize, now: Millis) {
        self.rate.record(bytes as f64, now);
    }

    /// Whether the rate is above the bound.
    pub fn is_exceeded(&mut self, now: Millis) -> bool {
        self.bound < i64::MAX && self.rate.per_second(now) > self.bound as f64
    }
}

/// Whether a partition is throttled on a broker, by `leader.` or `follower.replication.throttled.replicas`: `*` for all
/// replicas, else `partition:broker` each.
pub fn is_throttled(replicas: &[String], partition: i32, broker: BrokerId) -> bool {
    let named = |entry: &String| {
        let entry = entry.trim();
        let pair = entry.split_once(':');
        entry == "*"
            || pair
                .is_some_and(|(at, on)| at.trim().parse() == Ok(partition) && on.trim().parse() == Ok(broker))
    };
    replicas.iter().any(named)
}

#[cfg(test)]
mod tests;
