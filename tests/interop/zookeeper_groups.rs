//! One group in znodes of Java's consumers of 0.8 and 1.1 and ours: they share a topic as members join, leave and die,
//! and as a broker dies. The tools of 1.1 and ours print the same about it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use barnabas::client::settings::ProducerSettings;
use barnabas::client::{Producer, ProducerRecord};

use crate::java::{Ended, Kafka, older};
use crate::support::cluster::Brokers;
use crate::support::{Process, eventually, root, script};

const SOON: Duration = Duration::from_secs(90);
const PARTITIONS: i32 = 4;

/// The cluster, the group, and the records that were produced.
struct SharedTopic {
    brokers: Brokers,
    runtime: tokio::runtime::Runtime,
    producer: Producer,
    produced: BTreeSet<String>,
}

impl SharedTopic {
    fn new() -> Self {
        let brokers = Brokers::start(2, &[]);
        brokers.create("1:2,2:1,1:2,2:1", &[]);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let producer = runtime.block_on(Producer::new(ProducerSettings::new(&brokers.bootstrap()))).unwrap();
        Self { brokers, runtime, producer, produced: BTreeSet::new() }
    }

    /// Produces records to all partitions, and waits until each of these members' records together has them all.
    fn produce(&mut self, what: &str, members: &[&Process]) {
        let values: Vec<_> = (0..40).map(|at| format!("{what} {at}")).collect();
        self.runtime.block_on(async {
            for (value, partition) in values.iter().zip((0..PARTITIONS).cycle()) {
                let record = ProducerRecord::new("t", value.clone()).partition(partition);
                self.producer.send(record).await.unwrap().await.unwrap();
            }
        });
        self.produced.extend(values);
        eventually(&format!("all records are read {what}"), SOON, || {
            let read: BTreeSet<_> = members.iter().flat_map(|it| records(it)).map(|it| it.value).collect();
            self.produced.is_subset(&read).then_some(())
        });
    }

    /// Waits until so many consumers own the partitions, as evenly as they can.
    fn await_owners(&self, count: usize) {
        eventually(&format!("{count} consumers own the partitions"), SOON, || {
            let mut owned: BTreeMap<bytes::Bytes, usize> = BTreeMap::new();
            for partition in 0..PARTITIONS {
                let (owner, _) = self.brokers.look(&format!("/consumers/g/owners/t/{partition}"))?;
                *owned.entry(owner).or_default() += 1;
            }
            let most = (PARTITIONS as usize).div_ceil(count);
            (owned.len() == count && owned.values().all(|it| *it <= most)).then_some(())
        });
    }
}

/// A record that a member has printed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PrintedRecord {
    partition: String,
    offset: i64,
    value: String,
}

fn records(member: &Process) -> Vec<PrintedRecord> {
    let record = |line: &String| {
        let mut parts = line.split('\t');
        let partition = parts.next()?.strip_prefix("Partition:")?.to_owned();
        let offset = parts.next()?.strip_prefix("Offset:")?.parse().ok()?;
        Some(PrintedRecord { partition, offset, value: parts.next()?.to_owned() })
    };
    member.lines().iter().filter_map(record).collect()
}

/// Fails the test if a record was read by two of these members, or twice by one.
fn assert_none_twice(members: &[&Process]) {
    let mut seen = BTreeSet::new();
    for record in members.iter().flat_map(|it| records(it)) {
        assert!(seen.insert(record.clone()), "{record:?} is read twice");
    }
}

/// Our console consumer, as up to 1.1.
fn ours(connect: &str) -> Process {
    let mut command = Command::new(root().join("scripts/kafka-console-consumer.sh"));
    command.env("BARNABAS_BIN", env!("CARGO_BIN_EXE_barnabas"));
    command.args(["--zookeeper", connect, "--topic", "t", "--group", "g"]);
    for property in ["print.partition=true", "print.offset=true"] {
        command.args(["--property", property]);
    }
    for setting in
        ["zookeeper.session.timeout.ms=4000", "rebalance.backoff.ms=500", "rebalance.max.retries=30"]
    {
        command.args(["--consumer-property", setting]);
    }
    Process::start("our consumer", &mut command)
}

