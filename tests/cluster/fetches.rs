//! Fetch and ListOffsets at their edges: what older clients are sent of newer records, and requests that make no sense.
//! What is expected was seen of Kafka 2.7.2 on the same bytes.

use barnabas::base::Records;
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::compression::Compression;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

use crate::support::{Broker, Chroot, Connection, eventually};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
const UNKNOWN_SERVER_ERROR: i16 = -1;
const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;

/// A broker of topics with two partitions, and a client of it.
fn start(chroot: &Chroot) -> (Broker, Connection) {
    let broker = Broker::start_with(1, &chroot.connect(), &[("num.partitions", "2")]);
    let connection = Connection::to(broker.port).unwrap();
    (broker, connection)
}

fn make_topic(connection: &mut Connection, topic: &str) {
    let topics = vec![MetadataRequestTopic { name: topic.to_owned() }];
    let request = MetadataRequest { topics: Some(topics), ..Default::default() };
    eventually("both partitions have a leader", LIMIT, || {
        let answer = connection.call(&request, 4)?;
        let partitions = &answer.topics.first()?.partitions;
        (partitions.len() == 2 && partitions.iter().all(|it| it.error_code == 0)).then_some(())
    });
}

fn produce(connection: &mut Connection, topic: &str, partition_index: i32, records: Bytes) {
    let partitions = vec![PartitionProduceData { partition_index, records: Some(records.into()) }];
    let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
    let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id: None };
    let answer = connection.call(&request, 7).unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
}

/// A batch of records with this value.
fn batch(count: usize, value: Option<&[u8]>, codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new().compression(codec);
    let now = barnabas::base::Clock::System.now();
    (0..count).for_each(|_| builder.push(now, None, value, &[]));
    builder.build().unwrap()
}

/// A fetch of partitions of a topic: number, offset and limit of each.
fn of(topic: &str, partitions: &[(i32, i64, i32)]) -> FetchTopic {
    let partitions = partitions.iter().map(|(partition, fetch_offset, partition_max_bytes)| FetchPartition {
        partition: *partition,
        fetch_offset: *fetch_offset,
        partition_max_bytes: *partition_max_bytes,
        ..Default::default()
    });
    FetchTopic { topic: topic.to_owned(), partitions: partitions.collect() }
}

fn request(topics: Vec<FetchTopic>) -> FetchRequest {
    FetchRequest {
        replica_id: -1,
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics,
        ..Default::default()
    }
}

/// Topic, partition, error, high watermark and size of the records of each partition of an answer.
type Summary = Vec<(String, i32, i16, i64, usize)>;

fn summary(answer: &FetchResponse) -> Summary {
    let topics = answer.responses.iter();
    let partitions = topics.flat_map(|topic| topic.partition_responses.iter().map(|it| (&topic.topic, it)));
    let size = |records: &Option<Records>| records.as_ref().map_or(0, Records::len);
    partitions
        .map(|(topic, it)| {
            (topic.clone(), it.partition, it.error_code, it.high_watermark, size(&it.record_set))
        })
        .collect()
}

fn expected(summary: &[(&str, i32, i16, i64, usize)]) -> Summary {
    summary
        .iter()
        .map(|(topic, it, error, mark, size)| ((*topic).to_owned(), *it, *error, *mark, *size))
        .collect()
}

/// The records of the only partition of an answer.
fn records(answer: &FetchResponse) -> Bytes {
    answer.responses[0].partition_responses[0].record_set.as_ref().unwrap().read().unwrap()
}

fn offsets(records: Bytes) -> Vec<i64> {
    Batch::split(records).map_while(Result::ok).map(|batch| batch.header().base_offset).collect()
}

#[test]
fn a_partitions_limit_holds_after_conversion() {
    let chroot = Chroot::new();
    let (_broker, mut connection) = start(&chroot);
    make_topic(&mut connection, "t");
    for _ in 0..5 {
        produce(&mut connection, "t", 0, batch(2000, None, Compression::None));
    }
    let stored = connection.call(&request(vec![of("t", &[(0, 0, 1 << 20)])]), 4).unwrap();
    let stored = summary(&stored)[0].4;
    let sizes = [(0, 40_000, 52_000), (0, 10, 52_000), (1999, 40_000, 40_000), (500, 40_000, 40_000)];
    for (offset, limit, size) in sizes {
        // Before version 3 less than a batch is no batch, which is not converted.
        let size = if limit == 10 { 10 } else { size };
        let answer = connection.call(&request(vec![of("t", &[(0, offset, limit)])]), 1).unwrap();
        assert_eq!(
            summary(&answer),
            expected(&[("t", 0, 0, 10_000, size)]),
            "{limit} bytes from {offset} on"
        );
    }
    for (offset, limit, size) in [(0, 40_000, 68_000), (0, 10, 68_000), (500, 40_000, 51_000)] {
        let answer = connection.call(&request(vec![of("t", &[(0, offset, limit)])]), 3).unwrap();
        assert_eq!(summary(&answer)[0].4, size, "{limit} bytes from {offset} on");
    }
    let all = connection.call(&request(vec![of("t", &[(0, 0, 1 << 20)])]), 1).unwrap();
    assert_eq!(records(&all).len(), stored, "as many bytes as are stored");
    assert_eq!(offsets(records(&all)).len(), stored / 26);
    // A client that allows no more than 60,000 bytes gets on.
    let (mut next, mut answers) = (0, 0);
    while next < 10_000 {
        let answer = connection.call(&request(vec![of("t", &[(0, next, 60_000)])]), 1).unwrap();
        let records = records(&answer);
        assert!(records.len() <= 60_000);
        let found = offsets(records);
        assert_eq!(found.first(), Some(&next));
        next = found.last().unwrap() + 1;
        answers += 1;
    }
    assert_eq!(answers, 5);
}

