//! The library's consumer on real brokers: positions, pauses, wake-ups, transactions, replicas, leaders that change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use barnabas::base::{Offset, TopicPartition};
use barnabas::client::consumer::{ConsumerError, ConsumerInterceptor, ConsumerRecords};
use barnabas::client::settings::{ConsumerSettings, OffsetReset};
use barnabas::client::{ClientError, Consumer, OffsetAndMetadata};
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use futures_util::StreamExt;

use crate::support::cluster::Brokers;
use crate::support::transactional::{TOPIC, TransactionalProducer};
use crate::support::{Chroot, eventually};

const SOON: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

fn id(topic: &str) -> TopicPartition {
    TopicPartition::new(topic, 0)
}

/// A consumer and the runtime that it lives in.
struct Reading {
    runtime: tokio::runtime::Runtime,
    consumer: Consumer,
}

impl Reading {
    /// A consumer of the first partitions of topics.
    fn of(topics: &[&str], settings: ConsumerSettings) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut consumer = runtime.block_on(Consumer::new(settings)).unwrap();
        consumer.assign(topics.iter().map(|topic| id(topic))).unwrap();
        Self { runtime, consumer }
    }

    fn poll(&mut self, timeout: Duration) -> Result<ConsumerRecords, ClientError> {
        self.runtime.block_on(self.consumer.poll(timeout))
    }

    /// The next values of a topic, exactly so many.
    fn read(&mut self, count: usize) -> Vec<(Offset, String)> {
        let (mut found, end) = (Vec::new(), Instant::now() + SOON);
        while found.len() < count {
            assert!(Instant::now() < end, "only {found:?} came");
            let records = self.poll(Duration::from_millis(200)).unwrap();
            let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
            found.extend(records.iter().map(|it| (it.offset, text(it.value.unwrap()))));
        }
        assert_eq!(found.len(), count, "{found:?}");
        found
    }

    /// The error of a poll that comes once positions are known.
    fn failure(&mut self) -> ClientError {
        let end = Instant::now() + SOON;
        loop {
            match self.poll(Duration::from_millis(200)) {
                Err(error) => return error,
                Ok(records) => assert!(records.is_empty() && Instant::now() < end, "no error came"),
            }
        }
    }

    fn position(&mut self, topic: &str) -> Offset {
        self.runtime.block_on(self.consumer.position(&id(topic))).unwrap()
    }
}

fn from_start(brokers: &Brokers) -> ConsumerSettings {
    ConsumerSettings { offset_reset: OffsetReset::Earliest, ..ConsumerSettings::new(&brokers.bootstrap()) }
}

fn numbered(range: std::ops::Range<i64>) -> Vec<(Offset, String)> {
    range.map(|number| (number, format!("record {number}"))).collect()
}

/// Produces one batch: values of this size at these timestamps.
fn produce_batch(brokers: &Brokers, topic: &str, codec: Compression, times: &[i64], size: usize) {
    let mut builder = barnabas::wire::batch::BatchBuilder::new().compression(codec);
    for time in times {
        builder.push(*time, None, Some(&vec![b'v'; size]), &[]);
    }
    let records = Some(barnabas::base::Records::Memory(builder.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index: 0, records }];
    let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
    let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id: None };
    let answer = brokers.connection(1).call(&request, 8).unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
}

/// Counts what it sees.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl ConsumerInterceptor for Counting {
    fn on_consume(&self, records: ConsumerRecords) -> ConsumerRecords {
        self.0.fetch_add(records.len(), Ordering::SeqCst);
        records
    }

    fn close(&self) {
        self.0.fetch_add(1000, Ordering::SeqCst);
    }
}

#[test]
fn an_assigned_consumer_reads_where_it_is_sent() {
    let brokers = Brokers::start(1, &[("transaction.state.log.num.partitions", "1")]);
    for topic in ["t", "times", "committed", TOPIC] {
        let configs: &[&str] = if topic == TOPIC { &["cleanup.policy=compact"] } else { &[] };
        brokers.create_topic(topic, "1", configs);
    }
    brokers.produce(1, 0..20);
    positions(&brokers);
    lookups(&brokers);
    waits(&brokers);
    large_batches(&brokers);
    committed_records(&brokers);
    refused_positions(&brokers);
}

