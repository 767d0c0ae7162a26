//! How large what happens is: percentiles of late, and mean, least and greatest since the start.
//!
//! Costs a value two additions. Values are counted in buckets of at most 1/16 of their size, so a percentile is exact
//! to 3%. The counts decay by half every 46 seconds. Kafka: `Histogram` of Yammer's metrics with an
//! `ExponentiallyDecayingSample`, which keeps 1028 values at random and prefers late ones by the same factor.

mod buckets;
mod sample;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use self::buckets::{BUCKETS, bucket};
use self::sample::DecayingSample;
use super::counter::{shard, shards};
use super::tick;

/// The percentiles that are served, in thousandths.
pub(super) const PERCENTILES: [f64; 6] = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999];

/// What some threads have counted.
#[derive(Debug)]
struct Cells {
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    least: AtomicU64,
    greatest: AtomicU64,
}

impl Cells {
    fn new() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            least: AtomicU64::new(u64::MAX),
            greatest: AtomicU64::new(0),
        }
    }

    fn record(&self, value: u64) {
        self.counts[bucket(value)].fetch_add(1, Ordering::Relaxed);
        if value > 0 {
            self.sum.fetch_add(value, Ordering::Relaxed);
        }
        // Seldom written: mostly a value lies between the two.
        if value < self.least.load(Ordering::Relaxed) {
            self.least.fetch_min(value, Ordering::Relaxed);
        }
        if value > self.greatest.load(Ordering::Relaxed) {
            self.greatest.fetch_max(value, Ordering::Relaxed);
        }
    }
}

/// Measures values.
#[derive(Debug)]
pub struct Histogram {
    shards: Box<[Cells]>,
    /// What a recorded value is multiplied by when it is read.
    unit: f64,
    /// The tick up to which `sample` has decayed. Invariant: what was recorded since came in this tick.
    tick: AtomicU64,
    sample: Mutex<DecayingSample>,
}

/// The values of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HistogramReading {
    /// How many values there were.
    pub count: u64,
    /// The least of all.
    pub min: f64,
    /// The greatest of all.
    pub max: f64,
    /// The mean of all.
    pub mean: f64,
    /// The standard deviation of those of late.
    pub std_dev: f64,
    /// The values of late below which lie so many: see [`PERCENTILES`].
    pub percentiles: [f64; 6],
}

impl Histogram {
    /// For numbers.
    pub fn of_numbers() -> Self {
        Self::with(1.0)
    }

    /// For microseconds, which are read as milliseconds.
    pub fn of_micros() -> Self {
        Self::with(1e-3)
    }

    fn with(unit: f64) -> Self {
        let tick = tick::now();
        Self {
            shards: (0..shards()).map(|_| Cells::new()).collect(),
            unit,
            tick: AtomicU64::new(tick),
            sample: Mutex::new(DecayingSample::new(tick)),
        }
    }

    /// A value was measured.
    pub fn record(&self, value: u64) {
        self.advance(tick::now());
        self.shards[shard(self.shards.len())].record(value);
    }

    /// A time was measured, which counts in microseconds.
    pub fn record_time(&self, time: std::time::Duration) {
        self.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Its values now.
    pub fn read(&self) -> HistogramReading {
        Self::read_together(&[self])
    }

    /// The values of several histograms of one unit, as of one.
    pub fn read_together(histograms: &[&Self]) -> HistogramReading {
        let unit = histograms.first().map_or(1.0, |first| first.unit);
        let cells = || histograms.iter().flat_map(|histogram| histogram.shards.iter());
        let count = histograms.iter().map(|histogram| histogram.counts().sum::<u64>()).sum();
        if count == 0 {
            return HistogramReading::default();
        }
        let sum: u64 = cells().map(|cells| cells.sum.load(Ordering::Relaxed)).sum();
        let least = cells().map(|cells| cells.least.load(Ordering::Relaxed)).min().unwrap_or(0);
        let greatest = cells().map(|cells| cells.greatest.load(Ordering::Relaxed)).max().unwrap_or(0);
        let tick = tick::now();
        let mut weights = vec![0.0; BUCKETS];
        for histogram in histograms {
            histogram.advance(tick);
            let sample = histogram.sample.lock();
            sample.add_weights(histogram.counts(), &mut weights);
        }
        let of_late = sample::spread(&weights);
        let within = |value: f64| value.clamp(least as f64, greatest as f64) * unit;
        HistogramReading {
            count,
            min: least as f64 * unit,
            max: greatest as f64 * unit,
            mean: sum as f64 / count as f64 * unit,
            std_dev: of_late.std_dev * unit,
            percentiles: of_late.percentiles.map(within),
        }
    }

    /// How many values there were, by bucket.
    fn counts(&self) -> impl Iterator<Item = u64> {
        let count =
            |at: usize| self.shards.iter().map(|cells| cells.counts[at].load(Ordering::Relaxed)).sum();
        (0..BUCKETS).map(count)
    }

    fn advance(&self, tick: u64) {
        if self.tick.load(Ordering::Relaxed) >= tick {
            return;
        }
        // Another thread that has the lock does the same.
        if let Some(mut sample) = self.sample.try_lock() {
            sample.advance(tick, self.counts());
            self.tick.store(tick, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_is_all_zero() {
        assert_eq!(Histogram::of_numbers().read(), HistogramReading::default());
    }

    #[test]
    fn the_values_of_one_to_a_thousand() {
        let histogram = Histogram::of_numbers();
        (1..=1000).for_each(|value| histogram.record(value));
        let read = histogram.read();
        assert_eq!((read.count, read.min, read.max, read.mean), (1000, 1.0, 1000.0, 500.5));
        let expected = [500.0, 750.0, 950.0, 980.0, 990.0, 999.0];
        for (value, expected) in read.percentiles.into_iter().zip(expected) {
            assert!((value - expected).abs() <= 0.04 * expected, "{value} for {expected}");
        }
        assert!((read.std_dev - 288.7).abs() < 10.0, "{}", read.std_dev);
    }

    #[test]
    fn microseconds_are_read_as_milliseconds_and_several_as_one() {
        let (one, other) = (Histogram::of_micros(), Histogram::of_micros());
        one.record(1500);
        other.record(2500);
        let read = Histogram::read_together(&[&one, &other]);
        assert_eq!((read.count, read.min, read.max, read.mean), (2, 1.5, 2.5, 2.0));
    }
}
