//! What is measured of a broker, under the names of Kafka's MBeans.
//!
//! - *Entry points:* [`Registry`], one a broker; [`purgatory`] counts waiting requests; [`http::serve`]
//!   serves all metrics.
//! - *Never:* costs a request more than a few additions: a metric is computed when the registry is read.
//! - *In Kafka:* `KafkaMetricsGroup`, Yammer's registry, and JMX, which a JVM serves at `JMX_PORT`. The names
//!   served here are those that Prometheus' `jmx_exporter` gives these MBeans by default.

pub mod exposition;
pub mod http;
pub mod purgatory;

use parking_lot::RwLock;

/// A metric's MBean: `group:type=kind,name=name,tag=value…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The domain, e.g. `kafka.server`.
    pub group: &'static str,
    /// The class that measures, e.g. `ReplicaManager`.
    pub kind: &'static str,
    /// What is measured, e.g. `LeaderCount`.
    pub name: &'static str,
    /// What distinguishes it from others of that name, e.g. a topic.
    pub tags: Vec<(&'static str, String)>,
}

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// The value now: a gauge.
    Value,
    /// How often something has happened since the start: a meter. Readers compute rates themselves.
    Count,
    /// The mean of what was measured since the start, in milliseconds.
    Mean,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The MBean.
    pub name: Name,
    /// The attribute.
    pub attribute: Attribute,
    /// The value.
    pub value: f64,
}

impl Metric {
    /// A gauge `kafka.server:type=kind,name=name`.
    pub fn gauge(kind: &'static str, name: &'static str, value: usize) -> Self {
        Self::new(kind, name, Attribute::Value, value as f64)
    }

    /// A meter `kafka.server:type=kind,name=name`: how often something has happened.
    pub fn meter(kind: &'static str, name: &'static str, count: u64) -> Self {
        Self::new(kind, name, Attribute::Count, count as f64)
    }

    /// A mean `kafka.server:type=kind,name=name`, in milliseconds.
    pub fn mean(kind: &'static str, name: &'static str, milliseconds: f64) -> Self {
        Self::new(kind, name, Attribute::Mean, milliseconds)
    }

    fn new(kind: &'static str, name: &'static str, attribute: Attribute, value: f64) -> Self {
        Self { name: Name { group: "kafka.server", kind, name, tags: Vec::new() }, attribute, value }
    }

    fn order(&self) -> impl Ord {
        let Name { group, kind, name, tags } = &self.name;
        (*group, *kind, self.attribute, *name, tags.clone())
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
}

type MetricSource = Box<dyn Fn() -> Vec<Metric> + Send + Sync>;

/// All that can be measured of one broker.
#[derive(Default)]
pub struct Registry {
    sources: RwLock<Vec<MetricSource>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// Adds a source of metrics.
    pub fn add(&self, source: impl Fn() -> Vec<Metric> + Send + Sync + 'static) {
        self.sources.write().push(Box::new(source));
    }

    /// Every metric as it is now. Those that differ in name and tags alone follow each other.
    pub fn read(&self) -> Vec<Metric> {
        let mut metrics: Vec<_> = self.sources.read().iter().flat_map(|source| source()).collect();
        metrics.sort_by(|one, other| one.order().cmp(&other.order()));
        metrics
    }
}
