//! What groups and transactions cost, beside Kafka 2.7.2.
//!
//! Prints a table, and on standard error each figure as it is known. `scripts/bench.sh coordinators` runs it; Java and
//! Maven have to be there. Arguments: `--rounds N` (1), `--rows` with some of
//! `commits,rebalance,heartbeats,transactions,failover`, `--groups N` (10000) for how many lie idle, `--alone` to leave
//! Kafka out.

mod commits;
mod failover;
mod group;
mod heartbeats;
#[path = "../../interop/java.rs"]
mod java;
#[path = "../cluster/members.rs"]
mod members;
#[path = "../parts.rs"]
mod parts;
mod rebalance;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;
#[path = "../../interop/tool_runner.rs"]
mod tool_runner;
mod transactions;

pub use parts::Figures;

fn main() {
    parts::measure(
        "Three brokers of a kind",
        &[
            ("commits", commits::measure),
            ("rebalance", rebalance::measure),
            ("heartbeats", heartbeats::measure),
            ("transactions", transactions::measure),
            ("failover", failover::measure),
        ],
    );
}

/// The value below which 99 in 100 lie, and the median.
pub fn percentiles(took: &mut [f64]) -> (f64, f64) {
    took.sort_by(f64::total_cmp);
    (took[took.len() * 99 / 100], took[took.len() / 2])
}
