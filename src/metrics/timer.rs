//! How often something happens, and how long it takes.
//!
//! Kafka: `Timer` of Yammer's metrics, `KafkaTimer`.

use std::time::{Duration, Instant};

use super::histogram::{Histogram, HistogramReading};
use super::meter::{Meter, MeterReading};

/// Counts what happens, and measures its time.
#[derive(Debug)]
#[doc(alias = "KafkaTimer")]
pub struct Timer {
    meter: Meter,
    times: Histogram,
}

impl Default for Timer {
    fn default() -> Self {
        Self { meter: Meter::default(), times: Histogram::of_micros() }
    }
}

impl Timer {
    /// It has happened, and took so long.
    pub fn record(&self, time: Duration) {
        self.meter.mark(1);
        self.times.record_time(time);
    }

    /// It has happened, and began then.
    pub fn record_since(&self, began: Instant) {
        self.record(began.elapsed());
    }

    /// Its values now; times are in milliseconds.
    pub fn read(&self) -> (MeterReading, HistogramReading) {
        (self.meter.read(), self.times.read())
    }
}
