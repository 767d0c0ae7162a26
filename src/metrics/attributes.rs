//! The attributes of an MBean, one by one, under JMX's names.
//!
//! Pure.

use super::histogram::HistogramReading;
use super::mbean::MetricReading;
use super::meter::MeterReading;

/// An attribute of an MBean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attribute {
    /// A gauge's `Value`.
    Value,
    /// How often something has happened.
    Count,
    /// A statistic: `OneMinuteRate`, `Mean`.
    Statistic(&'static str),
    /// `99thPercentile`: the digits.
    Percentile(&'static str),
    /// One of Kafka's own metrics: `connection-count`.
    Own(&'static str),
    /// No attribute: a value of the process.
    Process,
}

/// An attribute and its value.
pub(super) type Valued = (Attribute, f64);

impl Attribute {
    /// Its name in JMX.
    pub fn name(self) -> String {
        match self {
            Self::Value => "Value".to_owned(),
            Self::Count => "Count".to_owned(),
            Self::Statistic(name) | Self::Own(name) => name.to_owned(),
            Self::Percentile(digits) => format!("{digits}thPercentile"),
            Self::Process => String::new(),
        }
    }
}

impl MetricReading {
    /// Its attributes, each once.
    pub(super) fn attributes(&self) -> Vec<Valued> {
        match self {
            Self::Value(value) => vec![(Attribute::Value, *value)],
            Self::Attribute(name, value) => vec![(Attribute::Own(name), *value)],
            Self::Process(value) => vec![(Attribute::Process, *value)],
            Self::Meter(meter) => of_meter(meter).into(),
            Self::Histogram(histogram) => of_histogram(histogram).into(),
            Self::Timer(meter, histogram) => {
                let times = of_histogram(histogram).into_iter().filter(|(name, _)| *name != Attribute::Count);
                of_meter(meter).into_iter().chain(times).collect()
            }
        }
    }
}

fn of_meter(meter: &MeterReading) -> [Valued; 5] {
    let [one, five, fifteen] = meter.rates;
    [
        (Attribute::Count, meter.count as f64),
        (Attribute::Statistic("MeanRate"), meter.mean_rate),
        (Attribute::Statistic("OneMinuteRate"), one),
        (Attribute::Statistic("FiveMinuteRate"), five),
        (Attribute::Statistic("FifteenMinuteRate"), fifteen),
    ]
}

fn of_histogram(histogram: &HistogramReading) -> [Valued; 11] {
    let [p50, p75, p95, p98, p99, p999] = histogram.percentiles;
    [
        (Attribute::Count, histogram.count as f64),
        (Attribute::Statistic("Min"), histogram.min),
        (Attribute::Statistic("Max"), histogram.max),
        (Attribute::Statistic("Mean"), histogram.mean),
        (Attribute::Statistic("StdDev"), histogram.std_dev),
        (Attribute::Percentile("50"), p50),
        (Attribute::Percentile("75"), p75),
        (Attribute::Percentile("95"), p95),
        (Attribute::Percentile("98"), p98),
        (Attribute::Percentile("99"), p99),
        (Attribute::Percentile("999"), p999),
    ]
}
