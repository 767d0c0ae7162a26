//! How long each command takes from its start to its end.

use std::time::Instant;

use super::{KINDS, create, succeed, tool};
use crate::brokers::RunningBroker;
use crate::java::Kafka;
use crate::table::{Figure, Table};

/// A row each: the class, and its arguments with BROKER, ZOOKEEPER and DATA for what they stand for.
const COMMANDS: [(&str, &str); 12] = [
    ("kafka.admin.TopicCommand", "--bootstrap-server BROKER --list"),
    ("kafka.admin.TopicCommand", "--zookeeper ZOOKEEPER --describe"),
    (
        "kafka.admin.ConfigCommand",
        "--bootstrap-server BROKER --describe --entity-type brokers --entity-name 1",
    ),
    ("kafka.admin.ConsumerGroupCommand", "--bootstrap-server BROKER --list"),
    ("kafka.admin.LogDirsCommand", "--bootstrap-server BROKER --describe"),
    ("kafka.admin.BrokerApiVersionsCommand", "--bootstrap-server BROKER"),
    (
        "kafka.admin.LeaderElectionCommand",
        "--bootstrap-server BROKER --election-type preferred --all-topic-partitions",
    ),
    ("kafka.tools.GetOffsetShell", "--broker-list BROKER --topic walls"),
    (
        "kafka.tools.ConsoleConsumer",
        "--bootstrap-server BROKER --topic walls --partition 0 --offset 0 --max-messages 10",
    ),
    ("kafka.tools.DumpLogSegments", "--files DATA/walls-0/00000000000000000000.log"),
    (
        "org.apache.kafka.tools.ProducerPerformance",
        "--topic walls --num-records 10 --record-size 10 --throughput -1 --producer-props bootstrap.servers=BROKER",
    ),
    (
        "org.apache.kafka.tools.VerifiableProducer",
        "--topic walls --max-messages 10 --bootstrap-server BROKER",
    ),
];

pub(super) fn measure(kafka: &Kafka, broker: &RunningBroker, table: &mut Table) {
    create(broker, "walls", "1");
    let bootstrap = super::bootstrap(broker);
    let data = broker.directory().join("data").display().to_string();
    let props = format!("bootstrap.servers={bootstrap}");
    let words = ["producer-perf-test", "--topic", "walls", "--num-records", "100", "--record-size", "10"];
    succeed(&mut super::own(&[&words[..], &["--throughput", "-1", "--producer-props", &props]].concat()));
    for (class, line) in COMMANDS {
        let line = line.replace("BROKER", &bootstrap).replace("ZOOKEEPER", &broker.zookeeper_connect());
        let line = line.replace("DATA", &data);
        let arguments: Vec<_> = line.split(' ').collect();
        let shown = arguments.iter().find(|it| ["--list", "--describe"].contains(it)).unwrap_or(&"");
        let name = format!("{} {shown}", class.rsplit('.').next().unwrap_or(class));
        let road = if arguments[0] == "--zookeeper" { ", ZooKeeper" } else { "" };
        for kind in KINDS {
            let start = Instant::now();
            succeed(&mut tool(kafka, kind, class, &arguments));
            let taken = start.elapsed().as_secs_f64() * 1e3;
            table.add(&format!("{}{road}, ms", name.trim_end()), kind, Figure::Milliseconds(taken));
        }
    }
}
