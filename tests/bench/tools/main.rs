//! The tools beside those of 2.7.2, on brokers of this project: the wall time of each command, the figures of the perf
//! tests, and (`--mirror`) the CPU of a mirror maker for a GB of records.
//!
//! A tool of Java's has a JVM of its own, with its classes archived, as in the tests; a mirror maker has the JVM's
//! defaults. Arguments: `--rounds N` (1), `--megabytes N` of records (200), `--mirror`.

// What the broker takes is another benchmark's question.
#[allow(dead_code)]
#[path = "../brokers.rs"]
mod brokers;
#[path = "../../interop/java.rs"]
mod java;
mod mirror;
mod perf;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;
#[path = "../../interop/tool_runner.rs"]
mod tool_runner;
mod wall_time;

use std::process::{Command, Output};

use brokers::RunningBroker;
use java::Kafka;
use table::{Kind, Table};

/// The columns.
const KINDS: [Kind; 2] = [Kind::Kafka, Kind::Barnabas];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (rounds, megabytes) = (number("--rounds", 1), number("--megabytes", 200));
    let kafka = java::kafka("the benchmark").expect("Java's Kafka to compare with");
    let mut table = Table::default();
    for round in 1..=rounds {
        if arguments.iter().any(|argument| argument == "--mirror") {
            mirror::measure(kafka, &mut table, round, megabytes);
        } else {
            let broker = RunningBroker::start(kafka, Kind::Barnabas);
            wall_time::measure(kafka, &broker, &mut table);
            perf::measure(kafka, &broker, &mut table, megabytes);
        }
    }
    println!("{megabytes} MB of records, medians of {rounds} rounds\n");
    table.print();
}

/// A tool of this project.
fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.args(arguments);
    command
}

/// The tool of this class, Java's or this project's.
fn tool(kafka: &Kafka, kind: Kind, class: &str, arguments: &[&str]) -> Command {
    match kind {
        Kind::Kafka => kafka.command(class, arguments),
        Kind::Barnabas => own(&[&[class][..], arguments].concat()),
    }
}

/// Runs a tool to its end; it has to succeed.
fn succeed(command: &mut Command) -> Output {
    let ended = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(ended.status.success(), "{command:?}: {ended:?}");
    ended
}

fn create(broker: &RunningBroker, topic: &str, partitions: &str) {
    let bootstrap = bootstrap(broker);
    let words = ["topics", "--bootstrap-server", &bootstrap, "--create", "--topic", topic];
    succeed(&mut own(&[&words[..], &["--partitions", partitions, "--replication-factor", "1"]].concat()));
}

fn bootstrap(broker: &RunningBroker) -> String {
    format!("127.0.0.1:{}", broker.port)
}
