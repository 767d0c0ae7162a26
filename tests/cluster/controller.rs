//! What the controller does by itself: leaders back in their places, deletions that waited, features put right.

use std::time::Duration;

use barnabas::base::{LeaderAndIsr, TopicPartition};
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::zk::znode::partition_state::{self, PartitionStateZNode};
use barnabas::zk::znode::topic::{self, TopicZNode};
use barnabas::zk::znode::{delete_topic, feature};
use barnabas::zk::{ConnectOptions, CreateMode, Op, ZooKeeper};

use crate::support::cluster::Brokers;
use crate::support::{eventually, tool};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_preferred_replica_that_is_back_leads_again_by_itself() {
    let mut brokers = Brokers::start(2, &[("leader.imbalance.check.interval.seconds", "1")]);
    brokers.create("1:2", &[]);
    brokers.broker(1).kill();
    brokers.await_leader(2);
    brokers.broker(1).restart();
    brokers.await_leader(1);
    brokers.await_isr(&[1, 2]);
}

#[test]
fn a_controller_that_is_deposed_in_the_moment_of_its_election_stands_again() {
    let brokers = Brokers::start(1, &[]);
    for _ in 0..200 {
        brokers.depose_controller();
    }
    eventually("there is a controller", SOON, || brokers.controller());
}

#[test]
fn a_deletion_waits_for_a_dead_broker_and_goes_on_when_it_is_back() {
    let mut brokers = Brokers::start(2, &[]);
    brokers.create("1:2", &[]);
    brokers.broker(2).kill();
    brokers.await_isr(&[1]);
    let deleted = tool("topics", &["--zookeeper", &brokers.chroot.connect(), "--delete", "--topic", "t"]);
    assert!(deleted.status.success(), "{deleted:?}");
    let log = |brokers: &Brokers, id: i32| brokers.all[&id].data().join("t-0").exists();
    eventually("the replica that lives is deleted", SOON, || (!log(&brokers, 1)).then_some(()));
    assert!(log(&brokers, 2));
    for path in [topic::path("t"), delete_topic::path("t")] {
        assert!(brokers.look(&path).is_some(), "{path} must outlive the last replica");
    }
    brokers.broker(2).restart();
    for path in [topic::path("t"), delete_topic::path("t")] {
        eventually("the deletion is complete", SOON, || brokers.look(&path).is_none().then_some(()));
    }
    assert!(!log(&brokers, 2));
}

#[test]
fn features_come_into_force_with_2_7_and_are_given_up_before_it() {
    let mut brokers = Brokers::start(1, &[("inter.broker.protocol.version", "2.6")]);
    for (version, protocol, status, epoch) in [(0, "2.6", 0, -1), (1, "2.7", 1, 1), (2, "2.6", 0, -1)] {
        if version > 0 {
            brokers.broker(1).stop();
            brokers.broker(1).set("inter.broker.protocol.version", protocol);
            brokers.broker(1).restart();
        }
        let text = format!(r#"{{"features":{{}},"version":1,"status":{status}}}"#);
        eventually("/feature is put right", SOON, || {
            (brokers.look(feature::PATH)? == (text.clone().into(), version)).then_some(())
        });
        eventually("metadata shows it", SOON, || {
            let request = ApiVersionsRequest {
                client_software_name: "test".to_owned(),
                client_software_version: "1".to_owned(),
            };
            let answer = brokers.connection(1).call(&request, 3)?;
            (answer.finalized_features_epoch == epoch).then_some(())
        });
    }
}

/// A connection of the test's own, to do to the cluster's znodes what no broker would.
fn zookeeper(brokers: &Brokers) -> (tokio::runtime::Runtime, ZooKeeper) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let connect = brokers.chroot.connect();
    let zk = runtime.block_on(ZooKeeper::connect(&connect, ConnectOptions::default())).unwrap();
    (runtime, zk)
}

fn state(brokers: &Brokers, partition: i32) -> Option<LeaderAndIsr> {
    let (data, version) = brokers.look(&partition_state::path(&TopicPartition::new("t", partition)))?;
    Some(PartitionStateZNode::decode(&data, version).unwrap().leader_and_isr)
}

/// So many that their znodes share transactions, and some that spoil them.
#[test]
fn many_partitions_get_their_leaders_though_some_are_half_made_or_written_behind_the_controllers_back() {
    const PARTITIONS: i32 = 150;
    let mut brokers = Brokers::start(2, &[("auto.leader.rebalance.enable", "false")]);
    let (runtime, zk) = zookeeper(&brokers);
    let made = TopicZNode::new((0..PARTITIONS).map(|at| (at, vec![at % 2 + 1, (at + 1) % 2 + 1])));
    let left = PartitionStateZNode::new(LeaderAndIsr::initial(2, vec![2, 1]), 1);
    let create = |path: String, data: Vec<u8>| Op::Create { path, data, mode: CreateMode::Persistent };
    let half = |number| TopicPartition::new("t", number);
    runtime
        .block_on(zk.multi(&[
            create(topic::path("t"), made.encode()),
            create(partition_state::parent("t"), Vec::new()),
            create(partition_state::partition_path(&half(7)), Vec::new()),
            create(partition_state::partition_path(&half(9)), Vec::new()),
            create(partition_state::path(&half(9)), left.encode()),
        ]))
        .unwrap();
    for partition in 0..PARTITIONS {
        let expected = (partition % 2 + 1, i32::from(partition == 9));
        eventually("it has a leader", SOON, || {
            let state = state(&brokers, partition)?;
            ((state.leader, state.leader_epoch) == expected).then_some(())
        });
    }

    let path = partition_state::path(&half(20));
    let (data, _) = brokers.look(&path).unwrap();
    runtime.block_on(zk.set(&path, &data, None)).unwrap();
    brokers.broker(2).kill();
    for partition in 0..PARTITIONS {
        eventually("the one that lives leads", SOON, || {
            let state = state(&brokers, partition)?;
            (state.leader == 1 && state.isr == [1]).then_some(())
        });
    }
    runtime.block_on(zk.close());
}
