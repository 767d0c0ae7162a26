//! How often something happens, over a window of a few samples, and how long to wait until the rate is below
//! a bound.
//!
//! Pure. Kafka's `Rate` over a `WindowedSum`, and `QuotaUtils.throttleTime`.

use super::Millis;

/// A rate per second over `samples` windows of `window_ms` each; the last one is being filled.
#[derive(Clone, Debug)]
pub struct Rate {
    samples: usize,
    window_ms: Millis,
    /// Start and sum of each sample, oldest first.
    sums: std::collections::VecDeque<(Millis, f64)>,
}

impl Rate {
    /// A rate over `samples` windows (at least one) of `window_ms` milliseconds (`quota.window.num`,
    /// `quota.window.size.seconds`).
    pub fn new(samples: usize, window_ms: Millis) -> Self {
        Self { samples: samples.max(1), window_ms: window_ms.max(1), sums: std::collections::VecDeque::new() }
    }

    /// Counts `amount` at the time `now`.
    pub fn record(&mut self, amount: f64, now: Millis) {
        self.forget(now);
        match self.sums.back_mut() {
            Some((begin, sum)) if now - *begin < self.window_ms => *sum += amount,
            _ => self.sums.push_back((now, amount)),
        }
    }

    /// How long to wait, in milliseconds, until the rate is down at `bound` per second; 0 where the rate is
    /// not above it. With `n` windows, a rate is never measured over less than the n-1 windows that are full.
    pub fn throttle(&mut self, bound: f64, now: Millis) -> Millis {
        let (rate, elapsed) = (self.measure(now), self.elapsed(now));
        if rate <= bound {
            return 0;
        }
        let wait = (rate - bound) / bound * elapsed;
        // With a bound of 0 the wait is the longest that the caller allows.
        if wait.is_finite() { wait.round() as Millis } else { Millis::MAX }
    }

    /// The rate per second at `now`.
    pub fn measure(&mut self, now: Millis) -> f64 {
        let elapsed = self.elapsed(now);
        self.sum() / (elapsed / 1000.0)
    }

    fn sum(&self) -> f64 {
        self.sums.iter().map(|(_, sum)| sum).sum()
    }

    /// The time, in milliseconds, over which the rate is measured.
    fn elapsed(&mut self, now: Millis) -> f64 {
        self.forget(now);
        let elapsed = self.sums.front().map_or(0, |(begin, _)| now - begin);
        let least = i64::try_from(self.samples - 1).unwrap_or(i64::MAX);
        let missing = (least - elapsed / self.window_ms).max(0);
        ((elapsed + missing * self.window_ms) as f64).max(1.0)
    }

    fn forget(&mut self, now: Millis) {
        let age = self.window_ms.saturating_mul(i64::try_from(self.samples).unwrap_or(i64::MAX));
        while self.sums.front().is_some_and(|(begin, _)| now - begin >= age) {
            self.sums.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