/// Seeks, pauses, and records one by one.
fn positions(brokers: &Brokers) {
    let seen = Arc::new(Counting::default());
    let settings =
        ConsumerSettings { max_poll_records: 7, interceptors: vec![seen.clone()], ..from_start(brokers) };
    let mut reading = Reading::of(&["t"], settings);
    assert_eq!(reading.consumer.assignment(), BTreeSet::from([id("t")]));
    assert_eq!((reading.read(7), reading.position("t")), (numbered(0..7), 7));
    reading.consumer.seek(&id("t"), &OffsetAndMetadata::new(15)).unwrap();
    assert_eq!(reading.read(5), numbered(15..20));
    reading.consumer.seek_to_beginning(&[id("t")]).unwrap();
    assert_eq!((reading.position("t"), reading.read(7)), (0, numbered(0..7)));
    reading.consumer.pause(&[id("t")]).unwrap();
    assert_eq!(reading.consumer.paused(), BTreeSet::from([id("t")]));
    assert!(reading.poll(Duration::from_millis(300)).unwrap().is_empty());
    reading.consumer.resume(&[id("t")]).unwrap();
    assert_eq!(reading.read(7), numbered(7..14));
    let lag = reading.consumer.metrics();
    assert_eq!((lag.lag, lag.records_consumed), (BTreeMap::from([(id("t"), 6)]), 26));

    // One by one, then as batches again, then from elsewhere: none is left out, none comes twice.
    let Reading { runtime, mut consumer } = reading;
    let two: Vec<_> =
        runtime.block_on(async { Box::pin(consumer.stream()).take(2).collect::<Vec<_>>().await });
    assert_eq!(two.into_iter().map(|it| it.unwrap().offset).collect::<Vec<_>>(), [14, 15]);
    let mut reading = Reading { runtime, consumer };
    assert_eq!(reading.position("t"), 16);
    assert_eq!(reading.read(4), numbered(16..20));
    reading.consumer.seek_to_end(&[]).unwrap();
    assert_eq!(reading.position("t"), 20);
    brokers.produce(1, 20..21);
    assert_eq!(reading.runtime.block_on(reading.consumer.next_record()).unwrap().offset, 20);
    assert_eq!(seen.0.load(Ordering::SeqCst), 33);
    reading.runtime.block_on(reading.consumer.close(SOON)).unwrap();
    assert_eq!(seen.0.load(Ordering::SeqCst), 1033, "the interceptor is closed, too");
}

/// Starts, ends and offsets by time.
fn lookups(brokers: &Brokers) {
    produce_batch(brokers, "times", Compression::None, &[100, 300, 500], 1);
    let reading = Reading::of(&["times"], from_start(brokers));
    let (runtime, consumer) = (&reading.runtime, &reading.consumer);
    let both = [id("t"), id("times")];
    let ends = runtime.block_on(consumer.end_offsets(&both)).unwrap();
    assert_eq!(ends, BTreeMap::from([(id("t"), 21), (id("times"), 3)]));
    let starts = runtime.block_on(consumer.beginning_offsets(&both)).unwrap();
    assert_eq!(starts, BTreeMap::from([(id("t"), 0), (id("times"), 0)]));
    for (time, wanted) in [(0, Some((0, 100))), (101, Some((1, 300))), (500, Some((2, 500))), (501, None)] {
        let times = BTreeMap::from([(id("times"), time)]);
        let found = runtime.block_on(consumer.offsets_for_times(&times)).unwrap()[&id("times")];
        assert_eq!(found.map(|it| (it.offset, it.timestamp)), wanted, "{time}");
    }
    let negative = runtime.block_on(consumer.offsets_for_times(&BTreeMap::from([(id("t"), -1)])));
    assert!(
        matches!(negative, Err(ClientError::Consumer(ConsumerError::NegativeTime { .. }))),
        "{negative:?}"
    );
}

