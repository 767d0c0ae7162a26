//! Brokers lost until one is left, and topics that want more brokers than there are.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::support::cluster::Brokers;
use crate::support::{eventually, tool};

const SOON: Duration = Duration::from_secs(30);

fn records(numbers: std::ops::Range<i32>) -> Vec<String> {
    numbers.map(|number| format!("record {number}")).collect()
}

/// Stops broker after broker, the leader first, and writes to the remaining ones; returns the last one.
fn lose_all_but_one(brokers: &mut Brokers) -> i32 {
    let mut left: Vec<i32> = brokers.all.keys().copied().collect();
    let mut written = 0;
    loop {
        let leader = brokers.state().leader;
        brokers.produce(leader, written..written + 50);
        written += 50;
        if left.len() == 1 {
            return leader;
        }
        brokers.broker(leader).kill();
        left.retain(|id| *id != leader);
        // The next leader has led since the others' sessions ended, and is alone in what it waits for.
        brokers.await_isr(&left);
        let next = eventually("another leads", SOON, || Some(brokers.state().leader).filter(|id| *id >= 0));
        brokers.await_leader(next);
    }
}

#[test]
fn the_last_of_all_replicas_serves_what_was_acknowledged() {
    for count in [3, 4] {
        let replicas = (1..=count).map(|id| id.to_string()).collect::<Vec<_>>().join(":");
        let mut brokers = Brokers::start(count, &[]);
        brokers.create(&replicas, &["min.insync.replicas=1"]);
        let last = lose_all_but_one(&mut brokers);
        assert_eq!(brokers.values(last), records(0..50 * count), "{count} replicas");
        // Those that come back copy what they missed, and the first of them may lead again.
        let others: Vec<i32> = brokers.all.keys().copied().filter(|id| *id != last).collect();
        others.iter().for_each(|id| brokers.broker(*id).restart());
        let all: Vec<i32> = (1..=count).collect();
        brokers.await_isr(&all);
        brokers.broker(last).kill();
        brokers.await_leader(1);
        assert_eq!(brokers.values(1), records(0..50 * count), "{count} replicas, after the last one");
    }
}

#[test]
fn all_replicas_but_one_lost_at_once_leave_all_that_was_acknowledged() {
    for last in 1..=3 {
        let mut brokers = Brokers::start(3, &[]);
        brokers.create("1:2:3", &["min.insync.replicas=2"]);
        brokers.produce(1, 0..200);
        for lost in (1..=3).filter(|id| *id != last) {
            brokers.broker(lost).kill();
        }
        brokers.await_isr(&[last]);
        brokers.await_leader(last);
        assert_eq!(brokers.values(last), records(0..200), "{last} is left");
        // One alone is not enough for more.
        let refused = brokers.connection(last).produce("t", "more", -1);
        assert_eq!(refused, Some(Err(ErrorCode::NotEnoughReplicas as i16)), "{last} is left");
    }
}

/// Fails where anything of a topic is in ZooKeeper.
fn assert_nothing_of(brokers: &Brokers, topic: &str) {
    for parent in ["/brokers/topics", "/config/topics"] {
        assert_eq!(brokers.look(&format!("{parent}/{topic}")), None);
    }
}

#[test]
fn a_topic_with_more_replicas_than_live_brokers_is_refused_by_every_road_and_leaves_nothing() {
    const REFUSAL: &str = "Replication factor: 3 larger than available brokers: 2.";
    let mut brokers = Brokers::start(3, &[("default.replication.factor", "3")]);
    // Of three that are known two live.
    brokers.broker(3).kill();
    eventually("the third is gone", SOON, || brokers.look("/brokers/ids/3").is_none().then_some(()));
    let (connect, bootstrap) = (brokers.chroot.connect(), brokers.all[&1].bootstrap());
    for (road, to) in [("--zookeeper", &connect), ("--bootstrap-server", &bootstrap)] {
        let size = ["--partitions", "2", "--replication-factor", "3"];
        let refused = tool("topics", &[&[road, to, "--create", "--topic", "tool"], &size[..]].concat());
        let printed = String::from_utf8_lossy(&refused.stdout);
        assert!(printed.contains(&format!("Error while executing topic command : {REFUSAL}")), "{refused:?}");
        assert_eq!(refused.status.code(), Some(1));
        assert_nothing_of(&brokers, "tool");
    }
    let controller = brokers.controller().unwrap();
    let topic = |name: &str, replication_factor| CreatableTopic {
        name: name.to_owned(),
        num_partitions: 2,
        replication_factor,
        ..Default::default()
    };
    for validate_only in [true, false] {
        let topics = vec![topic("three", 3), topic("default", -1), topic("two", 2)];
        let request = CreateTopicsRequest { topics, timeout_ms: 30_000, validate_only };
        let answer = brokers.connection(controller).call(&request, 5).unwrap();
        for result in &answer.topics {
            let (code, message) = (result.error_code, result.error_message.as_deref());
            let wanted = match result.name.as_str() {
                "two" => (ErrorCode::None as i16, None),
                _ => (ErrorCode::InvalidReplicationFactor as i16, Some(REFUSAL)),
            };
            assert_eq!((code, message), wanted, "{answer:?}");
        }
        assert_nothing_of(&brokers, "three");
        assert_nothing_of(&brokers, "default");
        assert_eq!(brokers.look("/brokers/topics/two").is_some(), !validate_only);
    }
    // By being asked for: of the default's three replicas.
    let topics = Some(vec![MetadataRequestTopic { name: "asked".to_owned() }]);
    let request = MetadataRequest { topics, allow_auto_topic_creation: true, ..Default::default() };
    let answer = brokers.connection(1).call(&request, 5).unwrap();
    assert_eq!(answer.topics[0].error_code, ErrorCode::InvalidReplicationFactor as i16, "{answer:?}");
    assert_nothing_of(&brokers, "asked");
}
