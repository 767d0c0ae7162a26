//! A cluster of both kinds of brokers on one ensemble, whose members stop, die, come back, and change their kind.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas::base::{LeaderAndIsr, TopicPartition};
use barnabas::zk::znode::controller;
use barnabas::zk::znode::partition_state::{self, PartitionStateZNode};
use barnabas::zk::znode::topic::{self, TopicZNode};
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::java::Kafka;
use crate::support::transactional::Leaders;
use crate::support::{Broker, Chroot, Connection, Process, eventually, tool};

/// How long anything is waited for.
pub const SOON: Duration = Duration::from_secs(90);
/// Settings of both kinds; a broker that changes its kind takes its files with it.
const SETTINGS: [(&str, &str); 4] = [
    ("zookeeper.session.timeout.ms", "4000"),
    ("replica.lag.time.max.ms", "5000"),
    ("controlled.shutdown.enable", "true"),
    ("log.retention.ms", "-1"),
];

/// A broker of the cluster: this project's, or Java's on the same files and port.
struct Member {
    barnabas: Broker,
    java: Option<Process>,
    /// The registration it died with.
    died_with: Option<i64>,
}

/// Three brokers, numbered from 1.
pub struct Mixed {
    kafka: &'static Kafka,
    members: BTreeMap<i32, Member>,
    zk: ZooKeeper,
    runtime: tokio::runtime::Runtime,
    chroot: Chroot,
}

impl Mixed {
    /// Three brokers, of which these are Java's.
    pub fn start(kafka: &'static Kafka, java: &[i32]) -> Self {
        Self::start_with(kafka, java, &[])
    }

