//! Keeps a tool that sends records to so many a second.
//!
//! Kafka: `ThroughputThrottler`.

use std::time::Duration;

use crate::base::Millis;

/// Pauses that are shorter are put off and taken together.
const LEAST_PAUSE: Duration = Duration::from_millis(2);

/// What a sender does before its next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// It goes on at once.
    None,
    /// It waits for so long.
    For(Duration),
    /// It sends no more records, as none a second are allowed.
    Forever,
}

/// Decides on pauses, so that the average comes to the target.
#[derive(Debug)]
pub struct ThroughputThrottler {
    /// Records a second; negative for as many as possible.
    target: i64,
    started: Millis,
    /// The part of the pauses that is put off.
    owed: Duration,
}

impl ThroughputThrottler {
    /// Allows `target` records a second from `started` on, any number where it is negative.
    pub fn new(target: i64, started: Millis) -> Self {
        Self { target, started, owed: Duration::ZERO }
    }

    /// What follows a record that was sent at `now`, after `before` others.
    pub fn pause(&mut self, before: u64, now: Millis) -> Pause {
        let elapsed = (now - self.started) as f64 / 1000.0;
        if self.target < 0 || elapsed <= 0.0 || before as f64 / elapsed <= self.target as f64 {
            return Pause::None;
        }
        let Ok(target) = u64::try_from(self.target) else { return Pause::None };
        if target == 0 {
            return Pause::Forever;
        }
        self.owed += Duration::from_nanos(1_000_000_000 / target);
        if self.owed < LEAST_PAUSE {
            return Pause::None;
        }
        Pause::For(std::mem::take(&mut self.owed))
    }
}

impl Pause {
    /// Waits until the pause is over.
    pub async fn wait(self) {
        match self {
            Self::None => {}
            Self::For(time) => tokio::time::sleep(time).await,
            Self::Forever => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_that_is_too_fast_pauses() {
        let mut throttler = ThroughputThrottler::new(100, 0);
        assert_eq!(throttler.pause(0, 0), Pause::None, "no time has passed");
        assert_eq!(throttler.pause(1, 1000), Pause::None, "one a second is slow enough");
        assert_eq!(throttler.pause(200, 1000), Pause::For(Duration::from_millis(10)));
    }

    #[test]
    fn short_pauses_are_taken_together() {
        let mut throttler = ThroughputThrottler::new(1000, 0);
        assert_eq!(throttler.pause(2000, 1000), Pause::None);
        assert_eq!(throttler.pause(2001, 1000), Pause::For(Duration::from_millis(2)));
        assert_eq!(throttler.pause(2002, 1000), Pause::None, "the pause was taken");
    }

    #[test]
    fn a_negative_target_allows_all_and_zero_nothing() {
        assert_eq!(ThroughputThrottler::new(-1, 0).pause(u64::MAX, 1), Pause::None);
        assert_eq!(ThroughputThrottler::new(0, 0).pause(1, 1), Pause::Forever);
    }
}
