//! The library's consumer on a broker of Kafka 2.7.2, with records of Kafka's own producer.

use std::time::{Duration, Instant};

use barnabas::client::Consumer;
use barnabas::client::settings::{ConsumerSettings, OffsetReset};

use crate::data_dirs::java_broker;
use crate::java::kafka;
use crate::support::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(60);

/// The topics, by the message format that they are kept in, and the codecs of their batches.
const TOPICS: [(&str, &str, &str); 3] =
    [("v0", "0.9.0", "gzip"), ("v1", "0.10.2", "lz4"), ("v2", "2.7", "zstd")];

#[test]
fn our_consumer_reads_and_commits_at_a_broker_of_kafka() {
    let Some(kafka) = kafka("our_consumer_reads_and_commits_at_a_broker_of_kafka") else { return };
    let chroot = Chroot::new();
    let settings = [("offsets.topic.num.partitions", "1"), ("group.initial.rebalance.delay.ms", "0")];
    let broker = Broker::prepare(1, &chroot.connect(), &settings);
    broker.write_settings();
    let mut java = java_broker(kafka, &broker);
    let mut wanted = Vec::new();
    for (topic, version, codec) in TOPICS {
        let (zookeeper, config) = (chroot.connect(), format!("message.format.version={version}"));
        let create = [
            "--zookeeper",
            &zookeeper,
            "--create",
            "--topic",
            topic,
            "--replica-assignment",
            "1",
            "--config",
            &config,
        ];
        assert!(tool("topics", &create).status.success(), "{topic}");
        eventually("the topic has a leader", SOON, || {
            Connection::to(broker.port)?.has_leader(topic)?.then_some(())
        });
        let values: Vec<_> = (0..300).map(|number| format!("{topic} {number}")).collect();
        let arguments =
            ["--bootstrap-server", &broker.bootstrap(), "--topic", topic, "--compression-codec", codec];
        kafka.run_with_input("kafka.tools.ConsoleProducer", &arguments, &(values.join("\n") + "\n")).ok();
        wanted.extend(values);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut read = runtime.block_on(async {
        let settings = ConsumerSettings {
            offset_reset: OffsetReset::Earliest,
            max_poll_records: 70,
            ..ConsumerSettings::in_group(&broker.bootstrap(), "ours")
        };
        let mut consumer = Consumer::new(settings).await.unwrap();
        consumer.subscribe_pattern("v.").unwrap();
        let (mut read, end) = (Vec::new(), Instant::now() + SOON);
        while read.len() < wanted.len() {
            assert!(Instant::now() < end, "{} of {} were read", read.len(), wanted.len());
            for record in &consumer.poll(Duration::from_millis(200)).await.unwrap() {
                read.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
            }
        }
        consumer.close(SOON).await.unwrap();
        read
    });
    read.sort_by_key(|value| wanted.iter().position(|it| it == value));
    assert_eq!(read, wanted);
    // The positions were committed when the consumer was closed, and it has left its group.
    let described = ["--bootstrap-server", &broker.bootstrap(), "--describe", "--group", "ours"];
    let described = kafka.run("kafka.admin.ConsumerGroupCommand", &described).ok();
    assert!(described.err.contains("has no active members"), "{}{}", described.out, described.err);
    for (topic, ..) in TOPICS {
        let row = described.out.lines().find(|line| line.split_whitespace().nth(1) == Some(topic)).unwrap();
        let fields: Vec<_> = row.split_whitespace().skip(2).take(4).collect();
        assert_eq!(fields, ["0", "300", "300", "0"], "{row}");
    }
    java.signal("TERM");
    java.wait(SOON);
}
