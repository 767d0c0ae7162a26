//! Every config that Kafka 2.7.2 changes while a broker runs: changed by request and by znode, each with an effect
//! that is seen, or refused in words.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use barnabas::admin::configs;
use barnabas::base::{Clock, Millis, Records};
use barnabas::config::broker::ROWS;
use barnabas::config::rows::{ConfigType, UpdateMode};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::message::Request;
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use barnabas::zk::znode::config_entity::EntityType;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use super::configs::{SET, change, describe};
use super::connections::{Client, fetch};
use crate::support::{Broker, Chroot, Connection, eventually};

const SOON: Duration = Duration::from_secs(60);
const HOUR: Millis = 3_600_000;

/// What the broker starts with: nothing is cleaned, flushed or deleted before a row has changed something.
const START: [(&str, &str); 8] = [
    ("log.segment.bytes", "100000"),
    ("log.retention.check.interval.ms", "100"),
    ("log.flush.scheduler.interval.ms", "100"),
    ("log.flush.offset.checkpoint.interval.ms", "100"),
    ("log.cleaner.min.cleanable.ratio", "1.0"),
    ("log.cleaner.min.compaction.lag.ms", "3600000"),
    ("log.cleaner.backoff.ms", "3600000"),
    ("log.flush.interval.ms", "3600000"),
];

/// Configs that are set together, and their effect on a topic that is created afterwards. The effect is seen only if
/// all of them are in force.
struct Row {
    configs: &'static [(&'static str, &'static str)],
    /// What is set as well, so that the effect is seen.
    beside: &'static [(&'static str, &'static str)],
    effect: fn(&mut Scene) -> bool,
}

const fn row(configs: &'static [(&'static str, &'static str)], effect: fn(&mut Scene) -> bool) -> Row {
    Row { configs, beside: &[], effect }
}

/// A row whose topic is compacted as soon as it has more than one segment.
const fn compacting(configs: &'static [(&'static str, &'static str)], effect: fn(&mut Scene) -> bool) -> Row {
    Row { configs, beside: COMPACTING, effect }
}

const COMPACTING: &[(&str, &str)] = &[
    ("log.cleaner.backoff.ms", "50"),
    ("log.cleaner.min.compaction.lag.ms", "0"),
    ("log.cleanup.policy", "compact"),
];

