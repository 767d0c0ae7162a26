//! The data directory that a broker of Kafka 2.7.2 left, served by Barnabas, written to, and given back to Kafka.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::Consumer;
use barnabas::client::settings::ConsumerSettings;
use barnabas::config::Properties;
use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};
use serde_json::Value;

use crate::data_dirs::{assert_sound, java_broker, recoveries, segments};
use crate::java::{feed, kafka};
use crate::support::recorded_dir::{self, Seen, expected};
use crate::support::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(60);

/// The recorded topics and how they were configured.
const TOPICS: [(&str, &[&str]); 13] = [
    ("appendtime", &["message.timestamp.type=LogAppendTime"]),
    ("compacted", &["cleanup.policy=compact", "segment.bytes=400"]),
    ("empty", &[]),
    ("idem", &["segment.bytes=600"]),
    ("m0-none", &["message.format.version=0.9.0"]),
    ("m1-gzip", &["message.format.version=0.10.0"]),
    ("m2-zstd", &[]),
    ("nulls", &[]),
    ("recompress", &["compression.type=gzip"]),
    ("segments", &["segment.bytes=1000", "index.interval.bytes=150"]),
    ("trimmed", &[]),
    ("txn", &[]),
    ("txn-open", &[]),
];

/// The topics whose directories are there.
fn topics() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    TOPICS.iter().filter(|(topic, _)| recorded_dir::path().join(format!("{topic}-0")).exists())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Makes the cluster that the directory belongs to: its id and its topics.
fn prepare_cluster(chroot: &Chroot) {
    let properties = fs::read_to_string(recorded_dir::path().join("meta.properties")).unwrap();
    let id = properties.lines().find_map(|line| line.strip_prefix("cluster.id=")).unwrap();
    let data = format!("{{\"version\":\"1\",\"id\":\"{id}\"}}");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
        zk.create_recursive("/cluster/id", data.as_bytes(), CreateMode::Persistent).await.unwrap();
        zk.close().await;
    });
    let zookeeper = chroot.connect();
    for (topic, configs) in topics() {
        let create = ["--zookeeper", &zookeeper, "--create", "--topic", topic, "--replica-assignment", "1"];
        let configs = configs.iter().flat_map(|config| ["--config", config]);
        let made = tool("topics", &create.into_iter().chain(configs).collect::<Vec<_>>());
        assert!(made.status.success(), "{topic}: {made:?}");
    }
}

/// All that a consumer reads of a topic, from its start to its present end.
fn consumed(bootstrap: &str, topic: &str, isolation: &str) -> Vec<Seen> {
    let mut properties = Properties::default();
    properties.set("bootstrap.servers", bootstrap);
    properties.set("isolation.level", isolation);
    let settings = ConsumerSettings::read(&properties).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let partition = TopicPartition::new(topic, 0);
        let mut consumer = Consumer::new(settings).await.unwrap();
        let end = consumer.end_offsets(std::slice::from_ref(&partition)).await.unwrap()[&partition];
        consumer.assign([partition.clone()]).unwrap();
        consumer.seek_to_beginning(&[]).unwrap();
        let mut seen = Vec::new();
        let text = |bytes: Option<&[u8]>| {
            bytes.map_or(Value::Null, |bytes| String::from_utf8_lossy(bytes).into_owned().into())
        };
        let last = std::time::Instant::now() + SOON;
        while consumer.position(&partition).await.unwrap() < end {
            assert!(std::time::Instant::now() < last, "{topic} is not read to its end");
            for record in &consumer.poll(Duration::from_millis(200)).await.unwrap() {
                seen.push((record.offset, record.timestamp, text(record.key), text(record.value)));
            }
        }
        seen
    })
}

/// Every topic as it was recorded, with this behind it.
fn assert_all_there(broker: &Broker, appended: &[&str], reader: &str) {
    for (topic, _) in topics() {
        eventually("the topic has a leader", SOON, || {
            Connection::to(broker.port)?.has_leader(topic)?.then_some(())
        });
        for isolation in ["read_uncommitted", "read_committed"] {
            if *topic == "txn-open" && isolation == "read_committed" {
                continue; // Its transaction stays open: nothing behind it is ever committed here.
            }
            let mut seen = consumed(&broker.bootstrap(), topic, isolation);
            let behind = seen.split_off(seen.len() - appended.len());
            assert_eq!(seen, expected(topic, isolation), "{topic}, {isolation}, read by {reader}");
            let behind: Vec<_> = behind.iter().filter_map(|(.., value)| value.as_str()).collect();
            assert_eq!(behind, appended, "{topic}, {isolation}, read by {reader}");
        }
    }
}

fn append(broker: &Broker, value: &str) {
    for (topic, _) in topics() {
        let mut producer = Command::new(env!("CARGO_BIN_EXE_barnabas"));
        producer.args(["console-producer", "--bootstrap-server", &broker.bootstrap(), "--topic", topic]);
        producer.args(["--property", "parse.key=true", "--property", "key.separator=:"]);
        feed(&mut producer, &format!("new:{value}\n")).ok();
    }
}

#[test]
fn the_directory_of_a_kafka_broker_is_served_written_to_and_given_back() {
    let Some(kafka) = kafka("the_directory_of_a_kafka_broker_is_served_written_to_and_given_back") else {
        return;
    };
    let chroot = Chroot::new();
    prepare_cluster(&chroot);
    let settings = [
        ("log.retention.ms", "-1"),
        ("log.cleaner.enable", "false"),
        ("zookeeper.session.timeout.ms", "60000"),
    ];
    let mut broker = Broker::prepare(1, &chroot.connect(), &settings);
    copy(&recorded_dir::path(), &broker.data());
    broker.restart();
    assert_all_there(&broker, &[], "Barnabas");
    append(&broker, "ours");
    broker.stop();

    let mut java = java_broker(kafka, &broker);
    assert_all_there(&broker, &["ours"], "Kafka");
    append(&broker, "theirs");
    assert_eq!(recoveries(&java.lines()), Vec::<&String>::new(), "Kafka had nothing to recover");
    java.signal("TERM");
    java.wait(SOON);

    broker.restart();
    assert_all_there(&broker, &["ours", "theirs"], "Barnabas again");
    assert_eq!(recoveries(&broker.process().lines()), Vec::<&String>::new());
    broker.stop();
    let all: Vec<_> = topics().flat_map(|(topic, _)| segments(&broker.data(), topic)).collect();
    assert_sound(kafka, &all);
}
