//! A bucket of tokens: it fills at a rate up to a burst, and a request may overdraw it.
//!
//! Pure. A large request is paid for by the time after it, however long it was idle before, which a rate over windows
//! does not give (KIP-599). Kafka: `TokenBucket`.
//!
//! ```text
//! 5 tokens a second, burst 500:   full 500 ── take 560 ──> -60 ── 12 s ──> 0: the next request may pass
//! ```

use crate::base::Millis;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketLimit {
    /// Tokens a second: the quota.
    pub rate: f64,
    /// The most tokens it holds: what passes by the quota in all windows.
    pub burst: f64,
}

/// The tokens that one client has left.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    /// At most the burst; negative once overdrawn.
    tokens: f64,
    /// When `tokens` was right, in milliseconds since the Unix epoch.
    filled: Millis,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(now: Millis) -> Self {
        Self { tokens: f64::INFINITY, filled: now }
    }

    /// The tokens at `now`.
    pub fn tokens(&mut self, limit: BucketLimit, now: Millis) -> f64 {
        let elapsed = (now - self.filled) as f64 / 1000.0;
        self.tokens = (self.tokens + limit.rate * elapsed).min(limit.burst);
        self.filled = now;
        self.tokens
    }

    /// Takes tokens, also more than there are.
    pub fn take(&mut self, amount: f64, limit: BucketLimit, now: Millis) {
        self.tokens = (self.tokens(limit, now) - amount).min(limit.burst);
    }

    /// How long to wait, in milliseconds, until the bucket is not overdrawn any more; 0 where it is not. With a rate
    /// of 0 or less there is no such time, and the wait is 0, as in Kafka.
    pub fn throttle(&mut self, limit: BucketLimit, now: Millis) -> Millis {
        let tokens = self.tokens(limit, now);
        let wait = -tokens / limit.rate * 1000.0;
        if tokens < 0.0 && wait.is_finite() { (wait.round() as Millis).max(0) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: BucketLimit = BucketLimit { rate: 5.0, burst: 500.0 };

    #[test]
    fn what_overdraws_it_is_waited_for_at_the_rate() {
        let mut bucket = TokenBucket::full(0);
        assert_eq!(bucket.tokens(LIMIT, 0), 500.0);
        bucket.take(560.0, LIMIT, 0);
        assert_eq!((bucket.tokens(LIMIT, 0), bucket.throttle(LIMIT, 0)), (-60.0, 12_000));
        assert_eq!((bucket.tokens(LIMIT, 5_000), bucket.throttle(LIMIT, 5_000)), (-35.0, 7_000));
        assert_eq!((bucket.tokens(LIMIT, 12_000), bucket.throttle(LIMIT, 12_000)), (0.0, 0));
    }

    #[test]
    fn it_never_holds_more_than_the_burst() {
        let mut bucket = TokenBucket::full(0);
        bucket.take(100.0, LIMIT, 0);
        assert_eq!(bucket.tokens(LIMIT, 3_600_000), 500.0);
        bucket.take(-100.0, LIMIT, 3_600_000);
        assert_eq!(bucket.tokens(LIMIT, 3_600_000), 500.0);
    }

    #[test]
    fn a_new_limit_holds_at_once() {
        let mut bucket = TokenBucket::full(0);
        assert_eq!(bucket.tokens(LIMIT, 0), 500.0);
        let lower = BucketLimit { rate: 1.0, burst: 10.0 };
        assert_eq!(bucket.tokens(lower, 0), 10.0);
        bucket.take(20.0, lower, 0);
        assert_eq!(bucket.throttle(lower, 0), 10_000);
        assert_eq!(bucket.throttle(LIMIT, 0), 2_000);
    }

    #[test]
    fn without_a_rate_there_is_no_time_to_wait() {
        for rate in [0.0, -1.0] {
            let limit = BucketLimit { rate, burst: rate * 11.0 };
            let mut bucket = TokenBucket::full(0);
            bucket.take(5.0, limit, 0);
            assert!(bucket.tokens(limit, 0) < 0.0);
            assert_eq!(bucket.throttle(limit, 0), 0);
        }
    }
}
