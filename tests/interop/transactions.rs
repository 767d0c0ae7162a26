//! Java's transactional producers and consumers on Barnabas: what is committed is seen once, whichever process is
//! killed.
//!
//! `BARNABAS_TEST_EXACTLY_ONCE` is how many seconds the loop runs between two kills (2 by default).

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;

use crate::java::{Ended, Kafka, kafka};
use crate::mixed::cluster::Mixed;
use crate::support::cluster::Brokers;
use crate::support::flood::Flood;
use crate::support::transactional::{TOPIC, TransactionalProducer, read_committed};
use crate::support::{Process, eventually, root};

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

/// The loop, as it is started again and again.
struct Loop {
    kafka: &'static Kafka,
    bootstrap: String,
    process: Process,
}

impl Loop {
    fn start(kafka: &'static Kafka, brokers: &Brokers) -> Self {
        let bootstrap = brokers.bootstrap();
        let process = Self::process(kafka, &bootstrap);
        Self { kafka, bootstrap, process }
    }

    fn process(kafka: &Kafka, bootstrap: &str) -> Process {
        let source = root().join("tests/interop/transactions/ExactlyOnce.java").display().to_string();
        let arguments = [bootstrap, "in", "out", "loop", "group"];
        Process::start("the loop", &mut kafka.command(&source, &arguments))
    }

    /// Waits until it has committed once more.
    fn goes_on(&self) {
        let lines = self.process.lines().len();
        self.process.wait_for_line_after(lines, "committed", SOON);
    }

    /// Kills it, and starts it again.
    fn kill(&mut self) {
        self.process.signal("KILL");
        self.process = Self::process(self.kafka, &self.bootstrap);
    }
}

/// The broker that coordinates a group (0) or a transactional id (1).
fn coordinator(brokers: &Brokers, key: &str, key_type: i8) -> i32 {
    let request = FindCoordinatorRequest { key: key.to_owned(), key_type };
    eventually("there is a coordinator", SOON, || {
        let response = brokers.connection(1).call(&request, 3)?;
        (response.error_code == ErrorCode::None.code()).then_some(response.node_id)
    })
}

#[test]
fn a_loop_that_consumes_transforms_and_produces_is_exactly_once_whoever_is_killed() {
    let name = "a_loop_that_consumes_transforms_and_produces_is_exactly_once_whoever_is_killed";
    let Some(kafka) = kafka(name) else { return };
    let between =
        std::env::var("BARNABAS_TEST_EXACTLY_ONCE").ok().and_then(|it| it.parse().ok()).unwrap_or(2);
    let mut brokers = Brokers::start(3, &SETTINGS);
    brokers.create_topic("in", "1:2:3", &["min.insync.replicas=2"]);
    brokers.create_topic("out", "2:3:1", &["min.insync.replicas=2"]);
    let idempotent = [("enable.idempotence", "true"), ("acks", "all")];
    let flood = Flood::paced(brokers.bootstrap(), "in", &idempotent, Some(200));
    let mut app = Loop::start(kafka, &brokers);
    let victims: [fn(&Brokers) -> i32; 3] = [
        |brokers| coordinator(brokers, "loop", 1),
        |brokers| coordinator(brokers, "group", 0),
        |brokers| brokers.state_of("out").leader,
    ];
    for victim in victims {
        app.goes_on();
        flood.await_more(200 * between);
        app.kill();
        app.goes_on();
        let victim = victim(&brokers);
        brokers.broker(victim).kill();
        app.goes_on();
        flood.await_more(200 * between);
        brokers.broker(victim).restart();
        for topic in ["in", "out"] {
            eventually("all are in sync", SOON, || (brokers.state_of(topic).isr.len() == 3).then_some(()));
        }
    }
    let (_, acknowledged) = flood.finish();
    let expected: Vec<String> = acknowledged.iter().map(ToString::to_string).collect();
    let mut found = Vec::new();
    eventually("all that was read is written", SOON, || {
        found = read_committed(&brokers, "out");
        (found.len() >= expected.len()).then_some(())
    });
    assert!(found == expected, "{} in, {} out", expected.len(), found.len());
    println!("{} records, each once", found.len());
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
        let (commits_app, commits_decided) = (round % 2 == 0, round < 2);
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
