//! Clients of every era since 0.8, each with every codec it knows, against topics of every message format.

use std::process::{Command, Stdio};
use std::time::Duration;

use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest, CreateableTopicConfig};

use crate::java::{feed, older, skipped};
use crate::support::{Broker, Chroot, Connection, eventually, root};

/// Message formats 0, 1 and 2, by the versions that brought them or stand for them.
const FORMATS: [&str; 3] = ["0.9.0", "0.10.2", "2.7"];
const CODECS: [&str; 4] = ["none", "gzip", "snappy", "lz4"];

/// Topics of every format, one for each codec, named so, each with a record of the present format in it.
fn topics(broker: &Broker, codecs: &[&str]) -> Vec<String> {
    let named = FORMATS.iter().flat_map(|format| codecs.iter().map(move |codec| (*format, *codec)));
    let topic = |(format, codec): (&str, &str)| CreatableTopic {
        name: format!("{codec}-in-{format}"),
        num_partitions: 1,
        replication_factor: 1,
        configs: vec![CreateableTopicConfig {
            name: "message.format.version".to_owned(),
            value: Some(format.to_owned()),
        }],
        ..Default::default()
    };
    let topics: Vec<_> = named.map(topic).collect();
    let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
    let request = CreateTopicsRequest { topics, timeout_ms: 30_000, validate_only: false };
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the topics are made", Duration::from_secs(30), || {
        let answer = connection.call(&request, 4)?;
        answer.topics.iter().all(|topic| topic.error_code == 0).then_some(())
    });
    for name in &names {
        assert_eq!(connection.produce(name, "modern", -1), Some(Ok(0)), "{name}");
    }
    names
}

/// What a topic holds once a client has written to it.
fn written() -> Vec<(i64, String)> {
    let value = |at| format!("a value that is long enough to be compressed, number {at}");
    let values = std::iter::once("modern".to_owned()).chain((0..50).map(value));
    (0..).zip(values).collect()
}

/// A client of this version writes to topics of every format with every codec, and reads with this program
/// what is there.
fn carries_records(test: &str, artifact: &str, version: &str, reader: &str) {
    let Some(client) = older(test, artifact, version) else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let (names, bootstrap) = (topics(&broker, &CODECS), broker.bootstrap());
    let named: Vec<_> =
        names.iter().map(|name| format!("{name}:{}", name.split('-').next().unwrap_or_default())).collect();
    let arguments: Vec<_> =
        std::iter::once(bootstrap.as_str()).chain(named.iter().map(String::as_str)).collect();
    let source = |name: &str| root().join("tests/interop/old").join(name).display().to_string();
    let produced = client.run_alone(&source("Produce.java"), &arguments).ok();
    assert_eq!(produced.out.trim(), format!("{} topics", names.len()), "{}", produced.err);
    let read = client.run_alone(&source(reader), &arguments).ok();
    let mut expected = String::new();
    let mut connection = Connection::to(broker.port).unwrap();
    for name in &names {
        assert_eq!(connection.read_all(name), written(), "{name}");
        written().iter().for_each(|(offset, value)| expected += &format!("{name} {offset} {value}\n"));
    }
    assert_eq!(read.out, expected, "{}", read.err);
}

#[test]
fn clients_of_0_8_carry_records() {
    carries_records("clients_of_0_8_carry_records", "kafka_2.11", "0.8.2.2", "Fetch.java");
}

#[test]
fn clients_of_0_9_carry_records() {
    carries_records("clients_of_0_9_carry_records", "kafka_2.11", "0.9.0.1", "Fetch.java");
}

#[test]
fn clients_of_0_10_carry_records() {
    carries_records("clients_of_0_10_carry_records", "kafka-clients", "0.10.2.2", "Consume.java");
}

#[test]
fn clients_of_0_11_carry_records() {
    carries_records("clients_of_0_11_carry_records", "kafka-clients", "0.11.0.3", "Consume.java");
}

#[test]
fn clients_of_1_1_carry_records() {
    carries_records("clients_of_1_1_carry_records", "kafka-clients", "1.1.1", "Consume.java");
}

#[test]
fn the_tools_of_0_8_carry_lines() {
    let Some(client) = older("the_tools_of_0_8_carry_lines", "kafka_2.11", "0.8.2.2") else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    let topic = ["--broker-list", &bootstrap, "--topic", "lines"];
    // The producer written in Scala, which asks for a topic that is not there yet.
    let produce = [&topic[..], &["--request-required-acks", "1", "--sync"]].concat();
    client.run_with_input("kafka.tools.ConsoleProducer", &produce, "one\ntwo\nthree\n").ok();
    let consume = [&topic[..], &["--partition", "0", "--offset", "-2", "--no-wait-at-logend"]].concat();
    let read = client.run_alone("kafka.tools.SimpleConsumerShell", &consume).ok();
    let end = "Terminating. Reached the end of partition (lines, 0) at offset 3\n";
    assert_eq!(read.out, format!("one\ntwo\nthree\n{end}"));
}

/// kafka-python of 2019, brought by pip once into the target folder.
fn old_python(test: &str) -> Option<std::path::PathBuf> {
    let packages = root().join("target/kafka-python-1.4.7");
    if !packages.join("kafka").is_dir() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "-q", "--target"]).arg(&packages).arg("kafka-python==1.4.7");
        let brought = pip.stdin(Stdio::null()).output();
        if !brought.is_ok_and(|brought| brought.status.success()) {
            skipped(test, "pip could not bring kafka-python 1.4.7");
            return None;
        }
    }
    Some(packages)
}

#[test]
fn an_old_python_client_works_with_the_protocol_of_every_era() {
    let test = "an_old_python_client_works_with_the_protocol_of_every_era";
    let Some(packages) = old_python(test) else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let program = root().join("tests/interop/client.py");
    for era in ["0.8.2", "0.9", "0.10", "0.11"] {
        for codec in ["none", "gzip"] {
            let mut client = Command::new("python3");
            client.env("PYTHONPATH", &packages).arg(&program).args([&broker.bootstrap(), era, codec]);
            assert_eq!(feed(&mut client, "").ok().out.trim(), "100 records came back", "{era} {codec}");
        }
    }
}
