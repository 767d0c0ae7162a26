//! What the perf tests print of themselves, and the CPU that they take.

use std::process::Output;

use super::{KINDS, create, succeed, tool};
use crate::brokers::RunningBroker;
use crate::java::Kafka;
use crate::table::{Figure, Kind, Table};

/// How large a record is.
const RECORD_SIZE: usize = 1000;

pub(super) fn measure(kafka: &Kafka, broker: &RunningBroker, table: &mut Table, megabytes: usize) {
    let records = (megabytes * 1_000_000 / RECORD_SIZE).to_string();
    let (bootstrap, size) = (super::bootstrap(broker), RECORD_SIZE.to_string());
    let props = format!("bootstrap.servers={bootstrap}");
    for kind in KINDS {
        let topic = if kind == Kind::Kafka { "perf-of-kafka" } else { "perf-of-barnabas" };
        create(broker, topic, "3");
        let write =
            ["--topic", topic, "--num-records", &records, "--record-size", &size, "--throughput", "-1"];
        let write = [&write[..], &["--producer-props", &props, "acks=all"]].concat();
        let sent = with_cpu(table, "producer-perf-test", kind, megabytes, || {
            succeed(&mut tool(kafka, kind, "org.apache.kafka.tools.ProducerPerformance", &write))
        });
        let line = String::from_utf8(sent.stdout).unwrap();
        let line = line.lines().last().unwrap();
        let number = |after: &str, before: &str| -> f64 {
            let rest = &line[line.find(after).unwrap() + after.len()..];
            rest[..rest.find(before).unwrap()].trim().parse().unwrap()
        };
        table.add("producer-perf-test, MB/s", kind, Figure::MegabytesPerSecond(number("(", " MB/sec")));
        table.add("producer-perf-test, ms 99th", kind, Figure::Milliseconds(number("95th,", " ms 99th")));

        let read =
            ["--bootstrap-server", &bootstrap, "--topic", topic, "--messages", &records, "--hide-header"];
        let read = with_cpu(table, "consumer-perf-test", kind, megabytes, || {
            succeed(&mut tool(kafka, kind, "kafka.tools.ConsumerPerformance", &read))
        });
        let line = String::from_utf8(read.stdout).unwrap();
        let columns: Vec<_> = line.lines().last().unwrap().split(", ").collect();
        table.add("consumer-perf-test, MB/s", kind, Figure::MegabytesPerSecond(columns[3].parse().unwrap()));
    }
}

/// Adds the CPU that a tool takes for a GB, from its start to its end.
fn with_cpu(
    table: &mut Table,
    name: &str,
    kind: Kind,
    megabytes: usize,
    run: impl FnOnce() -> Output,
) -> Output {
    let before = cpu_seconds_of_children();
    let ended = run();
    let taken = cpu_seconds_of_children() - before;
    table.add(&format!("{name}, CPU s/GB"), kind, Figure::CpuPerGb(taken * 1e3 / megabytes as f64));
    ended
}

/// User and system time of the processes that this one has waited for.
fn cpu_seconds_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[13].parse::<f64>().unwrap() + fields[14].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}
