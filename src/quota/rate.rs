//! A rate over windows of time: the sum of the last windows by their duration (`SimpleRate`, `SampledStat`).
//!
//! Pure.

use std::collections::VecDeque;

use crate::base::Millis;

/// What one window has counted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    began: Millis,
    sum: f64,
}

/// A count per second, over the last windows.
#[derive(Clone, Debug, PartialEq)]
pub struct SimpleRate {
    window: Millis,
    most: usize,
    /// The oldest first.
    samples: VecDeque<Sample>,
}

impl SimpleRate {
    /// A rate over `windows` windows (at least one) of `window` milliseconds (at least one).
    pub fn new(windows: usize, window: Millis) -> Self {
        Self { window: window.max(1), most: windows.max(1), samples: VecDeque::new() }
    }

    /// Counts `amount` at `now`.
    pub fn record(&mut self, amount: f64, now: Millis) {
        let complete = self.samples.back().is_none_or(|last| now - last.began >= self.window);
        if complete {
            if self.samples.len() == self.most {
                self.samples.pop_front();
            }
            self.samples.push_back(Sample { began: now, sum: 0.0 });
        }
        if let Some(last) = self.samples.back_mut() {
            last.sum += amount;
        }
    }

    /// The count per second. Windows older than the last ones are dropped; a duration shorter than one window
    /// counts as one window, so that a first burst does not look like a high rate.
    pub fn per_second(&mut self, now: Millis) -> f64 {
        let span = self.window.saturating_mul(i64::try_from(self.most).unwrap_or(i64::MAX));
        self.samples.retain(|sample| now - sample.began < span);
        let Some(oldest) = self.samples.front() else { return 0.0 };
        let elapsed = (now - oldest.began).max(self.window);
        let sum: f64 = self.samples.iter().map(|sample| sample.sum).sum();
        sum * 1000.0 / elapsed as f64
    }
}

#[cfg(test)]
mod tests;
