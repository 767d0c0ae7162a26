//! Invalid topics, and topics that cannot exist now: refused in requests, and when a client writes them into
//! ZooKeeper.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use barnabas::wire::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::zk::CreateMode;
use barnabas::zk::znode::delete_topic;
use barnabas::zk::znode::topic::{self, TopicZNode};

use crate::support::cluster::Brokers;
use crate::support::{Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(30);

/// Asks for these partition counts; each topic's error and message.
fn grow(connection: &mut Connection, topics: &[(&str, i32)]) -> Vec<(String, ErrorCode, Option<String>)> {
    let topics = topics.iter().map(|(name, count)| CreatePartitionsTopic {
        name: (*name).to_owned(),
        count: *count,
        assignments: None,
    });
    let request =
        CreatePartitionsRequest { topics: topics.collect(), timeout_ms: 10_000, ..Default::default() };
    let answer = connection.call(&request, 2).unwrap();
    let results = answer.results.into_iter();
    results.map(|it| (it.name, ErrorCode::from_code(it.error_code), it.error_message)).collect()
}

/// Requests a topic of one partition, with the replicas given or assigned by the broker; returns its error
/// and message.
fn create(
    connection: &mut Connection,
    name: &str,
    replicas: Option<Vec<i32>>,
) -> (ErrorCode, Option<String>) {
    let is_assigned_by_broker = replicas.is_none();
    let assignments = replicas.map(|ids| CreatableReplicaAssignment { partition_index: 0, broker_ids: ids });
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: if is_assigned_by_broker { 1 } else { -1 },
        replication_factor: if is_assigned_by_broker { 1 } else { -1 },
        assignments: assignments.into_iter().collect(),
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
    let result = connection.call(&request, 4).unwrap().topics.remove(0);
    (ErrorCode::from_code(result.error_code), result.error_message)
}

/// A topic in Metadata, which creates it if `create` is set.
fn metadata(connection: &mut Connection, name: &str, create: bool) -> ErrorCode {
    let topics = Some(vec![MetadataRequestTopic { name: name.to_owned() }]);
    let request = MetadataRequest { topics, allow_auto_topic_creation: create, ..Default::default() };
    ErrorCode::from_code(connection.call(&request, 4).unwrap().topics[0].error_code)
}

#[test]
fn a_topic_that_is_queued_for_deletion_gets_no_partitions_and_others_do() {
    let mut brokers = Brokers::start(2, &[]);
    brokers.create("1:2", &[]);
    brokers.create_topic("u", "1", &[]);
    brokers.broker(2).kill();
    brokers.await_isr(&[1]);
    let deleted = tool("topics", &["--zookeeper", &brokers.chroot.connect(), "--delete", "--topic", "t"]);
    assert!(deleted.status.success(), "{deleted:?}");
    let before = brokers.look(&topic::path("t"));
    eventually("the first is the controller", SOON, || (brokers.controller()? == 1).then_some(()));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        grow(&mut brokers.connection(1), &[("t", 2), ("u", 2), ("none", 2)]),
        [
            ("u".to_owned(), ErrorCode::None, None),
            ("none".to_owned(), ErrorCode::UnknownTopicOrPartition, text("The topic 'none' does not exist.")),
            ("t".to_owned(), ErrorCode::InvalidTopicException, text("The topic is queued for deletion.")),
        ]
    );
    assert_eq!(brokers.look(&topic::path("t")), before, "nothing is written");
}

#[test]
fn replicas_are_not_assigned_if_only_some_brokers_have_a_rack() {
    let brokers = Brokers::start_each(2, &[], |id, _| match id {
        1 => vec![("broker.rack", "a".to_owned())],
        _ => Vec::new(),
    });
    let mut controller = brokers.connection(1);
    let refused = (ErrorCode::UnknownServerError, None);
    assert_eq!(create(&mut controller, "t", None), refused);
    assert_eq!(create(&mut controller, "a b", None), refused, "placed before the name is looked at");
    assert_eq!(create(&mut controller, "t", Some(vec![1, 2])), (ErrorCode::None, None));
    let results = grow(&mut controller, &[("t", 2), ("none", 2)]);
    assert!(results.iter().all(|(_, error, text)| (*error, text.clone()) == refused), "{results:?}");
    eventually("a topic made by being asked for does without racks", SOON, || {
        controller.has_leader("auto")?.then_some(())
    });
}

#[test]
fn metadata_of_a_name_that_no_topic_can_have() {
    let brokers = Brokers::start(1, &[]);
    let mut connection = brokers.connection(1);
    assert_eq!(metadata(&mut connection, "a b", false), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(metadata(&mut connection, "a b", true), ErrorCode::InvalidTopicException);
}

#[test]
fn topics_written_into_zookeeper_under_impossible_names_are_left_alone() {
    let mut brokers = Brokers::start(1, &[]);
    brokers.create("1", &[]);
    let (long, data) = ("l".repeat(250), TopicZNode::new([(0, vec![1])]).encode());
    let names = ["a b", "x$y", "n\u{e9}", &long];
    for name in names {
        brokers.write(&topic::path(name), &data, CreateMode::Persistent);
        brokers.all[&1].process().wait_for_line(&format!("Ignoring topic {name:?} in ZooKeeper"), SOON);
    }
    let wild = TopicZNode::new([(0, vec![1]), (1, vec![]), (2, vec![1, 1]), (-1, vec![1])]);
    brokers.write(&topic::path("wild"), &wild.encode(), CreateMode::Persistent);
    eventually("what can be brought online is", SOON, || {
        brokers.connection(1).has_leader("wild")?.then_some(())
    });
    brokers.produce(1, 0..20);

    let made = |brokers: &Brokers| {
        let entries = std::fs::read_dir(brokers.all[&1].data()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(|it: char| it.is_ascii_digit())).collect();
        names.sort();
        names
    };
    assert_eq!(made(&brokers), ["t-0", "wild-0"]);
    brokers.broker(1).stop();
    brokers.broker(1).restart();
    eventually("the others are served again", SOON, || brokers.connection(1).has_leader("t")?.then_some(()));
    assert_eq!(brokers.values(1).len(), 20);
    assert_eq!(made(&brokers), ["t-0", "wild-0"]);

    for name in names {
        brokers.write(&delete_topic::path(name), b"", CreateMode::Persistent);
        eventually("it can be deleted", SOON, || brokers.look(&topic::path(name)).is_none().then_some(()));
    }
}
