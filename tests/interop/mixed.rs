//! One cluster of Kafka 2.7.2's brokers and ours: rolled from all of one kind to all of the other and back while a
//! producer writes, with either kind as the controller.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas::base::{LeaderAndIsr, TopicPartition};
use barnabas::zk::znode::controller;
use barnabas::zk::znode::partition_state::{self, PartitionState};
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::java::{Kafka, kafka};
use crate::support::flood::Flood;
use crate::support::{Broker, Chroot, Connection, Process, eventually, tool};

const SOON: Duration = Duration::from_secs(60);
/// Settings of both kinds; a rolled broker takes its files with it.
const SETTINGS: [(&str, &str); 4] = [
    ("zookeeper.session.timeout.ms", "6000"),
    ("replica.lag.time.max.ms", "5000"),
    ("controlled.shutdown.enable", "true"),
    ("log.retention.ms", "-1"),
];

/// A broker of the cluster: one of ours, or Java's on the same files and port.
struct Member {
    ours: Broker,
    java: Option<Process>,
}

struct Mixed {
    kafka: &'static Kafka,
    members: BTreeMap<i32, Member>,
    zk: ZooKeeper,
    runtime: tokio::runtime::Runtime,
    chroot: Chroot,
}

impl Mixed {
    /// Three brokers of Java's.
    fn start(kafka: &'static Kafka) -> Self {
        let chroot = Chroot::new();
        let member = |id| Member { ours: Broker::prepare(id, &chroot.connect(), &SETTINGS), java: None };
        let members = (1..=3).map(|id| (id, member(id))).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let options = ConnectOptions { make_chroot: true, ..ConnectOptions::default() };
        let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), options)).unwrap();
        let mut mixed = Self { kafka, members, zk, runtime, chroot };
        (1..=3).for_each(|id| mixed.start_java(id));
        mixed
    }

    fn start_java(&mut self, id: i32) {
        let member = self.members.get_mut(&id).unwrap();
        let properties = member.ours.write_settings().display().to_string();
        let mut command = self.kafka.broker_of_heap("256m", &properties);
        member.java = Some(Process::start(&format!("Kafka 2.7.2, broker {id}"), &mut command));
        eventually("Java's broker answers", SOON, || Connection::to(member.ours.port));
    }

    /// Stops a broker cleanly and starts the other kind in its place.
    fn roll(&mut self, id: i32) {
        let member = self.members.get_mut(&id).unwrap();
        match member.java.take() {
            Some(mut java) => {
                java.signal("TERM");
                java.wait(SOON);
                member.ours.restart();
            }
            None => {
                member.ours.stop();
                self.start_java(id);
            }
        }
    }

    fn is_ours(&self, id: i32) -> bool {
        self.members[&id].java.is_none()
    }

    fn bootstrap(&self) -> String {
        self.members.values().map(|member| member.ours.bootstrap()).collect::<Vec<_>>().join(",")
    }

    fn state(&self, topic: &str) -> Option<LeaderAndIsr> {
        let path = partition_state::path(&TopicPartition::new(topic, 0));
        let (data, stat) = self.runtime.block_on(self.zk.get(&path)).unwrap()?;
        Some(PartitionState::decode(&data, stat.version).unwrap().leader_and_isr)
    }

    fn await_all_in_sync(&self, topic: &str) {
        eventually(&format!("all replicas of {topic} are in sync"), SOON, || {
            (self.state(topic)?.isr.len() == 3).then_some(())
        });
    }

    /// Has controllers resign until one of this kind is elected.
    fn elect_controller(&self, ours: bool) {
        eventually("a controller of the other kind", SOON, || {
            let (data, _) = self.runtime.block_on(self.zk.get(controller::PATH)).unwrap()?;
            let id = controller::decode(&data).unwrap();
            if self.is_ours(id) == ours {
                return Some(());
            }
            self.runtime.block_on(self.zk.delete(controller::PATH, None)).unwrap();
            None
        });
    }

    fn topics(&self, arguments: &[&str]) {
        let connect = self.chroot.connect();
        let done = tool("topics", &[&["--zookeeper", &connect], arguments].concat());
        assert!(done.status.success(), "{done:?}");
    }

    /// A topic is made, copied by all, and deleted, whichever kind controls.
    fn work_under_either_controller(&self) {
        for (ours, topic) in [(true, "under-ours"), (false, "under-theirs")] {
            if !self.members.keys().any(|id| self.is_ours(*id) == ours) {
                continue;
            }
            self.elect_controller(ours);
            self.topics(&["--create", "--topic", topic, "--partitions", "1", "--replication-factor", "3"]);
            self.await_all_in_sync(topic);
            self.topics(&["--delete", "--topic", topic]);
            eventually("the topic is gone", SOON, || self.state(topic).is_none().then_some(()));
        }
    }

    /// What each kind says of a topic.
    fn describe(&self, id: i32, topic: &str) -> [String; 2] {
        let bootstrap = self.members[&id].ours.bootstrap();
        let arguments = ["--bootstrap-server", &bootstrap, "--describe", "--topic", topic];
        let theirs = self.kafka.run("kafka.admin.TopicCommand", &arguments).ok().out;
        [theirs, String::from_utf8(tool("topics", &arguments).stdout).unwrap()]
    }
}

#[test]
fn a_cluster_is_rolled_from_kafka_to_barnabas_and_back_while_it_is_written_to() {
    let name = "a_cluster_is_rolled_from_kafka_to_barnabas_and_back_while_it_is_written_to";
    let Some(kafka) = kafka(name) else { return };
    let mut mixed = Mixed::start(kafka);
    eventually("three brokers are registered", SOON, || {
        let ids = mixed.runtime.block_on(mixed.zk.children("/brokers/ids")).unwrap()?;
        (ids.len() == 3).then_some(())
    });
    mixed.topics(&[
        "--create",
        "--topic",
        "rolled",
        "--replica-assignment",
        "1:2:3",
        "--config",
        "min.insync.replicas=2",
    ]);
    mixed.await_all_in_sync("rolled");
    let settings = [("enable.idempotence", "true"), ("compression.type", "lz4")];
    let flood = Flood::start(mixed.bootstrap(), "rolled", &settings);
    for id in [1, 2, 3, 2, 3, 1] {
        flood.await_more(1000);
        mixed.roll(id);
        mixed.await_all_in_sync("rolled");
        mixed.work_under_either_controller();
        let [theirs, ours] = mixed.describe(id, "rolled");
        assert_eq!(theirs, ours, "both tools, of a broker that was rolled");
    }
    flood.await_more(1000);
    let (_, acknowledged) = flood.finish();
    let leader = mixed.state("rolled").unwrap().leader;
    let held = Connection::to(mixed.members[&leader].ours.port).unwrap().read_all("rolled");
    let held: Vec<u64> = held.into_iter().map(|(_, value)| value.parse().unwrap()).collect();
    println!("{} records acknowledged over six rolls", acknowledged.len());
    assert!(held.windows(2).all(|pair| pair[0] < pair[1]), "twice or out of order");
    let missing: Vec<_> = acknowledged.iter().filter(|number| held.binary_search(number).is_err()).collect();
    assert!(missing.is_empty(), "acknowledged and missing: {missing:?}");
}
