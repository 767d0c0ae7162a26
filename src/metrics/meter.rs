//! How often something has happened, in all and a second.
//!
//! Costs what happens one addition, and once every five seconds the calculation of the rates. Kafka: `Meter` of
//! Yammer's metrics.

mod rates;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use self::rates::Rates;
use super::counter::Counter;
use super::tick;

/// Counts what happens.
#[derive(Debug)]
pub struct Meter {
    count: Counter,
    began: Instant,
    /// The tick up to which `rates` are calculated. Invariant: what was counted since happened in this tick.
    tick: AtomicU64,
    rates: Mutex<Rates>,
}

/// The values of a meter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeterReading {
    /// How often it has happened.
    pub count: u64,
    /// How often a second, since the meter began.
    pub mean_rate: f64,
    /// How often a second, in the last minute, five minutes and fifteen minutes, where later seconds weigh more.
    pub rates: [f64; 3],
}

impl Default for Meter {
    fn default() -> Self {
        Self::with(Counter::default())
    }
}

impl Meter {
    /// A meter for what all threads of a broker count at once.
    pub fn sharded() -> Self {
        Self::with(Counter::sharded())
    }

    fn with(count: Counter) -> Self {
        let tick = tick::now();
        Self { count, began: Instant::now(), tick: AtomicU64::new(tick), rates: Mutex::new(Rates::new(tick)) }
    }

    /// It has happened so many times.
    pub fn mark(&self, times: u64) {
        self.advance(tick::now());
        self.count.add(times);
    }

    /// How often it has happened.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// Its values now.
    pub fn read(&self) -> MeterReading {
        self.advance(tick::now());
        let count = self.count.get();
        let elapsed = self.began.elapsed().as_secs_f64();
        let mean_rate = if count == 0 { 0.0 } else { count as f64 / elapsed };
        MeterReading { count, mean_rate, rates: self.rates.lock().per_second() }
    }

    fn advance(&self, tick: u64) {
        if self.tick.load(Ordering::Relaxed) >= tick {
            return;
        }
        // Another thread that has the lock does the same.
        if let Some(mut rates) = self.rates.try_lock() {
            rates.advance(tick, self.count.get());
            self.tick.store(tick, Ordering::Relaxed);
        }
    }
}

impl std::ops::Add for MeterReading {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let [one, five, fifteen] = self.rates;
        let [more_one, more_five, more_fifteen] = other.rates;
        Self {
            count: self.count + other.count,
            mean_rate: self.mean_rate + other.mean_rate,
            rates: [one + more_one, five + more_five, fifteen + more_fifteen],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_counted() {
        let meter = Meter::sharded();
        assert_eq!(meter.read(), MeterReading::default());
        meter.mark(3);
        meter.mark(4);
        let read = meter.read();
        assert_eq!(read.count, 7);
        assert!(read.mean_rate > 0.0);
        assert_eq!((read + read).count, 14);
    }
}