const TABLE: &[Row] = &[
    row(&[("message.max.bytes", "500")], |it| it.produce(0, None, &large(1000)) == 10),
    row(&[("min.insync.replicas", "2")], |it| it.produce(0, None, "x") == 19),
    row(&[("log.message.timestamp.difference.max.ms", "1000")], |it| it.produce(HOUR, None, "x") == 32),
    row(&[("log.cleanup.policy", "compact")], |it| it.produce(0, None, "x") == 87),
    row(&[("compression.type", "gzip")], |it| it.attributes() & 7 == 1),
    row(&[("log.message.timestamp.type", "LogAppendTime")], |it| it.attributes() & 8 == 8),
    row(&[("log.message.downconversion.enable", "false")], |it| it.old_fetch() == 35),
    row(&[("log.preallocate", "true")], |it| it.file_length(".log") == 100_000),
    row(&[("log.segment.bytes", "200")], |it| it.produces_segments(0, 50)),
    row(&[("log.roll.ms", "1000")], |it| it.produces_segments(1, 10)),
    row(&[("log.roll.jitter.ms", "604800000")], |it| it.produces_segments(160, 10)),
    row(&[("log.index.size.max.bytes", "16")], |it| it.produces_segments(0, 6000)),
    row(&[("log.index.interval.bytes", "0")], |it| {
        it.produce(0, None, "x") == 0 && it.file_length(".index") > 0
    }),
    row(&[("log.flush.interval.messages", "1")], |it| it.produce(0, None, "x") == 0 && it.is_flushed()),
    row(&[("log.flush.interval.ms", "50")], |it| it.produce(0, None, "x") == 0 && it.is_flushed()),
    row(&[("log.retention.bytes", "1000")], |it| {
        it.produce(0, None, &large(60_000)) == 0 && it.first_offset() > 0
    }),
    row(&[("log.retention.ms", "1000")], |it| it.produce(HOUR, None, "x") == 0 && it.first_offset() > 0),
    row(&[("log.segment.delete.delay.ms", "0"), ("log.retention.ms", "1000")], |it| {
        it.produce(HOUR, None, "x") == 0 && it.first_offset() > 0 && it.files(".deleted").is_empty()
    }),
    compacting(&[("log.cleaner.min.cleanable.ratio", "0.01")], |it| it.is_compacted("x")),
    compacting(&[("log.cleaner.max.compaction.lag.ms", "1")], |it| it.is_compacted("x")),
    compacting(
        &[("log.cleaner.delete.retention.ms", "0"), ("log.cleaner.min.cleanable.ratio", "0.01")],
        |it| it.loses_tombstones(),
    ),
    // 45,833 keys would fill the buffer, and in the next row 45 are taken. (By default the share rounds to nothing.)
    compacting(
        &[("log.cleaner.dedupe.buffer.size", "1100000"), ("log.cleaner.min.cleanable.ratio", "0.01")],
        |it| it.first_cleaning().is_some_and(|it| it.buffer_percent > 0.2),
    ),
    compacting(
        &[
            ("log.cleaner.io.buffer.load.factor", "0.001"),
            ("log.cleaner.dedupe.buffer.size", "1100000"),
            ("log.cleaner.min.cleanable.ratio", "0.01"),
        ],
        |it| it.first_cleaning().is_some_and(|it| it.buffer_percent == 0.1),
    ),
    compacting(&[("log.cleaner.io.buffer.size", "1"), ("log.cleaner.min.cleanable.ratio", "0.01")], |it| {
        it.is_compacted("x") && it.logs("Growing cleaner I/O buffers from 4096 bytes")
    }),
    compacting(&[("log.cleaner.threads", "2"), ("log.cleaner.min.cleanable.ratio", "0.01")], |it| {
        it.is_compacted("x") && it.cleanings().iter().any(|it| it.thread == 1)
    }),
    // No such threads are here: that a size is in force shows in the size that is refused.
    row(&[("background.threads", "20")], |it| it.refuses_more_than_double("background.threads", 20)),
    row(&[("num.io.threads", "16")], |it| it.refuses_more_than_double("num.io.threads", 16)),
    row(&[("num.network.threads", "6")], |it| it.refuses_more_than_double("num.network.threads", 6)),
    row(&[("num.recovery.threads.per.data.dir", "2")], |it| {
        it.refuses_more_than_double("num.recovery.threads.per.data.dir", 2)
    }),
    row(&[("max.connections.per.ip", "3")], |it| !it.opens(5)),
    row(&[("max.connections.per.ip.overrides", "127.0.0.1:3")], |it| !it.opens(5)),
    row(&[("max.connections", "3")], |it| !it.opens(5)),
    row(&[("max.connection.creation.rate", "1")], |it| !it.opens(40)),
    row(&[("num.replica.fetchers", "2")], |it| it.logs("Resizing fetcher thread pool size from 1 to 2")),
    row(&[("metric.reporters", "org.apache.kafka.common.metrics.JmxReporter")], |it| {
        describe(&mut it.connection, "1", "metric.reporters").is_some_and(|it| it.config_source == 2)
    }),
];

