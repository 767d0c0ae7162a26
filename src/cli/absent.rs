//! Names that people type for which there is no tool: Kafka's tools that are not built yet, and tools and classes of
//! older Kafkas that are gone.
//!
//! Each is answered with what it was and what to use today, and exit code 1.

use std::process::ExitCode;

/// Names for which there is no tool.
#[derive(Debug)]
pub struct AbsentTool {
    /// The names: that of the script behind `barnabas`, and Java's classes.
    pub names: &'static [&'static str],
    /// The script in `scripts/`; None where there is none.
    pub script: Option<&'static str>,
    /// Why there is no such tool: it continues a sentence that begins with its name.
    pub reason: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// All of them: first those that are not built yet, then those that are gone.
pub const ABSENT: &[AbsentTool] = &[
    AbsentTool {
        names: &["delegation-tokens", "kafka.admin.DelegationTokenCommand"],
        script: Some("kafka-delegation-tokens.sh"),
        reason: "is not built yet: brokers issue no delegation tokens.",
        instead: "Clients authenticate by PLAIN or SCRAM, whose users kafka-configs.sh makes.",
    },
    AbsentTool {
        names: &["zookeeper-security-migration", "kafka.admin.ZkSecurityMigrator"],
        script: Some("zookeeper-security-migration.sh"),
        reason: "is not built yet, as ACLs of znodes are not: a broker with zookeeper.set.acl does not start.",
        instead: "Znodes are open to all; zookeeper-shell.sh shows and sets their ACLs by getAcl and setAcl.",
    },
    AbsentTool {
        names: &["connect-standalone", "org.apache.kafka.connect.cli.ConnectStandalone"],
        script: Some("connect-standalone.sh"),
        reason: CONNECT,
        instead: JAVAS_CONNECT,
    },
    AbsentTool {
        names: &["connect-distributed", "org.apache.kafka.connect.cli.ConnectDistributed"],
        script: Some("connect-distributed.sh"),
        reason: CONNECT,
        instead: JAVAS_CONNECT,
    },
    AbsentTool {
        names: &["connect-mirror-maker", "org.apache.kafka.connect.mirror.MirrorMaker"],
        script: Some("connect-mirror-maker.sh"),
        reason: CONNECT,
        instead: "kafka-mirror-maker.sh copies topics from one cluster to another.",
    },
    AbsentTool {
        names: &[
            "trogdor",
            "org.apache.kafka.trogdor.agent.Agent",
            "org.apache.kafka.trogdor.coordinator.Coordinator",
            "org.apache.kafka.trogdor.coordinator.CoordinatorClient",
        ],
        script: Some("trogdor.sh"),
        reason: "is not built: it drives the system tests of Kafka's own project.",
        instead: "scripts/chaos.sh kills and stalls brokers under load, scripts/bench.sh measures them.",
    },
    AbsentTool {
        names: &["kafka.tools.TestRaftServer"],
        script: None,
        reason: "tests brokers without ZooKeeper, which Kafka has since 2.8.",
        instead: "Here ZooKeeper coordinates the brokers: zookeeper-server-start.sh, then kafka-server-start.sh.",
    },
    AbsentTool {
        names: &["org.apache.kafka.tools.ClientCompatibilityTest"],
        script: None,
        reason: "tests Java's own clients against a broker.",
        instead: "kafka-broker-api-versions.sh shows what a broker can do.",
    },
    AbsentTool {
        names: &["org.apache.kafka.tools.PushHttpMetricsReporter"],
        script: None,
        reason: "is a part of Java's clients and no command.",
        instead: "Brokers serve their metrics over HTTP where METRICS_LISTENER names an address.",
    },
    AbsentTool {
        names: &["kafka.tools.PerfConfig"],
        script: None,
        reason: "holds options of other tools and is no command.",
        instead: "kafka-producer-perf-test.sh and kafka-consumer-perf-test.sh measure a cluster.",
    },
    AbsentTool {
        names: &["replay-log-producer", "kafka.tools.ReplayLogProducer"],
        script: Some("kafka-replay-log-producer.sh"),
        reason: "is gone: Kafka has no such tool since 2.0.",
        instead: "kafka-console-consumer.sh --topic FROM --from-beginning | kafka-console-producer.sh --topic TO",
    },
    AbsentTool {
        names: &[
            "simple-consumer-perf-test",
            "kafka.tools.SimpleConsumerPerformance",
            "kafka.perf.SimpleConsumerPerformance",
        ],
        script: Some("kafka-simple-consumer-perf-test.sh"),
        reason: "is gone: Kafka has no such tool since 2.0.",
        instead: "kafka-consumer-perf-test.sh --broker-list HOST:PORT --topic TOPIC --messages COUNT",
    },
    AbsentTool {
        names: &["create-topic", "kafka.admin.CreateTopicCommand"],
        script: Some("kafka-create-topic.sh"),
        reason: GONE_SINCE_0_8_1,
        instead: "kafka-topics.sh --zookeeper HOST:PORT --create --topic TOPIC --partitions N --replication-factor N",
    },
    AbsentTool {
        names: &["list-topic", "kafka.admin.ListTopicCommand"],
        script: Some("kafka-list-topic.sh"),
        reason: GONE_SINCE_0_8_1,
        instead: "kafka-topics.sh --zookeeper HOST:PORT --list, or --describe",
    },
    AbsentTool {
        names: &["add-partitions", "kafka.admin.AddPartitionsCommand"],
        script: Some("kafka-add-partitions.sh"),
        reason: GONE_SINCE_0_8_1,
        instead: "kafka-topics.sh --zookeeper HOST:PORT --alter --topic TOPIC --partitions N",
    },
    AbsentTool {
        names: &["kafka.admin.DeleteTopicCommand"],
        script: None,
        reason: GONE_SINCE_0_8_2,
        instead: "kafka-topics.sh --zookeeper HOST:PORT --delete --topic TOPIC",
    },
    AbsentTool {
        names: &["kafka.admin.ShutdownBroker"],
        script: None,
        reason: "is gone: a broker that is stopped hands its leaders over by itself since 0.8.2.",
        instead: "kafka-server-stop.sh, or SIGTERM",
    },
    AbsentTool {
        names: &["kafka.perf.ProducerPerformance"],
        script: None,
        reason: GONE_SINCE_0_8_2,
        instead: "kafka-producer-perf-test.sh --topic TOPIC --num-records N --record-size BYTES --throughput -1 \
                  --producer-props bootstrap.servers=HOST:PORT",
    },
    AbsentTool {
        names: &["kafka.perf.ConsumerPerformance"],
        script: None,
        reason: GONE_SINCE_0_8_2,
        instead: "kafka-consumer-perf-test.sh --broker-list HOST:PORT --topic TOPIC --messages COUNT",
    },
    AbsentTool {
        names: &["kafka.tools.TestEndToEndLatency"],
        script: None,
        reason: "is gone: it is called kafka.tools.EndToEndLatency since 0.9.",
        instead: "kafka-run-class.sh kafka.tools.EndToEndLatency BROKERS TOPIC COUNT ACKS BYTES",
    },
    AbsentTool {
        names: &["kafka.tools.KafkaMigrationTool"],
        script: None,
        reason: "is gone: it copied topics of Kafka 0.7, and Kafka has no such tool since 0.10.",
        instead: "kafka-mirror-maker.sh copies topics between clusters of 0.8 and later.",
    },
    AbsentTool {
        names: &["kafka.tools.ZooKeeperMainWrapper", "org.apache.zookeeper.ZooKeeperMain"],
        script: None,
        reason: "is ZooKeeper's own shell.",
        instead: "zookeeper-shell.sh HOST:PORT [COMMAND]",
    },
    AbsentTool {
        names: &[
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            "org.apache.zookeeper.server.ZooKeeperServerMain",
        ],
        script: None,
        reason: "is ZooKeeper's own server.",
        instead: "zookeeper-server-start.sh config/zookeeper.properties",
    },
];

const CONNECT: &str = "is not built yet: there is no Connect of this project's own.";
const JAVAS_CONNECT: &str =
    "Java's Connect of Kafka 2.7 works with these brokers: give it their address as bootstrap.servers.";
const GONE_SINCE_0_8_1: &str = "is gone: Kafka has no such tool since 0.8.1.";
const GONE_SINCE_0_8_2: &str = "is gone: Kafka has no such tool since 0.8.2.";

impl AbsentTool {
    /// The one that a name stands for.
    pub fn find(name: &str) -> Option<&'static Self> {
        ABSENT.iter().find(|absent| absent.names.contains(&name))
    }

    /// Prints why it is absent and what to do instead, and returns the exit code.
    pub fn answer(&self, name: &str) -> ExitCode {
        let title = self.script.filter(|_| !name.contains('.')).unwrap_or(name);
        eprintln!("{title} {}\n{}", self.reason, self.instead);
        ExitCode::FAILURE
    }
}
