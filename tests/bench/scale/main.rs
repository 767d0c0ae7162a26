//! What it costs to hold many partitions, waiting fetches and connections, beside Kafka 2.7.2: cost is to follow the work.
//!
//! Prints a table, and on standard error each figure as it is known. `scripts/bench.sh scale` runs it; Java and Maven have
//! to be there. Arguments: `--rounds N` (1), `--rows` with some of
//! `records,idle,waiting,closest,restart,connections`, `--partitions N` (3000) for how many lie idle, `--megabytes N`
//! (200) for how much is produced, `--alone` to leave Kafka out.

mod closest;
mod connections;
mod idle;
#[path = "../../interop/java.rs"]
mod java;
#[path = "../cluster/members.rs"]
mod members;
mod produced;
mod records;
mod restart;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;
mod waiting;

use table::{Figure, Kind, Table};

/// A part of the table, which adds its rows for one kind.
type Part = fn(&mut Figures);

const PARTS: [(&str, Part); 6] = [
    ("records", records::measure),
    ("idle", idle::measure),
    ("waiting", waiting::measure),
    ("closest", closest::measure),
    ("restart", restart::measure),
    ("connections", connections::measure),
];

/// Where a part puts its figures, and how large it is.
pub struct Figures<'a> {
    kafka: &'static java::Kafka,
    kind: Kind,
    table: &'a mut Table,
    /// How many partitions lie idle.
    pub partitions: usize,
    /// How many megabytes are produced.
    pub megabytes: usize,
}

impl Figures<'_> {
    /// Adds a figure, and tells it.
    pub fn add(&mut self, row: &str, figure: Figure) {
        eprintln!("{}: {row}: {:.2}", self.kind.name(), figure.value());
        self.table.add(row, self.kind, figure);
    }
}

fn main() {
    let number = |name, default| option(name).map_or(default, |text| text.parse().expect("a number"));
    let (rounds, partitions, megabytes) =
        (number("--rounds", 1), number("--partitions", 3000), number("--megabytes", 200));
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
                part(&mut Figures { kafka, kind, table: &mut table, partitions, megabytes });
            }
        }
    }
    println!("Medians of {rounds} rounds\n");
    table.print();
}

fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
