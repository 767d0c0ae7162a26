//! Batches whose headers contradict their records, or whose requests name a partition twice, sent to a
//! broker.

use std::time::Duration;

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::legacy::MessageSetBuilder;
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use barnabas::wire::message::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use bytes::Bytes;

use crate::support::{Broker, Chroot, Connection, eventually};

const PATIENCE: Duration = Duration::from_secs(30);
const EARLIEST: i64 = -2;

fn started(settings: &[(&str, &str)], topics: &[&str]) -> (Chroot, Broker, Connection) {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), settings);
    let mut connection = Connection::to(broker.port).unwrap();
    for topic in topics {
        eventually("the topic has a leader", PATIENCE, || connection.has_leader(topic)?.then_some(()));
    }
    (chroot, broker, connection)
}

fn batch(time: i64, codec: Compression, value: &str) -> Bytes {
    let mut builder = BatchBuilder::new().compression(codec);
    builder.push(time, None, Some(value.as_bytes()), &[]);
    builder.build().unwrap()
}

/// The batch with another largest timestamp in its header, its checksum right.
fn with_max_timestamp(batch: &Bytes, timestamp: i64) -> Bytes {
    let mut batch = batch.to_vec();
    batch[35..43].copy_from_slice(&timestamp.to_be_bytes());
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.into()
}

fn produce(
    connection: &mut Connection,
    version: i16,
    topics: &[(&str, &[Bytes])],
) -> Vec<(String, PartitionProduceResponse)> {
    let data = |records: &Bytes| PartitionProduceData {
        partition_index: 0,
        records: Some(Records::Memory(records.clone())),
    };
    let topics = topics.iter().map(|(name, sets)| TopicProduceData {
        name: (*name).to_owned(),
        partitions: sets.iter().map(data).collect(),
    });
    let request =
        ProduceRequest { acks: 1, timeout_ms: 5000, topics: topics.collect(), transactional_id: None };
    let answer = connection.call(&request, version).unwrap();
    let of_topic = |topic: barnabas::wire::message::produce::TopicProduceResponse| {
        topic.partitions.into_iter().map(move |partition| (topic.name.clone(), partition))
    };
    answer.responses.into_iter().flat_map(of_topic).collect()
}

fn produce_one(connection: &mut Connection, topic: &str, records: Bytes) -> (i16, i64) {
    let answers = produce(connection, 8, &[(topic, &[records])]);
    (answers[0].1.error_code, answers[0].1.base_offset)
}

fn offset_at(connection: &mut Connection, topic: &str, timestamp: i64) -> i64 {
    let partition =
        ListOffsetPartition { partition_index: 0, timestamp, current_leader_epoch: -1, ..Default::default() };
    let topics = vec![ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] }];
    let request = ListOffsetRequest { replica_id: -1, topics, ..Default::default() };
    connection.call(&request, 1).unwrap().topics[0].partitions[0].offset
}

#[test]
fn records_are_kept_as_long_as_their_timestamps_allow() {
    let settings = [("log.retention.check.interval.ms", "100"), ("log.retention.ms", "600000")];
    let (_chroot, _broker, mut connection) = started(&settings, &["t", "old", "future"]);
    let now = Clock::System.now();
    for (at, codec) in (0..).zip(Compression::ALL) {
        for (more, time) in (0..).zip([0, -1, 1_000_000]) {
            let odd = with_max_timestamp(&batch(now, codec, "v"), time);
            assert_eq!(produce_one(&mut connection, "t", odd), (0, at * 3 + more), "{codec:?} {time}");
        }
        let odd = with_max_timestamp(&batch(1_000_000, codec, "v"), i64::MAX);
        assert_eq!(produce_one(&mut connection, "future", odd).0, 0, "{codec:?}");
    }
    assert_eq!(offset_at(&mut connection, "t", now - 1), 0);
    // Two rounds over a topic of nothing but old records: in between every other topic was looked at.
    for end in 1..=2 {
        assert_eq!(produce_one(&mut connection, "old", batch(1_000_000, Compression::None, "v")).0, 0);
        eventually("old records are deleted", PATIENCE, || {
            (offset_at(&mut connection, "old", EARLIEST) == end).then_some(())
        });
    }
    assert_eq!(offset_at(&mut connection, "t", EARLIEST), 0);
    assert_eq!(offset_at(&mut connection, "future", EARLIEST), 5, "what claims to be of the future is old");
}

