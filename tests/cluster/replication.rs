//! What is led by one broker lies on others too: copied by them, kept when the leader dies, cut where it must be.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas::base::{LeaderAndIsr, TopicPartition};
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
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
        Self::start_each(count, settings, |_| Vec::new())
    }

    /// As [`Brokers::start`], with further settings of each broker.
    fn start_each(
        count: i32,
        settings: &[(&str, &str)],
        own: impl Fn(i32) -> Vec<(&'static str, String)>,
    ) -> Self {
        let chroot = Chroot::new();
        let quick = [("zookeeper.session.timeout.ms", "2000"), ("replica.lag.time.max.ms", "3000")];
        let settings = [&quick[..], settings].concat();
        let start = |id| {
            let own = own(id);
            let own = own.iter().map(|(key, value)| (*key, value.as_str()));
            let settings: Vec<_> = settings.iter().copied().chain(own).collect();
            (id, Broker::start_with(id, &chroot.connect(), &settings))
        };
        let all = (1..=count).map(start).collect();
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

#[test]
fn every_protocol_version_replicates() {
    for protocol in ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"] {
        let mut brokers = Brokers::start(2, &[("inter.broker.protocol.version", protocol)]);
        brokers.create("1:2", &["min.insync.replicas=2"]);
        brokers.produce(1, 0..5);
        brokers.broker(1).stop();
        brokers.await_leader(2);
        brokers.broker(1).restart();
        brokers.await_isr(&[1, 2]);
        brokers.produce(2, 5..10);
        assert_eq!(brokers.values(2), records(0..10), "IBP {protocol}");
        assert_eq!(segment(&brokers.all[&1]), segment(&brokers.all[&2]), "IBP {protocol}");
    }
}

#[test]
fn a_consumer_is_sent_to_the_follower_in_its_rack_and_served_there() {
    let selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    let racks = |id: i32| vec![("broker.rack", format!("r{id}"))];
    let brokers = Brokers::start_each(2, &[("replica.selector.class", selector)], racks);
    brokers.create("1:2", &["min.insync.replicas=2"]);
    brokers.produce(1, 0..10);
    let fetch = |broker: i32, rack: &str| {
        let partition =
            FetchPartition { fetch_offset: 0, partition_max_bytes: 1 << 20, ..Default::default() };
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: 100,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic { topic: "t".to_owned(), partitions: vec![partition] }],
            rack_id: rack.to_owned(),
            ..Default::default()
        };
        let mut answer = brokers.connection(broker).call(&request, 11).unwrap();
        answer.responses.remove(0).partition_responses.remove(0)
    };
    let sent = fetch(1, "r2");
    assert_eq!((sent.error_code, sent.preferred_read_replica), (0, 2));
    assert!(sent.record_set.is_none_or(|records| records.is_empty()));
    assert_eq!(fetch(1, "r1").preferred_read_replica, -1);
    // The follower learns of the high watermark with its next fetch.
    eventually("the follower serves all of it", SOON, || {
        let served = fetch(2, "r2");
        let bytes = served.record_set?.read().unwrap();
        (served.high_watermark == 10 && bytes == segment(&brokers.all[&1])).then_some(())
    });
}

#[test]
fn throttled_replicas_catch_up_as_slowly_as_they_are_allowed() {
    let mut brokers = Brokers::start(2, &[("replica.fetch.max.bytes", "1000")]);
    brokers.create("1:2", &["min.insync.replicas=1", "leader.replication.throttled.replicas=0:1"]);
    brokers.produce(1, 0..10);
    brokers.broker(2).stop();
    brokers.await_isr(&[1]);
    brokers.produce(1, 10..300);
    let port = brokers.all[&1].port;
    let alter = |rate: &str| {
        let config = AlterableConfig {
            name: "leader.replication.throttled.rate".to_owned(),
            config_operation: 0,
            value: Some(rate.to_owned()),
        };
        let broker = 4;
        let resource = AlterConfigsResource {
            resource_type: broker,
            resource_name: "1".to_owned(),
            configs: vec![config],
        };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        let answer = Connection::to(port).unwrap().call(&request, 1).unwrap();
        assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
    };
    alter("1");
    brokers.broker(2).restart();
    // One fetch passes, and then so little that it would take hours.
    eventually("the follower has begun", SOON, || (segment(&brokers.all[&2]).len() > 1000).then_some(()));
    assert!(segment(&brokers.all[&2]).len() < segment(&brokers.all[&1]).len());
    assert_eq!(brokers.state().isr, [1]);
    alter("100000000");
    brokers.await_isr(&[1, 2]);
    assert_eq!(segment(&brokers.all[&1]), segment(&brokers.all[&2]));
}
