//! Coordinators whose log is still being read: what they answer meanwhile, and that they go on where the log ends.

use std::fs;
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::add_offsets_to_txn::AddOffsetsToTxnRequest;
use barnabas::wire::message::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use barnabas::wire::message::delete_groups::DeleteGroupsRequest;
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::list_groups::ListGroupsRequest;
use barnabas::wire::message::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use crate::groups::{Member, describe, fetch, find, two_members};
use crate::support::cluster::Brokers;
use crate::support::transactional::{TOPIC, TransactionalProducer, read_committed};
use crate::support::{Connection, compile_preload, eventually};

const SOON: Duration = Duration::from_secs(60);
const SETTINGS: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "0"),
    ("offsets.topic.num.partitions", "1"),
    ("transaction.state.log.num.partitions", "1"),
];
const LOADING: i16 = ErrorCode::CoordinatorLoadInProgress.code();

/// What the coordinator of group `g` answers while it loads.
fn group_requests_are_answered(members: &mut [Member; 2], producer: (i64, i16)) {
    let [one, other] = members;
    assert_eq!(one.join_once().error_code, LOADING);
    assert_eq!(one.sync(&[]).error_code, ErrorCode::RebalanceInProgress.code(), "it is to join anew");
    assert_eq!((one.heartbeat(), other.heartbeat()), (0, 0), "the members go on");
    assert_eq!((one.commit(9), one.leave_group().error_code), (LOADING, LOADING));
    let connection = &mut one.connection;
    assert_eq!(fetch(connection), (-1, LOADING));
    assert_eq!(describe(connection).error_code, LOADING);
    let delete = DeleteGroupsRequest { groups_names: vec!["g".to_owned()] };
    assert_eq!(connection.call(&delete, 2).unwrap().results[0].error_code, LOADING);
    let listed = connection.call(&ListGroupsRequest::default(), 4).unwrap();
    assert_eq!((listed.error_code, listed.groups.len()), (LOADING, 0));
    let partition = TxnOffsetCommitRequestPartition { committed_offset: 9, ..Default::default() };
    let commit = TxnOffsetCommitRequest {
        transactional_id: "app".to_owned(),
        group_id: "g".to_owned(),
        producer_id: producer.0,
        producer_epoch: producer.1,
        topics: vec![TxnOffsetCommitRequestTopic { name: "t".to_owned(), partitions: vec![partition] }],
        ..Default::default()
    };
    // Older producers know no such error.
    let not_available = ErrorCode::CoordinatorNotAvailable.code();
    for (version, error) in [(0, not_available), (1, not_available), (2, LOADING), (3, LOADING)] {
        let response = connection.call(&commit, version).unwrap();
        assert_eq!(response.topics[0].partitions[0].error_code, error, "version {version}");
    }
}

/// What the coordinator of transactional id `app` answers while it loads.
fn transaction_requests_are_answered(connection: &mut Connection, (producer_id, producer_epoch): (i64, i16)) {
    let transactional_id = "app".to_owned();
    let init = InitProducerIdRequest {
        transactional_id: Some(transactional_id.clone()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    assert_eq!(connection.call(&init, 4).unwrap().error_code, LOADING);
    let topics = vec![AddPartitionsToTxnTopic { name: "t".to_owned(), partitions: vec![0] }];
    let add = AddPartitionsToTxnRequest {
        transactional_id: transactional_id.clone(),
        producer_id,
        producer_epoch,
        topics,
    };
    assert_eq!(connection.call(&add, 2).unwrap().results[0].results[0].error_code, LOADING);
    let offsets = AddOffsetsToTxnRequest {
        transactional_id: transactional_id.clone(),
        producer_id,
        producer_epoch,
        group_id: "g".to_owned(),
    };
    assert_eq!(connection.call(&offsets, 2).unwrap().error_code, LOADING);
    let end = EndTxnRequest { transactional_id, producer_id, producer_epoch, committed: true };
    assert_eq!(connection.call(&end, 2).unwrap().error_code, LOADING);
}

/// The disk of the broker that takes both coordinators over does not let their logs be read, until it is asked all of
/// this.
#[test]
fn coordinators_that_load_say_so_and_go_on_where_the_log_ends() {
    let mut brokers = Brokers::start(2, SETTINGS);
    let slow = brokers.broker(2).directory().join("slow");
    let Some(library) = compile_preload("slow_disk.c", brokers.broker(2).directory()) else {
        return println!("SKIPPED: no C compiler");
    };
    brokers.broker(2).set_environment("LD_PRELOAD", &library.display().to_string());
    brokers.broker(2).set_environment("SLOW_DISK", &slow.display().to_string());
    brokers.broker(2).stop();
    brokers.broker(2).restart();
    brokers.create_topic("__consumer_offsets", "1:2", &["cleanup.policy=compact"]);
    brokers.create_topic(TOPIC, "1:2", &["cleanup.policy=compact"]);
    brokers.create("2:1", &[]);
    let port = brokers.broker(1).port;
    eventually("the groups are loaded", SOON, || {
        (fetch(&mut Connection::to(port)?) == (-1, 0)).then_some(())
    });
    let mut members = two_members(port);
    assert_eq!(members[0].commit(5), 0);
    let mut app = TransactionalProducer::new("app", 60_000);
    assert_eq!(app.init(&brokers), ErrorCode::None);
    assert_eq!(app.add(&brokers, &["t"]), ErrorCode::None);
    assert_eq!(app.produce(&brokers, "t", "in the transaction"), ErrorCode::None);

    fs::write(&slow, "").unwrap();
    brokers.broker(1).kill();
    let mut connection = brokers.connection(2);
    eventually("the other broker coordinates", SOON, || {
        find(&mut connection).filter(|found| found.node_id == 2).map(drop)
    });
    brokers.await_leader_of(TOPIC, 2);
    for member in &mut members {
        member.connection = brokers.connection(2).with_patience(SOON);
    }
    group_requests_are_answered(&mut members, app.producer);
    transaction_requests_are_answered(&mut connection, app.producer);
    connection.produce("t", "beside", 1).expect("an answer").expect("others are served");
    assert_ne!(fs::metadata(&slow).unwrap().len(), 0, "the disk was asked for the logs");

    fs::remove_file(&slow).unwrap();
    let [one, other] = &mut members;
    eventually("the groups are loaded", SOON, || (fetch(&mut one.connection) == (5, 0)).then_some(()));
    assert_eq!((one.heartbeat(), other.heartbeat(), one.commit(6)), (0, 0, 0), "the generation goes on");
    assert_eq!(app.end(&brokers, true), ErrorCode::None, "and so does the transaction");
    eventually("the transaction is seen", SOON, || {
        (read_committed(&brokers, "t") == ["in the transaction", "beside"]).then_some(())
    });
}
