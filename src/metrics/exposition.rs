//! Figures as text, in Prometheus' exposition format (version 0.0.4).
//!
//! An MBean `kafka.server:type=T,name=N,tag=V` becomes `kafka_server_T_Value{name="N",tag="V"}`: the domain, the first
//! property's value and the attribute in the name, the other properties as labels, as `jmx_exporter` has it by default.

use std::fmt::Write as _;

use super::{Attribute, Figure};

/// The media type of what [`text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One line a figure, and one before each name's first that tells its type. `figures` are in the order of their names.
pub fn text(figures: &[Figure]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for figure in figures {
        let family = family(figure);
        if family != last {
            let kind = match figure.attribute {
                Attribute::Value => "gauge",
                Attribute::Count => "counter",
            };
            line(&mut text, format_args!("# TYPE {family} {kind}"));
        }
        line(&mut text, format_args!("{family}{{{}}} {}", labels(figure), figure.value));
        last = family;
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn family(figure: &Figure) -> String {
    let attribute = match figure.attribute {
        Attribute::Value => "Value",
        Attribute::Count => "Count",
    };
    let name = format!("{}_{}_{attribute}", figure.name.group, figure.name.kind);
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_")
}

fn labels(figure: &Figure) -> String {
    let name = ("name", figure.name.name);
    let tags = figure.name.tags.iter().map(|(tag, value)| (*tag, value.as_str()));
    let labels =
        std::iter::once(name).chain(tags).map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
