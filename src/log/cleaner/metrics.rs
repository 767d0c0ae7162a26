//! What the cleaners of a broker have done last.
//!
//! Kafka: the gauges of `LogCleaner` and `LogCleanerManager`.

use parking_lot::Mutex;

use super::stats::CleanerStats;
use crate::base::Millis;

/// What one cleaner has done last.
#[derive(Clone, Copy, Debug, Default)]
struct LastCleaning {
    stats: CleanerStats,
    longest_delay_ms: Millis,
    is_dead: bool,
}

#[derive(Debug, Default)]
struct Numbers {
    cleaners: Vec<LastCleaning>,
    dirtiest: f64,
    last_look: Option<Millis>,
}

/// What the cleaners have done last.
#[derive(Debug, Default)]
pub struct CleanerMetrics {
    numbers: Mutex<Numbers>,
}

/// The metrics of the cleaners, by Kafka's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanerGauges {
    /// `LogCleaner`, `max-buffer-utilization-percent`.
    pub max_buffer_utilization_percent: usize,
    /// `LogCleaner`, `cleaner-recopy-percent`.
    pub cleaner_recopy_percent: usize,
    /// `LogCleaner`, `max-clean-time-secs`.
    pub max_clean_time_secs: usize,
    /// `LogCleaner`, `max-compaction-delay-secs`.
    pub max_compaction_delay_secs: usize,
    /// `LogCleaner`, `DeadThreadCount`.
    pub dead_thread_count: usize,
    /// `LogCleanerManager`, `max-dirty-percent`.
    pub max_dirty_percent: usize,
    /// `LogCleanerManager`, `time-since-last-run-ms`.
    pub time_since_last_run_ms: usize,
}

impl CleanerMetrics {
    /// So many cleaners begin.
    pub(super) fn begin(&self, cleaners: usize) {
        self.numbers.lock().cleaners = vec![LastCleaning::default(); cleaners];
    }

    /// A cleaner has looked which log is to be cleaned; the dirtiest one has this ratio.
    pub(super) fn looked(&self, now: Millis, dirtiest: f64) {
        let mut numbers = self.numbers.lock();
        (numbers.last_look, numbers.dirtiest) = (Some(now), dirtiest);
    }

    /// The longest delay before a cleaning.
    pub(super) fn delayed(&self, cleaner: usize, longest_delay_ms: Millis) {
        self.change(cleaner, |last| last.longest_delay_ms = longest_delay_ms);
    }

    /// A cleaner has cleaned a log.
    pub(super) fn cleaned(&self, cleaner: usize, stats: CleanerStats) {
        self.change(cleaner, |last| last.stats = stats);
    }

    /// A cleaner ended before it was to.
    pub(super) fn died(&self, cleaner: usize) {
        self.change(cleaner, |last| last.is_dead = true);
    }

    fn change(&self, cleaner: usize, change: impl FnOnce(&mut LastCleaning)) {
        if let Some(last) = self.numbers.lock().cleaners.get_mut(cleaner) {
            change(last);
        }
    }

    /// The metrics at `now`.
    pub fn gauges(&self, now: Millis) -> CleanerGauges {
        let numbers = self.numbers.lock();
        let cleaners = &numbers.cleaners;
        let largest = |of: &dyn Fn(&LastCleaning) -> f64| cleaners.iter().map(of).fold(0.0, f64::max);
        let sum =
            |of: &dyn Fn(&CleanerStats) -> u64| cleaners.iter().map(|last| of(&last.stats)).sum::<u64>();
        let (written, read) = (sum(&|stats| stats.bytes_written), sum(&|stats| stats.bytes_read));
        CleanerGauges {
            // Kafka rounds before it multiplies, and so reports 0 unless the buffer is full.
            max_buffer_utilization_percent: (largest(&|last| last.stats.buffer_utilization) * 100.0) as usize,
            cleaner_recopy_percent: (100 * written / read.max(1)) as usize,
            max_clean_time_secs: largest(&|last| last.stats.elapsed.as_secs_f64()) as usize,
            max_compaction_delay_secs: largest(&|last| last.longest_delay_ms as f64 / 1000.0) as usize,
            dead_thread_count: cleaners.iter().filter(|last| last.is_dead).count(),
            max_dirty_percent: (100.0 * numbers.dirtiest) as usize,
            time_since_last_run_ms: usize::try_from(now - numbers.last_look.unwrap_or(now)).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_gauges_are_those_of_the_last_cleanings() {
        let metrics = CleanerMetrics::default();
        assert_eq!(metrics.gauges(7), CleanerGauges::default());
        metrics.begin(2);
        metrics.looked(1000, 0.755);
        let stats = |bytes_written, seconds| CleanerStats {
            bytes_read: 100,
            bytes_written,
            buffer_utilization: 0.125,
            elapsed: Duration::from_secs(seconds),
            ..CleanerStats::default()
        };
        metrics.cleaned(0, stats(10, 3));
        metrics.cleaned(1, stats(30, 5));
        metrics.delayed(1, 4500);
        metrics.died(0);
        let expected = CleanerGauges {
            max_buffer_utilization_percent: 12,
            cleaner_recopy_percent: 20,
            max_clean_time_secs: 5,
            max_compaction_delay_secs: 4,
            dead_thread_count: 1,
            max_dirty_percent: 75,
            time_since_last_run_ms: 250,
        };
        assert_eq!(metrics.gauges(1250), expected);
    }
}
