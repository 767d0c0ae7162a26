//! One Barnabas broker beside one of Kafka 2.7.2 and beside the least that any broker has to do: same
//! machine, same run, same clients, in turn.
//!
//! Prints a table of medians over alternating rounds. `scripts/bench.sh` runs it; Java, Maven and kcat have
//! to be there. Arguments: `--rounds N` (3), `--megabytes N` of records a row and round (200), `--quick` (one
//! round, a quarter of the rows), `--metered` (what quotas and metrics cost, without Kafka).

mod brokers;
mod clients;
#[path = "../interop/java.rs"]
mod java;
mod limit;
mod memory;
mod metered;
mod payloads;
#[path = "../support/mod.rs"]
mod support;
mod table;
#[path = "../interop/tool_runner.rs"]
mod tool_runner;
mod unpack;
mod workloads;

use std::time::Instant;

use brokers::RunningBroker;
use table::{Figure, Kind, Table};
use workloads::Workload;

/// How often a topic is consumed: once takes too little CPU time to be measured in clock ticks.
const CONSUMED: u32 = 5;

fn main() {
    if limit::is_asked_for() {
        return limit::run();
    }
    let quick = std::env::args().any(|argument| argument == "--quick");
    let megabytes = option("--megabytes").unwrap_or(200);
    let rounds = option("--rounds").unwrap_or(if quick { 1 } else { 3 });
    let workloads = if quick { workloads::few() } else { workloads::all() };
    let kafka = java::kafka("the benchmark").expect("Java's Kafka to compare with");
    assert!(java::has_command("kcat"), "kcat is needed to produce and to consume");
    if std::env::args().any(|argument| argument == "--metered") {
        return metered::run(kafka, rounds, megabytes);
    }
    let mut table = Table::default();
    for round in 1..=rounds {
        for kind in [Kind::Kafka, Kind::Barnabas] {
            eprintln!("round {round} of {rounds}: {}", kind.name());
            measure(&mut table, kafka, kind, &workloads, megabytes);
        }
    }
    println!(
        "{megabytes} MB of records a row, medians of {rounds} rounds; CPU in seconds per GB of records\n"
    );
    table.print();
}

fn option(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).and_then(|value| value.parse().ok())
}

/// One round of one broker.
fn measure(table: &mut Table, kafka: &java::Kafka, kind: Kind, workloads: &[Workload], megabytes: u64) {
    let broker = RunningBroker::start(kafka, kind);
    table.add("start to first accepted produce, s", kind, Figure::Seconds(broker.started_in.as_secs_f64()));
    warm_up(kafka, &broker, megabytes);
    for (at, workload) in workloads.iter().enumerate() {
        let topic = format!("bench-{at}");
        let gigabytes = (workload.count(megabytes) * workload.record_size) as f64 / 1e9;
        memory::provide(broker.directory(), megabytes * 1_000_000);
        let begun = broker.cpu_seconds();
        let producing = Instant::now();
        clients::produce(kafka, broker.port, &topic, workload, megabytes);
        let (produced, produced_in) = (broker.cpu_seconds(), producing.elapsed());
        check_size(&broker, &topic, workload, megabytes);
        (0..CONSUMED).for_each(|_| clients::consume(broker.port, &topic));
        let consumed = (broker.cpu_seconds() - produced) / f64::from(CONSUMED);
        let row = workload.name();
        eprintln!("  {row}: {:.2} {:.2}", (produced - begun) / gigabytes, consumed / gigabytes);
        table.add(&format!("produce: {row}"), kind, Figure::CpuPerGb((produced - begun) / gigabytes));
        table.add(&format!("consume: {row}"), kind, Figure::CpuPerGb(consumed / gigabytes));
        if kind == Kind::Barnabas {
            let least = limit::measure(&broker.segments(&topic), produced_in);
            table.add_limit(&format!("produce: {row}"), least.received / gigabytes);
            table.add_limit(&format!("consume: {row}"), least.sent / gigabytes);
        }
    }
    table.add("resident memory at the end, MiB", kind, Figure::Mebibytes(broker.resident_mebibytes()));
}

/// The codec in a row is really used: clients leave a codec out if they think that the broker does not know
/// it.
fn check_size(broker: &RunningBroker, topic: &str, workload: &Workload, megabytes: u64) {
    let segments = broker.segments(topic);
    let stored: u64 = segments.iter().map(|segment| segment.metadata().unwrap().len()).sum();
    let sent = workload.count(megabytes) * workload.record_size;
    let row = workload.name();
    let is_compressed = stored * 3 < sent * 2;
    assert_eq!(is_compressed, workload.compression != "none", "{row}: {stored} bytes of {sent} were stored");
}

/// Lets a JVM compile what it runs often; not measured.
fn warm_up(kafka: &java::Kafka, broker: &RunningBroker, megabytes: u64) {
    for (at, workload) in workloads::few().iter().enumerate() {
        let topic = format!("warm-up-{at}");
        clients::produce(kafka, broker.port, &topic, workload, megabytes);
        clients::consume(broker.port, &topic);
    }
}
