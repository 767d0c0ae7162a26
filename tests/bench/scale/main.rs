//! What it costs to hold many partitions, waiting fetches and connections, beside Kafka 2.7.2: cost is to
//! follow the work.
//!
//! Prints a table, and on standard error each figure as it is known. `scripts/bench.sh scale` runs it; Java
//! and Maven have to be there. Arguments: `--rounds N` (1), `--rows` with some of
//! `records,idle,waiting,closest,restart,connections,cleaning`, `--partitions N` (3000) for how many lie idle,
//! `--megabytes N` (200) for how much is produced or compacted, `--alone` to leave Kafka out.

mod cleaning;
mod closest;
mod connections;
mod idle;
#[path = "../../interop/java.rs"]
mod java;
#[path = "../cluster/members.rs"]
mod members;
#[path = "../parts.rs"]
mod parts;
mod produced;
mod records;
mod restart;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;
#[path = "../../interop/tool_runner.rs"]
mod tool_runner;
mod waiting;

pub use parts::Figures;

fn main() {
    parts::measure(
        "Three brokers of a kind",
        &[
            ("records", records::measure),
            ("idle", idle::measure),
            ("waiting", waiting::measure),
            ("closest", closest::measure),
            ("restart", restart::measure),
            ("connections", connections::measure),
            ("cleaning", cleaning::measure),
        ],
    );
}

/// How many partitions lie idle.
fn idle_partitions() -> usize {
    parts::number("--partitions", 3000)
}