/// What other tests change live and see: the file, and for a default of topics the test.
const ELSEWHERE: &[(&str, &str)] = &[
    ("advertised.listeners", "dynamic_listeners"),
    ("listener.security.protocol.map", "dynamic_listeners"),
    ("listeners", "dynamic_listeners"),
    ("log.cleaner.io.max.bytes.per.second", "log::cleaner: what is cleaned within 300 ms is not throttled"),
    ("sasl.enabled.mechanisms", "sasl: for new listeners"),
    ("sasl.jaas.config", "sasl: with prefixes alone"),
    (
        "unclean.leader.election.enable",
        "replication: enabling_unclean_election_gives_a_partition_a_leader_at_once",
    ),
];

/// What the broker reports of a cleaning.
struct Cleaning {
    thread: usize,
    /// How full the buffer of keys was.
    buffer_percent: f64,
}

/// The number that a line has behind `before`.
fn number_behind(line: &str, before: &str) -> Option<f64> {
    let (_, rest) = line.split_once(before)?;
    rest.split([' ', '%']).next()?.parse().ok()
}

struct Scene {
    broker: Broker,
    connection: Connection,
    topic: String,
    /// How many records were produced to the topic.
    produced: Millis,
    /// How many lines the broker had logged before the row.
    logged_before: usize,
}

impl Scene {
    /// Produces a batch of one record that is so old; the error.
    fn produce(&mut self, age: Millis, key: Option<&str>, value: &str) -> i16 {
        self.produce_value(Clock::System.now() - age, key, Some(value))
    }

