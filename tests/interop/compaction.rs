//! The same logs cleaned by Kafka 2.7.2 and by Barnabas: what survives is the same, in every format and codec, with
//! tombstones and transactions; each opens what the other has cleaned.
//!
//! The logs are written to a data directory while no broker runs, so that both begin with the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use barnabas::base::{Clock, Offset, TopicPartition};
use barnabas::config::topic::TopicConfig;
use barnabas::log::log::Shared;
use barnabas::log::recovery::{LastStop, Opening};
use barnabas::log::settings::Settings;
use barnabas::log::{AppendOrigin, Log};
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::compression::Compression;
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::legacy::MessageSetBuilder;
use barnabas::wire::record::Record;
use bytes::Bytes;

use crate::data_dirs::{java_broker, recoveries, segments};
use crate::java::{Kafka, kafka};
use crate::support::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(120);
/// How long tombstones and markers are kept.
const DELETE_RETENTION_MS: i64 = 60_000;

/// A topic of one partition, and how its records come to it.
struct Topic {
    name: String,
    /// `message.format.version` and the format it stands for.
    version: &'static str,
    magic: i8,
    codec: Compression,
    is_transactional: bool,
}

fn topics() -> Vec<Topic> {
    let mut topics = Vec::new();
    for codec in Compression::ALL {
        for (version, magic) in [("0.9.0", 0), ("0.10.2", 1), ("2.7", 2)] {
            if codec != Compression::Zstd || magic == 2 {
                let name = format!("v{magic}-{}", codec.name());
                topics.push(Topic { name, version, magic, codec, is_transactional: false });
            }
        }
        let name = format!("txn-{}", codec.name());
        topics.push(Topic { name, version: "2.7", magic: 2, codec, is_transactional: true });
    }
    topics
}

/// What comes to one topic, the same in each run of the test.
struct Feed<'a> {
    topic: &'a Topic,
    random: fastrand::Rng,
    now: i64,
    log: Arc<Log>,
    /// The next sequence number of each producer, and whether it has a transaction open.
    producers: BTreeMap<i64, (i32, bool)>,
}

impl<'a> Feed<'a> {
    fn open(topic: &'a Topic, data: &Path, seed: u64, producers: BTreeMap<i64, (i32, bool)>) -> Self {
        let configs = [("cleanup.policy", "compact"), ("message.format.version", topic.version)];
        let pairs = configs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = TopicConfig::default().with_overrides(&pairs.into_iter().collect()).unwrap();
        let opening = Opening {
            partition: TopicPartition::new(topic.name.as_str(), 0),
            dir: data.join(format!("{}-0", topic.name)),
            settings: Settings::from(config),
            log_start: 0,
            recovery_point: 0,
            last_stop: LastStop::Clean,
        };
        let log = Log::open(opening, Arc::new(Shared::new(Clock::System))).unwrap();
        let (random, now) = (fastrand::Rng::with_seed(seed), Clock::System.now());
        Self { topic, random, now, log, producers }
    }

    fn append(&self, bytes: Bytes, origin: AppendOrigin) {
        self.log.append_as_leader(bytes, 0, origin).unwrap();
        self.log.update_high_watermark(self.log.log_end_offset());
    }

    /// A few records: keys that come again, tombstones, headers.
    fn records(&mut self) -> Vec<Record> {
        let count = self.random.i64(1..12);
        let record = |at| {
            let random = &mut self.random;
            let value =
                (random.u8(..8) > 0).then(|| vec![random.u8(b'a'..=b'z'); random.usize(..200)].into());
            let headers = match self.topic.magic {
                2 if random.bool() => vec![("header".to_owned(), Some(Bytes::from_static(b"value")))],
                _ => Vec::new(),
            };
            let key = Some(format!("key {}", random.u16(..60)).into());
            Record { offset: at, timestamp: self.now - random.i64(0..1000), key, value, headers }
        };
        (0..count).map(record).collect()
    }

    fn batch(&mut self) {
        let records = self.records();
        let codec = self.topic.codec;
        if self.topic.magic < 2 {
            let mut set = MessageSetBuilder::new(self.topic.magic, codec, None, 0);
            for it in &records {
                set.push(it.offset, it.timestamp, it.key.as_deref(), it.value.as_deref());
            }
            return self.append(set.build().unwrap(), AppendOrigin::Client);
        }
        let mut builder = BatchBuilder::new().compression(codec);
        if self.topic.is_transactional {
            let id = self.random.i64(1..6);
            let (sequence, is_open) = self.producers.entry(id).or_default();
            builder = builder.producer(id, 0, *sequence).transactional(true);
            (*sequence, *is_open) = (*sequence + records.len() as i32, true);
        }
        for it in &records {
            builder.push(it.timestamp, it.key.as_deref(), it.value.as_deref(), &it.headers);
        }
        self.append(builder.build().unwrap(), AppendOrigin::Client);
    }