/// A wait ends by a wake-up; a poll that is dropped has lost nothing.
fn waits(brokers: &Brokers) {
    let mut reading = Reading::of(&["t"], from_start(brokers));
    reading.consumer.seek_to_end(&[]).unwrap();
    assert_eq!(reading.position("t"), 21);
    let handle = reading.consumer.wakeup_handle();
    handle.wakeup();
    assert!(matches!(reading.poll(SOON), Err(ClientError::Consumer(ConsumerError::Wakeup))));
    let waking = reading.runtime.spawn(async move {
        tokio::task::yield_now().await;
        handle.wakeup();
    });
    assert!(matches!(reading.poll(SOON), Err(ClientError::Consumer(ConsumerError::Wakeup))));
    reading.runtime.block_on(waking).unwrap();
    assert!(reading.poll(NOW).unwrap().is_empty(), "a wake-up is taken once");

    reading.consumer.seek(&id("t"), &OffsetAndMetadata::new(0)).unwrap();
    let mut found = Vec::new();
    let end = Instant::now() + SOON;
    let mut patience = 1;
    while found.len() < 21 {
        assert!(Instant::now() < end, "{found:?}");
        let polled = reading.runtime.block_on(async {
            tokio::time::timeout(Duration::from_micros(patience), reading.consumer.poll(SOON)).await
        });
        if let Ok(records) = polled {
            found.extend(records.unwrap().iter().map(|it| it.offset));
        }
        patience = (patience * 2).min(100_000);
    }
    assert_eq!(found, (0..21).collect::<Vec<_>>());
}

/// Compressed batches that are unpacked on another thread.
fn large_batches(brokers: &Brokers) {
    brokers.create_topic("large", "1", &[]);
    let noise: Vec<u8> = (0..300_000).map(|_| fastrand::u8(..)).collect();
    for codec in [Compression::Gzip, Compression::Zstd] {
        let mut builder = barnabas::wire::batch::BatchBuilder::new().compression(codec);
        builder.push(1, None, Some(&noise), &[]);
        builder.push(1, Some(b"k"), None, &[("h".to_owned(), None)]);
        let records = Some(barnabas::base::Records::Memory(builder.build().unwrap()));
        let partitions = vec![PartitionProduceData { partition_index: 0, records }];
        let topics = vec![TopicProduceData { name: "large".to_owned(), partitions }];
        let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id: None };
        assert_eq!(brokers.connection(1).call(&request, 8).unwrap().responses[0].partitions[0].error_code, 0);
    }
    let mut reading =
        Reading::of(&["large"], ConsumerSettings { max_poll_records: 3, ..from_start(brokers) });
    let (mut all, end) = (Vec::new(), Instant::now() + SOON);
    while all.len() < 4 {
        assert!(Instant::now() < end, "{all:?}");
        all.extend(reading.poll(Duration::from_millis(200)).unwrap());
    }
    for pair in all.chunks(2) {
        assert_eq!(pair[0].value.as_deref(), Some(&noise[..]));
        assert_eq!((pair[1].key.as_deref(), &pair[1].value), (Some(&b"k"[..]), &None));
        assert_eq!(pair[1].headers, [("h".to_owned(), None)]);
    }
}

/// Aborted and open transactions are not seen.
fn committed_records(brokers: &Brokers) {
    let mut producer = TransactionalProducer::new("x", 60_000);
    assert_eq!(producer.init(brokers), ErrorCode::None);
    for (value, committed) in [("a", true), ("b", false), ("c", true)] {
        assert_eq!(producer.add(brokers, &["committed"]), ErrorCode::None);
        assert_eq!(producer.produce(brokers, "committed", value), ErrorCode::None);
        assert_eq!(producer.end(brokers, committed), ErrorCode::None);
    }
    assert_eq!(producer.add(brokers, &["committed"]), ErrorCode::None);
    assert_eq!(producer.produce(brokers, "committed", "open"), ErrorCode::None);
    let values = |found: Vec<(Offset, String)>| found.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    let settings = ConsumerSettings { read_committed: true, ..from_start(brokers) };
    let mut reading = Reading::of(&["committed"], settings);
    assert_eq!(values(reading.read(2)), ["a", "c"]);
    assert!(reading.poll(Duration::from_millis(300)).unwrap().is_empty());
    let mut all = Reading::of(&["committed"], from_start(brokers));
    assert_eq!(values(all.read(4)), ["a", "b", "c", "open"]);
    assert_eq!(producer.end(brokers, true), ErrorCode::None);
    assert_eq!(values(reading.read(1)), ["open"]);
}

