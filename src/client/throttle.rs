//! The time for which a broker reads nothing of a connection, after a request that broke a quota (KIP-219). A request
//! that was sent then would only use up its own time.
//!
//! Pure. Time is a parameter, in milliseconds of a steady clock. Kafka: `ClusterConnectionStates.throttle`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::base::Millis;

/// The throttling of one connection.
#[derive(Debug)]
pub(super) struct Throttle {
    /// When requests may be sent again.
    until: AtomicI64,
    /// The most that an answer can ask for, whatever it contains.
    longest: Millis,
}

impl Throttle {
    /// A connection that is not throttled.
    pub(super) fn new(longest: Duration) -> Self {
        let longest = Millis::try_from(longest.as_millis()).unwrap_or(Millis::MAX / 2);
        Self { until: AtomicI64::new(Millis::MIN), longest }
    }

    /// Notes the throttle time of an answer, in milliseconds.
    pub(super) fn note(&self, millis: i32, now: Millis) {
        if millis > 0 {
            self.until.fetch_max(now + Millis::from(millis).min(self.longest), Ordering::Relaxed);
        }
    }

    /// How long a request has to wait; None where it has not.
    pub(super) fn wait(&self, now: Millis) -> Option<Duration> {
        let left = self.until.load(Ordering::Relaxed).saturating_sub(now);
        u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_connection_waits_as_long_as_it_was_asked_to_but_not_without_end() {
        let throttle = Throttle::new(Duration::from_secs(30));
        assert_eq!(throttle.wait(0), None);
        throttle.note(-5, 1000);
        assert_eq!(throttle.wait(1000), None);
        throttle.note(200, 1000);
        throttle.note(100, 1000);
        assert_eq!(throttle.wait(1050), Some(Duration::from_millis(150)));
        assert_eq!(throttle.wait(1200), None);
        throttle.note(i32::MAX, 1200);
        assert_eq!(throttle.wait(1200), Some(Duration::from_secs(30)));
    }
}
