//! A benchmark of several brokers, part by part: each part is measured for Kafka 2.7.2 and for Barnabas, in turn.
//!
//! Arguments of every such benchmark: `--rounds N` (1), `--rows` with the names of some parts, and `--alone` to leave
//! Kafka out.

use crate::table::{Figure, Kind, Table};
use crate::{java, members};

/// A part of the table, which adds its rows for one kind.
pub type Part = fn(&mut Figures);

/// Where a part puts its figures.
pub struct Figures<'a> {
    /// Kafka's jars.
    pub kafka: &'static java::Kafka,
    /// The kind that is measured.
    pub kind: Kind,
    table: &'a mut Table,
}

impl Figures<'_> {
    /// Adds a figure, and prints it on standard error.
    pub fn add(&mut self, row: &str, figure: Figure) {
        eprintln!("{}: {row}: {:.2}", self.kind.name(), figure.value());
        self.table.add(row, self.kind, figure);
    }
}

/// Measures the parts that the arguments name, and prints the table of medians below `title`.
pub fn measure(title: &str, parts: &[(&str, Part)]) {
    let rounds = number("--rounds", 1);
    let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
    let rows = option("--rows").unwrap_or_else(|| names.join(","));
    let kafka = java::kafka("the benchmark").expect("Java's Kafka to compare with");
    let alone = std::env::args().any(|argument| argument == "--alone");
    let kinds = if alone { vec![Kind::Barnabas] } else { vec![Kind::Kafka, Kind::Barnabas] };
    let mut table = Table::default();
    members::warm_zookeeper_up();
    for round in 1..=rounds {
        for name in rows.split(',') {
            let (_, part) = parts.iter().find(|(known, _)| *known == name).expect("a row that there is");
            for &kind in &kinds {
                eprintln!("round {round} of {rounds}, {name}: {}", kind.name());
                part(&mut Figures { kafka, kind, table: &mut table });
            }
        }
    }
    println!("{title}, medians of {rounds} rounds\n");
    table.print();
}

/// The number behind an argument of this name, else the default.
pub fn number(name: &str, default: usize) -> usize {
    option(name).map_or(default, |text| text.parse().expect("a number"))
}

fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
