//! How long to wait before the next try.

use std::time::Duration;

/// Waits that double from `first` up to `most`, each shortened by up to a fifth at random.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    tries: u32,
}

impl Backoff {
    /// Waits from `first` up to `most`.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, tries: 0 }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(2u32.saturating_pow(self.tries.min(30)));
        self.tries += 1;
        doubled.min(self.most).mul_f64(1.0 - fastrand::f64() / 5.0)
    }

    /// Begins again with the first wait, after a success.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_begin_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let waits: Vec<_> = (0..6).map(|_| backoff.next_wait()).collect();
        for (wait, top) in waits.iter().zip([100, 200, 400, 800, 1000, 1000]) {
            let top = Duration::from_millis(top);
            assert!(*wait <= top && *wait >= top.mul_f64(0.79), "{wait:?} of at most {top:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(100));
    }
}
