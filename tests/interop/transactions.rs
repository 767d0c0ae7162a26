//! Java's transactional producer on Barnabas, and transactions that both kinds of brokers coordinate in turn.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;

use crate::java::{Ended, Kafka, kafka};
use crate::mixed::cluster::Mixed;
use crate::support::cluster::Brokers;
use crate::support::eventually;
use crate::support::transactional::{TOPIC, TransactionalProducer, read_committed};

const SOON: Duration = Duration::from_secs(90);
const SETTINGS: [(&str, &str); 7] = [
    ("offsets.topic.num.partitions", "3"),
    ("offsets.topic.replication.factor", "3"),
    ("transaction.state.log.num.partitions", "3"),
    ("transaction.state.log.replication.factor", "3"),
    ("transaction.state.log.min.isr", "2"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"),
];

#[test]
fn javas_producer_commits_transaction_after_transaction() {
    let Some(kafka) = kafka("javas_producer_commits_transaction_after_transaction") else { return };
    let brokers = Brokers::start(3, &SETTINGS);
    brokers.create_topic("t", "1:2:3", &["min.insync.replicas=2"]);
    let bootstrap = format!("bootstrap.servers={}", brokers.bootstrap());
    let arguments = ["--topic", "t", "--num-records", "3000", "--record-size", "10", "--throughput", "3000"];
    let transactional = ["--transactional-id", "perf", "--transaction-duration-ms", "100"];
    let arguments = [&arguments[..], &["--producer-props", &bootstrap], &transactional].concat();
    for round in 1..=2 {
        let printed = kafka.run("org.apache.kafka.tools.ProducerPerformance", &arguments).ok().out;
        assert!(printed.contains("3000 records sent"), "{printed}");
        assert_eq!(read_committed(&brokers, "t").len(), 3000 * round);
    }
}

/// What 2.7.2's `kafka-dump-log` prints of the transactions in a broker's log.
fn dumped(kafka: &Kafka, mixed: &Mixed, id: i32) -> Vec<String> {
    let log = mixed.files(id).data().join(format!("{TOPIC}-0")).join("00000000000000000000.log");
    let log = log.display().to_string();
    let arguments = ["--transaction-log-decoder", "--print-data-log", "--files", &log];
    let Ended { out, .. } = kafka.run("kafka.tools.DumpLogSegments", &arguments).ok();
    out.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect()
}

#[test]
fn transactions_are_handed_over_between_kafka_and_barnabas() {
    let Some(kafka) = kafka("transactions_are_handed_over_between_kafka_and_barnabas") else { return };
    let interval = "transaction.abort.timed.out.transaction.cleanup.interval.ms";
    let settings = [("transaction.state.log.num.partitions", "1"), (interval, "500")];
    let mut mixed = Mixed::start_with(kafka, &[1, 2], &settings);
    let topics = [TOPIC, "t", "u"];
    // 1 is Java's and 3 is not: each coordinates after the other.
    topics
        .iter()
        .zip(["1:3:2", "2:1:3", "3:2:1"])
        .for_each(|(topic, replicas)| mixed.create(topic, replicas));
    let mut app = TransactionalProducer::new("app", 60_000);
    assert_eq!(app.init(&mixed), ErrorCode::None);
    let mut committed = Vec::new();
    for (round, coordinator) in [1, 3, 1, 3].into_iter().enumerate() {
        assert_eq!(mixed.state(TOPIC).unwrap().leader, coordinator, "round {round}");
        // One transaction is left open, one goes on, one is decided, when the coordinator dies.
        let mut late = TransactionalProducer::new("late", 3_000);
        assert_eq!(late.init(&mixed), ErrorCode::None);
        assert_eq!(late.add(&mixed, &["t"]), ErrorCode::None);
        assert_eq!(late.produce(&mixed, "t", &format!("late {round}")), ErrorCode::None);
        let mut decided = TransactionalProducer::new("decided", 60_000);
        assert_eq!(decided.init(&mixed), ErrorCode::None);
        for (producer, value) in [(&mut app, "app"), (&mut decided, "decided")] {
            assert_eq!(producer.add(&mixed, &["t", "u"]), ErrorCode::None);
            for topic in ["t", "u"] {
                assert_eq!(producer.produce(&mixed, topic, &format!("{value} {round}")), ErrorCode::None);
            }
        }
        // One commits each time. Readers of `t` see it once the one left open, which is ahead of it, has ended.
        let (commits_app, commits_decided) = (round < 2, round >= 2);
        assert_eq!(decided.decide(&mixed, commits_decided), ErrorCode::None);
        let dead = mixed.kill(coordinator);
        mixed.await_leaders_other_than(coordinator, &topics);
        assert_eq!(app.end(&mixed, commits_app), ErrorCode::None);
        assert_eq!(decided.end(&mixed, commits_decided), ErrorCode::None);
        committed.extend(commits_app.then(|| format!("app {round}")));
        committed.extend(commits_decided.then(|| format!("decided {round}")));
        for topic in ["t", "u"] {
            eventually("readers see what is committed", SOON, || {
                (read_committed(&mixed, topic) == committed).then_some(())
            });
        }
        assert_eq!(late.end(&mixed, true), ErrorCode::ProducerFenced);
        mixed.revive(dead);
        mixed.await_in_sync(&topics, 3);
    }
    let dumps: Vec<_> = [1, 3].into_iter().map(|id| dumped(kafka, &mixed, id)).collect();
    assert_eq!(dumps[0], dumps[1]);
    for state in ["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort"] {
        let state = format!("state={state},");
        assert!(dumps[0].iter().any(|line| line.contains(&state)), "{state} {:#?}", dumps[0]);
    }
}
