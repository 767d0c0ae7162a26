//! What is measured of a broker, under the names of Kafka's MBeans.
//!
//! - *Entry points:* [`Meter`], [`Histogram`] and [`Timer`] measure, wherever something happens; [`Registry`], one a
//!   broker, reads them all as [`Metric`]s; [`purgatory`] counts waiting requests; [`http::serve`] serves it all.
//! - *Never:* costs a request more than a few additions: rates, percentiles and gauges are computed when the registry
//!   is read.
//! - *In Kafka:* `KafkaMetricsGroup`, Yammer's registry, and JMX, which a JVM serves at `JMX_PORT`. The names served
//!   here are those that Prometheus' `jmx_exporter` gives these MBeans ([`rules`]).

mod attributes;
pub mod counter;
pub mod exposition;
pub mod histogram;
pub mod http;
pub mod mbean;
pub mod meter;
pub mod process;
pub mod purgatory;
pub mod rules;
mod tick;
pub mod timer;

use parking_lot::RwLock;

pub use histogram::Histogram;
pub use mbean::{Metric, MetricReading};
pub use meter::Meter;
pub use timer::Timer;

/// Which series are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Series {
    /// All but those of single partitions.
    #[default]
    Totals,
    /// All.
    WithPartitions,
}

type MetricSource = Box<dyn Fn() -> Vec<Metric> + Send + Sync>;

/// All that can be measured of one broker.
#[derive(Default)]
pub struct Registry {
    sources: RwLock<Vec<(Series, MetricSource)>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// Adds a source of metrics.
    pub fn add(&self, source: impl Fn() -> Vec<Metric> + Send + Sync + 'static) {
        self.sources.write().push((Series::Totals, Box::new(source)));
    }

    /// Adds a source of the metrics of single partitions.
    pub fn add_of_partitions(&self, source: impl Fn() -> Vec<Metric> + Send + Sync + 'static) {
        self.sources.write().push((Series::WithPartitions, Box::new(source)));
    }

    /// Every metric of these series as it is now.
    pub fn read(&self, series: Series) -> Vec<Metric> {
        let sources = self.sources.read();
        let wanted = sources.iter().filter(|(of, _)| *of == Series::Totals || *of == series);
        let mut metrics: Vec<_> = wanted.flat_map(|(_, source)| source()).collect();
        let is_own = |metric: &&Metric| matches!(metric.reading, MetricReading::Attribute(..));
        // It counts itself.
        let own = metrics.iter().filter(is_own).count() + 1;
        metrics.push(Metric::attribute("kafka-metrics-count", "count", own as f64));
        metrics
    }
}