/// What Kafka 1.1's tool and ours print when both are given the same, without the blanks at the ends of lines.
fn printed_by_both(of_1_1: &Kafka, arguments: &[&str]) -> [Vec<String>; 2] {
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect();
    let mut java = of_1_1.command("kafka.admin.ConsumerGroupCommand", arguments);
    // Without it ZooKeeper's client of that time fails on how this Java prints addresses.
    java.env("JDK_JAVA_OPTIONS", "-Dzookeeper.sasl.client=false").stdin(Stdio::null());
    let java = Ended::from(java.output().unwrap());
    let ours = script("kafka-consumer-groups.sh", arguments);
    assert_eq!(ours.status.code(), Some(java.code), "{arguments:?}: {}", java.err);
    let note = "Note: This will only show information about consumers that use ZooKeeper";
    let our_errors = String::from_utf8_lossy(&ours.stderr).into_owned();
    assert!(
        our_errors.starts_with(note) && java.err.contains(our_errors.trim_end()),
        "{our_errors}\n{}",
        java.err
    );
    [lines(&java.out), lines(&String::from_utf8_lossy(&ours.stdout))]
}

/// The columns of a group's description that change only as its members or logs do.
fn stable_columns(lines: &[String]) -> Vec<[String; 4]> {
    let columns = |line: &String| -> Vec<_> { line.split_whitespace().map(str::to_owned).collect() };
    let stable = |line| match columns(line).as_slice() {
        [topic, partition, _, end, _, consumer] => Some([topic, partition, end, consumer].map(String::clone)),
        _ => None,
    };
    lines.iter().filter_map(stable).collect()
}

#[test]
fn consumers_of_0_8_and_1_1_and_ours_share_a_group_and_lose_nothing() {
    let test = "consumers_of_0_8_and_1_1_and_ours_share_a_group_and_lose_nothing";
    let (Some(of_0_8), Some(of_1_1)) =
        (older(test, "kafka_2.11", "0.8.2.2"), older(test, "kafka_2.11", "1.1.1"))
    else {
        return;
    };
    let mut topic = SharedTopic::new();
    let connect = topic.brokers.chroot.connect();
    let source = root().join("tests/interop/old/ZookeeperMember.java").display().to_string();
    let arguments = [connect.as_str(), "g", "t"];
    let mut first = Process::start("a consumer of 0.8", &mut of_0_8.command(&source, &arguments));
    first.wait_for_line("joined", SOON);
    topic.await_owners(1);
    topic.produce("alone", &[&first]);

    let mut second = ours(&connect);
    topic.await_owners(2);
    topic.produce("beside ours", &[&first, &second]);
    let third = Process::start("a consumer of 1.1", &mut of_1_1.command(&source, &arguments));
    third.wait_for_line("joined", SOON);
    topic.await_owners(3);
    topic.produce("beside 1.1, too", &[&first, &second, &third]);
    assert_none_twice(&[&first, &second, &third]);
    assert!(records(&second).len() > 10 && !records(&third).is_empty(), "each has its share");

    // Its session has to end before the others may take its partitions.
    first.kill();
    topic.await_owners(2);
    topic.produce("after one was killed", &[&first, &second, &third]);
    topic.brokers.broker(1).kill();
    topic.produce("after a broker has died", &[&first, &second, &third]);
    topic.brokers.broker(1).restart();

    second.signal("TERM");
    assert_eq!(second.wait(SOON).code(), Some(143));
    topic.await_owners(1);
    topic.produce("after ours has left", &[&first, &second, &third]);
    // Ours comes again, and goes on where the group has stopped.
    let again = ours(&connect);
    topic.await_owners(2);
    topic.produce("once ours is back", &[&first, &second, &third, &again]);
    assert_none_twice(&[&second, &third, &again]);

    let zookeeper = ["--zookeeper", connect.as_str()];
    let group = [&zookeeper[..], &["--group", "g"]].concat();
    let describe = [&group[..], &["--describe"]].concat();
    let [java, ours] = printed_by_both(&of_1_1, &describe);
    assert_eq!(stable_columns(&java), stable_columns(&ours));
    assert_eq!(ours.len(), 2 + PARTITIONS as usize, "{ours:?}");
    for arguments in [[&zookeeper[..], &["--list"]].concat(), [&group[..], &["--delete"]].concat()] {
        let [java, ours] = printed_by_both(&of_1_1, &arguments);
        assert_eq!(java, ours);
    }
    drop((third, again));
    eventually("the sessions of the members are over", SOON, || {
        let described = script("kafka-consumer-groups.sh", &[&describe[..], &["--output", "json"]].concat());
        (!String::from_utf8_lossy(&described.stdout).contains("\"consumerId\":\"")).then_some(())
    });
    let [java, ours] = printed_by_both(&of_1_1, &describe);
    assert_eq!(java, ours);
    let delete = script("kafka-consumer-groups.sh", &[&group[..], &["--delete"]].concat());
    let deleted = "Deleted all consumer group information for group 'g' in zookeeper.\n";
    assert_eq!(String::from_utf8_lossy(&delete.stdout), deleted);
    let [java, ours] = printed_by_both(&of_1_1, &describe);
    assert_eq!(java, ours);
    assert_eq!(ours, ["Error: The consumer group 'g' does not exist."]);
}
