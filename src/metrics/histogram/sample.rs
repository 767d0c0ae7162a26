//! Counts by bucket that decay, and the percentiles of what they count.
//!
//! Pure. Kafka: `ExponentiallyDecayingSample`, `Snapshot`.

use super::PERCENTILES;
use super::buckets::{BUCKETS, middle};

/// By how much a value's weight has shrunk after a tick of five seconds: Yammer's factor of 0.015 a second.
const DECAY: f64 = 0.015 * 5.0;

/// Below this weight nothing decays, so that the last values of an idle histogram stay.
const LEAST: f64 = 1e-9;

/// What was recorded, by bucket.
#[derive(Clone, Debug)]
#[doc(alias = "ExponentiallyDecayingSample")]
pub(super) struct DecayingSample {
    tick: u64,
    counted: Vec<u64>,
    weights: Vec<f64>,
}

/// How values are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spread {
    pub std_dev: f64,
    pub percentiles: [f64; 6],
}

impl DecayingSample {
    /// Nothing recorded; the first values come in this tick.
    pub fn new(tick: u64) -> Self {
        Self { tick, counted: vec![0; BUCKETS], weights: vec![0.0; BUCKETS] }
    }

    /// A later tick begins; `counts` were recorded before it, all of them in the last tick that had begun.
    pub fn advance(&mut self, tick: u64, counts: impl Iterator<Item = u64>) {
        if tick <= self.tick {
            return;
        }
        for ((weight, counted), count) in self.weights.iter_mut().zip(&mut self.counted).zip(counts) {
            *weight += count.saturating_sub(*counted) as f64;
            *counted = count;
        }
        let total: f64 = self.weights.iter().sum();
        let decay = (-DECAY * (tick - self.tick) as f64).exp();
        if total * decay > LEAST {
            self.weights.iter_mut().for_each(|weight| *weight *= decay);
        }
        self.tick = tick;
    }

    /// Adds the weight of each bucket, `counts` included, which were recorded up to now.
    pub fn add_weights(&self, counts: impl Iterator<Item = u64>, to: &mut [f64]) {
        let recorded = self.weights.iter().zip(&self.counted).zip(counts);
        for (sum, ((weight, counted), count)) in to.iter_mut().zip(recorded) {
            *sum += weight + count.saturating_sub(*counted) as f64;
        }
    }
}

/// How values are spread that have these weights by bucket.
pub(super) fn spread(weights: &[f64]) -> Spread {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return Spread::default();
    }
    let weighted = || weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    let mean = weighted().map(|(at, weight)| middle(at) * weight).sum::<f64>() / total;
    let variance = weighted().map(|(at, weight)| (middle(at) - mean).powi(2) * weight).sum::<f64>() / total;
    let mut percentiles = [0.0; 6];
    for (value, share) in percentiles.iter_mut().zip(PERCENTILES) {
        let mut below = 0.0;
        for (at, weight) in weighted() {
            *value = middle(at);
            below += weight;
            if below >= share * total {
                break;
            }
        }
    }
    Spread { std_dev: variance.sqrt(), percentiles }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(usize, u64)]) -> Vec<u64> {
        let mut counts = vec![0; BUCKETS];
        of.iter().for_each(|(at, count)| counts[*at] = *count);
        counts
    }

    fn median(sample: &DecayingSample, now: &[u64]) -> f64 {
        let mut weights = vec![0.0; BUCKETS];
        sample.add_weights(now.iter().copied(), &mut weights);
        spread(&weights).percentiles[0]
    }

    #[test]
    fn late_values_outweigh_early_ones() {
        let mut sample = DecayingSample::new(0);
        let early = counts(&[(3, 1000)]);
        assert_eq!(median(&sample, &early), 3.0);
        // After a minute 1000 early values weigh as 407 late ones.
        sample.advance(12, early.iter().copied());
        assert_eq!(median(&sample, &counts(&[(3, 1000), (9, 400)])), 3.0);
        assert_eq!(median(&sample, &counts(&[(3, 1000), (9, 410)])), 9.0);
    }

    #[test]
    fn the_last_values_of_an_idle_sample_stay() {
        let mut sample = DecayingSample::new(0);
        let values = counts(&[(5, 1)]);
        for tick in 1..100_000 {
            sample.advance(tick, values.iter().copied());
        }
        assert_eq!(median(&sample, &values), 5.0);
        assert_eq!(median(&sample, &counts(&[(5, 1), (7, 1)])), 7.0);
    }
}
