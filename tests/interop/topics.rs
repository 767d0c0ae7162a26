//! `kafka-topics` and `kafka-configs` of Kafka 2.7.2, through ZooKeeper and through a broker.

use crate::java::{Ended, kafka};
use crate::support::{Broker, Chroot};

const TOPICS: &str = "kafka.admin.TopicCommand";
const CONFIGS: &str = "kafka.admin.ConfigCommand";

/// The lines of a description without what differs from run to run.
fn lines(ended: Ended) -> Vec<String> {
    ended.ok().out.lines().map(str::to_owned).collect()
}

#[test]
fn topics_live_and_die_through_zookeeper() {
    let Some(kafka) = kafka("topics_live_and_die_through_zookeeper") else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let zookeeper = chroot.connect();
    let topics = |arguments: &[&str]| kafka.run(TOPICS, &[&["--zookeeper", &zookeeper], arguments].concat());

    let created = topics(&[
        "--create",
        "--topic",
        "t",
        "--partitions",
        "2",
        "--replication-factor",
        "1",
        "--config",
        "retention.ms=3600000",
    ]);
    assert_eq!(lines(created), ["Created topic t."]);
    let again = topics(&["--create", "--topic", "t", "--partitions", "2", "--replication-factor", "1"]);
    assert_eq!(
        (again.code, again.out.trim()),
        (1, "Error while executing topic command : Topic 't' already exists.")
    );
    // The controller has made its partitions once the broker answers for them.
    let bootstrap = broker.bootstrap();
    kafka.run("kafka.tools.GetOffsetShell", &["--broker-list", &bootstrap, "--topic", "t"]).ok();

    assert_eq!(lines(topics(&["--list"])), ["t"]);
    assert_eq!(
        lines(topics(&["--describe", "--topic", "t"])),
        [
            "Topic: t\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: retention.ms=3600000",
            "\tTopic: t\tPartition: 0\tLeader: 0\tReplicas: 0\tIsr: 0",
            "\tTopic: t\tPartition: 1\tLeader: 0\tReplicas: 0\tIsr: 0",
        ]
    );
    topics(&["--alter", "--topic", "t", "--partitions", "3"]).ok();
    topics(&[
        "--alter",
        "--topic",
        "t",
        "--delete-config",
        "retention.ms",
        "--config",
        "segment.bytes=1048576",
    ])
    .ok();
    let described = lines(topics(&["--describe", "--topic", "t"]));
    assert_eq!(
        described[0],
        "Topic: t\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: segment.bytes=1048576"
    );
    topics(&["--delete", "--topic", "t"]).ok();
    crate::support::eventually("the topic is gone", std::time::Duration::from_secs(30), || {
        topics(&["--list"]).ok().out.trim().is_empty().then_some(())
    });
}

#[test]
fn topics_live_and_die_through_a_broker() {
    let Some(kafka) = kafka("topics_live_and_die_through_a_broker") else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    let topics =
        |arguments: &[&str]| kafka.run(TOPICS, &[&["--bootstrap-server", &bootstrap], arguments].concat());

    let created = topics(&[
        "--create",
        "--topic",
        "t",
        "--partitions",
        "2",
        "--replication-factor",
        "1",
        "--config",
        "retention.ms=3600000",
    ]);
    assert_eq!(lines(created), ["Created topic t."]);
    assert_eq!(lines(topics(&["--list"])), ["t"]);
    let described = lines(topics(&["--describe", "--topic", "t"]));
    assert_eq!(
        described[0],
        "Topic: t\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: retention.ms=3600000"
    );
    assert_eq!(described[2], "\tTopic: t\tPartition: 1\tLeader: 0\tReplicas: 0\tIsr: 0");
    topics(&["--alter", "--topic", "t", "--partitions", "3"]).ok();
    let too_many = topics(&["--create", "--topic", "u", "--partitions", "1", "--replication-factor", "3"]);
    let sentence =
        "Error while executing topic command : Replication factor: 3 larger than available brokers: 1.";
    assert_eq!((too_many.code, too_many.out.trim()), (1, sentence));
    assert_eq!(lines(topics(&["--describe", "--unavailable-partitions"])), [""; 0]);
    topics(&["--delete", "--topic", "t"]).ok();
    crate::support::eventually("the topic is gone", std::time::Duration::from_secs(30), || {
        topics(&["--list"]).ok().out.trim().is_empty().then_some(())
    });
}

#[test]
fn configs_of_topics_change_through_zookeeper() {
    let Some(kafka) = kafka("configs_of_topics_change_through_zookeeper") else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let (zookeeper, bootstrap) = (chroot.connect(), broker.bootstrap());
    kafka
        .run(
            TOPICS,
            &[
                "--zookeeper",
                &zookeeper,
                "--create",
                "--topic",
                "t",
                "--partitions",
                "1",
                "--replication-factor",
                "1",
            ],
        )
        .ok();
    let entity = ["--zookeeper", &zookeeper, "--entity-type", "topics", "--entity-name", "t"];
    kafka.run(CONFIGS, &[&entity[..], &["--alter", "--add-config", "max.message.bytes=2000"]].concat()).ok();
    let described = kafka.run(CONFIGS, &[&entity[..], &["--describe"]].concat()).ok();
    assert!(described.out.contains("Configs for topic 't' are max.message.bytes=2000"), "{}", described.out);
    // The config is in force: a record of 3,000 bytes is refused from now on.
    let oversize = "x".repeat(3000) + "\n";
    crate::support::eventually("the new limit is in force", std::time::Duration::from_secs(30), || {
        let sent = kafka.run_with_input(
            "kafka.tools.ConsoleProducer",
            &["--bootstrap-server", &bootstrap, "--topic", "t", "--request-required-acks", "all"],
            &oversize,
        );
        sent.err.contains("RecordTooLargeException").then_some(())
    });
}
