//! Three Barnabas brokers beside three of Kafka 2.7.2: the same machine, ZooKeeper and run, the same clients, in turn.
//!
//! Prints a table, and on standard error each figure as it is known. `scripts/bench.sh cluster` runs it; Java
//! and Maven have to be there. Arguments: `--rounds N` (1), `--rows` with some of
//! `produce,kill,create,failover`, and `--alone` to leave Kafka out.

mod create;
mod failover;
#[path = "../../interop/java.rs"]
mod java;
mod kill;
mod members;
mod offered;
#[path = "../parts.rs"]
mod parts;
mod produce;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;
#[path = "../../interop/tool_runner.rs"]
mod tool_runner;

pub use parts::Figures;

fn main() {
    parts::measure(
        "Three brokers of a kind",
        &[
            ("produce", produce::measure),
            ("kill", kill::measure),
            ("create", create::measure),
            ("failover", failover::measure),
        ],
    );
}
