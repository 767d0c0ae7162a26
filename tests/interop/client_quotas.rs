//! Quotas of bytes beside Kafka's own: a producer and a consumer at full speed on a broker of each kind, under the same
//! quotas, at each level of precedence.
//!
//! A level takes a minute and a half, so these tests run with `BARNABAS_LONG=1` alone.

use std::path::Path;
use std::process::{Child, Stdio};

use barnabas::zk::znode::config_entity::EntityType;

use crate::java::{Ended, Kafka, kafka, skipped};
use crate::mixed::cluster::Mixed;
use crate::support::quotas;

/// The quota of both, in bytes a second.
const QUOTA: f64 = 300_000.0;
/// The bytes of a record.
const RECORD: f64 = 1000.0;
/// How many seconds of the quota are sent.
const SECONDS: f64 = 80.0;
/// What a client may send at once before it is throttled, in seconds of its quota, and some more to settle.
const SETTLE_SECONDS: f64 = 20.0;
/// How far a rate, or a throttle time, may be off.
const TOLERANCE: f64 = 0.1;
/// The broker of Kafka's, and one of this project.
const BROKERS: [(i32, &str); 2] = [(1, "java"), (2, "local")];
/// The levels, the one that counts first; `U` is the user.
const LEVELS: [(EntityType, &str); 8] = [
    (EntityType::Users, "ANONYMOUS/clients/limited"),
    (EntityType::Users, "ANONYMOUS/clients/<default>"),
    (EntityType::Users, "ANONYMOUS"),
    (EntityType::Users, "<default>/clients/limited"),
    (EntityType::Users, "<default>/clients/<default>"),
    (EntityType::Users, "<default>"),
    (EntityType::Clients, "limited"),
    (EntityType::Clients, "<default>"),
];

/// What was measured of one client.
#[derive(Debug)]
struct Measured {
    /// The rate once it was settled, in bytes a second.
    rate: f64,
    /// The mean of the throttle times that the client was sent, in milliseconds.
    throttle: f64,
}

/// The value of a metric that a tool printed.
fn metric(out: &str, name: &str) -> f64 {
    let line = out.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name} in:\n{out}"));
    line.rsplit(':').next().unwrap().trim().parse().unwrap()
}

/// The topic that is consumed beside the one that is produced to.
fn filled(topic: &str) -> String {
    format!("{topic}-filled")
}

