//! Applications, of Java, of librdkafka and of this library, copy a topic to another one exactly once, with
//! transactions, while they, their coordinators and the leaders of their partitions are killed. A reader of committed
//! records finds the input, each record once.
//!
//! The copies last [`SHORTLY`]; with `BARNABAS_LONG=1` ten minutes. With `BARNABAS_ON_KAFKA=1` the brokers are those of
//! Kafka 2.7.2.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::groups::clients::python_package;
use crate::groups::cluster;
use crate::java::{Kafka, feed, has_command, kafka, skipped};
use crate::mixed::cluster::Mixed;
use crate::support::copier::Copier;
use crate::support::flood::Flood;
use crate::support::{Process, root};

const SHORTLY: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(600);
/// What this library's application writes.
const LOCAL_OUTPUT: &str = "output-local";
const PARTITIONS: u32 = 3;
const REPLICAS: &str = "1:2:3,2:3:1,3:1:2";
/// Records a second.
const PACE: u32 = 150;
const LIMIT: Duration = Duration::from_secs(90);
const SETTINGS: [(&str, &str); 9] = [
    ("offsets.topic.num.partitions", "3"),
    ("offsets.topic.replication.factor", "3"),
    ("transaction.state.log.num.partitions", "3"),
    ("transaction.state.log.replication.factor", "3"),
    ("transaction.state.log.min.isr", "2"),
    ("min.insync.replicas", "2"),
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"),
    ("group.initial.rebalance.delay.ms", "500"),
    ("auto.create.topics.enable", "false"),
];

/// A program that copies a topic: its arguments are the bootstrap servers, both topics, its group and its transactional
/// id.
enum Program {
    Java { kafka: &'static Kafka, classes: PathBuf },
    Librdkafka { packages: PathBuf },
}

impl Program {
    fn java(kafka: &'static Kafka) -> Self {
        let source = root().join("tests/interop/exactly_once/ExactlyOnce.java");
        Self::Java { kafka, classes: kafka.compile(&source, "exactly-once") }
    }

    /// The last librdkafka before 2.10: since then a coordinator that is gone from the metadata stays in its cache, and
    /// `send_offsets_to_transaction` waits for it for ever, on Kafka 2.7.2 as here (confluentinc/librdkafka#5511).
    fn librdkafka(test: &str) -> Option<Self> {
        if !has_command("python3") {
            skipped(test, "there is no python3 here");
            return None;
        }
        let packages = python_package(test, "confluent-kafka", "2.9.0")?;
        Some(Self::Librdkafka { packages })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Java { .. } => "java",
            Self::Librdkafka { .. } => "librdkafka",
        }
    }

    /// The topic that it writes.
    fn output(&self) -> String {
        format!("output-{}", self.name())
    }

    fn start(&self, bootstrap: &str) -> Process {
        let name = self.name();
        let output = self.output();
        let (group, id) = (format!("copiers-{name}"), format!("copier-{name}"));
        let arguments = [bootstrap, "input", &output, &group, &id];
        let mut command = match self {
            Self::Java { kafka, classes } => kafka.command_beside(Some(classes), "ExactlyOnce", &arguments),
            Self::Librdkafka { packages } => {
                let mut command = Command::new("python3");
                command.env("PYTHONPATH", packages);
                command.arg(root().join("tests/interop/exactly_once/exactly_once.py")).args(arguments);
                command
            }
        };
        Process::start(&format!("the copy of {name}"), &mut command)
    }
}

/// An application that copies `input` to its output until it is killed.
struct Copy {
    program: Program,
    process: Process,
    bootstrap: String,
}

impl Copy {
    fn start(program: Program, bootstrap: String) -> Self {
        let process = program.start(&bootstrap);
        Self { program, process, bootstrap }
    }

    fn kill_and_restart(&mut self) {
        self.process.kill();
        self.process = self.program.start(&self.bootstrap);
    }
}

/// Waits until each has committed one more transaction.
fn await_commits(copies: &[Copy], local: &Copier) {
    let seen_of_local = local.transactions();
    let seen: Vec<_> = copies.iter().map(|copy| copy.process.lines().len()).collect();
    for (copy, seen) in copies.iter().zip(seen) {
        copy.process.wait_for_line_after(seen, "committed", LIMIT);
    }
    local.await_more(seen_of_local);
}