#[test]
fn what_stands_before_a_batch_that_cannot_be_converted_is_sent() {
    let chroot = Chroot::new();
    let (_broker, mut connection) = start(&chroot);
    make_topic(&mut connection, "t");
    let codecs = [Compression::None, Compression::None, Compression::Zstd, Compression::None];
    for codec in codecs {
        produce(&mut connection, "t", 0, batch(3, Some(b"value"), codec));
    }
    for version in 0..=3 {
        let mut from =
            |offset| connection.call(&request(vec![of("t", &[(0, offset, 1 << 20)])]), version).unwrap();
        let answer = from(0);
        assert_eq!((summary(&answer)[0].2, summary(&answer)[0].3), (0, 12));
        assert_eq!(offsets(records(&answer)), [0, 1, 2, 3, 4, 5], "Fetch v{version}");
        assert_eq!(offsets(records(&from(4))), [4, 5]);
        assert_eq!(summary(&from(6)), expected(&[("t", 0, UNSUPPORTED_COMPRESSION_TYPE, -1, 0)]));
        assert_eq!(offsets(records(&from(9))), [9, 10, 11]);
    }
}

/// A topic of three records in each of its two partitions, 85 bytes as they are stored.
fn two_partitions(connection: &mut Connection, topic: &str) {
    make_topic(connection, topic);
    for partition in [0, 1] {
        produce(connection, topic, partition, batch(3, Some(b"a"), Compression::None));
    }
}

#[test]
fn limits_below_zero_are_an_error_where_there_are_records_to_read() {
    let chroot = Chroot::new();
    let (_broker, mut connection) = start(&chroot);
    two_partitions(&mut connection, "t");
    let refused = ("t", 0, UNKNOWN_SERVER_ERROR, -1, 0);
    for version in [0, 2, 3, 4, 7, 11, 12] {
        let second = ("t", 1, 0, 3, if matches!(version, 2..=3) { 105 } else { 85 });
        let answer = connection.call(&request(vec![of("t", &[(0, 0, -1), (1, 0, 100)])]), version).unwrap();
        assert_eq!(summary(&answer), expected(&[refused, second]), "Fetch v{version}");
        if version >= 3 {
            let total = request(vec![of("t", &[(0, 0, 1000), (1, 0, 100)])]);
            let answer = connection.call(&FetchRequest { max_bytes: -1, ..total }, version).unwrap();
            assert_eq!(summary(&answer), expected(&[refused, second]), "Fetch v{version}");
        }
        let answer = connection.call(&request(vec![of("t", &[(0, 3, -1)])]), version).unwrap();
        assert_eq!(summary(&answer), expected(&[("t", 0, 0, 3, 0)]), "at the end nothing is read");
        let answer = connection.call(&request(vec![of("t", &[(0, 9, -1)])]), version).unwrap();
        assert_eq!(summary(&answer), expected(&[("t", 0, OFFSET_OUT_OF_RANGE, -1, 0)]));
    }
}

#[test]
fn an_isolation_level_that_does_not_exist_refuses_the_whole_request() {
    let chroot = Chroot::new();
    let (_broker, mut connection) = start(&chroot);
    two_partitions(&mut connection, "t");
    let with = |isolation_level, topics| FetchRequest { isolation_level, session_id: 77, ..request(topics) };
    for (version, level) in [(4, 2), (4, -1), (7, 2), (11, -1), (12, 3)] {
        let answer =
            connection.call(&with(level, vec![of("t", &[(9, 0, 1), (0, 0, 1000)])]), version).unwrap();
        let refused = [9, 0].map(|partition| ("t", partition, UNKNOWN_SERVER_ERROR, -1, 0));
        assert_eq!(summary(&answer), expected(&refused), "Fetch v{version}");
        let (error, session) = if version >= 7 { (UNKNOWN_SERVER_ERROR, 77) } else { (0, 0) };
        assert_eq!((answer.error_code, answer.session_id), (error, session));
        // It is looked at only where there is anything to be read.
        let answer = connection.call(&with(level, vec![of("none", &[(0, 0, 1000)])]), version).unwrap();
        assert_eq!(summary(&answer), expected(&[("none", 0, UNKNOWN_TOPIC_OR_PARTITION, -1, 0)]));
    }
}

