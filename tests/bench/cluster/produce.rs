//! Throughput and latency of acks=all with three replicas, as kafka-producer-perf-test sees them.

use crate::Figures;
use crate::members::{Members, placed, spread};
use crate::table::Figure;

const TOPIC: &str = "measured";
const PARTITIONS: usize = 6;
/// The bytes of a record's value.
const RECORD: u64 = 1024;
/// The records offered a second.
const RATES: [u64; 3] = [1_000, 5_000, 10_000];
/// For how long. Long enough that what the client itself needs to begin is less than one record in a hundred.
const SECONDS: u64 = 40;
/// How many records go as fast as they can.
const UNLIMITED: u64 = 400_000;

/// Rows of latency at several rates, and one of the most that goes through.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    let replicas: Vec<_> = (0..PARTITIONS).map(|at| spread(at, 3)).collect();
    members.create(vec![placed(TOPIC, &replicas, &[("min.insync.replicas", "2")])]);
    members.await_partitions(&members.alive(), TOPIC, PARTITIONS, |it| it.leader_id >= 0);
    perf_test(figures, &members, UNLIMITED / 2, None); // Lets a JVM compile what it runs often.
    for rate in RATES {
        let summary = perf_test(figures, &members, rate * SECONDS, Some(rate));
        assert!(summary.records_a_second > rate as f64 * 0.9, "{rate} a second are too many: {summary:?}");
        for (name, millis) in ["p50", "p99", "p99.9"].into_iter().zip(summary.percentiles) {
            let row = format!("produce, {rate} records of 1 KiB a second: {name}, ms");
            figures.add(&row, Figure::Milliseconds(millis));
        }
    }
    let summary = perf_test(figures, &members, UNLIMITED, None);
    let rate = summary.records_a_second * RECORD as f64 / 1e6;
    figures.add("produce, as fast as it goes: MB/s", Figure::MegabytesPerSecond(rate));
}

#[derive(Debug)]
struct Summary {
    records_a_second: f64,
    /// 50th, 99th and 99.9th, in milliseconds.
    percentiles: [f64; 3],
}

fn perf_test(figures: &Figures<'_>, members: &Members, count: u64, rate: Option<u64>) -> Summary {
    let (count, size) = (count.to_string(), RECORD.to_string());
    let rate = rate.map_or("-1".to_owned(), |rate| rate.to_string());
    let bootstrap = format!("bootstrap.servers={}", members.bootstrap());
    let mut arguments = vec!["--topic", TOPIC, "--num-records", &count, "--record-size", &size];
    arguments.extend(["--throughput", &rate, "--producer-props", &bootstrap, "acks=all"]);
    let out = figures.kafka.run("org.apache.kafka.tools.ProducerPerformance", &arguments).ok().out;
    summary(&out).unwrap_or_else(|| panic!("no summary in:\n{out}"))
}

/// The last line: `N records sent, R records/sec (M MB/sec), A ms avg latency, B ms max latency, C ms 50th, …`.
fn summary(out: &str) -> Option<Summary> {
    let line = out.lines().rfind(|line| line.contains("99.9th"))?;
    let before =
        |what: &str| -> Option<f64> { line[..line.find(what)?].trim_end().rsplit(' ').next()?.parse().ok() };
    Some(Summary {
        records_a_second: before("records/sec")?,
        percentiles: [before("ms 50th")?, before("ms 99th")?, before("ms 99.9th")?],
    })
}