/// Kills the applications, then each broker in turn, again and again; after every kill each commits a transaction.
fn kill_in_turn(mixed: &mut Mixed, copies: &mut [Copy], local: &Copier, length: Duration) {
    let end = Instant::now() + length;
    let outputs: Vec<_> = copies.iter().map(|copy| copy.program.output()).collect();
    let mut topics = vec!["input", LOCAL_OUTPUT, "__consumer_offsets", "__transaction_state"];
    topics.extend(outputs.iter().map(String::as_str));
    await_commits(copies, local);
    for id in (1..=3).cycle() {
        copies.iter_mut().for_each(Copy::kill_and_restart);
        local.replace();
        await_commits(copies, local);
        let dead = mixed.kill(id);
        await_commits(copies, local);
        mixed.revive(dead);
        mixed.await_in_sync(&topics, 3);
        if Instant::now() > end {
            return;
        }
    }
}

/// What a reader of committed records, librdkafka's or Java's, finds in a topic, in the order of numbers.
fn committed(kafka: &Kafka, bootstrap: &str, topic: &str) -> Vec<u64> {
    let read = if has_command("kcat") {
        let isolation = ["-X", "isolation.level=read_committed"];
        let from = ["-C", "-q", "-e", "-o", "beginning", "-b", bootstrap, "-t", topic];
        feed(Command::new("kcat").args(from).args(isolation), "").ok()
    } else {
        let how = ["--from-beginning", "--isolation-level", "read_committed", "--timeout-ms", "5000"];
        let arguments = [&["--bootstrap-server", bootstrap, "--topic", topic], &how[..]].concat();
        kafka.run("kafka.tools.ConsoleConsumer", &arguments).ok()
    };
    let number = |line: &str| line.parse().unwrap_or_else(|_| panic!("{line:?} was never committed"));
    let mut numbers: Vec<_> = read.out.lines().map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Reads an output until it has as many records as the input, and then it holds the same.
fn check(kafka: &Kafka, bootstrap: &str, topic: &str, produced: &[u64]) {
    let end = Instant::now() + LIMIT;
    let mut output = committed(kafka, bootstrap, topic);
    while output.len() < produced.len() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(500));
        output = committed(kafka, bootstrap, topic);
    }
    assert!(output.windows(2).all(|pair| pair[0] < pair[1]), "{topic}: a record was copied twice");
    assert_eq!(output.len(), produced.len(), "{topic}");
    assert!(output == produced, "{topic} has what the input has not");
    println!("{topic}: {} records were copied once", produced.len());
}

#[test]
fn applications_copy_each_record_once_whatever_dies() {
    let test = "applications_copy_each_record_once_whatever_dies";
    let Some(kafka) = kafka(test) else { return };
    let programs: Vec<_> =
        [Some(Program::java(kafka)), Program::librdkafka(test)].into_iter().flatten().collect();
    let mut mixed = cluster(kafka, &SETTINGS);
    let more = ["input", LOCAL_OUTPUT].map(str::to_owned);
    for topic in programs.iter().map(Program::output).chain(more) {
        mixed.topics(&["--create", "--topic", &topic, "--replica-assignment", REPLICAS]);
        mixed.await_in_sync(&[&topic], 3);
    }
    let settings = [("enable.idempotence", "true"), ("acks", "all")];
    let flood = Flood::spread(mixed.bootstrap(), "input", PARTITIONS, &settings, Some(PACE));
    let start = |program| Copy::start(program, mixed.bootstrap());
    let mut copies: Vec<_> = programs.into_iter().map(start).collect();
    let local = Copier::start(mixed.bootstrap(), "input", LOCAL_OUTPUT);
    let length = if std::env::var_os("BARNABAS_LONG").is_some() { LONG } else { SHORTLY };
    kill_in_turn(&mut mixed, &mut copies, &local, length);
    let (_, produced) = flood.finish();
    local.finish(produced.len() as u64);
    check(kafka, &mixed.bootstrap(), LOCAL_OUTPUT, &produced);
    for copy in &copies {
        check(kafka, &mixed.bootstrap(), &copy.program.output(), &produced);
    }
}
