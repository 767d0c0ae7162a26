//! Rates whose past weighs less and less.
//!
//! Pure. Every five seconds the rate of that time is averaged in, with a weight by which a minute, five or fifteen
//! minutes ago counts a third of now. Kafka: `EWMA` of Yammer's metrics.

/// Seconds between two calculations.
const INTERVAL: f64 = 5.0;

/// The averages: over how many minutes.
const MINUTES: [f64; 3] = [1.0, 5.0, 15.0];

/// The rates of a count.
#[derive(Clone, Debug)]
#[doc(alias = "EWMA")]
pub(super) struct Rates {
    tick: u64,
    counted: u64,
    /// Events a second; None before the first tick has passed.
    averages: Option<[f64; 3]>,
}

impl Rates {
    /// Those of a count that begins at 0 in this tick.
    pub fn new(tick: u64) -> Self {
        Self { tick, counted: 0, averages: None }
    }

    /// A later tick begins; `count` is what was counted before it, all of it in the last tick that had begun.
    pub fn advance(&mut self, tick: u64, count: u64) {
        if tick <= self.tick {
            return;
        }
        let rate = count.saturating_sub(self.counted) as f64 / INTERVAL;
        let idle = (tick - self.tick - 1) as f64;
        let averages = match self.averages {
            None => [rate; 3],
            Some(averages) => {
                let mut next = averages;
                for (average, minutes) in next.iter_mut().zip(MINUTES) {
                    *average += weight(minutes) * (rate - *average);
                }
                next
            }
        };
        let mut aged = averages;
        for (average, minutes) in aged.iter_mut().zip(MINUTES) {
            *average *= (1.0 - weight(minutes)).powf(idle);
        }
        *self = Self { tick, counted: count, averages: Some(aged) };
    }

    /// Events a second, in the last minute, five minutes and fifteen minutes.
    pub fn per_second(&self) -> [f64; 3] {
        self.averages.unwrap_or_default()
    }
}

/// The weight of the last interval.
fn weight(minutes: f64) -> f64 {
    1.0 - (-INTERVAL / 60.0 / minutes).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(rates: &Rates) -> [f64; 3] {
        rates.per_second().map(|rate| (rate * 1e6).round() / 1e6)
    }

    #[test]
    fn a_steady_rate_is_the_rate() {
        let mut rates = Rates::new(7);
        for tick in 1..100 {
            rates.advance(7 + tick, tick * 50);
        }
        assert_eq!(rounded(&rates), [10.0; 3]);
    }

    #[test]
    fn a_rate_decays_as_yammers_does() {
        // Three events in the first five seconds, then none for a minute.
        let mut rates = Rates::new(0);
        rates.advance(1, 3);
        assert_eq!(rounded(&rates), [0.6; 3]);
        rates.advance(13, 3);
        assert_eq!(rounded(&rates), [0.220_728, 0.491_238, 0.561_304]);
    }

    #[test]
    fn many_idle_ticks_are_as_one_after_the_other() {
        let (mut stepped, mut leapt) = (Rates::new(0), Rates::new(0));
        for rates in [&mut stepped, &mut leapt] {
            rates.advance(1, 100);
            rates.advance(2, 150);
        }
        (3..=20).for_each(|tick| stepped.advance(tick, 150));
        leapt.advance(20, 150);
        assert_eq!(rounded(&stepped), rounded(&leapt));
    }
}