    /// Ends the transaction of a producer.
    fn end(&mut self, id: i64) {
        let marker = EndTransactionMarker { committed: self.random.bool(), coordinator_epoch: 0 };
        self.append(marker.batch(self.now, id, 0).unwrap(), AppendOrigin::Coordinator);
        self.producers.entry(id).or_default().1 = false;
    }

    fn end_all(&mut self) {
        let open: Vec<_> = self.producers.iter().filter(|(_, state)| state.1).map(|(id, _)| *id).collect();
        open.into_iter().for_each(|id| self.end(id));
    }

    /// Appends to so many segments, then closes the log. Returns where the last one begins, which is empty.
    fn run(mut self, segments: usize) -> (Offset, BTreeMap<i64, (i32, bool)>) {
        for _ in 0..segments {
            for _ in 0..40 {
                self.batch();
                if self.topic.is_transactional && self.random.u8(..4) == 0 {
                    let id = self.random.i64(1..6);
                    self.end(id);
                }
            }
            self.log.roll().unwrap();
        }
        self.end_all();
        self.log.roll().unwrap();
        self.log.flush().unwrap();
        self.log.close().unwrap();
        (self.log.log_end_offset(), self.producers)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// Makes each segment two minutes older than the one behind it, the last but one as old as now: some tombstones and
/// markers are within their time then, others are not.
fn age(data: &Path, topics: &[Topic]) {
    for topic in topics {
        let mut logs = segments(data, &topic.name);
        logs.sort();
        for (at, log) in logs.iter().rev().enumerate() {
            let age = Duration::from_secs(120 * at.saturating_sub(1) as u64);
            let file = fs::File::options().write(true).open(log).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
    }
}

/// The offset up to which each topic is clean, by the checkpoint.
fn cleaned(data: &Path) -> BTreeMap<String, Offset> {
    let text = fs::read_to_string(data.join("cleaner-offset-checkpoint")).unwrap_or_default();
    let fields = text.lines().skip(2).map(|line| line.split(' ').collect::<Vec<_>>());
    fields.map(|fields| (fields[0].to_owned(), fields[2].parse().unwrap())).collect()
}

fn await_cleaned(who: &str, data: &Path, ends: &BTreeMap<String, Offset>) {
    eventually(&format!("{who} has cleaned all topics"), SOON, || {
        let cleaned = cleaned(data);
        ends.iter().all(|(topic, end)| cleaned.get(topic) == Some(end)).then_some(())
    });
}

/// What is to be the same of a batch that survives.
#[derive(Debug, PartialEq)]
struct Survivor {
    base_offset: Offset,
    last_offset: Offset,
    magic: i8,
    attributes: i16,
    leader_epoch: i32,
    max_timestamp: i64,
    producer: (i64, i16, i32),
    records: Vec<Record>,
}

fn survivors(data: &Path, topic: &Topic) -> Vec<Survivor> {
    let mut logs = segments(data, &topic.name);
    logs.sort();
    let batches = logs.iter().flat_map(|log| Batch::split(fs::read(log).unwrap().into()));
    let survivor = |batch: Batch| {
        batch.check_crc().unwrap();
        let header = batch.header();
        Survivor {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            magic: header.magic,
            attributes: header.attributes,
            leader_epoch: header.leader_epoch,
            max_timestamp: header.max_timestamp,
            producer: (header.producer_id, header.producer_epoch, header.base_sequence),
            records: batch.all_records().unwrap(),
        }
    };
    batches.map(|batch| survivor(batch.unwrap())).collect()
}

/// The names of the segments.
fn bases(data: &Path, topic: &Topic) -> Vec<String> {
    let names = segments(data, &topic.name);
    let mut names: Vec<_> =
        names.iter().map(|log| log.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The entries of all transaction indexes.
fn aborted(data: &Path, topic: &Topic) -> Vec<Vec<u8>> {
    let mut indexes: Vec<PathBuf> =
        segments(data, &topic.name).iter().map(|log| log.with_extension("txnindex")).collect();
    indexes.sort();
    let bytes = indexes.iter().filter_map(|index| fs::read(index).ok());
    bytes.flat_map(|bytes| bytes.chunks(34).map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
}

/// Has one kind of broker clean what lies in the data directory, which it opens without a recovery.
struct Cleaning<'a> {
    kafka: &'a Kafka,
    broker: Broker,
    topics: &'a [Topic],
}

impl Cleaning<'_> {
    fn by_kafka(&mut self, ends: &BTreeMap<String, Offset>) {
        let mut java = java_broker(self.kafka, &self.broker);
        await_cleaned("Kafka", &self.broker.data(), ends);
        java.signal("TERM");
        java.wait(SOON);
        assert_eq!(recoveries(&java.lines()), Vec::<&String>::new(), "Kafka had nothing to recover");
    }

    fn by_barnabas(&mut self, ends: &BTreeMap<String, Offset>) {
        self.broker.restart();
        await_cleaned("Barnabas", &self.broker.data(), ends);
        let lines = self.broker.process().lines();
        assert_eq!(recoveries(&lines), Vec::<&String>::new(), "Barnabas had nothing to recover");
        self.broker.stop();
    }

    fn assert_same(&self, theirs: &Path, ours: &Path, before: &BTreeMap<String, usize>) {
        for topic in self.topics {
            assert_eq!(bases(ours, topic), bases(theirs, topic), "{}: segments", topic.name);
            let (kafka, here) = (survivors(theirs, topic), survivors(ours, topic));
            for (theirs, ours) in kafka.iter().zip(&here) {
                assert_eq!(ours, theirs, "{}: here and in Kafka", topic.name);
            }
            assert_eq!(here.len(), kafka.len(), "{}", topic.name);
            assert_eq!(aborted(ours, topic), aborted(theirs, topic), "{}: aborted transactions", topic.name);
            let left: usize = here.iter().map(|it| it.records.len()).sum();
            assert!(left < before[&topic.name] / 2, "{}: {left} of {}", topic.name, before[&topic.name]);
        }
    }

    fn records(&self, data: &Path) -> BTreeMap<String, usize> {
        let count = |topic| survivors(data, topic).iter().map(|it| it.records.len()).sum();
        self.topics.iter().map(|topic| (topic.name.clone(), count(topic))).collect()
    }

    /// Has Java's `DumpLogSegments` look into all segments, which must be sound; offsets are missing in them.
    fn assert_sound(&self, data: &Path) {
        let all: Vec<_> = self.topics.iter().flat_map(|topic| segments(data, &topic.name)).collect();
        let paths = all.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",");
        let arguments = ["--deep-iteration", "--files", &paths];
        let dumped = self.kafka.run("kafka.tools.DumpLogSegments", &arguments).ok();
        assert_eq!(dumped.out.matches("Starting offset: ").count(), all.len(), "{}", dumped.out);
        assert!(!dumped.out.contains("isvalid: false"), "{}", dumped.out);
        let is_of_gap =
            |line: &&str| line.starts_with("Non-consecutive offsets") || line.contains(" is followed by ");
        assert_eq!(dumped.err.lines().find(|line| !is_of_gap(line)), None);
    }
}

#[test]
fn what_survives_a_cleaning_is_what_survives_it_in_kafka() {
    let Some(kafka) = kafka("what_survives_a_cleaning_is_what_survives_it_in_kafka") else { return };
    let (chroot, topics) = (Chroot::new(), topics());
    let settings = [
        ("log.cleaner.enable", "false"),
        ("zookeeper.session.timeout.ms", "60000"),
        ("log.cleaner.backoff.ms", "100"),
    ];
    let mut broker = Broker::start_with(1, &chroot.connect(), &settings);
    let bootstrap = broker.bootstrap();
    for topic in &topics {
        let mut create: Vec<_> =
            ["--bootstrap-server", &bootstrap, "--create", "--topic", &topic.name].into();
        let configs = [
            "cleanup.policy=compact".to_owned(),
            format!("message.format.version={}", topic.version),
            "min.cleanable.dirty.ratio=0.01".to_owned(),
            format!("delete.retention.ms={DELETE_RETENTION_MS}"),
            // So that not all segments become one, and their ages differ.
            "segment.bytes=30000".to_owned(),
        ];
        configs.iter().for_each(|config| create.extend(["--config", config]));
        assert!(tool("topics", &create).status.success(), "{}", topic.name);
        eventually("the topic has a leader", SOON, || {
            Connection::to(broker.port)?.has_leader(&topic.name)?.then_some(())
        });
    }
    broker.stop();
    broker.set("log.cleaner.enable", "true");
    broker.write_settings();
    let (data, away) = (broker.data(), tempfile::tempdir().unwrap());
    let mut cleaning = Cleaning { kafka, broker, topics: &topics };
    let mut producers: BTreeMap<String, BTreeMap<i64, (i32, bool)>> = BTreeMap::new();
    for (round, counts) in [3, 2, 1].into_iter().enumerate() {
        let mut ends = BTreeMap::new();
        for (at, topic) in topics.iter().enumerate() {
            let known = producers.remove(&topic.name).unwrap_or_default();
            let feed = Feed::open(topic, &data, (round * 100 + at) as u64, known);
            let (end, known) = feed.run(counts);
            ends.insert(topic.name.clone(), end);
            producers.insert(topic.name.clone(), known);
        }
        let before = cleaning.records(&data);
        let (start, theirs) = (away.path().join("start"), away.path().join("theirs"));
        let _ = fs::remove_dir_all(&start);
        let _ = fs::remove_dir_all(&theirs);
        copy(&data, &start);
        age(&data, &topics);
        cleaning.by_kafka(&ends);
        fs::rename(&data, &theirs).unwrap();
        copy(&start, &data);
        age(&data, &topics);
        cleaning.by_barnabas(&ends);
        cleaning.assert_same(&theirs, &data, &before);
        cleaning.assert_sound(&data);
        // The next round goes on with what the other one has cleaned.
        if round == 0 {
            fs::remove_dir_all(&data).unwrap();
            fs::rename(&theirs, &data).unwrap();
        }
    }
}
