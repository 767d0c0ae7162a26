//! Metrics as text, in Prometheus' exposition format (version 0.0.4).
//!
//! Pure. An MBean `kafka.server:type=T,name=N,tag=V` becomes `kafka_server_T_Value{name="N",tag="V"}`: the domain, the
//! first property's value and the attribute in the name, the other properties as labels, as `jmx_exporter` has it by
//! default.

use std::fmt::Write as _;

use super::{Attribute, Metric};

/// The media type of what [`text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One line for each metric, and before the first line of a family a line with its type. `metrics` are in the order
/// of [`super::Registry::read`].
pub fn text(metrics: &[Metric]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for metric in metrics {
        let family = family(metric);
        if family != last {
            let kind = match metric.attribute {
                Attribute::Value | Attribute::Mean => "gauge",
                Attribute::Count => "counter",
            };
            line(&mut text, format_args!("# TYPE {family} {kind}"));
        }
        line(&mut text, format_args!("{family}{{{}}} {}", labels(metric), metric.value));
        last = family;
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn family(metric: &Metric) -> String {
    let attribute = match metric.attribute {
        Attribute::Value => "Value",
        Attribute::Count => "Count",
        Attribute::Mean => "Mean",
    };
    let name = format!("{}_{}_{attribute}", metric.name.group, metric.name.kind);
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_")
}

fn labels(metric: &Metric) -> String {
    let name = ("name", metric.name.name);
    let tags = metric.name.tags.iter().map(|(tag, value)| (*tag, value.as_str()));
    let labels =
        std::iter::once(name).chain(tags).map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
