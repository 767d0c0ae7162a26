//! How long the cleaners have to wait so that together they read and write no more than they may.
//!
//! Pure. Counted over spans of 300 ms, so that short waits are not made for single chunks. Kafka: `Throttler`.

use std::time::Duration;

/// Over how long it is counted, at least.
const CHECK_INTERVAL: Duration = Duration::from_millis(300);

/// What all cleaners of a broker have read and written.
#[derive(Clone, Debug)]
pub struct Throttler {
    /// The most, in bytes a second.
    most_per_second: f64,
    /// When the present span began, since some moment before.
    since: Duration,
    /// Bytes of the present span.
    observed: u64,
}

impl Throttler {
    /// A throttle of so many bytes a second; the first span begins at `now`.
    pub fn new(most_per_second: f64, now: Duration) -> Self {
        Self { most_per_second, since: now, observed: 0 }
    }

    /// Lets so many bytes a second pass from now on.
    pub fn set_rate(&mut self, most_per_second: f64) {
        self.most_per_second = most_per_second;
    }

    /// Counts bytes that were read or written. Returns how long to wait before the next.
    pub fn observe(&mut self, bytes: u64, now: Duration) -> Duration {
        self.observed += bytes;
        let elapsed = now.saturating_sub(self.since);
        if elapsed <= CHECK_INTERVAL || self.observed == 0 {
            return Duration::ZERO;
        }
        let due = self.observed as f64 / self.most_per_second.max(1.0);
        let wait = Duration::try_from_secs_f64(due - elapsed.as_secs_f64()).unwrap_or_default();
        // What is waited belongs to the span that is over.
        self.since = now + wait;
        self.observed = 0;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_below_the_rate_never_waits() {
        let mut throttler = Throttler::new(1000.0, ms(0));
        assert_eq!(throttler.observe(100, ms(200)), ms(0), "the span is not over");
        assert_eq!(throttler.observe(100, ms(400)), ms(0));
        assert_eq!(throttler.observe(300, ms(800)), ms(0));
    }

    #[test]
    fn what_is_above_the_rate_waits_until_it_is_not() {
        let mut throttler = Throttler::new(1000.0, ms(0));
        assert_eq!(throttler.observe(2000, ms(100)), ms(0));
        assert_eq!(throttler.observe(0, ms(500)), ms(1500), "2000 bytes take two seconds");
        assert_eq!(throttler.observe(100, ms(2200)), ms(0), "a new span began behind the wait");
        throttler.set_rate(10.0);
        assert_eq!(throttler.observe(0, ms(2600)), ms(9400), "100 bytes take ten seconds now, since 2000 ms");
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let mut throttler = Throttler::new(f64::MAX, ms(0));
        assert_eq!(throttler.observe(u64::MAX / 2, ms(1000)), ms(0));
    }
}