    /// As [`Mixed::start`], with further settings.
    pub fn start_with(kafka: &'static Kafka, java: &[i32], settings: &[(&str, &str)]) -> Self {
        let chroot = Chroot::new();
        let settings = [&SETTINGS[..], settings].concat();
        let member = |id| Member {
            barnabas: Broker::prepare(id, &chroot.connect(), &settings),
            java: None,
            died_with: None,
        };
        let members = (1..=3).map(|id| (id, member(id))).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let options = ConnectOptions { make_chroot: true, ..ConnectOptions::default() };
        let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), options)).unwrap();
        let mut mixed = Self { kafka, members, zk, runtime, chroot };
        for id in 1..=3 {
            if java.contains(&id) {
                mixed.start_java(id);
            } else {
                mixed.member(id).barnabas.restart();
            }
        }
        mixed
    }

    fn member(&mut self, id: i32) -> &mut Member {
        self.members.get_mut(&id).unwrap()
    }

    /// All ids.
    pub fn ids(&self) -> Vec<i32> {
        self.members.keys().copied().collect()
    }

    /// Whether a broker is this project's.
    pub fn is_barnabas(&self, id: i32) -> bool {
        self.members[&id].java.is_none()
    }

    /// The broker that leads the first partition of a topic.
    pub fn leader(&self, topic: &str) -> Option<i32> {
        self.state(topic).map(|state| state.leader).filter(|id| self.members.contains_key(id))
    }

    /// The czxid of a broker's registration.
    fn registration(&self, id: i32) -> Option<i64> {
        let found = self.runtime.block_on(self.zk.get(&format!("/brokers/ids/{id}"))).unwrap();
        found.map(|(_, stat)| stat.czxid)
    }

    /// Starts Java's broker until it is registered: as long as ZooKeeper holds its last session it ends again.
    fn start_java(&mut self, id: i32) {
        let (kafka, before) = (self.kafka, self.members[&id].died_with);
        let properties = self.members[&id].barnabas.write_settings().display().to_string();
        let process = eventually("Java's broker is registered", SOON, || {
            let mut command = kafka.broker_of_heap("256m", &properties);
            let mut process = Process::start(&format!("Kafka 2.7.2, broker {id}"), &mut command);
            loop {
                if self.registration(id).is_some_and(|czxid| Some(czxid) != before) {
                    return Some(process);
                }
                if !process.is_running() {
                    return None;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        self.member(id).java = Some(process);
    }

    /// Stops a broker cleanly and starts the other kind in its place.
    pub fn roll(&mut self, id: i32) {
        let registration = self.registration(id);
        let member = self.member(id);
        match member.java.take() {
            Some(mut java) => {
                java.signal("TERM");
                java.wait(SOON);
                member.barnabas.restart();
            }
            None => {
                member.barnabas.stop();
                member.died_with = registration;
                self.start_java(id);
            }
        }
    }

    /// Kills a broker of either kind; what brings it back.
    pub fn kill(&mut self, id: i32) -> Dead {
        let registration = self.registration(id);
        let member = self.member(id);
        member.died_with = registration;
        let was_java = member.java.take().is_some();
        member.barnabas.kill();
        Dead { id, was_java }
    }

    /// Stops a broker of either kind cleanly; what brings it back.
    pub fn stop(&mut self, id: i32) -> Dead {
        if let Some(java) = &mut self.member(id).java {
            java.signal("TERM");
            java.wait(SOON);
        }
        self.member(id).barnabas.stop();
        self.kill(id)
    }

    /// Starts a dead broker again, as what it was.
    pub fn revive(&mut self, dead: Dead) {
        if dead.was_java {
            self.start_java(dead.id);
        } else {
            self.member(dead.id).barnabas.restart();
        }
    }

    /// The files and the port of a broker.
    pub fn files(&self, id: i32) -> &Broker {
        &self.members[&id].barnabas
    }

    /// Where all of them keep their znodes.
    pub fn chroot(&self) -> &Chroot {
        &self.chroot
    }

    /// All brokers' `host:port`.
    pub fn bootstrap(&self) -> String {
        self.members.values().map(|member| member.barnabas.bootstrap()).collect::<Vec<_>>().join(",")
    }

    /// The state of a topic's first partition.
    pub fn state(&self, topic: &str) -> Option<LeaderAndIsr> {
        let path = partition_state::path(&TopicPartition::new(topic, 0));
        let (data, stat) = self.runtime.block_on(self.zk.get(&path)).unwrap()?;
        Some(PartitionStateZNode::decode(&data, stat.version).unwrap().leader_and_isr)
    }

    /// Where a topic's first partition lies, once nothing is on its way.
    fn replicas(&self, topic: &str) -> Option<Vec<i32>> {
        let (data, _) = self.runtime.block_on(self.zk.get(&topic::path(topic))).unwrap()?;
        let assignment = TopicZNode::decode(&data).unwrap().partitions.remove(&0)?;
        (!assignment.is_being_reassigned()).then_some(assignment.replicas)
    }

    /// Waits until these replicas of each topic are in sync.
    pub fn await_in_sync(&self, topics: &[&str], count: usize) {
        for topic in topics {
            eventually(&format!("all replicas of {topic} are in sync"), SOON, || {
                (self.state(topic)?.isr.len() == count).then_some(())
            });
        }
    }

    /// Waits until each topic has a leader other than this broker.
    pub fn await_leaders_other_than(&self, id: i32, topics: &[&str]) {
        for topic in topics {
            eventually(&format!("{topic} is led by another than {id}"), SOON, || {
                (![-1, id].contains(&self.state(topic)?.leader)).then_some(())
            });
        }
    }

    /// The controller now.
    pub fn controller(&self) -> Option<i32> {
        let (data, _) = self.runtime.block_on(self.zk.get(controller::PATH)).unwrap()?;
        controller::decode(&data).ok()
    }

    /// Has controllers resign until one is elected that will do.
    pub fn elect_controller(&self, will_do: impl Fn(i32) -> bool) {
        eventually("a controller that will do", SOON, || {
            if will_do(self.controller()?) {
                return Some(());
            }
            let deleted = self.runtime.block_on(self.zk.delete(controller::PATH, None));
            assert!(matches!(deleted, Ok(()) | Err(barnabas::zk::ZkError::NoNode)), "{deleted:?}");
            None
        });
    }

    /// Runs our `kafka-topics.sh --zookeeper`.
    pub fn topics(&self, arguments: &[&str]) {
        let connect = self.chroot.connect();
        let done = tool("topics", &[&["--zookeeper", &connect], arguments].concat());
        assert!(done.status.success(), "{done:?}");
    }

    /// Creates a topic of one partition on these replicas.
    pub fn create(&self, topic: &str, replicas: &str) {
        let place = ["--topic", topic, "--replica-assignment", replicas];
        self.topics(&[&["--create", "--config", "min.insync.replicas=2"], &place[..]].concat());
        self.await_in_sync(&[topic], 3);
        // A tool asks any broker, and a broker learns of the topic a little after its replicas are in sync.
        for member in self.members.values() {
            let bootstrap = member.barnabas.bootstrap();
            let arguments = ["--bootstrap-server", &bootstrap, "--describe", "--topic", topic];
            eventually(&format!("{bootstrap} knows {topic}"), SOON, || {
                tool("topics", &arguments).status.success().then_some(())
            });
        }
    }

    /// Deletes a topic, and waits until it is gone.
    pub fn delete(&self, topic: &str) {
        self.topics(&["--delete", "--topic", topic]);
        eventually("the topic is gone", SOON, || self.state(topic).is_none().then_some(()));
    }

    /// Moves topics to these replicas with Kafka's tool, and waits until they are there.
    pub fn reassign(&self, topics: &[&str], to: &[i32]) {
        let row = |topic: &&str| format!(r#"{{"topic":"{topic}","partition":0,"replicas":{to:?}}}"#);
        let rows: Vec<_> = topics.iter().map(row).collect();
        let directory = tempfile::tempdir().unwrap();
        let plan = directory.path().join("plan.json");
        std::fs::write(&plan, format!(r#"{{"version":1,"partitions":[{}]}}"#, rows.join(","))).unwrap();
        let (bootstrap, plan) = (self.bootstrap(), plan.display().to_string());
        let arguments = ["--bootstrap-server", &bootstrap, "--reassignment-json-file", &plan, "--execute"];
        let printed = self.kafka.run("kafka.admin.ReassignPartitionsCommand", &arguments).ok().out;
        assert!(printed.contains("Successfully started partition reassignment"), "{printed}");
        for topic in topics {
            eventually(&format!("{topic} lies on {to:?}"), SOON, || {
                (self.replicas(topic)? == to).then_some(())
            });
        }
        self.await_in_sync(topics, to.len());
    }

    /// Has preferred leaders elected with Kafka's tool, and waits until this one leads these topics.
    pub fn elect_preferred(&self, topics: &[&str], leader: i32) {
        let bootstrap = self.bootstrap();
        let all =
            ["--bootstrap-server", &bootstrap, "--election-type", "preferred", "--all-topic-partitions"];
        self.kafka.run("kafka.admin.LeaderElectionCommand", &all).ok();
        for topic in topics {
            eventually(&format!("{leader} leads {topic}"), SOON, || {
                (self.state(topic)?.leader == leader).then_some(())
            });
        }
    }

    /// What both tools print of a topic, asked of each broker.
    fn described(&self, topic: &str) -> Vec<String> {
        let mut printed = Vec::new();
        for member in self.members.values() {
            let bootstrap = member.barnabas.bootstrap();
            let arguments = ["--bootstrap-server", &bootstrap, "--describe", "--topic", topic];
            printed.push(self.kafka.run("kafka.admin.TopicCommand", &arguments).ok().out);
            printed.push(String::from_utf8(tool("topics", &arguments).stdout).unwrap());
        }
        printed
    }

    /// Waits until both tools print the same of a topic whichever broker is asked: a preferred leader may
    /// just be coming back.
    pub fn await_described_alike(&self, topic: &str) {
        eventually(&format!("{topic} is described alike"), SOON, || {
            let printed = self.described(topic);
            assert!(printed[0].contains(&format!("Topic: {topic}\tPartitionCount: 1")), "{printed:?}");
            printed.iter().all(|one| *one == printed[0]).then_some(())
        });
    }

    /// What a topic's leader has of it.
    pub fn stored(&self, topic: &str) -> Vec<u64> {
        let leader = self.state(topic).unwrap().leader;
        let stored = Connection::to(self.members[&leader].barnabas.port).unwrap().read_all(topic);
        stored.into_iter().map(|(_, value)| value.parse().unwrap()).collect()
    }
}

impl Leaders for Mixed {
    fn leader_port(&self, topic: &str) -> Option<u16> {
        Some(self.members.get(&self.state(topic)?.leader)?.barnabas.port)
    }
}

/// A broker that was killed.
#[must_use]
pub struct Dead {
    id: i32,
    was_java: bool,
}
