//! The records of a leader are on other brokers too: fetched by them, kept when the leader dies, truncated
//! where they must be.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};

use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};

use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(30);
/// `inter.broker.protocol.version`, which decides how the ISR is changed: by the controller on request, or by
/// the leader in ZooKeeper.
const ROADS: [&str; 2] = ["2.7", "2.6"];

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
        brokers.broker(1).restart();
        brokers.await_isr(&[1, 2, 3]);
        assert_eq!(segment(&brokers.all[&1]), segment(&brokers.all[&2]), "IBP {road}");
    }
}

#[test]
fn a_follower_that_stalls_leaves_the_isr_and_comes_back() {
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
        brokers.broker(3).process().stand_still();
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
        // It stands in ZooKeeper before the leader has its answer.
        eventually("the leader knows that all are in sync", SOON, || {
            connection.produce("t", "again", -1)?.ok()
        });
    }
}

#[test]
fn a_leader_that_comes_back_with_more_records_is_truncated() {
    let mut brokers = Brokers::start(2, &[("inter.broker.protocol.version", "2.6")]);
    brokers.create("1:2", &["min.insync.replicas=1"]);
    brokers.produce(1, 0..10);
    // The follower stands still while the leader takes what it acknowledges alone.
    brokers.broker(2).process().stand_still();
    let mut connection = brokers.connection(1);
    for number in 10..20 {
        connection.produce("t", &format!("lost {number}"), 1).unwrap().unwrap();
    }
    brokers.broker(1).kill();
    brokers.broker(2).process_mut().signal("CONT");
    brokers.await_leader(2);
    brokers.produce(2, 10..15);
    brokers.broker(1).restart();
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
    let racks = |id: i32, _: &Chroot| vec![("broker.rack", format!("r{id}"))];
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
        let config = IncrementalAlterableConfig {
            name: "leader.replication.throttled.rate".to_owned(),
            config_operation: 0,
            value: Some(rate.to_owned()),
        };
        let broker = 4;
        let resource = IncrementalAlterConfigsResource {
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

/// Deletes what lies before an offset of `t-0`, at its leader.
fn delete_before(brokers: &Brokers, leader: i32, offset: i64) {
    let partition = DeleteRecordsPartition { partition_index: 0, offset };
    let topic = DeleteRecordsTopic { name: "t".to_owned(), partitions: vec![partition] };
    let request = DeleteRecordsRequest { topics: vec![topic], timeout_ms: 10_000 };
    let answer = brokers.connection(leader).call(&request, 1).unwrap();
    let partition = &answer.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.low_watermark), (0, offset), "{answer:?}");
}

/// The start of a broker's log of `t-0`, as consumers get it that may read from followers.
fn log_start(brokers: &Brokers, id: i32) -> Option<i64> {
    let partition = ListOffsetPartition { timestamp: -2, ..Default::default() };
    let topic = ListOffsetTopic { name: "t".to_owned(), partitions: vec![partition] };
    // The debugging replica's id: any broker with the log answers.
    let request = ListOffsetRequest { replica_id: -2, isolation_level: 0, topics: vec![topic] };
    let answer = brokers.connection(id).call(&request, 5)?;
    let partition = &answer.topics.first()?.partitions.first()?;
    (partition.error_code == 0).then_some(partition.offset)
}

#[test]
fn what_is_deleted_at_the_leader_is_deleted_at_its_followers() {
    let brokers = Brokers::start(2, &[]);
    brokers.create("1:2", &["min.insync.replicas=2"]);
    brokers.produce(1, 0..10);
    delete_before(&brokers, 1, 7);
    assert_eq!(log_start(&brokers, 1), Some(7));
    // The answer waited for the follower.
    assert_eq!(log_start(&brokers, 2), Some(7));
}

