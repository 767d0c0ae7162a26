//! Requests as clients of every era send them: each version of Produce and Fetch, with every codec, against
//! topics of every message format. What comes back is what went in, in a format that the asking version
//! reads.

use std::time::Duration;

use barnabas::base::Records;
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::compression::Compression;
use barnabas::wire::legacy::MessageSetBuilder;
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest, CreateableTopicConfig};
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

use crate::support::{Broker, Chroot, Connection, eventually};

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
/// Versions that stand for message formats 0, 1 and 2.
const FORMATS: [&str; 3] = ["0.8.2", "0.10.0", "0.11.0"];
/// Versions of Produce and the format their clients send.
const PRODUCE: [(i16, i8); 9] = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (6, 2), (7, 2), (8, 2)];
/// Records of each request.
const COUNT: usize = 3;
const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;

/// The newest format that a version of Fetch reads.
fn reads(version: i16) -> i8 {
    match version {
        0..=1 => 0,
        2..=3 => 1,
        _ => 2,
    }
}

/// Whether clients of this version of Produce, with topics of this format, know the codec.
fn knows(codec: Compression, version: i16, format: &str) -> bool {
    codec != Compression::Zstd || version >= 7 && format == "0.11.0"
}

fn pair(version: i16, at: usize) -> (String, String) {
    (format!("key {version}-{at}"), format!("a value that can be compressed, compressed, {version}-{at}"))
}

/// What a client of this version of Produce sends.
fn records(version: i16, magic: i8, codec: Compression) -> Bytes {
    let now = barnabas::base::Clock::System.now();
    let pairs = (0..COUNT).map(|at| pair(version, at));
    if magic == 2 {
        let mut builder = BatchBuilder::new().compression(codec);
        pairs.for_each(|(key, value)| builder.push(now, Some(key.as_bytes()), Some(value.as_bytes()), &[]));
        return builder.build().unwrap();
    }
    let mut set = MessageSetBuilder::new(magic, codec, None, 0);
    for (offset, (key, value)) in (0..).zip(pairs) {
        set.push(offset, now, Some(key.as_bytes()), Some(value.as_bytes()));
    }
    set.build().unwrap()
}

fn make_topics(connection: &mut Connection) -> Vec<(String, &'static str, Compression)> {
    let all = FORMATS.iter().flat_map(|format| CODECS.map(|codec| (*format, codec)));
    let named: Vec<_> =
        all.map(|(format, codec)| (format!("{}-in-{format}", codec.name()), format, codec)).collect();
    let topic = |(name, format, _): &(String, &str, Compression)| CreatableTopic {
        name: name.clone(),
        num_partitions: 1,
        replication_factor: 1,
        configs: vec![CreateableTopicConfig {
            name: "message.format.version".to_owned(),
            value: Some((*format).to_owned()),
        }],
        ..Default::default()
    };
    let topics = named.iter().map(topic).collect();
    let request = CreateTopicsRequest { topics, timeout_ms: 30_000, validate_only: false };
    eventually("the topics are made", Duration::from_secs(30), || {
        let answer = connection.call(&request, 4)?;
        answer.topics.iter().all(|topic| topic.error_code == 0).then_some(())
    });
    named
}

/// The offset that a Produce request is answered with.
fn produce(connection: &mut Connection, version: i16, topic: &str, records: Bytes) -> i64 {
    let partition = PartitionProduceData { partition_index: 0, records: Some(Records::Memory(records)) };
    let topics = vec![TopicProduceData { name: topic.to_owned(), partitions: vec![partition] }];
    let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id: None };
    let answer = connection.call(&request, version).unwrap();
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, 0, "Produce v{version} to {topic}");
    partition.base_offset
}

/// All that a client of this version of Fetch reads of a topic, or the error it is refused with.
fn fetch(connection: &mut Connection, version: i16, topic: &str) -> Result<Vec<(i64, String, String)>, i16> {
    let (mut found, mut next) = (Vec::new(), 0);
    loop {
        let partition =
            FetchPartition { fetch_offset: next, partition_max_bytes: 1 << 20, ..Default::default() };
        let request = FetchRequest {
            replica_id: -1,
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic { topic: topic.to_owned(), partitions: vec![partition] }],
            ..Default::default()
        };
        let answer = connection.call(&request, version).unwrap();
        let partition = &answer.responses[0].partition_responses[0];
        if partition.error_code != 0 {
            return Err(partition.error_code);
        }
        let bytes = partition.record_set.as_ref().map(|it| it.read().unwrap()).unwrap_or_default();
        let before = found.len();
        for batch in Batch::split(bytes).map_while(Result::ok) {
            batch.check_crc().unwrap();
            assert!(batch.header().magic <= reads(version), "Fetch v{version} of {topic}");
            let from = next;
            for record in batch.all_records().unwrap().into_iter().filter(|record| record.offset >= from) {
                let text = |bytes: Option<Bytes>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
                next = record.offset + 1;
                found.push((record.offset, text(record.key), text(record.value)));
            }
        }
        if found.len() == before {
            return Ok(found);
        }
    }
}

#[test]
fn every_version_writes_and_reads_every_codec_in_every_format() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let mut read = 0;
    for (topic, format, codec) in make_topics(&mut connection) {
        let mut expected = Vec::new();
        for (version, magic) in PRODUCE.into_iter().filter(|(version, _)| knows(codec, *version, format)) {
            let offset = produce(&mut connection, version, &topic, records(version, magic, codec));
            assert_eq!(offset, expected.len() as i64, "Produce v{version} to {topic}");
            for at in 0..COUNT {
                let (key, value) = pair(version, at);
                expected.push((expected.len() as i64, key, value));
            }
        }
        for version in 0..=12 {
            let found = fetch(&mut connection, version, &topic);
            // Older formats know no zstd; that old clients of the present one do not either, is their affair.
            if codec == Compression::Zstd && format == "0.11.0" && version < 4 {
                assert_eq!(found, Err(UNSUPPORTED_COMPRESSION_TYPE), "Fetch v{version} of {topic}");
            } else {
                assert_eq!(found.as_ref(), Ok(&expected), "Fetch v{version} of {topic}");
                read += expected.len();
            }
        }
    }
    assert!(read > 4_000, "{read} records were compared");
}

#[test]
fn old_clients_find_leaders() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { name: "t".to_owned() }]),
        ..Default::default()
    };
    // Up to version 3 being asked for a topic makes it.
    for version in 0..=3 {
        eventually("the topic has a leader", Duration::from_secs(30), || {
            let answer = connection.call(&request, version)?;
            let partition = answer.topics[0].partitions.first()?;
            (partition.leader_id == 1 && answer.brokers[0].port == i32::from(broker.port)).then_some(())
        });
    }
}
