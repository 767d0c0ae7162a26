//! What is led by one broker lies on others too: copied by them, kept when the leader dies, cut where it must be.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas::base::{LeaderAndIsr, TopicPartition};
use barnabas::zk::znode::partition_state::{self, PartitionState};
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::support::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(30);
/// `inter.broker.protocol.version`, and so who changes the ISR: the controller when asked, or the leader in ZooKeeper.
const ROADS: [&str; 2] = ["2.7", "2.6"];

/// Brokers of one cluster, numbered from 1, and a look at what they keep in ZooKeeper.
struct Brokers {
    all: BTreeMap<i32, Broker>,
    zk: ZooKeeper,
    runtime: tokio::runtime::Runtime,
    chroot: Chroot,
}

impl Brokers {
    fn start(count: i32, settings: &[(&str, &str)]) -> Self {
        let chroot = Chroot::new();
        let quick = [("zookeeper.session.timeout.ms", "2000"), ("replica.lag.time.max.ms", "3000")];
        let settings = [&quick[..], settings].concat();
        let all = (1..=count).map(|id| (id, Broker::start_with(id, &chroot.connect(), &settings))).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let options = ConnectOptions { session_timeout: SOON, connection_timeout: SOON, make_chroot: false };
        let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), options)).unwrap();
        Self { all, zk, runtime, chroot }
    }

    fn broker(&mut self, id: i32) -> &mut Broker {
        self.all.get_mut(&id).unwrap()
    }

    fn connection(&self, id: i32) -> Connection {
        Connection::to(self.all[&id].port).unwrap()
    }

    /// Creates topic `t` of one partition with these replicas, the first of which leads, and waits for its leader.
    fn create(&self, replicas: &str, configs: &[&str]) {
        let connect = self.chroot.connect();
        let mut arguments =
            vec!["--zookeeper", &connect, "--create", "--topic", "t", "--replica-assignment", replicas];
        configs.iter().for_each(|config| arguments.extend(["--config", config]));
        let created = tool("topics", &arguments);
        assert!(created.status.success(), "{created:?}");
        let leader = replicas.split(':').next().unwrap().parse().unwrap();
        eventually("the topic has a leader", SOON, || self.connection(leader).has_leader("t")?.then_some(()));
    }

    fn state(&self) -> LeaderAndIsr {
        let path = partition_state::path(&TopicPartition::new("t", 0));
        let (data, stat) = self.runtime.block_on(self.zk.get(&path)).unwrap().unwrap();
        PartitionState::decode(&data, stat.version).unwrap().leader_and_isr
    }

    fn await_isr(&self, isr: &[i32]) {
        eventually(&format!("the ISR is {isr:?}"), SOON, || {
            let mut found = self.state().isr;
            found.sort_unstable();
            (found == isr).then_some(())
        });
    }

    fn await_leader(&self, leader: i32) {
        eventually(&format!("{leader} leads"), SOON, || (self.state().leader == leader).then_some(()));
        eventually("it serves", SOON, || self.connection(leader).has_leader("t")?.then_some(()));
    }

    /// Produces numbered records to `t` until they are acknowledged by all in sync.
    fn produce(&self, leader: i32, numbers: std::ops::Range<i32>) {
        let mut connection = self.connection(leader);
        for number in numbers {
            let value = format!("record {number}");
            eventually("the record is acknowledged", SOON, || connection.produce("t", &value, -1)?.ok());
        }
    }

    /// What a broker has of `t`, without its offsets.
    fn values(&self, id: i32) -> Vec<String> {
        self.connection(id).read_all("t").into_iter().map(|(_, value)| value).collect()
    }
}

fn records(numbers: std::ops::Range<i32>) -> Vec<String> {
    numbers.map(|number| format!("record {number}")).collect()
}

/// The bytes of a broker's first segment of `t`.
fn segment(broker: &Broker) -> Vec<u8> {
    std::fs::read(broker.data().join("t-0/00000000000000000000.log")).unwrap()
}

#[test]
fn followers_copy_byte_for_byte_and_one_of_them_leads_on() {
    for road in ROADS {
        let mut brokers = Brokers::start(3, &[("inter.broker.protocol.version", road)]);
        brokers.create("1:2:3", &["min.insync.replicas=2"]);
        brokers.produce(1, 0..100);
        for follower in [2, 3] {
            assert_eq!(segment(&brokers.all[&follower]), segment(&brokers.all[&1]), "IBP {road}");
        }
        brokers.broker(1).kill();
        brokers.await_leader(2);
        brokers.produce(2, 100..150);
        assert_eq!(brokers.values(2), records(0..150));
        brokers.broker(1).restart_after_crash();
        brokers.await_isr(&[1, 2, 3]);
        assert_eq!(segment(&brokers.all[&1]), segment(&brokers.all[&2]), "IBP {road}");
    }
}

#[test]
fn who_stands_still_leaves_the_isr_and_comes_back() {
    for road in ROADS {
        let mut brokers = Brokers::start(
            3,
            &[
                ("inter.broker.protocol.version", road),
                // Only the leader is to miss the follower, not ZooKeeper.
                ("zookeeper.session.timeout.ms", "60000"),
            ],
        );
        brokers.create("1:2:3", &["min.insync.replicas=3"]);
        brokers.produce(1, 0..10);
        brokers.broker(3).process_mut().signal("STOP");
        let mut connection = brokers.connection(1);
        const NOT_ENOUGH_REPLICAS: i16 = 19;
        const NOT_ENOUGH_REPLICAS_AFTER_APPEND: i16 = 20;
        assert_eq!(
            connection.produce("t", "late", -1),
            Some(Err(NOT_ENOUGH_REPLICAS_AFTER_APPEND)),
            "IBP {road}"
        );
        brokers.await_isr(&[1, 2]);
        assert_eq!(connection.produce("t", "later", -1), Some(Err(NOT_ENOUGH_REPLICAS)));
        brokers.broker(3).process_mut().signal("CONT");
        brokers.await_isr(&[1, 2, 3]);
        assert!(connection.produce("t", "again", -1).unwrap().is_ok());
    }
}

#[test]
fn a_leader_that_comes_back_with_more_than_the_others_is_cut_to_theirs() {
    let mut brokers = Brokers::start(2, &[("inter.broker.protocol.version", "2.6")]);
    brokers.create("1:2", &["min.insync.replicas=1"]);
    brokers.produce(1, 0..10);
    // The follower stands still while the leader takes what it acknowledges alone.
    brokers.broker(2).process_mut().signal("STOP");
    let mut connection = brokers.connection(1);
    for number in 10..20 {
        connection.produce("t", &format!("lost {number}"), 1).unwrap().unwrap();
    }
    brokers.broker(1).kill();
    brokers.broker(2).process_mut().signal("CONT");
    brokers.await_leader(2);
    brokers.produce(2, 10..15);
    brokers.broker(1).restart_after_crash();
    brokers.await_isr(&[1, 2]);
    assert_eq!(segment(&brokers.all[&1]), segment(&brokers.all[&2]));
    let kept = brokers.values(2);
    // The first of them may have been on its way to the follower when that stood still.
    assert!(!kept.iter().any(|value| value == "lost 19"), "{kept:?}");
    let acknowledged: Vec<_> = kept.into_iter().filter(|value| !value.starts_with("lost")).collect();
    assert_eq!(acknowledged, records(0..15));
}