#[test]
fn what_cannot_be_read_is_not_stored() {
    let (_chroot, _broker, mut connection) = started(&[], &["t"]);
    let now = Clock::System.now();
    for codec in &Compression::ALL[1..] {
        let mut odd = batch(now, *codec, "v").to_vec();
        odd.truncate(61);
        odd.extend_from_slice(&batch(now, Compression::None, "v")[61..]);
        let length = (odd.len() - 12) as i32;
        odd[8..12].copy_from_slice(&length.to_be_bytes());
        let odd = with_max_timestamp(&odd.into(), now);
        assert_eq!(produce_one(&mut connection, "t", odd), (-1, -1), "{codec:?}");
    }
    assert_eq!(produce_one(&mut connection, "t", batch(now, Compression::Lz4, "v")), (0, 0));
    assert_eq!(connection.read_all("t"), [(0, "v".to_owned())]);
}

#[test]
fn of_a_partition_that_is_named_twice_the_last_counts() {
    let (_chroot, _broker, mut connection) = started(&[], &["t", "u"]);
    let now = Clock::System.now();
    let one = |value| batch(now, Compression::None, value);
    let sets = [("t", &[one("a"), one("b")][..]), ("u", &[one("x")]), ("t", &[one("c")])];
    let answers = produce(&mut connection, 8, &sets);
    let mut answers: Vec<_> =
        answers.iter().map(|(topic, it)| (topic.as_str(), it.error_code, it.base_offset)).collect();
    answers.sort_unstable();
    assert_eq!(answers, [("t", 0, 0), ("u", 0, 0)]);
    assert_eq!(connection.read_all("t"), [(0, "c".to_owned())]);

    let asked = |leader_epoch| OffsetForLeaderPartition {
        partition_index: 0,
        current_leader_epoch: -1,
        leader_epoch,
    };
    let topics = vec![OffsetForLeaderTopic { name: "t".to_owned(), partitions: vec![asked(-7), asked(0)] }];
    let request = OffsetForLeaderEpochRequest { replica_id: -1, topics };
    let answer = connection.call(&request, 3).unwrap();
    assert_eq!(answer.topics.len(), 1);
    let ends: Vec<_> = answer.topics[0].partitions.iter().map(|it| it.end_offset).collect();
    assert_eq!(ends, [1]);
}

#[test]
fn a_small_set_that_unpacks_to_much_takes_little_memory() {
    const MESSAGES: i64 = 1_000_000;
    let (_chroot, broker, connection) = started(&[("message.max.bytes", "20000000")], &["t"]);
    let now = Clock::System.now();
    let mut set = MessageSetBuilder::new(1, Compression::Gzip, None, 0);
    (0..MESSAGES).for_each(|_| set.push(0, now, None, None));
    let set = set.build().unwrap();
    assert!(set.len() < 1 << 20 && Batch::parse(&set).unwrap().header().is_compressed());
    let before = peak_mebibytes(&broker);
    let answers = produce(&mut connection.with_patience(PATIENCE * 4), 2, &[("t", &[set])]);
    assert_eq!((answers[0].1.error_code, answers[0].1.base_offset), (0, 0));
    let grown = peak_mebibytes(&broker) - before;
    assert!(grown < 24, "{grown} MiB more for 33 MiB of messages");
}

#[test]
fn messages_that_are_to_be_uncompressed_are_bounded() {
    let settings = [
        ("message.max.bytes", "20000000"),
        ("log.message.format.version", "0.10.0"),
        ("compression.type", "uncompressed"),
    ];
    let (_chroot, broker, connection) = started(&settings, &["t"]);
    let mut connection = connection.with_patience(PATIENCE * 4);
    let set = |messages| {
        let mut set = MessageSetBuilder::new(1, Compression::Gzip, None, 0);
        (0..messages).for_each(|_| set.push(0, Clock::System.now(), None, None));
        set.build().unwrap()
    };
    let (fits, exceeds) = (set(900_000), set(4_000_000));
    let before = peak_mebibytes(&broker);
    let answers = produce(&mut connection, 2, &[("t", &[exceeds])]);
    assert_eq!(answers[0].1.error_code, ErrorCode::RecordListTooLarge.code());
    let answers = produce(&mut connection, 2, &[("t", &[fits])]);
    assert_eq!((answers[0].1.error_code, answers[0].1.base_offset), (0, 0));
    let grown = peak_mebibytes(&broker) - before;
    assert!(grown < 120, "{grown} MiB more for 29 MiB of messages, and for 129 MiB that are refused");
}

/// The most memory that the broker ever had resident.
fn peak_mebibytes(broker: &Broker) -> u64 {
    let path = format!("/proc/{}/status", broker.process().id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