    fn produce_value(&mut self, timestamp: Millis, key: Option<&str>, value: Option<&str>) -> i16 {
        let mut builder = BatchBuilder::new();
        builder.push(timestamp, key.map(str::as_bytes), value.map(str::as_bytes), &[]);
        let partition = PartitionProduceData {
            partition_index: 0,
            records: Some(Records::Memory(builder.build().unwrap())),
        };
        let topics = vec![TopicProduceData { name: self.topic.clone(), partitions: vec![partition] }];
        let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id: None };
        self.produced += 1;
        self.call(&request, 7).responses[0].partitions[0].error_code
    }

    fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.connection.call(request, version).expect("an answer")
    }

    /// The files of the topic whose names end so.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.broker.data().join(format!("{}-0", self.topic))).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with(ending));
        files.sort();
        files
    }

    /// The length of the first such file.
    fn file_length(&self, ending: &str) -> u64 {
        fs::metadata(&self.files(ending)[0]).unwrap().len()
    }

    /// The attributes of the topic's first batch, behind those that this produces.
    fn attributes(&mut self) -> u8 {
        assert_eq!(self.produce(0, None, "x"), 0);
        let mut head = [0; 23];
        fs::File::open(&self.files(".log")[0]).unwrap().read_exact(&mut head).unwrap();
        head[22]
    }

    /// Produces a record so many hours after the last one, of so many bytes; whether there are several segments.
    fn produces_segments(&mut self, hours: Millis, bytes: usize) -> bool {
        let timestamp = Clock::System.now() - 100_000 * HOUR + self.produced * hours * HOUR;
        assert_eq!(self.produce_value(timestamp, None, Some(&large(bytes))), 0);
        self.files(".log").len() > 1
    }

    /// The error of a fetch by a client that knows only an older format.
    fn old_fetch(&mut self) -> i16 {
        assert_eq!(self.produce(0, None, "x"), 0);
        let request = fetch(&self.topic, 0, 1 << 20, 0);
        self.call(&request, 3).responses[0].partition_responses[0].error_code
    }

    /// Whether the disk has a record of the topic, as the recovery points show.
    fn is_flushed(&self) -> bool {
        let points = fs::read_to_string(self.broker.data().join("recovery-point-offset-checkpoint"));
        let points = points.unwrap_or_default();
        points.lines().any(|line| line.starts_with(&format!("{} 0 ", self.topic)) && !line.ends_with(" 0"))
    }

    fn first_offset(&mut self) -> i64 {
        const EARLIEST: i64 = -2;
        let partition = ListOffsetPartition { timestamp: EARLIEST, ..Default::default() };
        let topics = vec![ListOffsetTopic { name: self.topic.clone(), partitions: vec![partition] }];
        let request = ListOffsetRequest { replica_id: -1, isolation_level: 0, topics };
        self.call(&request, 5).topics[0].partitions[0].offset
    }

    /// Produces a record of one key, of a third of a segment; whether some of those before are gone.
    fn is_compacted(&mut self, key: &str) -> bool {
        assert_eq!(self.produce(HOUR, Some(key), &large(40_000)), 0);
        let topic = self.topic.clone();
        self.connection.read_all(&topic).len() < usize::try_from(self.produced).unwrap()
    }

    /// Produces a tombstone and records of another key; whether the first tombstone is gone.
    fn loses_tombstones(&mut self) -> bool {
        if self.produced == 0 {
            assert_eq!(self.produce_value(Clock::System.now() - HOUR, Some("dead"), None), 0);
        }
        self.is_compacted("x");
        let topic = self.topic.clone();
        self.connection.read_all(&topic).iter().all(|(_, value)| !value.is_empty())
    }

    /// Whether so many further connections are served at once.
    fn opens(&mut self, count: usize) -> bool {
        let served = |_| {
            let mut client = Client::to(self.broker.port);
            client.0.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            client.is_served().then_some(client)
        };
        (0..count).map_while(served).collect::<Vec<_>>().len() == count
    }

    /// What the broker has logged since the row began.
    fn logged(&self) -> Vec<String> {
        self.broker.process().lines().split_off(self.logged_before)
    }

    fn logs(&self, text: &str) -> bool {
        self.logged().iter().any(|line| line.contains(text))
    }

    /// The cleanings of the topic that the broker has reported, oldest first.
    fn cleanings(&self) -> Vec<Cleaning> {
        let (lines, of_topic) = (self.logged(), format!(" cleaned log {}-0 ", self.topic));
        let reports = lines.iter().enumerate().filter(|(_, line)| line.contains(&of_topic));
        let cleanings = reports.filter_map(|(at, first)| {
            let report = lines.get(at..at + 5)?;
            Some(Cleaning {
                thread: number_behind(first, "Log cleaner thread ")? as usize,
                buffer_percent: report.iter().find_map(|line| number_behind(line, "Buffer utilization: "))?,
            })
        });
        cleanings.collect()
    }

    /// The first cleaning of the topic, of a segment of more than a hundred keys.
    fn first_cleaning(&mut self) -> Option<Cleaning> {
        while self.produced < 150 {
            let key = format!("key {}", self.produced);
            // Some 120 of them fill a segment.
            assert_eq!(self.produce(HOUR, Some(&key), &large(750)), 0);
        }
        self.cleanings().into_iter().next()
    }

    /// Whether a pool of so many threads may have twice as many and no more.
    fn refuses_more_than_double(&mut self, key: &str, now: i32) -> bool {
        let (code, message) = change(&mut self.connection, "1", SET, key, &(2 * now + 1).to_string());
        code == 42 && message.contains(&format!("should not be greater than double the current value {now}"))
    }
}

fn large(bytes: usize) -> String {
    "x".repeat(bytes)
}

