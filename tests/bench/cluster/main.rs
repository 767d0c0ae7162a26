//! Three Barnabas brokers beside three of Kafka 2.7.2: the same machine, ZooKeeper and run, the same clients, in turn.
//!
//! Prints a table, and on standard error each figure as it is known. `scripts/bench.sh cluster` runs it; Java and Maven have
//! to be there. Arguments: `--rounds N` (1), `--rows` with some of `produce,kill,create,failover`, and `--alone` to leave
//! Kafka out.

mod create;
mod failover;
#[path = "../../interop/java.rs"]
mod java;
mod kill;
mod members;
mod offered;
mod produce;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;

use table::{Figure, Kind, Table};

/// A part of the table, which adds its rows for one kind.
type Part = fn(&mut Figures);

const PARTS: [(&str, Part); 4] = [
    ("produce", produce::measure),
    ("kill", kill::measure),
    ("create", create::measure),
    ("failover", failover::measure),
];

/// Where a part puts its figures.
pub struct Figures<'a> {
    kafka: &'static java::Kafka,
    kind: Kind,
    table: &'a mut Table,
}

impl Figures<'_> {
    /// Adds a figure, and tells it.
    pub fn add(&mut self, row: &str, figure: Figure) {
        eprintln!("{}: {row}: {:.2}", self.kind.name(), figure.value());
        self.table.add(row, self.kind, figure);
    }
}

fn main() {
    let rounds = option("--rounds").map_or(1, |rounds| rounds.parse().expect("a number of rounds"));
    let rows = option("--rows").unwrap_or_else(|| PARTS.map(|(name, _)| name).join(","));
    let kafka = java::kafka("the benchmark").expect("Java's Kafka to compare with");
    let alone = std::env::args().any(|argument| argument == "--alone");
    let kinds = if alone { vec![Kind::Barnabas] } else { vec![Kind::Kafka, Kind::Barnabas] };
    let mut table = Table::default();
    members::warm_zookeeper_up();
    for round in 1..=rounds {
        for name in rows.split(',') {
            let (_, part) = PARTS.iter().find(|(known, _)| *known == name).expect("a row that there is");
            for &kind in &kinds {
                eprintln!("round {round} of {rounds}, {name}: {}", kind.name());
                part(&mut Figures { kafka, kind, table: &mut table });
            }
        }
    }
    println!("Three brokers of a kind, medians of {rounds} rounds\n");
    table.print();
}

fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
