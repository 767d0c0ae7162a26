//! What is measured, by the names of Kafka's MBeans.
//!
//! A [`Metric`] has the values of the moment when it was made.

use super::histogram::{Histogram, HistogramReading};
use super::meter::{Meter, MeterReading};
use super::timer::Timer;

/// A metric's MBean: `group:type=kind,name=name,tag=value…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The domain, e.g. `kafka.server`.
    pub group: &'static str,
    /// The class that measures, e.g. `ReplicaManager`.
    pub kind: &'static str,
    /// What is measured, e.g. `LeaderCount`; None for the MBeans of Kafka's own metrics, which have several attributes.
    pub name: Option<&'static str>,
    /// What distinguishes it from others of that name, e.g. a topic.
    pub tags: Vec<(&'static str, String)>,
}

/// The attributes of an MBean, and their values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricReading {
    /// `Value`: a gauge.
    Value(f64),
    /// `Count`, `MeanRate`, `OneMinuteRate` and the like.
    Meter(MeterReading),
    /// `Count`, `Mean`, `99thPercentile` and the like.
    Histogram(HistogramReading),
    /// Those of a meter and of a histogram.
    Timer(MeterReading, HistogramReading),
    /// One attribute of an MBean of Kafka's own metrics, e.g. `connection-count`.
    Attribute(&'static str, f64),
    /// A value of the process, whose name, [`Name::kind`], is Prometheus' own: there is no MBean.
    Process(f64),
}

/// An MBean and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The MBean.
    pub name: Name,
    /// Its values.
    pub reading: MetricReading,
}

impl Metric {
    /// A gauge `kafka.server:type=kind,name=name`.
    pub fn gauge(kind: &'static str, name: &'static str, value: usize) -> Self {
        Self::value(kind, name, value as f64)
    }

    /// A gauge `kafka.server:type=kind,name=name`.
    pub fn value(kind: &'static str, name: &'static str, value: f64) -> Self {
        Self::new(kind, Some(name), MetricReading::Value(value))
    }

    /// A meter `kafka.server:type=kind,name=name`.
    pub fn meter(kind: &'static str, name: &'static str, meter: &Meter) -> Self {
        Self::new(kind, Some(name), MetricReading::Meter(meter.read()))
    }

    /// A histogram `kafka.server:type=kind,name=name`.
    pub fn histogram(kind: &'static str, name: &'static str, histogram: &Histogram) -> Self {
        Self::new(kind, Some(name), MetricReading::Histogram(histogram.read()))
    }

    /// A timer `kafka.server:type=kind,name=name`.
    pub fn timer(kind: &'static str, name: &'static str, timer: &Timer) -> Self {
        let (meter, histogram) = timer.read();
        Self::new(kind, Some(name), MetricReading::Timer(meter, histogram))
    }

    /// An attribute of `kafka.server:type=kind`.
    pub fn attribute(kind: &'static str, attribute: &'static str, value: f64) -> Self {
        Self::new(kind, None, MetricReading::Attribute(attribute, value))
    }

    /// A value of the process, under its whole name, e.g. `process_open_fds`.
    pub fn process(name: &'static str, value: f64) -> Self {
        Self::new(name, None, MetricReading::Process(value))
    }

    /// `kafka.server:type=kind,name=name`.
    pub fn new(kind: &'static str, name: Option<&'static str>, reading: MetricReading) -> Self {
        Self { name: Name { group: "kafka.server", kind, name, tags: Vec::new() }, reading }
    }

    /// The same in another domain.
    #[must_use]
    pub fn of_group(mut self, group: &'static str) -> Self {
        self.name.group = group;
        self
    }

    /// The same with one tag more.
    #[must_use]
    pub fn tagged(mut self, tag: &'static str, value: impl ToString) -> Self {
        self.name.tags.push((tag, value.to_string()));
        self
    }

    /// The value of a gauge or an attribute; of the others, how often what is measured has happened.
    pub fn number(&self) -> f64 {
        match self.reading {
            MetricReading::Value(value)
            | MetricReading::Attribute(_, value)
            | MetricReading::Process(value) => value,
            MetricReading::Meter(meter) | MetricReading::Timer(meter, _) => meter.count as f64,
            MetricReading::Histogram(histogram) => histogram.count as f64,
        }
    }
}
