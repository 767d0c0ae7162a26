//! One Barnabas broker beside one Java broker of Kafka 2.7.2: same machine, same run, same clients, in turn.
//!
//! Prints a table of medians over alternating rounds and the ratio of the two. `scripts/bench.sh` runs it; Java, Maven
//! and kcat have to be there. Arguments: `--rounds N` (3), `--records N` of 1 KiB a round and workload (300,000).

#[path = "../interop/java.rs"]
mod java;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Chroot, Connection, Process, free_port};

/// A way to load the broker.
struct Workload {
    name: &'static str,
    record_size: u64,
    batch_size: u64,
    compression: &'static str,
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "1 KiB, batches of 16 KiB", record_size: 1024, batch_size: 16_384, compression: "none" },
    Workload {
        name: "1 KiB, batches of 1 MB",
        record_size: 1024,
        batch_size: 1_000_000,
        compression: "none",
    },
    Workload {
        name: "1 KiB, batches of 16 KiB, lz4",
        record_size: 1024,
        batch_size: 16_384,
        compression: "lz4",
    },
    Workload { name: "100 B, batches of 16 KiB", record_size: 100, batch_size: 16_384, compression: "none" },
];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Kafka,
    Barnabas,
}

/// What one round of one broker was measured at, in the order of the table's rows.
type Figures = Vec<(String, f64)>;

fn main() {
    let records = option("--records").unwrap_or(300_000);
    let rounds = option("--rounds").unwrap_or(3);
    let kafka = java::kafka("the benchmark").expect("Java's Kafka to compare with");
    assert!(java::has_command("kcat"), "kcat is needed to consume");
    let mut figures: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        for (at, kind) in [Kind::Kafka, Kind::Barnabas].into_iter().enumerate() {
            eprintln!(
                "round {round} of {rounds}: {}",
                if kind == Kind::Kafka { "Kafka 2.7.2" } else { "Barnabas" }
            );
            figures[at].push(measure(kafka, kind, records));
        }
    }
    print(&figures);
}

fn option(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).and_then(|value| value.parse().ok())
}

fn print([kafka, barnabas]: &[Vec<Figures>; 2]) {
    println!(
        "| median of {} rounds | Kafka 2.7.2 | Barnabas | Barnabas / Kafka |\n|---|---|---|---|",
        kafka.len()
    );
    for (row, (name, _)) in kafka[0].iter().enumerate() {
        let median = |rounds: &[Figures]| {
            let mut values: Vec<f64> = rounds.iter().map(|figures| figures[row].1).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let (theirs, ours) = (median(kafka), median(barnabas));
        println!("| {name} | {theirs:.2} | {ours:.2} | {:.3} |", ours / theirs);
    }
}

fn measure(kafka: &java::Kafka, kind: Kind, records: u64) -> Figures {
    let chroot = Chroot::new();
    let port = free_port();
    let directory = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let broker = start_broker(kafka, kind, port, &chroot, directory.path());
    produce_first(port);
    let mut figures = vec![("start to first accepted produce, s".to_owned(), start.elapsed().as_secs_f64())];
    for (at, workload) in WORKLOADS.iter().enumerate() {
        let topic = format!("bench-{at}");
        let count = if workload.record_size < 1024 { records * 2 } else { records };
        let gigabytes = (count * workload.record_size) as f64 / 1e9;
        let before = cpu_seconds(broker.id());
        produce(kafka, port, &topic, count, workload);
        let produced = cpu_seconds(broker.id());
        consume(port, &topic);
        let consumed = cpu_seconds(broker.id());
        figures.push((format!("produce, CPU s per GB: {}", workload.name), (produced - before) / gigabytes));
        figures
            .push((format!("consume, CPU s per GB: {}", workload.name), (consumed - produced) / gigabytes));
    }
    figures.push(("resident memory at the end, MiB".to_owned(), resident_mebibytes(broker.id())));
    figures
}

fn start_broker(
    kafka: &java::Kafka,
    kind: Kind,
    port: u16,
    chroot: &Chroot,
    directory: &std::path::Path,
) -> Process {
    let properties = directory.join("server.properties");
    let text = format!(
        "broker.id=1\nlisteners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\nzookeeper.connect={}\n\
         offsets.topic.replication.factor=1\nnum.partitions=1\n",
        directory.join("data").display(),
        chroot.connect()
    );
    std::fs::write(&properties, text).unwrap();
    let path = properties.display().to_string();
    match kind {
        Kind::Kafka => Process::start("Kafka 2.7.2", &mut kafka.broker_command(&path)),
        Kind::Barnabas => Process::start(
            "Barnabas",
            Command::new(env!("CARGO_BIN_EXE_barnabas")).args(["server-start", &path]),
        ),
    }
}

/// Produces one record to a topic that its first mention creates, trying until the broker accepts it.
fn produce_first(port: u16) {
    support::eventually("the first produce is accepted", Duration::from_secs(60), || {
        let mut connection = Connection::to(port)?;
        if !connection.has_leader("first")? {
            return None;
        }
        connection.produce("first", "value", 1)?.ok()
    });
}

fn produce(kafka: &java::Kafka, port: u16, topic: &str, count: u64, workload: &Workload) {
    let (count, size) = (count.to_string(), workload.record_size.to_string());
    let properties = [
        format!("bootstrap.servers=127.0.0.1:{port}"),
        format!("batch.size={}", workload.batch_size),
        format!("compression.type={}", workload.compression),
        "linger.ms=5".to_owned(),
        "acks=1".to_owned(),
        "max.request.size=2000000".to_owned(),
    ];
    let mut arguments = vec!["--topic", topic, "--num-records", &count, "--record-size", &size];
    arguments.extend(["--throughput", "-1", "--producer-props"]);
    arguments.extend(properties.iter().map(String::as_str));
    kafka.run("org.apache.kafka.tools.ProducerPerformance", &arguments).ok();
}

/// Reads the topic from its beginning to its end with kcat, from the page cache.
fn consume(port: u16, topic: &str) {
    let bootstrap = format!("127.0.0.1:{port}");
    let status = Command::new("kcat")
        .args(["-C", "-b", &bootstrap, "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "kcat ended with {status}");
}

/// User and system time of a process so far, in seconds.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

fn resident_mebibytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
