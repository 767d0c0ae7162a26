//! Partitions move from brokers to others, by request or by znode, through the controller's death; leaders move back.

use std::time::Duration;

use barnabas::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use barnabas::wire::message::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use barnabas::wire::message::list_partition_reassignments::ListPartitionReassignmentsRequest;
use barnabas::zk::CreateMode;
use barnabas::zk::znode::partition_state::{self, PartitionStateZNode};
use barnabas::zk::znode::reassign_partitions;
use barnabas::zk::znode::topic::{self, TopicZNode};

use crate::support::cluster::Brokers;
use crate::support::{Connection, eventually};

const SOON: Duration = Duration::from_secs(30);

fn controller(brokers: &Brokers) -> Connection {
    eventually("there is a controller", SOON, || Connection::to(brokers.all[&brokers.controller()?].port))
}

/// Asks the controller for these replicas of `t-0`, or None for what it had; the error.
fn reassign(brokers: &Brokers, replicas: Option<&[i32]>) -> i16 {
    reassign_of("t", brokers, replicas)
}

/// As [`reassign`], for the first partition of a topic of any name.
fn reassign_of(name: &str, brokers: &Brokers, replicas: Option<&[i32]>) -> i16 {
    let replicas = replicas.map(<[i32]>::to_vec);
    let topic = ReassignableTopic {
        name: name.to_owned(),
        partitions: vec![ReassignablePartition { partition_index: 0, replicas }],
    };
    let request = AlterPartitionReassignmentsRequest { timeout_ms: 10_000, topics: vec![topic] };
    let answer = controller(brokers).call(&request, 0).unwrap();
    assert_eq!(answer.error_code, 0);
    answer.responses[0].partitions[0].error_code
}

/// Waits until `t-0` has these replicas, all in sync and none on its way.
fn await_replicas(brokers: &Brokers, replicas: &[i32]) {
    eventually(&format!("the replicas are {replicas:?}"), SOON, || {
        let (data, _) = brokers.look(&topic::path("t"))?;
        let assignment = TopicZNode::decode(&data).ok()?.partitions.remove(&0)?;
        (assignment.replicas == replicas && !assignment.is_being_reassigned()).then_some(())
    });
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    brokers.await_isr(&sorted);
}

/// The replicas of a topic's first partition, where none is on its way.
fn settled(brokers: &Brokers, name: &str) -> Option<Vec<i32>> {
    let (data, _) = brokers.look(&topic::path(name))?;
    let assignment = TopicZNode::decode(&data).ok()?.partitions.remove(&0)?;
    (!assignment.is_being_reassigned()).then_some(assignment.replicas)
}

fn values(count: i32) -> Vec<String> {
    (0..count).map(|number| format!("record {number}")).collect()
}

#[test]
fn a_partition_moves_to_other_brokers_and_nothing_stays_behind() {
    for protocol in ["2.7", "2.6"] {
        let brokers = Brokers::start(4, &[("inter.broker.protocol.version", protocol)]);
        brokers.create("1:2", &["min.insync.replicas=2"]);
        brokers.produce(1, 0..50);
        assert_eq!(reassign(&brokers, Some(&[3, 4])), 0);
        await_replicas(&brokers, &[3, 4]);
        brokers.await_leader(3);
        brokers.produce(3, 50..60);
        assert_eq!(brokers.values(3), values(60), "IBP {protocol}");
        for old in [1, 2] {
            eventually("the old log is gone", SOON, || {
                (!brokers.all[&old].data().join("t-0").exists()).then_some(())
            });
        }
        let listed = controller(&brokers).call(&ListPartitionReassignmentsRequest::default(), 0).unwrap();
        assert_eq!((listed.error_code, listed.topics.len()), (0, 0));
    }
}

