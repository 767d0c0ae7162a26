//! The library beside librdkafka and Java's clients of 2.7.2, on one broker: CPU of the client for a GB of records,
//! records a second, and the latency of sends that are awaited.
//!
//! Each client does the same load in a process of its own: it sends the same values with the same settings, a tenth of
//! them before it is measured, and reads the topic twice in groups of its own, of which the second time is measured.
//! Arguments: `--rounds N` (1), `--megabytes N` of records a row (200).

mod barnabas_load;
// What the broker takes is another benchmark's question.
#[allow(dead_code)]
#[path = "../brokers.rs"]
mod brokers;
#[path = "../../interop/java.rs"]
mod java;
mod load;
#[allow(dead_code)]
#[path = "../payloads.rs"]
mod payloads;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../table.rs"]
mod table;
#[path = "../../interop/tool_runner.rs"]
mod tool_runner;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use brokers::RunningBroker;
use table::Kind;

/// The clients, in the order of the columns.
const CLIENTS: [&str; 3] = ["Java 2.7.2", "librdkafka", "Barnabas"];

/// The programs of the clients.
struct Programs {
    kafka: &'static java::Kafka,
    java_classes: PathBuf,
    librdkafka: PathBuf,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--load") {
        let load = load::Load::parse(&arguments[at + 1..]).unwrap();
        return barnabas_load::run(&load).unwrap();
    }
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (rounds, megabytes) = (number("--rounds", 1), number("--megabytes", 200));
    let programs = Programs::build();
    let mut rows = Rows::default();
    for round in 1..=rounds {
        let broker = RunningBroker::start(programs.kafka, Kind::Barnabas);
        for size in [100, 1024] {
            for codec in ["none", "lz4", "zstd"] {
                measure(&programs, &broker, &mut rows, (round, size, codec), megabytes);
            }
        }
    }
    println!("{megabytes} MB of records a row, acks=all, medians of {rounds} rounds\n");
    rows.print();
}

fn measure(
    programs: &Programs,
    broker: &RunningBroker,
    rows: &mut Rows,
    (round, size, codec): (usize, usize, &str),
    megabytes: usize,
) {
    let directory = tempfile::tempdir().unwrap();
    let payloads = directory.path().join("payloads");
    std::fs::write(&payloads, payloads::events(size).join("\n")).unwrap();
    let records = megabytes * 1_000_000 / size;
    let gigabytes = (records * size) as f64 / 1e9;
    for (at, client) in CLIENTS.iter().enumerate() {
        let topic = format!("t-{round}-{size}-{codec}-{at}");
        create(broker.port, &topic);
        for work in ["produce", "consume", "await"] {
            let figures = programs.run(at, work, broker.port, &topic, records, codec, &payloads);
            eprintln!("{client}, {work} {size} B, {codec}: {figures:?}");
            let name = |what: &str| format!("{work}, {size} B, {codec}: {what}");
            match work {
                "await" => {
                    rows.add(&name("p50, us"), at, figures["p50"]);
                    rows.add(&name("p99, us"), at, figures["p99"]);
                }
                _ => {
                    rows.add(&name("CPU of the client, s/GB"), at, figures["cpu"] / gigabytes);
                    rows.add(&name("1,000 records a second"), at, records as f64 / figures["elapsed"] / 1e3);
                }
            }
        }
    }
}

fn create(port: u16, topic: &str) {
    let created = Command::new(env!("CARGO_BIN_EXE_barnabas"))
        .args(["topics", "--bootstrap-server", &format!("127.0.0.1:{port}"), "--create", "--topic", topic])
        .args(["--partitions", "3", "--replication-factor", "1"])
        .output()
        .unwrap();
    assert!(created.status.success(), "{created:?}");
}

impl Programs {
    fn build() -> Self {
        let kafka = java::kafka("the benchmark").expect("Java's Kafka to compare with");
        let sources = support::root().join("tests/bench/client");
        let java_classes = kafka.compile(&sources.join("ClientLoad.java"), "client-load");
        let target = support::root().join("target/librdkafka-load");
        let built = Command::new("cargo")
            .args(["build", "--release", "--manifest-path"])
            .arg(sources.join("librdkafka/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .status()
            .unwrap();
        assert!(built.success(), "librdkafka could not be built");
        Self { kafka, java_classes, librdkafka: target.join("release/librdkafka-load") }
    }

    /// Runs a client to its end; the figures that it prints.
    fn run(
        &self,
        client: usize,
        work: &str,
        port: u16,
        topic: &str,
        records: usize,
        codec: &str,
        payloads: &Path,
    ) -> BTreeMap<String, f64> {
        let bootstrap = format!("127.0.0.1:{port}");
        let records = records.to_string();
        let arguments = [work, &bootstrap, topic, &records, codec, payloads.to_str().unwrap()];
        let mut command = match CLIENTS[client] {
            "Java 2.7.2" => self.kafka.long_running(&self.java_classes, "ClientLoad"),
            "librdkafka" => Command::new(&self.librdkafka),
            _ => Command::new(std::env::current_exe().unwrap()),
        };
        if CLIENTS[client] == "Barnabas" {
            command.arg("--load");
        }
        let ended = command.args(arguments).output().unwrap();
        assert!(ended.status.success(), "{}: {ended:?}", CLIENTS[client]);
        let text = String::from_utf8(ended.stdout).unwrap();
        let figure = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        text.lines().filter_map(figure).collect()
    }
}

/// The figures of all rounds, by row and client.
#[derive(Default)]
struct Rows {
    names: Vec<String>,
    figures: BTreeMap<String, [Vec<f64>; CLIENTS.len()]>,
}

impl Rows {
    fn add(&mut self, row: &str, client: usize, figure: f64) {
        if !self.figures.contains_key(row) {
            self.names.push(row.to_owned());
        }
        self.figures.entry(row.to_owned()).or_default()[client].push(figure);
    }

    fn print(&self) {
        println!("| | {} | Barnabas / Java | Barnabas / librdkafka |", CLIENTS.join(" | "));
        println!("|---|---|---|---|---|---|");
        for name in &self.names {
            let [java, librdkafka, barnabas] = self.figures[name].each_ref().map(|figures| median(figures));
            println!(
                "| {name} | {java:.2} | {librdkafka:.2} | {barnabas:.2} | {:.2} | {:.2} |",
                barnabas / java,
                barnabas / librdkafka
            );
        }
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