fn start(kafka: &Kafka, class: &str, arguments: &[&str]) -> Child {
    let mut command = kafka.command(class, arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn start_producer(kafka: &Kafka, bootstrap: &str, topic: &str, client_id: &str, seconds: f64) -> Child {
    let records = (QUOTA * seconds / RECORD).to_string();
    let (bootstrap, client) = (format!("bootstrap.servers={bootstrap}"), format!("client.id={client_id}"));
    let arguments = ["--topic", topic, "--num-records", &records, "--record-size", "1000"];
    let settings =
        ["--throughput", "-1", "--print-metrics", "--producer-props", &bootstrap, &client, "acks=1"];
    start(kafka, "org.apache.kafka.tools.ProducerPerformance", &[&arguments[..], &settings].concat())
}

/// Of the lines that it prints each five seconds, those after it has settled.
fn measured_producer(out: &str) -> Measured {
    let rates = out.lines().filter(|line| line.contains(" records sent, ") && !line.contains("50th"));
    let rates = rates.map(|line| {
        let rate = line.split(", ").nth(1).unwrap().split(' ').next().unwrap();
        rate.parse::<f64>().unwrap() * RECORD
    });
    let settled: Vec<_> = rates.skip((SETTLE_SECONDS / 5.0) as usize).collect();
    assert!(settled.len() > 5, "{out}");
    let rate = settled.iter().sum::<f64>() / settled.len() as f64;
    Measured { rate, throttle: metric(out, "producer-metrics:produce-throttle-time-avg") }
}

fn start_consumer(kafka: &Kafka, bootstrap: &str, topic: &str, config: &Path) -> Child {
    let records = (QUOTA * SECONDS / RECORD).to_string();
    let config = config.display().to_string();
    let arguments = ["--broker-list", bootstrap, "--topic", topic, "--messages", &records];
    let settings = ["--consumer.config", &config, "--print-metrics", "--timeout", "60000"];
    let shown = ["--show-detailed-stats", "--reporting-interval", "1000"];
    start(kafka, "kafka.tools.ConsumerPerformance", &[&arguments[..], &settings, &shown].concat())
}

/// Of the lines that it prints each second, those after it has settled.
fn measured_consumer(out: &str) -> Measured {
    let samples = out.lines().filter_map(|line| {
        let fields: Vec<_> = line.split(", ").collect();
        let clock: Vec<f64> =
            fields.first()?.split(' ').nth(1)?.split(':').map_while(|it| it.parse().ok()).collect();
        let [hours, minutes, seconds, millis] = clock[..] else { return None };
        let megabytes: f64 = fields.get(2)?.parse().ok()?;
        Some(((hours * 60.0 + minutes) * 60.0 + seconds + millis / 1000.0, megabytes * 1_048_576.0))
    });
    let samples: Vec<_> = samples.collect();
    let begun = samples[0].0;
    let settled: Vec<_> = samples.iter().filter(|(at, _)| at - begun > SETTLE_SECONDS).collect();
    let (first, last) = (settled[0], settled[settled.len() - 1]);
    assert!(last.0 - first.0 > 30.0, "{out}");
    Measured {
        rate: (last.1 - first.1) / (last.0 - first.0),
        throttle: metric(out, "consumer-fetch-manager-metrics:fetch-throttle-time-avg"),
    }
}

fn ended(child: Child) -> String {
    Ended::from(child.wait_with_output().unwrap()).ok().out
}

/// Whether two figures are alike.
fn are_alike(one: f64, other: f64) -> bool {
    (one / other - 1.0).abs() < TOLERANCE
}

/// `wanted` is the rate that Kafka's broker is expected to come to as well.
fn check(what: &str, wanted: f64, [java, local]: [Measured; 2]) {
    println!("{what}: Kafka {java:?}, here {local:?}");
    assert!(are_alike(local.rate, wanted) && local.rate < QUOTA * (1.0 + TOLERANCE), "{what}: {local:?}");
    assert!(are_alike(local.throttle, java.throttle), "{what}: Kafka {java:?}, here {local:?}");
}

/// Produces and fetches with a quota at this level, and with a higher one at each level that counts after it. Another
/// client is not slowed.
fn measure(test: &str, level: usize) {
    if std::env::var_os("BARNABAS_LONG").is_none() {
        return skipped(test, "it is a long test, which BARNABAS_LONG asks for");
    }
    let Some(kafka) = kafka(test) else { return };
    let mixed = Mixed::start_with(kafka, &[1], &[]);
    for (broker, topic) in BROKERS {
        for topic in [topic.to_owned(), filled(topic)] {
            let replica = broker.to_string();
            mixed.topics(&["--create", "--topic", &topic, "--replica-assignment", &replica]);
            mixed.await_in_sync(&[&topic], 1);
        }
    }
    let bootstrap = mixed.bootstrap();
    let filling =
        BROKERS.map(|(_, topic)| start_producer(kafka, &bootstrap, &filled(topic), "filling", SECONDS + 5.0));
    filling.into_iter().for_each(|child| drop(ended(child)));
    for (at, (kind, name)) in LEVELS.into_iter().enumerate().skip(level) {
        let quota = (QUOTA * if at == level { 1.0 } else { 10.0 }).to_string();
        let pairs = [("producer_byte_rate", quota.as_str()), ("consumer_byte_rate", &quota)];
        quotas::change(&mixed.chroot().connect(), kind, name, &pairs);
    }
    let free = [("producer_byte_rate", "1000000000")];
    quotas::change(&mixed.chroot().connect(), EntityType::Users, "ANONYMOUS/clients/other", &free);
    let config = tempfile::NamedTempFile::new().unwrap();
    // Small fetches: a fetch that is throttled is not counted, but its size decides for how long.
    std::fs::write(config.path(), "client.id=limited\nmax.partition.fetch.bytes=50000\n").unwrap();
    let producers = BROKERS.map(|(_, topic)| start_producer(kafka, &bootstrap, topic, "limited", SECONDS));
    let consumers =
        BROKERS.map(|(_, topic)| start_consumer(kafka, &bootstrap, &filled(topic), config.path()));
    let other = ended(start_producer(kafka, &bootstrap, "local", "other", SECONDS));
    let producers = producers.map(|child| measured_producer(&ended(child)));
    let consumers = consumers.map(|child| measured_consumer(&ended(child)));
    assert_eq!(
        metric(&other, "producer-metrics:produce-throttle-time-max"),
        0.0,
        "another client is not slowed"
    );
    check(&format!("{} produced", LEVELS[level].1), QUOTA, producers);
    // Kafka's consumer stays a fifth below the quota: it waits for a throttled fetch, which brings and counts nothing.
    check(&format!("{} fetched", LEVELS[level].1), consumers[0].rate, consumers);
}

#[test]
fn quota_of_a_client_id_of_a_user() {
    measure("quota_of_a_client_id_of_a_user", 0);
}

#[test]
fn quota_of_any_client_id_of_a_user() {
    measure("quota_of_any_client_id_of_a_user", 1);
}

#[test]
fn quota_of_a_user() {
    measure("quota_of_a_user", 2);
}

#[test]
fn quota_of_a_client_id_of_any_user() {
    measure("quota_of_a_client_id_of_any_user", 3);
}

#[test]
fn quota_of_any_client_id_of_any_user() {
    measure("quota_of_any_client_id_of_any_user", 4);
}

#[test]
fn quota_of_any_user() {
    measure("quota_of_any_user", 5);
}

#[test]
fn quota_of_a_client_id() {
    measure("quota_of_a_client_id", 6);
}

#[test]
fn quota_of_any_client_id() {
    measure("quota_of_any_client_id", 7);
}
