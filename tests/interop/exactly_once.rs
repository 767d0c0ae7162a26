//! Applications that copy a topic to another one exactly once, with transactions, while they, their coordinators and
//! the leaders of their partitions are killed. A reader of committed records finds the input, each record once.
//!
//! The copies last [`SHORTLY`] each; with `BARNABAS_LONG=1` ten minutes.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::groups::clients::python_package;
use crate::groups::cluster;
use crate::java::{Kafka, feed, has_command, kafka, skipped};
use crate::mixed::cluster::Mixed;
use crate::support::flood::Flood;
use crate::support::{Process, root};

const SHORTLY: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(600);
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

/// An application that copies `input` to `output` until it is killed.
struct Copy {
    command: Box<dyn Fn(&str) -> Command>,
    process: Process,
    bootstrap: String,
}

impl Copy {
    fn start(bootstrap: String, command: Box<dyn Fn(&str) -> Command>) -> Self {
        let process = Process::start("the copy", &mut command(&bootstrap));
        Self { command, process, bootstrap }
    }

    fn kill_and_restart(&mut self) {
        self.process.kill();
        self.process = Process::start("the copy", &mut (self.command)(&self.bootstrap));
    }

    /// Waits until it has committed one more transaction.
    fn await_commit(&self) {
        let seen = self.process.lines().len();
        self.process.wait_for_line_after(seen, "committed", LIMIT);
    }
}

/// Kills the application, then each broker in turn, again and again; after every kill a transaction is committed.
fn kill_in_turn(mixed: &mut Mixed, copy: &mut Copy, length: Duration) {
    let end = Instant::now() + length;
    copy.await_commit();
    for id in (1..=3).cycle() {
        copy.kill_and_restart();
        copy.await_commit();
        let dead = mixed.kill(id);
        copy.await_commit();
        mixed.revive(dead);
        mixed.await_in_sync(&["input", "output", "__consumer_offsets", "__transaction_state"], 3);
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

/// Both topics are read until the output has as many records as the input, and then hold the same.
fn copies_once(kafka: &'static Kafka, command: impl Fn(&str) -> Command + 'static) {
    let mut mixed = cluster(kafka, &SETTINGS);
    for topic in ["input", "output"] {
        mixed.topics(&["--create", "--topic", topic, "--replica-assignment", REPLICAS]);
        mixed.await_in_sync(&[topic], 3);
    }
    let settings = [("enable.idempotence", "true"), ("acks", "all")];
    let flood = Flood::spread(mixed.bootstrap(), "input", PARTITIONS, &settings, Some(PACE));
    let mut copy = Copy::start(mixed.bootstrap(), Box::new(command));
    let length = if std::env::var_os("BARNABAS_LONG").is_some() { LONG } else { SHORTLY };
    kill_in_turn(&mut mixed, &mut copy, length);
    let (_, produced) = flood.finish();
    let end = Instant::now() + LIMIT;
    let mut output = committed(kafka, &mixed.bootstrap(), "output");
    while output.len() < produced.len() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(500));
        output = committed(kafka, &mixed.bootstrap(), "output");
    }
    assert!(output.windows(2).all(|pair| pair[0] < pair[1]), "a record was copied twice");
    assert!(output.iter().eq(produced.iter()), "{} of {} were copied", output.len(), produced.len());
    println!("{} records were copied once", produced.len());
}

#[test]
fn a_java_application_copies_each_record_once_whatever_dies() {
    let Some(kafka) = kafka("a_java_application_copies_each_record_once_whatever_dies") else { return };
    let source = root().join("tests/interop/exactly_once/ExactlyOnce.java");
    let classes = kafka.compile(&source, "exactly-once");
    copies_once(kafka, move |bootstrap| {
        let arguments = [bootstrap, "input", "output", "copiers", "copier"];
        kafka.command_beside(Some(&classes), "ExactlyOnce", &arguments)
    });
}

// With BARNABAS_LONG alone: where the group's coordinator is killed between AddOffsetsToTxn and TxnOffsetCommit,
// the application was seen to send nothing more; it is not known yet whether librdkafka 2.16 waits for that broker,
// which this test starts again after the next commit only, or the answers that it got are at fault.
#[test]
fn a_librdkafka_application_copies_each_record_once_whatever_dies() {
    let test = "a_librdkafka_application_copies_each_record_once_whatever_dies";
    if std::env::var_os("BARNABAS_LONG").is_none() {
        return skipped(test, "it is a long test, which BARNABAS_LONG asks for");
    }
    let Some(kafka) = kafka(test) else { return };
    let Some(packages) = python_package(test, "confluent-kafka", "2.16.1") else { return };
    if !has_command("python3") {
        return skipped(test, "there is no python3 here");
    }
    let program = root().join("tests/interop/exactly_once/exactly_once.py");
    copies_once(kafka, move |bootstrap| {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &packages).arg(&program);
        command.args([bootstrap, "input", "output", "copiers", "copier"]);
        command
    });
}
