//! Latency of acks=all with three replicas at offered rates, and the most that kafka-producer-perf-test gets through.

use crate::Figures;
use crate::members::{Members, assigned, spread};
use crate::offered::{self, Producer};
use crate::table::Figure;

/// How many producers there are, each with a partition of its own.
const PRODUCERS: usize = 30;
/// The records that they offer a second, all together.
const RATES: [u64; 3] = [1_000, 5_000, 10_000];
/// How many requests they make of that a second.
const REQUESTS: u64 = 1_000;
const TOPIC: &str = "offered";

const UNLIMITED_TOPIC: &str = "unlimited";
const UNLIMITED_PARTITIONS: usize = 6;
/// The bytes of a record's value.
const RECORD: u64 = 1024;
/// How many records go as fast as they can.
const UNLIMITED: u64 = 400_000;

/// Rows of latency at several rates, and one of the most that goes through.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    for (topic, count) in [(TOPIC, PRODUCERS), (UNLIMITED_TOPIC, UNLIMITED_PARTITIONS)] {
        let replicas: Vec<_> = (0..count).map(|at| spread(at, 3)).collect();
        members.create(vec![assigned(topic, &replicas, &[("min.insync.replicas", "2")])]);
        members.await_partitions(&members.alive(), topic, count, |it| it.leader_id >= 0);
    }
    perf_test(figures, &members, UNLIMITED / 4); // Lets a JVM compile what it runs often.
    let producer = |at| Producer { port: members.port(spread(at, 3)[0]), partition: at as i32 };
    let producers: Vec<_> = (0..PRODUCERS).map(producer).collect();
    for rate in RATES {
        let latencies = offered::latencies(&producers, TOPIC, rate / REQUESTS);
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            let latency = latencies[(latencies.len() as f64 * share) as usize];
            let row = format!("acks=all, {rate} records of 1 KiB a second, {name}, ms");
            figures.add(&row, Figure::Milliseconds(latency));
        }
    }
    // Last, as disks are busy for a while after it.
    let rate = perf_test(figures, &members, UNLIMITED) * RECORD as f64 / 1e6;
    figures.add("acks=all, perf-test as fast as it goes, MB/s", Figure::MegabytesPerSecond(rate));
}

/// How many records a second kafka-producer-perf-test gets acknowledged by all.
fn perf_test(figures: &Figures<'_>, members: &Members, count: u64) -> f64 {
    let (count, size) = (count.to_string(), RECORD.to_string());
    let bootstrap = format!("bootstrap.servers={}", members.bootstrap());
    let mut arguments = vec!["--topic", UNLIMITED_TOPIC, "--num-records", &count, "--record-size", &size];
    arguments.extend(["--throughput", "-1", "--producer-props", &bootstrap, "acks=all"]);
    let out = figures.kafka.run("org.apache.kafka.tools.ProducerPerformance", &arguments).ok().out;
    records_a_second(&out).unwrap_or_else(|| panic!("no summary in:\n{out}"))
}

/// From the last line: `N records sent, R records/sec (M MB/sec), …, D ms 99.9th.`
fn records_a_second(out: &str) -> Option<f64> {
    let line = out.lines().rfind(|line| line.contains("99.9th"))?;
    line[..line.find("records/sec")?].trim_end().rsplit(' ').next()?.parse().ok()
}