#[test]
fn each_dynamic_config_of_kafka_is_changed_live_and_its_effect_is_seen_or_it_is_refused() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &START);
    let connection = Connection::to(broker.port).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
    let mut scene = Scene { broker, connection, topic: String::new(), produced: 0, logged_before: 0 };
    for (number, Row { configs, beside, effect }) in TABLE.iter().enumerate() {
        let all = || configs.iter().chain(*beside);
        for road in ["request", "znode"] {
            let what = format!("{} by {road}", configs[0].0);
            scene.logged_before = scene.broker.process().lines().len();
            if road == "request" {
                for (key, value) in all() {
                    assert_eq!(
                        change(&mut scene.connection, "1", SET, key, value),
                        (0, String::new()),
                        "{what}"
                    );
                }
            } else {
                let own = all().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
                runtime.block_on(configs::change(&zk, EntityType::Brokers, "1", &own)).unwrap();
            }
            for (key, value) in all() {
                let mut connection = Connection::to(scene.broker.port).unwrap();
                eventually(&what, SOON, || {
                    (describe(&mut connection, "1", key)?.value.as_deref() == Some(*value)).then_some(())
                });
            }
            (scene.topic, scene.produced) = (format!("{road}-{number}"), 0);
            let topic = scene.topic.clone();
            eventually("the topic has a leader", SOON, || scene.connection.has_leader(&topic)?.then_some(()));
            eventually(&what, SOON, || effect(&mut scene).then_some(()));
            runtime.block_on(configs::change(&zk, EntityType::Brokers, "1", &Default::default())).unwrap();
            for (key, _) in all() {
                eventually(&format!("{what}, removed"), SOON, || {
                    (describe(&mut scene.connection, "1", key)?.config_source > 3).then_some(())
                });
            }
        }
    }
    refusals(&mut scene.connection);
    runtime.block_on(zk.close());
}

/// What is left of Kafka's dynamic configs is refused, and in whose words.
fn refusals(connection: &mut Connection) {
    let seen =
        |key: &str| TABLE.iter().any(|row| row.configs.iter().chain(row.beside).any(|(own, _)| *own == key));
    let dynamic = ROWS.iter().filter(|row| row.update_mode != UpdateMode::ReadOnly);
    for row in dynamic.filter(|row| !seen(row.key) && ELSEWHERE.iter().all(|(key, _)| *key != row.key)) {
        let value = match row.kind {
            ConfigType::Short | ConfigType::Int | ConfigType::Long => "1",
            ConfigType::Double => "0.5",
            _ if row.key == "ssl.client.auth" => "required",
            _ => "com.example.Value",
        };
        let (code, message) = change(connection, "1", SET, row.key, value);
        let reasons = [
            "can be dynamically updated only per-listener using the listener prefix",
            "Class com.example.Value could not be found.",
            "TLS is not built yet",
            "SASL is not built yet",
        ];
        let is_refused = code == 42 && reasons.iter().any(|reason| message.contains(reason));
        assert!(is_refused, "{}: {code} {message}", row.key);
    }
}

#[test]
fn two_hundred_changes_a_second_leave_the_last_value_in_force_and_others_answered() {
    const CHANGES: usize = 200;
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let (mut one, mut other) = (Connection::to(broker.port).unwrap(), Connection::to(broker.port).unwrap());
    eventually("the topic has a leader", SOON, || other.has_leader("t")?.then_some(()));
    let port = broker.port;
    let notices = std::thread::spawn({
        let connect = chroot.connect();
        move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let zk = ZooKeeper::connect(&connect, ConnectOptions::default()).await.unwrap();
                for number in 1..=CHANGES {
                    let own = [("retention.ms".to_owned(), number.to_string())].into();
                    configs::change(&zk, EntityType::Topics, "t", &own).await.unwrap();
                }
                zk.close().await;
            });
        }
    });
    let requests = std::thread::spawn(move || {
        for number in 1..=CHANGES {
            let value = (1_000_000 + number).to_string();
            assert_eq!(change(&mut one, "1", SET, "log.retention.ms", &value).0, 0);
        }
    });
    let mut answered = 0;
    while !(notices.is_finished() && requests.is_finished()) {
        assert!(other.produce("t", "x", 1).unwrap().is_ok());
        answered += 1;
    }
    notices.join().unwrap();
    requests.join().unwrap();
    assert!(answered > CHANGES, "{answered} requests were answered meanwhile");
    let mut connection = Connection::to(port).unwrap();
    eventually("the last value is in force", SOON, || {
        let value = describe(&mut connection, "1", "log.retention.ms")?.value;
        (value == Some((1_000_000 + CHANGES).to_string())).then_some(())
    });
}