#[test]
fn a_follower_whose_offset_the_leader_no_longer_has_begins_where_the_leader_does() {
    let mut brokers = Brokers::start(
        2,
        &[
            ("log.segment.bytes", "1000"),
            ("log.segment.delete.delay.ms", "100"),
            ("log.retention.check.interval.ms", "100"),
        ],
    );
    brokers.create("1:2", &["min.insync.replicas=1"]);
    brokers.produce(1, 0..5);
    brokers.broker(2).stop();
    brokers.await_isr(&[1]);
    brokers.produce(1, 5..100);
    delete_before(&brokers, 1, 60);
    brokers.broker(2).restart();
    brokers.await_isr(&[1, 2]);
    assert_eq!(log_start(&brokers, 2), Some(60));
    brokers.broker(1).stop();
    brokers.await_leader(2);
    let found = brokers.connection(2).read_from("t", 60);
    assert_eq!(
        found,
        (60..100).map(|number| (i64::from(number), format!("record {number}"))).collect::<Vec<_>>()
    );
}

#[test]
fn followers_of_an_unclean_leader_are_truncated_to_its_log() {
    let mut brokers = Brokers::start(2, &[]);
    brokers.create("1:2", &["min.insync.replicas=1", "unclean.leader.election.enable=true"]);
    brokers.produce(1, 0..5);
    brokers.broker(2).kill();
    brokers.await_isr(&[1]);
    brokers.produce(1, 5..20);
    brokers.broker(1).kill();
    brokers.broker(2).restart();
    brokers.await_leader(2);
    assert_eq!(brokers.values(2), records(0..5), "what only the other had is lost");
    brokers.produce(2, 20..22);
    brokers.broker(1).restart();
    brokers.await_isr(&[1, 2]);
    assert_eq!(segment(&brokers.all[&1]), segment(&brokers.all[&2]));
}

#[test]
fn a_deleted_topic_leaves_no_replica_behind() {
    let brokers = Brokers::start(2, &[("num.replica.fetchers", "3")]);
    let topics = ["a", "b", "c", "d"];
    for (at, topic) in topics.iter().enumerate() {
        brokers.create_topic(topic, if at % 2 == 0 { "1:2,1:2,1:2" } else { "2:1,2:1,2:1" }, &[]);
    }
    let connect = brokers.chroot.connect();
    for topic in topics {
        let deleted = tool("topics", &["--zookeeper", &connect, "--delete", "--topic", topic]);
        assert!(deleted.status.success(), "{deleted:?}");
    }
    for broker in brokers.all.values() {
        eventually("the logs are gone", SOON, || {
            let mut left = std::fs::read_dir(broker.data()).unwrap().flatten();
            let serving = |name: String| {
                name.contains('-') && !name.contains("-delete") && !name.ends_with("checkpoint")
            };
            (!left.any(|entry| entry.path().is_dir() && serving(entry.file_name().into_string().unwrap())))
                .then_some(())
        });
    }
}

#[test]
fn enabling_unclean_election_gives_a_partition_a_leader_at_once() {
    for entity in [(2, "t"), (4, "")] {
        let mut brokers = Brokers::start(2, &[]);
        brokers.create("1:2", &["min.insync.replicas=1"]);
        brokers.produce(1, 0..5);
        brokers.broker(2).kill();
        brokers.await_isr(&[1]);
        brokers.broker(1).kill();
        brokers.broker(2).restart();
        eventually("the partition has no leader", SOON, || (brokers.state().leader == -1).then_some(()));
        let config = IncrementalAlterableConfig {
            name: "unclean.leader.election.enable".to_owned(),
            config_operation: 0,
            value: Some("true".to_owned()),
        };
        let (resource_type, name) = entity;
        let resource = IncrementalAlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: vec![config],
        };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        // A broker that has just started knows no topic before the controller's first UpdateMetadata.
        let error = eventually("the topic is known", SOON, || {
            let error = brokers.connection(2).call(&request, 1)?.responses[0].error_code;
            (error != ErrorCode::UnknownTopicOrPartition as i16).then_some(error)
        });
        assert_eq!(error, 0);
        brokers.await_leader(2);
    }
}
