//! Until when no request is read from a connection, because its caller has exceeded a quota.
//!
//! Kafka: `ChannelMuteState`, `ThrottledChannel`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Millis;
use crate::base::time::millis;

/// A connection's mute, shared by its clones: the writing half sets it, the reading half waits for its end.
#[derive(Clone, Debug)]
pub(super) struct Mute {
    begun: Instant,
    /// The end, in milliseconds since `begun`; never goes back.
    until: Arc<AtomicI64>,
}

impl Mute {
    /// No mute.
    pub fn new() -> Self {
        Self { begun: Instant::now(), until: Arc::default() }
    }

    /// Lets no request be read for this duration from now on. Of two mutes the one that ends later counts.
    pub fn extend(&self, throttle: Duration) {
        if !throttle.is_zero() {
            self.extend_at(self.elapsed(), throttle);
        }
    }

    /// Waits until the mute is over, even if it is extended meanwhile.
    pub async fn over(&self) {
        // Most connections are never muted: no clock is read for them.
        while self.until.load(Ordering::Relaxed) > 0 {
            let left = self.left_at(self.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    fn extend_at(&self, elapsed: Millis, throttle: Duration) {
        let throttle = Millis::try_from(throttle.as_millis()).unwrap_or(Millis::MAX);
        self.until.fetch_max(elapsed.saturating_add(throttle.max(1)), Ordering::Relaxed);
    }

    fn left_at(&self, elapsed: Millis) -> Duration {
        millis(self.until.load(Ordering::Relaxed) - elapsed)
    }

    fn elapsed(&self) -> Millis {
        Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_mutes_the_one_that_ends_later_counts() {
        let mute = Mute::new();
        assert_eq!(mute.left_at(0), Duration::ZERO);
        mute.extend_at(10, Duration::from_millis(100));
        mute.extend_at(20, Duration::from_millis(5));
        assert_eq!(mute.left_at(20), Duration::from_millis(90));
        mute.extend_at(50, Duration::from_millis(100));
        assert_eq!(mute.left_at(50), Duration::from_millis(100));
        assert_eq!(mute.left_at(151), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_connection_that_was_never_muted_is_read_at_once() {
        use futures_util::FutureExt;
        let mute = Mute::new();
        assert!(mute.over().now_or_never().is_some());
        mute.extend(Duration::from_secs(3600));
        assert!(mute.over().now_or_never().is_none());
    }
}