#[test]
fn of_a_partition_that_is_named_twice_what_is_asked_last_counts() {
    let chroot = Chroot::new();
    let (_broker, mut connection) = start(&chroot);
    two_partitions(&mut connection, "t");
    for version in [0, 4, 7, 12] {
        let whole = 85;
        for topics in [
            vec![of("t", &[(0, 0, 1000), (1, 0, 1000), (0, 3, 1000)])],
            vec![of("t", &[(0, 0, 1000)]), of("t", &[(1, 0, 1000)]), of("t", &[(0, 3, 1000)])],
        ] {
            let answer = connection.call(&request(topics.clone()), version).unwrap();
            assert_eq!(summary(&answer), expected(&[("t", 0, 0, 3, 0), ("t", 1, 0, 3, whole)]), "v{version}");
            if version >= 7 {
                let full = FetchRequest { session_epoch: 0, ..request(topics) };
                let answer = connection.call(&full, version).unwrap();
                assert_eq!(summary(&answer), expected(&[("t", 0, 0, 3, 0), ("t", 1, 0, 3, whole)]));
                let twice = vec![of("t", &[(1, 0, 1000), (1, 3, 1000)])];
                let turn = FetchRequest { session_id: answer.session_id, session_epoch: 1, ..request(twice) };
                let answer = connection.call(&turn, version).unwrap();
                assert_eq!(summary(&answer), expected(&[]), "nothing has changed");
            }
        }
    }
}

#[test]
fn partitions_that_are_not_known_come_last_and_do_not_answer_for_the_others() {
    let chroot = Chroot::new();
    let (broker, mut connection) = start(&chroot);
    two_partitions(&mut connection, "t");
    let topics = |offset| vec![of("none", &[(0, 0, 100)]), of("t", &[(0, offset, 1000), (7, 0, 100)])];
    let unknown = [("none", 0), ("t", 7)].map(|(topic, it)| (topic, it, UNKNOWN_TOPIC_OR_PARTITION, -1, 0));
    let answer = connection.call(&request(topics(0)), 7).unwrap();
    assert_eq!(summary(&answer), expected(&[("t", 0, 0, 3, 85), unknown[0], unknown[1]]));
    // At the end of the one that is known it is waited for its next record.
    let waiting = std::thread::spawn(move || {
        let waits = FetchRequest { max_wait_ms: 60_000, ..request(topics(3)) };
        connection.call(&waits, 7).unwrap()
    });
    let mut producer = Connection::to(broker.port).unwrap();
    produce(&mut producer, "t", 0, batch(1, Some(b"a"), Compression::None));
    let summary = summary(&waiting.join().unwrap());
    assert_eq!((&summary[0].0[..], summary[0].1, summary[0].2), ("t", 0, 0));
    assert!(summary[0].4 > 0, "the record has come");
    let all_unknown = FetchRequest { max_wait_ms: 60_000, ..request(vec![of("none", &[(0, 0, 100)])]) };
    assert!(producer.call(&all_unknown, 7).is_some(), "nothing is waited for");
}

#[test]
fn offsets_are_listed_or_refused_as_kafka_does() {
    let chroot = Chroot::new();
    let (_broker, mut connection) = start(&chroot);
    two_partitions(&mut connection, "t");
    let mut list = |version, replica_id, isolation_level, name: &str, max_num_offsets| {
        let partitions = [0, 9].map(|it| ListOffsetPartition {
            partition_index: it,
            timestamp: -1,
            max_num_offsets,
            ..Default::default()
        });
        let topics = vec![ListOffsetTopic { name: name.to_owned(), partitions: partitions.to_vec() }];
        let answer =
            connection.call(&ListOffsetRequest { replica_id, isolation_level, topics }, version).unwrap();
        let partitions = answer.topics[0].partitions.iter();
        partitions.map(|it| (it.error_code, it.offset, it.old_style_offsets.clone())).collect::<Vec<_>>()
    };
    let unknown = (UNKNOWN_TOPIC_OR_PARTITION, -1, vec![]);
    assert_eq!(list(0, -1, 0, "t", -1), [(UNKNOWN_SERVER_ERROR, -1, vec![]), unknown.clone()]);
    assert_eq!(list(0, -1, 0, "t", 0), [(0, -1, vec![]), unknown.clone()]);
    assert_eq!(list(0, -1, 0, "t", 1), [(0, -1, vec![3]), unknown.clone()]);
    assert_eq!(list(0, -1, 0, "none", -1), [unknown.clone(), unknown.clone()]);
    for level in [2, -1] {
        let refused = (UNKNOWN_SERVER_ERROR, -1, vec![]);
        assert_eq!(list(2, -1, level, "t", 1), [refused.clone(), refused.clone()]);
        assert_eq!(list(5, -1, level, "none", 1), [refused.clone(), refused.clone()]);
        assert_eq!(
            list(5, -2, level, "t", 1),
            [(0, 3, vec![]), unknown.clone()],
            "only consumers have a level"
        );
    }
}