#[test]
fn a_reassignment_znode_is_completed_and_deleted_even_when_the_controller_dies() {
    let mut brokers = Brokers::start(3, &[]);
    brokers.create("1:2", &["min.insync.replicas=1"]);
    brokers.produce(1, 0..20);
    // It is registered as long as its session lasts, and follows no leader.
    brokers.broker(3).process().stand_still();
    let wanted = [(barnabas::base::TopicPartition::new("t", 0), vec![2, 3])];
    let data = reassign_partitions::encode(&wanted);
    brokers.write(reassign_partitions::PATH, &data, CreateMode::Persistent);
    eventually("it has begun", SOON, || {
        let (data, _) = brokers.look(&topic::path("t"))?;
        TopicZNode::decode(&data).ok()?.partitions.remove(&0)?.is_being_reassigned().then_some(())
    });
    let dying = brokers.controller().unwrap();
    brokers.broker(dying).kill();
    brokers.broker(3).process().signal("CONT");
    brokers.broker(dying).restart();
    await_replicas(&brokers, &[2, 3]);
    eventually("the znode is gone", SOON, || brokers.look(reassign_partitions::PATH).is_none().then_some(()));
    let leader = brokers.state().leader;
    assert_eq!(brokers.values(leader), values(20));
}

#[test]
fn a_reassignment_is_taken_back() {
    const NO_REASSIGNMENT_IN_PROGRESS: i16 = 85;
    const INVALID_REPLICA_ASSIGNMENT: i16 = 39;
    let mut brokers = Brokers::start(3, &[]);
    brokers.create("1:2", &[]);
    assert_eq!(reassign(&brokers, None), NO_REASSIGNMENT_IN_PROGRESS);
    assert_eq!(reassign(&brokers, Some(&[1, 9])), INVALID_REPLICA_ASSIGNMENT);
    brokers.broker(3).process().stand_still();
    assert_eq!(reassign(&brokers, Some(&[1, 3])), 0);
    let listed = controller(&brokers).call(&ListPartitionReassignmentsRequest::default(), 0).unwrap();
    let on_its_way = &listed.topics[0].partitions[0];
    assert_eq!((&*on_its_way.adding_replicas, &*on_its_way.removing_replicas), (&[3][..], &[2][..]));
    assert_eq!(reassign(&brokers, None), 0);
    await_replicas(&brokers, &[1, 2]);
    brokers.broker(3).process().signal("CONT");
}

#[test]
fn the_preferred_leader_is_elected_on_request() {
    let mut brokers = Brokers::start(2, &[("auto.leader.rebalance.enable", "false")]);
    brokers.create("1:2", &[]);
    brokers.broker(1).stop();
    brokers.await_leader(2);
    brokers.broker(1).restart();
    brokers.await_isr(&[1, 2]);
    let partitions = vec![TopicPartitions { topic: "t".to_owned(), partition_id: vec![0, 7] }];
    let request =
        ElectLeadersRequest { election_type: 0, topic_partitions: Some(partitions), timeout_ms: 10_000 };
    let answer = controller(&brokers).call(&request, 2).unwrap();
    let results = &answer.replica_election_results[0].partition_result;
    let errors: Vec<_> = results.iter().map(|it| (it.partition_id, it.error_code)).collect();
    const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    assert_eq!((answer.error_code, errors), (0, vec![(0, 0), (7, UNKNOWN_TOPIC_OR_PARTITION)]));
    assert_eq!(brokers.state().leader, 1);
    let all = ElectLeadersRequest { election_type: 0, topic_partitions: None, timeout_ms: 10_000 };
    let answer = controller(&brokers).call(&all, 2).unwrap();
    assert!(answer.replica_election_results.is_empty(), "none was needed");
}

#[test]
fn every_partition_of_a_znode_is_begun_once() {
    let brokers = Brokers::start(3, &[]);
    brokers.create("1:2,1:2,1:2", &[]);
    let partitions = [0, 1, 2].map(|number| barnabas::base::TopicPartition::new("t", number));
    let wanted = partitions.clone().map(|partition| (partition, vec![1, 3]));
    let data = reassign_partitions::encode(&wanted);
    brokers.write(reassign_partitions::PATH, &data, CreateMode::Persistent);
    await_replicas(&brokers, &[1, 3]);
    eventually("the znode is gone", SOON, || brokers.look(reassign_partitions::PATH).is_none().then_some(()));
    for partition in partitions {
        let (data, version) = brokers.look(&partition_state::path(&partition)).unwrap();
        let state = PartitionStateZNode::decode(&data, version).unwrap().leader_and_isr;
        // Metadata shows the new replica, then two replicas in sync, then the old one gone; and one ISR has
        // grown.
        assert_eq!((state.leader_epoch, version, &*state.isr), (3, 4, &[1, 3][..]), "{partition}");
    }
}

