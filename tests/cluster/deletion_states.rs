//! The answers about a topic whose deletion cannot be completed yet, because a broker with a replica is down.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest};
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::support::{Broker, Chroot, Connection, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// The error of a topic in Metadata, and the number of its partitions there.
fn in_metadata(connection: &mut Connection, topic: &str, create: bool) -> Option<(ErrorCode, usize)> {
    let topics = vec![MetadataRequestTopic { name: topic.to_owned() }];
    let request =
        MetadataRequest { topics: Some(topics), allow_auto_topic_creation: create, ..Default::default() };
    let topic = connection.call(&request, 9)?.topics.remove(0);
    Some((ErrorCode::from_code(topic.error_code), topic.partitions.len()))
}

fn create(connection: &mut Connection, topic: &str) -> Option<ErrorCode> {
    create_on(connection, topic, 2)
}

fn create_on(connection: &mut Connection, topic: &str, replication_factor: i16) -> Option<ErrorCode> {
    let topic = CreatableTopic {
        name: topic.to_owned(),
        num_partitions: 2,
        replication_factor,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, validate_only: false };
    Some(ErrorCode::from_code(connection.call(&request, 4)?.topics[0].error_code))
}

#[test]
fn a_topic_on_its_way_out_is_gone_for_clients_and_cannot_be_made_again() {
    let chroot = Chroot::new();
    let first = Broker::start(1, &chroot.connect());
    let mut second = Broker::start(2, &chroot.connect());
    let mut connection = Connection::to(first.port).unwrap();
    eventually("the topic is made", LIMIT, || {
        (create(&mut connection, "t")? == ErrorCode::None).then_some(())
    });
    second.stop();
    let delete = DeleteTopicsRequest { topic_names: vec!["t".to_owned()], timeout_ms: 500 };
    // The topic leaves this broker's picture at once, though its replica elsewhere cannot be deleted.
    assert_eq!(connection.call(&delete, 5).unwrap().responses[0].error_code, 0);
    eventually("the topic is no longer in metadata", LIMIT, || {
        (in_metadata(&mut connection, "t", false)? == (ErrorCode::UnknownTopicOrPartition, 0)).then_some(())
    });
    // Its znode still exists, so that a client that wants to create the topic is asked to try again.
    assert_eq!(in_metadata(&mut connection, "t", true), Some((ErrorCode::LeaderNotAvailable, 0)));
    assert_eq!(create_on(&mut connection, "t", 1), Some(ErrorCode::TopicAlreadyExists));
    // Where its replicas would lie is looked at before.
    assert_eq!(create(&mut connection, "t"), Some(ErrorCode::InvalidReplicationFactor));
    assert_eq!(connection.produce("t", "value", 1), Some(Err(ErrorCode::UnknownTopicOrPartition as i16)));
    second.restart();
    eventually("the deletion is finished, and the name free", LIMIT, || {
        (create(&mut connection, "t")? == ErrorCode::None).then_some(())
    });
    eventually("the new topic is in metadata", LIMIT, || {
        (in_metadata(&mut connection, "t", false)? == (ErrorCode::None, 2)).then_some(())
    });
}
