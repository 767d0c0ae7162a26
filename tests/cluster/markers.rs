//! Markers that end transactions, driven by raw requests: offsets that were committed in a transaction
//! count once its marker is written, and what is known of producers and transactions survives the leader.

use std::time::Duration;

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use barnabas::wire::message::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use barnabas::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};

use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, eventually};

const SOON: Duration = Duration::from_secs(60);
/// The producer of every transaction here, in this epoch.
const PRODUCER: i64 = 9;
const EPOCH: i16 = 2;
/// The coordinator that ends them.
const COORDINATOR: i32 = 4;
const COMMITTED: i8 = 1;

/// Writes a marker to the first partition of a topic; the error.
fn end(connection: &mut Connection, topic: &str, committed: bool, coordinator_epoch: i32) -> i16 {
    let topics = vec![WritableTxnMarkerTopic { name: topic.to_owned(), partition_indexes: vec![0] }];
    let marker = WritableTxnMarker {
        producer_id: PRODUCER,
        producer_epoch: EPOCH,
        transaction_result: committed,
        topics,
        coordinator_epoch,
    };
    let response = connection.call(&WriteTxnMarkersRequest { markers: vec![marker] }, 0);
    response.expect("an answer to WriteTxnMarkers").markers[0].topics[0].partitions[0].error_code
}

/// Commits an offset of `t-0` for group `g` within the producer's transaction; the error.
fn commit_offset(connection: &mut Connection, offset: i64) -> i16 {
    let partition = TxnOffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    let request = TxnOffsetCommitRequest {
        transactional_id: "x".to_owned(),
        group_id: "g".to_owned(),
        producer_id: PRODUCER,
        producer_epoch: EPOCH,
        topics: vec![TxnOffsetCommitRequestTopic { name: "t".to_owned(), partitions: vec![partition] }],
        ..Default::default()
    };
    let response = connection.call(&request, 2).expect("an answer to TxnOffsetCommit");
    response.topics[0].partitions[0].error_code
}

/// The offset of `t-0` that group `g` has, and its error.
fn offset(connection: &mut Connection) -> (i64, i16) {
    let topic = OffsetFetchRequestTopic { name: "t".to_owned(), partition_indexes: vec![0] };
    let request =
        OffsetFetchRequest { group_id: "g".to_owned(), topics: Some(vec![topic]), require_stable: true };
    let response = connection.call(&request, 7).expect("an answer to OffsetFetch");
    let partition = response.topics.first().map(|topic| &topic.partitions[0]);
    partition.map_or((-1, response.error_code), |it| (it.committed_offset, it.error_code))
}

#[test]
fn offsets_of_a_transaction_count_once_its_marker_is_written() {
    let chroot = Chroot::new();
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("offsets.topic.num.partitions", "1")]);
    let mut connection = Connection::to(broker.port).unwrap().with_patience(SOON);
    eventually("the topic has a leader", SOON, || connection.has_leader("t").filter(|led| *led));
    eventually("the group has a coordinator", SOON, || {
        let request = FindCoordinatorRequest { key: "g".to_owned(), key_type: 0 };
        connection.call(&request, 3).filter(|found| found.error_code == 0)
    });
    eventually("it has loaded", SOON, || (offset(&mut connection) == (-1, 0)).then_some(()));
    let unstable = ErrorCode::UnstableOffsetCommit.code();

    assert_eq!(commit_offset(&mut connection, 5), 0);
    assert_eq!(offset(&mut connection), (-1, unstable), "the transaction is open");
    assert_eq!(end(&mut connection, "__consumer_offsets", true, COORDINATOR), 0);
    assert_eq!(offset(&mut connection), (5, 0));

    assert_eq!(commit_offset(&mut connection, 8), 0);
    let fenced = ErrorCode::TransactionCoordinatorFenced.code();
    assert_eq!(end(&mut connection, "__consumer_offsets", true, COORDINATOR - 1), fenced);
    assert_eq!(offset(&mut connection), (-1, unstable), "an old coordinator ends nothing");
    assert_eq!(end(&mut connection, "__consumer_offsets", false, COORDINATOR), 0);
    assert_eq!(offset(&mut connection), (5, 0), "what was aborted never counts");

    assert_eq!(commit_offset(&mut connection, 9), 0);
    broker.stop();
    broker.restart();
    let mut connection = Connection::to(broker.port).unwrap().with_patience(SOON);
    eventually("it has loaded", SOON, || (offset(&mut connection) == (-1, unstable)).then_some(()));
    assert_eq!(end(&mut connection, "__consumer_offsets", true, COORDINATOR), 0);
    assert_eq!(offset(&mut connection), (9, 0), "a transaction goes on after a restart");
}