#[test]
fn a_znode_that_asks_for_no_replicas_is_refused_and_no_record_is_lost() {
    let brokers = Brokers::start(2, &[]);
    brokers.create("1:2", &[]);
    brokers.produce(1, 0..20);
    let before = brokers.state();
    let partition = barnabas::base::TopicPartition::new("t", 0);
    for wanted in [vec![], vec![1, 1], vec![-1, 1], vec![1, 9]] {
        let data = reassign_partitions::encode(&[(partition.clone(), wanted.clone())]);
        brokers.write(reassign_partitions::PATH, &data, CreateMode::Persistent);
        eventually("the znode is gone", SOON, || {
            brokers.look(reassign_partitions::PATH).is_none().then_some(())
        });
        assert_eq!(settled(&brokers, "t"), Some(vec![1, 2]), "{wanted:?} was wanted");
    }
    let controller = brokers.all[&brokers.controller().unwrap()].process();
    controller.wait_for_line("t-0 -> Empty replica list specified in partition reassignment.", SOON);
    assert_eq!(brokers.state(), before);
    assert_eq!(brokers.values(1), values(20));
}

/// The controller expects AlterIsr of a leader that knows of none, and learns of its ISR by `/isr_change_notification`.
#[test]
fn a_reassignment_finishes_where_the_leader_is_at_an_older_protocol_than_the_controller() {
    let brokers = Brokers::start_each(3, &[], |id, _| {
        let protocol = if id == 2 { "2.6" } else { "2.7" };
        vec![("inter.broker.protocol.version", protocol.to_owned())]
    });
    assert_eq!(brokers.controller(), Some(1));
    brokers.create("2:1", &[]);
    brokers.produce(2, 0..20);
    assert_eq!(reassign(&brokers, Some(&[2, 3])), 0);
    await_replicas(&brokers, &[2, 3]);
    assert_eq!(reassign(&brokers, Some(&[2])), 0);
    await_replicas(&brokers, &[2]);
    assert_eq!(brokers.values(2), values(20));
}

#[test]
fn an_assignment_that_zookeeper_does_not_take_is_refused_and_the_controller_goes_on() {
    const UNKNOWN_SERVER_ERROR: i16 = -1;
    /// As much as a request to ZooKeeper may be, its path and its neighbours in the transaction aside.
    const ALMOST_TOO_MUCH: usize = 999_950;
    let brokers = Brokers::start(3, &[]);
    brokers.create("1:2", &[]);
    brokers.create_topic("u", "1:2", &[]);
    let path = topic::path("t");
    let (data, _) = brokers.look(&path).unwrap();
    let mut padded = TopicZNode::decode(&data).unwrap();
    padded.others.insert("padding".to_owned(), "".into());
    let padding = "x".repeat(ALMOST_TOO_MUCH - padded.encode().len());
    padded.others.insert("padding".to_owned(), padding.into());
    brokers.replace(&path, &padded.encode());
    let (controller, before) = (brokers.controller(), brokers.look(&path));
    let epoch = brokers.look(barnabas::zk::znode::controller_epoch::PATH);
    assert_eq!(reassign(&brokers, Some(&[1, 3])), UNKNOWN_SERVER_ERROR);
    assert_eq!(brokers.look(&path), before);
    assert_eq!(reassign_of("u", &brokers, Some(&[1, 3])), 0);
    eventually("the other topic has moved", SOON, || (settled(&brokers, "u")? == [1, 3]).then_some(()));
    let after = (brokers.controller(), brokers.look(barnabas::zk::znode::controller_epoch::PATH));
    assert_eq!(after, (controller, epoch), "the term goes on");
}
