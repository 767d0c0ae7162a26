//! A data directory handed from Barnabas to Kafka 2.7.2 and back: neither has anything to recover, and both read all.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::java::{Kafka, feed, kafka};
use crate::support::{Broker, Chroot, Connection, Process, eventually, tool};

const SOON: Duration = Duration::from_secs(60);
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// Topics by the message format they are kept in.
const FORMATS: [(&str, &str); 3] = [("v0", "0.9.0"), ("v1", "0.10.2"), ("v2", "2.7")];

/// The topics of every format and codec; zstd is of the newest format only.
fn topics() -> Vec<(String, &'static str, &'static str)> {
    let all = FORMATS.iter().flat_map(|(name, version)| {
        CODECS.iter().map(move |codec| (format!("{name}-{codec}"), *version, *codec))
    });
    all.filter(|(_, version, codec)| *codec != "zstd" || *version == "2.7").collect()
}

fn produce(bootstrap: &str, topic: &str, codec: &str, values: &[String]) {
    let arguments = ["--bootstrap-server", bootstrap, "--topic", topic, "--compression-codec", codec];
    let mut producer = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    feed(producer.arg("console-producer").args(arguments), &(values.join("\n") + "\n")).ok();
}

fn values(port: u16, topic: &str) -> Vec<String> {
    eventually("the topic has a leader", SOON, || Connection::to(port)?.has_leader(topic)?.then_some(()));
    Connection::to(port).unwrap().read_all(topic).into_iter().map(|(_, value)| value).collect()
}

/// Java's broker with the settings of a broker of this project.
pub fn java_broker(kafka: &Kafka, broker: &Broker) -> Process {
    let path = broker.directory().join("server.properties").display().to_string();
    let process = Process::start("Kafka 2.7.2", &mut kafka.broker_command(&path));
    eventually("Java's broker answers", SOON, || Connection::to(broker.port));
    process
}

/// Has Java's `DumpLogSegments` look into all segments, which must be sound.
pub fn assert_sound(kafka: &Kafka, segments: &[PathBuf]) {
    let paths = segments.iter().map(|segment| segment.display().to_string()).collect::<Vec<_>>().join(",");
    let dumped = kafka.run("kafka.tools.DumpLogSegments", &["--deep-iteration", "--files", &paths]).ok();
    assert_eq!(dumped.out.matches("Starting offset: ").count(), segments.len(), "{}", dumped.out);
    assert!(!dumped.out.contains("isvalid: false"), "{}", dumped.out);
    assert!(dumped.err.is_empty(), "{}", dumped.err);
}

pub fn segments(data: &Path, topic: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data.join(format!("{topic}-0"))).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "log"))
        .collect()
}

/// What a broker printed about recovering something.
pub fn recoveries(lines: &[String]) -> Vec<&String> {
    let words = ["Recovering unflushed", "rebuilding index", "corrupt", "Corrupt", "Found invalid", "ERROR"];
    lines.iter().filter(|line| words.iter().any(|word| line.contains(word))).collect()
}

#[test]
fn a_data_directory_goes_from_barnabas_to_kafka_and_back() {
    let Some(kafka) = kafka("a_data_directory_goes_from_barnabas_to_kafka_and_back") else { return };
    let chroot = Chroot::new();
    // Java's broker may be slow to answer ZooKeeper on a busy machine.
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "60000")]);
    let (bootstrap, topics) = (broker.bootstrap(), topics());
    let written =
        |writer: &str| (0..20).map(|at| format!("{writer} {at} {}", "x".repeat(50))).collect::<Vec<_>>();
    for (topic, version, codec) in &topics {
        let config = format!("message.format.version={version}");
        let create = ["--bootstrap-server", &bootstrap, "--create", "--topic", topic, "--config", &config];
        assert!(tool("topics", &create).status.success(), "{topic}");
        values(broker.port, topic);
        produce(&bootstrap, topic, codec, &written("ours"));
    }
    broker.stop();

    let mut java = java_broker(kafka, &broker);
    let mut expected = written("ours");
    for (topic, _, codec) in &topics {
        assert_eq!(values(broker.port, topic), expected, "{topic}, read by Kafka");
        produce(&bootstrap, topic, codec, &written("theirs"));
    }
    assert_eq!(recoveries(&java.lines()), Vec::<&String>::new(), "Kafka had nothing to recover");
    java.signal("TERM");
    java.wait(SOON);

    broker.restart();
    expected.extend(written("theirs"));
    for (topic, _, codec) in &topics {
        assert_eq!(values(broker.port, topic), expected, "{topic}, read by Barnabas");
        produce(&bootstrap, topic, codec, &written("ours again"));
    }
    assert_eq!(
        recoveries(&broker.process().lines()),
        Vec::<&String>::new(),
        "Barnabas had nothing to recover"
    );
    broker.stop();

    let mut java = java_broker(kafka, &broker);
    expected.extend(written("ours again"));
    for (topic, ..) in &topics {
        assert_eq!(values(broker.port, topic), expected, "{topic}, read by Kafka again");
    }
    assert_eq!(recoveries(&java.lines()), Vec::<&String>::new(), "Kafka had nothing to recover again");
    java.signal("TERM");
    java.wait(SOON);
    let all: Vec<_> = topics.iter().flat_map(|(topic, ..)| segments(&broker.data(), topic)).collect();
    assert_sound(kafka, &all);
}