/// Produces a batch of the producer to `t-0`: error, offset.
fn produce(connection: &mut Connection, sequence: i32, transactional: bool) -> (i16, i64) {
    let mut builder = BatchBuilder::new().producer(PRODUCER, EPOCH, sequence).transactional(transactional);
    builder.push(Clock::System.now(), None, Some(sequence.to_string().as_bytes()), &[]);
    let records = Some(Records::Memory(builder.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index: 0, records }];
    let topics = vec![TopicProduceData { name: "t".to_owned(), partitions }];
    let transactional_id = Some("x".to_owned());
    let request = ProduceRequest { acks: -1, timeout_ms: 30_000, topics, transactional_id };
    let response = connection.call(&request, 8).expect("an answer to Produce");
    let partition = &response.responses[0].partitions[0];
    (partition.error_code, partition.base_offset)
}

/// Where a reader of committed records finds the end of `t-0`; None as long as a new leader does not know it.
fn stable_end(connection: &mut Connection) -> Option<i64> {
    let partition = ListOffsetPartition { timestamp: -1, ..Default::default() };
    let topics = vec![ListOffsetTopic { name: "t".to_owned(), partitions: vec![partition] }];
    let request = ListOffsetRequest { replica_id: -1, isolation_level: COMMITTED, topics };
    let response = connection.call(&request, 5)?;
    let partition = &response.topics[0].partitions[0];
    (partition.error_code == 0).then_some(partition.offset)
}

/// The first offsets of the aborted transactions that a reader of committed records sees.
fn aborted(connection: &mut Connection) -> Vec<i64> {
    let partition = FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
    let request = FetchRequest {
        replica_id: -1,
        max_bytes: 1 << 20,
        isolation_level: COMMITTED,
        session_epoch: -1,
        topics: vec![FetchTopic { topic: "t".to_owned(), partitions: vec![partition] }],
        ..Default::default()
    };
    let response = connection.call(&request, 11).expect("an answer to Fetch");
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, 0);
    partition.aborted_transactions.iter().flatten().map(|it| it.first_offset).collect()
}

#[test]
fn a_new_leader_knows_the_producers_and_their_transactions() {
    let mut brokers = Brokers::start(3, &[]);
    brokers.create("1:2:3", &["min.insync.replicas=2"]);
    let mut leader = brokers.connection(1).with_patience(SOON);
    for sequence in 0..3 {
        assert_eq!(produce(&mut leader, sequence, false), (0, i64::from(sequence)));
    }
    assert_eq!(produce(&mut leader, 3, true), (0, 3));
    assert_eq!(end(&mut leader, "t", false, COORDINATOR), 0);
    assert_eq!(produce(&mut leader, 4, true), (0, 5));
    assert_eq!(stable_end(&mut leader), Some(5));

    brokers.broker(1).kill();
    eventually("another broker leads", SOON, || (brokers.state().leader > 1).then_some(()));
    let mut leader = brokers.connection(brokers.state().leader).with_patience(SOON);
    // Until its high watermark is where its predecessor's may have been, it knows no end (KIP-207).
    let stable = eventually("it knows the end", SOON, || stable_end(&mut leader));
    assert_eq!(stable, 5, "the transaction is open");
    assert_eq!(aborted(&mut leader), [3]);
    assert_eq!(produce(&mut leader, 4, true), (0, 5), "a duplicate has its first offset");
    assert_eq!(produce(&mut leader, 0, false), (0, 0), "so has the oldest of five");
    assert_eq!(produce(&mut leader, 9, true), (ErrorCode::OutOfOrderSequenceNumber.code(), -1));
    assert_eq!(produce(&mut leader, 5, false), (ErrorCode::InvalidTxnState.code(), -1));
    assert_eq!(end(&mut leader, "t", true, COORDINATOR - 1), ErrorCode::TransactionCoordinatorFenced.code());
    assert_eq!(end(&mut leader, "t", true, COORDINATOR), 0);
    assert_eq!(stable_end(&mut leader), Some(7));
    assert_eq!(produce(&mut leader, 5, true), (0, 7));
}
