//! Metrics as text, in Prometheus' exposition format (version 0.0.4).
//!
//! Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Metric;
use super::rules::{ExportedSample, Rules};

/// The media type of what [`text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The lines of one name.
#[derive(Default)]
struct Family {
    is_counter: bool,
    lines: String,
}

/// One line for each sample, and before the first line of a name a line with its type.
pub fn text(metrics: &[Metric], rules: Rules) -> String {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for sample in metrics.iter().flat_map(|metric| rules.samples(&metric.name, &metric.reading)) {
        let ExportedSample { family: name, labels, is_counter, value } = sample;
        let mut line = name.clone();
        write_labels(&mut line, &labels);
        let family = families.entry(name).or_default();
        family.is_counter = is_counter;
        // Writing to a string cannot fail.
        let _ = writeln!(family.lines, "{line} {value}");
    }
    let mut text = String::new();
    for (name, Family { is_counter, lines }) in families {
        let kind = if is_counter { "counter" } else { "gauge" };
        let _ = writeln!(text, "# TYPE {name} {kind}");
        text.push_str(&lines);
    }
    text
}

fn write_labels(line: &mut String, labels: &[(String, String)]) {
    for (at, (label, value)) in labels.iter().enumerate() {
        let open = if at == 0 { '{' } else { ',' };
        let _ = write!(line, "{open}{label}=\"{}\"", escaped(value));
    }
    if !labels.is_empty() {
        line.push('}');
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