/// Positions that the log does not have.
fn refused_positions(brokers: &Brokers) {
    let strict = ConsumerSettings { offset_reset: OffsetReset::None, ..from_start(brokers) };
    let mut reading = Reading::of(&["t"], strict);
    let missing = ConsumerError::NoOffsetForPartition(vec![id("t")]);
    assert!(matches!(reading.poll(NOW), Err(ClientError::Consumer(error)) if error == missing));
    reading.consumer.seek(&id("t"), &OffsetAndMetadata::new(1000)).unwrap();
    let beyond = ConsumerError::OffsetOutOfRange { partition: id("t"), position: 1000 };
    let error = reading.failure();
    assert!(matches!(&error, ClientError::Consumer(error) if *error == beyond), "{error}");
    let mut reading = Reading::of(&["t"], from_start(brokers));
    reading.consumer.seek(&id("t"), &OffsetAndMetadata::new(1000)).unwrap();
    assert_eq!(reading.read(21), numbered(0..21));
    assert_eq!(
        reading.consumer.seek(&id("u"), &OffsetAndMetadata::new(0)).unwrap_err().to_string(),
        "No current assignment for partition u-0"
    );
}

#[test]
fn a_consumer_follows_its_replica_its_leader_and_a_truncated_log() {
    let selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    let racks = |id: i32, _: &Chroot| vec![("broker.rack", format!("r{id}"))];
    let mut brokers = Brokers::start_each(2, &[("replica.selector.class", selector)], racks);
    brokers.create("1:2", &["min.insync.replicas=1", "unclean.leader.election.enable=true"]);
    brokers.produce(1, 0..10);

    let near = ConsumerSettings { client_rack: "r2".to_owned(), ..from_start(&brokers) };
    let mut reading = Reading::of(&["t"], near);
    assert_eq!(reading.read(10), numbered(0..10));
    eventually("the replica in the consumer's rack is read from", SOON, || {
        reading.poll(Duration::from_millis(100)).unwrap();
        let fetches = reading.consumer.metrics().fetches;
        (fetches.get(&2).is_some_and(|count| *count > 2)).then_some(())
    });

    // The replica is gone: its reader goes back to the leader.
    let strict = ConsumerSettings { offset_reset: OffsetReset::None, ..from_start(&brokers) };
    let mut strict = Reading::of(&["t"], strict);
    strict.consumer.seek(&id("t"), &OffsetAndMetadata::new(0)).unwrap();
    brokers.broker(2).kill();
    brokers.await_isr(&[1]);
    brokers.produce(1, 10..20);
    assert_eq!(reading.read(10), numbered(10..20));
    assert_eq!(strict.read(20), numbered(0..20));

    // Broker 2 leads without the last ten records.
    brokers.broker(1).kill();
    brokers.broker(2).restart();
    brokers.await_leader(2);
    brokers.produce(2, 30..32);
    let error = strict.failure();
    let ClientError::Consumer(ConsumerError::LogTruncated(truncated)) = error else { panic!("{error:?}") };
    let divergent = truncated[0].divergent_offset.clone().unwrap();
    assert_eq!((&truncated[0].partition, truncated[0].position, divergent.offset), (&id("t"), 20, 10));
    let after: Vec<_> = reading.read(2).into_iter().collect();
    assert_eq!(after, [(10, "record 30".to_owned()), (11, "record 31".to_owned())]);
    strict.consumer.seek(&id("t"), &divergent).unwrap();
    assert_eq!(strict.read(2), after);
}
