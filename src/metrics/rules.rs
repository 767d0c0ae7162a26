//! The names that `jmx_exporter` gives attributes of MBeans, by the rules it is configured with.
//!
//! Pure. A rule set gives an attribute no name, one, or two where the dashboards that expect it differ.

mod confluent;
mod default_format;
mod usual;

use super::attributes::Attribute;
use super::mbean::{MetricReading, Name};

/// A configuration of `jmx_exporter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// Its example for Kafka, `kafka-2_0_0.yml`, with the additions of Strimzi's.
    #[default]
    Usual,
    /// That of Confluent's `jmx-monitoring-stacks`.
    Confluent,
    /// None: every attribute under its own name, as `jmx_exporter` does by default.
    None,
}

/// One value under its exported name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExportedSample {
    /// The name, without labels; its characters are those that Prometheus allows.
    pub family: String,
    /// Labels and their values, unescaped.
    pub labels: Vec<(String, String)>,
    /// Whether it only rises.
    pub is_counter: bool,
    pub value: f64,
}

impl Rules {
    /// The rules of this name in a scrape's address.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "usual" => Some(Self::Usual),
            "confluent" => Some(Self::Confluent),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The samples of an MBean.
    pub(super) fn samples(self, name: &Name, reading: &MetricReading) -> Vec<ExportedSample> {
        let mut samples = Vec::new();
        for (attribute, value) in reading.attributes() {
            if attribute == Attribute::Process {
                let is_counter = name.kind.ends_with("_total");
                samples.push(ExportedSample {
                    family: name.kind.into(),
                    labels: Vec::new(),
                    is_counter,
                    value,
                });
                continue;
            }
            let named = match self {
                Self::None => default_format::named(name, attribute),
                Self::Usual => usual::named(name, attribute),
                Self::Confluent => confluent::named(name, attribute),
            };
            let is_counter = attribute == Attribute::Count;
            samples.extend(named.into_iter().map(|ExportedName { family, labels }| ExportedSample {
                family: safe(&family),
                labels,
                is_counter,
                value,
            }));
        }
        samples
    }
}

/// An attribute's exported name.
struct ExportedName {
    /// Characters that Prometheus does not allow are replaced later.
    family: String,
    labels: Vec<(String, String)>,
}

impl ExportedName {
    fn new(family: String, labels: Vec<(String, String)>) -> Self {
        Self { family, labels }
    }

    fn with(mut self, label: &str, value: String) -> Self {
        self.labels.push((label.to_owned(), value));
        self
    }
}

/// The tags as labels.
fn labels(name: &Name) -> Vec<(String, String)> {
    name.tags.iter().map(|(tag, value)| (safe(tag), value.clone())).collect()
}

/// The value of a tag.
fn tag<'a>(name: &'a Name, wanted: &str) -> Option<&'a str> {
    name.tags.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| value.as_str())
}

/// A name in which each run of characters that Prometheus does not allow is one underscore.
fn safe(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for c in name.chars() {
        let allowed = if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' };
        if allowed != '_' || !safe.ends_with('_') {
            safe.push(allowed);
        }
    }
    safe
}

#[cfg(test)]
mod tests;
