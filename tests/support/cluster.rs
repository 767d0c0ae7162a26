//! Several brokers of one cluster, and a look at what they keep in ZooKeeper.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas::base::{LeaderAndIsr, TopicPartition};
use barnabas::zk::znode::controller;
use barnabas::zk::znode::partition_state::{self, PartitionStateZNode};
use barnabas::zk::{ConnectOptions, CreateMode, ZkError, ZooKeeper, claim};

use super::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(30);

/// Brokers of one cluster, numbered from 1. Sessions end after two seconds, laggards leave the ISR after three.
pub struct Brokers {
    /// By id.
    pub all: BTreeMap<i32, Broker>,
    zk: ZooKeeper,
    runtime: tokio::runtime::Runtime,
    /// Their corner of ZooKeeper.
    pub chroot: Chroot,
}

impl Brokers {
    /// Starts brokers 1 to `count` with these settings.
    pub fn start(count: i32, settings: &[(&str, &str)]) -> Self {
        Self::start_each(count, settings, |_, _| Vec::new())
    }

    /// As [`Brokers::start`], with further settings of each broker.
    pub fn start_each(
        count: i32,
        settings: &[(&str, &str)],
        own: impl FnMut(i32, &Chroot) -> Vec<(&'static str, String)>,
    ) -> Self {
        Self::start_in(Chroot::new(), count, settings, own)
    }

    /// As [`Brokers::start_each`], in a corner of ZooKeeper of the test's choice.
    pub fn start_in(
        chroot: Chroot,
        count: i32,
        settings: &[(&str, &str)],
        mut own: impl FnMut(i32, &Chroot) -> Vec<(&'static str, String)>,
    ) -> Self {
        let quick = [("zookeeper.session.timeout.ms", "2000"), ("replica.lag.time.max.ms", "3000")];
        let settings = [&quick[..], settings].concat();
        let start = |id| {
            let own = own(id, &chroot);
            let own = own.iter().map(|(key, value)| (*key, value.as_str()));
            let settings: Vec<_> = settings.iter().copied().chain(own).collect();
            (id, Broker::start_with(id, &chroot.connect(), &settings))
        };
        let all = (1..=count).map(start).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let options = ConnectOptions {
            session_timeout: SOON,
            connection_timeout: SOON,
            make_chroot: false,
            ..ConnectOptions::default()
        };
        let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), options)).unwrap();
        Self { all, zk, runtime, chroot }
    }

    /// A broker, to be stopped or started.
    pub fn broker(&mut self, id: i32) -> &mut Broker {
        self.all.get_mut(&id).unwrap()
    }

    /// A connection to a broker.
    pub fn connection(&self, id: i32) -> Connection {
        Connection::to(self.all[&id].port).unwrap()
    }

    /// Creates topic `t` of one partition with these replicas, the first of which leads, and waits for its leader.
    pub fn create(&self, replicas: &str, configs: &[&str]) {
        self.create_topic("t", replicas, configs);
    }

    /// As [`Brokers::create`], a topic of any name.
    pub fn create_topic(&self, topic: &str, replicas: &str, configs: &[&str]) {
        let connect = self.chroot.connect();
        let mut arguments =
            vec!["--zookeeper", &connect, "--create", "--topic", topic, "--replica-assignment", replicas];
        configs.iter().for_each(|config| arguments.extend(["--config", config]));
        let created = tool("topics", &arguments);
        assert!(created.status.success(), "{created:?}");
        let leader = replicas.split([':', ',']).next().unwrap().parse().unwrap();
        eventually("the topic has a leader", SOON, || {
            self.connection(leader).has_leader(topic)?.then_some(())
        });
    }

    /// The state of `t-0`.
    pub fn state(&self) -> LeaderAndIsr {
        self.state_of("t")
    }

    /// The state of a topic's first partition.
    pub fn state_of(&self, topic: &str) -> LeaderAndIsr {
        self.state_of_partition(&TopicPartition::new(topic, 0))
    }

    /// Whether a topic has a first partition with a state.
    pub fn has_partition(&self, topic: &str) -> bool {
        let path = partition_state::path(&TopicPartition::new(topic, 0));
        self.runtime.block_on(self.zk.get(&path)).unwrap().is_some()
    }

    /// The state of a partition.
    pub fn state_of_partition(&self, partition: &TopicPartition) -> LeaderAndIsr {
        let path = partition_state::path(partition);
        let (data, stat) = self.runtime.block_on(self.zk.get(&path)).unwrap().unwrap();
        PartitionStateZNode::decode(&data, stat.version).unwrap().leader_and_isr
    }

    /// Waits until `t-0` has this ISR, in any order.
    pub fn await_isr(&self, isr: &[i32]) {
        eventually(&format!("the ISR is {isr:?}"), SOON, || {
            let mut found = self.state().isr;
            found.sort_unstable();
            (found == isr).then_some(())
        });
    }

    /// Waits until a broker leads `t-0`.
    pub fn await_leader(&self, leader: i32) {
        self.await_leader_of("t", leader);
    }

    /// Waits until a broker leads the first partition of a topic.
    pub fn await_leader_of(&self, topic: &str, leader: i32) {
        self.await_leader_of_partition(&TopicPartition::new(topic, 0), leader);
    }

    /// Waits until a broker leads a partition.
    pub fn await_leader_of_partition(&self, partition: &TopicPartition, leader: i32) {
        eventually(&format!("{leader} leads"), SOON, || {
            (self.state_of_partition(partition).leader == leader).then_some(())
        });
        eventually("it serves", SOON, || self.connection(leader).has_leader(&partition.topic)?.then_some(()));
    }

    /// Produces numbered records to `t` until they are acknowledged by all in sync.
    pub fn produce(&self, leader: i32, numbers: std::ops::Range<i32>) {
        let mut connection = self.connection(leader);
        for number in numbers {
            let value = format!("record {number}");
            eventually("the record is acknowledged", SOON, || connection.produce("t", &value, -1)?.ok());
        }
    }

    /// What a broker has of `t`, without its offsets.
    pub fn values(&self, id: i32) -> Vec<String> {
        self.connection(id).read_all("t").into_iter().map(|(_, value)| value).collect()
    }

    /// What a znode holds, and its version; None where there is none.
    pub fn look(&self, path: &str) -> Option<(bytes::Bytes, i32)> {
        let found = self.runtime.block_on(self.zk.get(path)).unwrap();
        found.map(|(data, stat)| (data, stat.version))
    }

    /// Makes a znode.
    pub fn write(&self, path: &str, data: &[u8], mode: CreateMode) {
        self.runtime.block_on(self.zk.create(path, data, mode)).unwrap();
    }

    /// Writes a znode's data over what it holds.
    pub fn replace(&self, path: &str, data: &[u8]) {
        self.runtime.block_on(self.zk.set(path, data, None)).unwrap();
    }

    /// The controller now.
    pub fn controller(&self) -> Option<i32> {
        self.runtime.block_on(claim::controller(&self.zk)).unwrap()
    }

    /// Deletes `/controller` in the moment that there is one.
    pub fn depose_controller(&self) {
        let deposed = async {
            while let Err(error) = self.zk.delete(controller::PATH, None).await {
                assert!(matches!(error, ZkError::NoNode), "{error:?}");
            }
        };
        let in_time = self.runtime.block_on(async { tokio::time::timeout(SOON, deposed).await });
        assert!(in_time.is_ok(), "no broker was elected");
    }

    /// All brokers' `host:port`.
    pub fn bootstrap(&self) -> String {
        self.all.values().map(Broker::bootstrap).collect::<Vec<_>>().join(",")
    }
}
