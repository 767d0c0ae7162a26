//! The library's producer on real brokers: what it sends is there, once and in order, whatever is killed meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::producer::{
    PartitionedTopic, Partitioner, ProducerInterceptor, RoundRobinPartitioner, UniformStickyPartitioner,
};
use barnabas::client::settings::ProducerSettings;
use barnabas::client::{
    ClientError, ConsumerGroupMetadata, Delivery, OffsetAndMetadata, Producer, ProducerRecord,
    RecordMetadata, Recovery,
};
use barnabas::config::Properties;
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;
use futures_util::FutureExt;

use crate::support::cluster::Brokers;
use crate::support::transactional::{TOPIC, read_committed};
use crate::support::{Connection, eventually};

const SOON: Duration = Duration::from_secs(60);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

fn settings(bootstrap: &str, pairs: &[(&str, &str)]) -> ProducerSettings {
    let all = [("bootstrap.servers", bootstrap)];
    let properties: Properties = all.iter().chain(pairs).copied().collect();
    let settings = ProducerSettings::read(&properties).unwrap();
    assert!(settings.ignored.is_empty(), "{:?}", settings.ignored);
    settings
}

async fn producer(bootstrap: &str, pairs: &[(&str, &str)]) -> Producer {
    Producer::new(settings(bootstrap, pairs)).await.unwrap()
}

fn values(port: u16, topic: &str) -> Vec<String> {
    Connection::to(port).unwrap().read_all(topic).into_iter().map(|(_, value)| value).collect()
}

/// Sends numbered records to the first partition; what comes of them.
async fn send(producer: &Producer, topic: &str, numbers: std::ops::Range<i32>) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for number in numbers {
        let record = ProducerRecord::new(topic, number.to_string()).partition(0);
        deliveries.push(producer.send(record).await.unwrap());
    }
    deliveries
}

fn numbered(numbers: std::ops::Range<i32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// Everything that needs one broker and no failure.
#[test]
fn records_are_written_as_they_were_given() {
    let mut brokers =
        Brokers::start(1, &[("message.max.bytes", "1000000"), ("auto.create.topics.enable", "false")]);
    let (bootstrap, port) = (brokers.bootstrap(), brokers.all[&1].port);
    for topic in ["plain", "reported", "small", "unanswered", "spread"] {
        let configs: &[_] = if topic == "small" { &["max.message.bytes=2000"] } else { &[] };
        let replicas = if topic == "spread" { "1,1,1" } else { "1" };
        brokers.create_topic(topic, replicas, configs);
    }
    block_on(async {
        metadata_and_headers(&bootstrap).await;
        flush_waits_for_reports(&bootstrap).await;
        every_codec(&bootstrap, port, &brokers).await;
        too_large(&bootstrap, port).await;
        partitions(&bootstrap).await;
        without_answers(&bootstrap, port).await;
        limits(&mut brokers).await;
    });
}

/// A producer whose broker stands still holds no more than its memory, and ends in time.
async fn limits(brokers: &mut Brokers) {
    let limits = [("buffer.memory", "20000"), ("max.block.ms", "300"), ("acks", "all")];
    let producer = producer(&brokers.bootstrap(), &limits).await;
    // From here on the topic is known, and a connection is open.
    producer.send(ProducerRecord::new("plain", "x")).await.unwrap().await.unwrap();
    brokers.broker(1).process().stand_still();
    let mut accepted = Vec::new();
    let refused = loop {
        match producer.send(ProducerRecord::new("plain", vec![b'x'; 1000])).await {
            Ok(delivery) => accepted.push(delivery),
            Err(error) => break error,
        }
    };
    assert_eq!(
        refused.to_string(),
        "Failed to allocate memory within the configured max blocking time 300 ms."
    );
    assert!((15..=20).contains(&accepted.len()), "{} records of 1,000 bytes", accepted.len());
    producer.close(Duration::from_millis(100)).await;
    for delivery in accepted {
        assert_eq!(delivery.await.unwrap_err().to_string(), "Producer is closed forcefully.");
    }
}

async fn metadata_and_headers(bootstrap: &str) {
    #[derive(Debug, Default)]
    struct Stamp(Arc<AtomicUsize>);

    impl ProducerInterceptor for Stamp {
        fn on_send(&self, record: ProducerRecord) -> ProducerRecord {
            record.header("stamp", "s")
        }

        fn on_acknowledgement(&self, topic: &str, outcome: Result<&RecordMetadata, &ClientError>) {
            let of_topic = |metadata: &RecordMetadata| &*metadata.partition.topic == topic;
            assert!(outcome.map_or(["absent", "plain"].contains(&topic), of_topic));
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let seen = Arc::new(AtomicUsize::new(0));
    let settings =
        ProducerSettings { max_block: Duration::from_millis(300), ..ProducerSettings::new(bootstrap) };
    let producer = Producer::new(settings.acks_all().interceptor(Stamp(seen.clone()))).await.unwrap();
    let record = ProducerRecord::new("plain", "value").key("key").timestamp(1_000).header("h", "1");
    let metadata = producer.send(record).await.unwrap().await.unwrap();
    assert_eq!(metadata.partition, TopicPartition::new("plain", 0));
    assert_eq!((metadata.offset, metadata.timestamp), (Some(0), 1_000));
    assert_eq!((metadata.serialized_key_size, metadata.serialized_value_size), (Some(3), Some(5)));
    let tombstone = ProducerRecord::tombstone("plain").key("key");
    assert_eq!(producer.send(tombstone).await.unwrap().await.unwrap().serialized_value_size, None);
    let late = producer.send(ProducerRecord::new("absent", "x")).await.unwrap_err();
    assert_eq!(late.to_string(), "Topic absent not present in metadata after 300 ms.");
    let late = producer.send(ProducerRecord::new("plain", "x").partition(7)).await;
    assert_eq!(
        late.unwrap_err().to_string(),
        "Partition 7 of topic plain with partition count 1 is not present in metadata after 300 ms."
    );
    assert_eq!(producer.partitions_for("plain").await.unwrap().count(), 1);
    assert_eq!(producer.metrics().records_sent, 2);
    producer.close(SOON).await;
    assert_eq!(seen.load(Ordering::SeqCst), 4, "two were written, two were not accepted");
}

/// A flush is over once the interceptors know what came of the records, too.
async fn flush_waits_for_reports(bootstrap: &str) {
    #[derive(Debug)]
    struct Held {
        begun: tokio::sync::mpsc::UnboundedSender<()>,
        release: Mutex<std::sync::mpsc::Receiver<()>>,
    }

    impl ProducerInterceptor for Held {
        fn on_acknowledgement(&self, _: &str, outcome: Result<&RecordMetadata, &ClientError>) {
            outcome.unwrap();
            self.begun.send(()).unwrap();
            self.release.lock().unwrap().recv().unwrap();
        }
    }

    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (release, held) = std::sync::mpsc::channel();
    let interceptor = Held { begun, release: Mutex::new(held) };
    let settings = ProducerSettings::new(bootstrap).interceptor(interceptor);
    let producer = Producer::new(settings).await.unwrap();
    let delivery = producer.send(ProducerRecord::new("reported", "x")).await.unwrap();
    has_begun.recv().await.unwrap();
    assert!(producer.flush().now_or_never().is_none(), "the interceptor has not returned");
    release.send(()).unwrap();
    tokio::time::timeout(SOON, producer.flush()).await.unwrap();
    delivery.now_or_never().unwrap().unwrap();
    producer.close(SOON).await;
}

async fn every_codec(bootstrap: &str, port: u16, brokers: &Brokers) {
    for codec in Compression::ALL {
        let topic = format!("codec-{}", codec.name());
        brokers.create_topic(&topic, "1", &[]);
        let pairs = [
            ("compression.type", codec.name()),
            ("compression.gzip.level", "9"),
            ("compression.lz4.level", "12"),
            ("compression.zstd.level", "1"),
            ("enable.idempotence", "true"),
            ("linger.ms", "5"),
            ("batch.size", "100000"),
        ];
        let producer = producer(bootstrap, &pairs).await;
        for delivery in send(&producer, &topic, 0..20_000).await {
            delivery.await.unwrap();
        }
        let metrics = producer.metrics();
        let bytes = metrics.bytes_sent / metrics.records_sent;
        assert!(codec == Compression::None || bytes < 8, "{codec:?} takes {bytes} bytes a record");
        assert_eq!((metrics.record_errors, metrics.requests_in_flight), (0, 0));
        producer.close(SOON).await;
        assert_eq!(values(port, &topic), numbered(0..20_000), "{codec:?}");
    }
}

/// Batches that the topic finds too large are sent in pieces; a record that is too large by itself fails.
async fn too_large(bootstrap: &str, port: u16) {
    for pairs in [&[("enable.idempotence", "true")][..], &[("max.in.flight.requests.per.connection", "1")]] {
        let producer = producer(bootstrap, &[pairs, &[("linger.ms", "50")]].concat()).await;
        let before = values(port, "small").len();
        let mut deliveries = send(&producer, "small", 0..300).await;
        let large = ProducerRecord::new("small", vec![b'x'; 3000]).partition(0);
        let large = producer.send(large).await.unwrap();
        deliveries.extend(send(&producer, "small", 300..400).await);
        for (at, delivery) in deliveries.into_iter().enumerate() {
            assert_eq!(delivery.await.unwrap().offset, Some((before + at) as i64));
        }
        assert_eq!(large.await.unwrap_err().code(), Some(ErrorCode::MessageTooLarge));
        assert!(producer.metrics().batches_split > 0);
        producer.close(SOON).await;
        assert_eq!(values(port, "small")[before..], numbered(0..400));
    }
    let producer = producer(bootstrap, &[]).await;
    let refused = producer.send(ProducerRecord::new("plain", vec![0; 1 << 20])).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "The message is 1048664 bytes when serialized which is larger than 1048576, which is the value of the max.request.size configuration."
    );
}

async fn partitions(bootstrap: &str) {
    #[derive(Debug)]
    struct Last;

    impl Partitioner for Last {
        fn partition(&self, _record: &ProducerRecord, topic: &PartitionedTopic) -> i32 {
            topic.count() + 10
        }
    }

    async fn chosen(settings: ProducerSettings, keys: &[&'static str]) -> Vec<i32> {
        let producer = Producer::new(settings).await.unwrap();
        let mut chosen = Vec::new();
        for key in keys {
            let record = ProducerRecord::new("spread", "v").key(*key);
            chosen.push(producer.send(record).await.unwrap().await.unwrap().partition.partition);
        }
        chosen
    }

    let new = || ProducerSettings::new(bootstrap);
    let keys = ["foobar", "21", "a-little-bit-long-string", "foobar"];
    // As Java's murmur2 has it.
    assert_eq!(chosen(new(), &keys).await, [0, 0, 2, 0]);
    let turns = chosen(new().partitioner(RoundRobinPartitioner), &keys).await;
    assert_eq!(turns, [0, 1, 2, 0].map(|it| (it + turns[0]) % 3));
    let sticky = chosen(new().partitioner(UniformStickyPartitioner), &keys).await;
    assert!(sticky.windows(2).all(|pair| pair[0] != pair[1]), "each record is a batch: {sticky:?}");
    assert_eq!(
        chosen(new().partitioner(Last), &keys[..1]).await,
        [2],
        "what does not exist is kept within bounds"
    );
}

async fn without_answers(bootstrap: &str, port: u16) {
    let producer = producer(bootstrap, &[("acks", "0")]).await;
    for delivery in send(&producer, "unanswered", 0..500).await {
        assert_eq!(delivery.await.unwrap().offset, None);
    }
    producer.close(SOON).await;
    tokio::task::block_in_place(|| {
        eventually("they are written", SOON, || {
            (values(port, "unanswered") == numbered(0..500)).then_some(())
        });
    });
}

/// An application that copies `input` to `output` exactly once, while brokers are killed: the leader of its output, the
/// coordinator of its transactions and that of its group. Some of its transactions are aborted on purpose, and now and
/// then it begins anew at what its group has committed.
#[test]
fn a_topic_is_copied_exactly_once_while_brokers_are_killed() {
    const RECORDS: i32 = 600;
    const CHUNK: usize = 20;
    let quick = [
        ("transaction.state.log.num.partitions", "1"),
        ("offsets.topic.num.partitions", "1"),
        ("offsets.topic.replication.factor", "3"),
        ("transaction.state.log.replication.factor", "3"),
        ("transaction.state.log.min.isr", "2"),
        ("min.insync.replicas", "2"),
    ];
    let mut brokers = Brokers::start(3, &quick);
    brokers.create_topic("input", "1:2:3", &[]);
    brokers.create_topic("output", "2:3:1", &[]);
    brokers.create_topic(TOPIC, "3:1:2", &["min.insync.replicas=2", "cleanup.policy=compact"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bootstrap = brokers.bootstrap();
    let flood = producer(&bootstrap, &[("enable.idempotence", "true"), ("linger.ms", "2")]);
    let flood = runtime.block_on(flood);
    runtime.block_on(async {
        for delivery in send(&flood, "input", 0..RECORDS).await {
            delivery.await.unwrap();
        }
        flood.close(SOON).await;
    });
    let input = values(brokers.all[&1].port, "input");
    assert_eq!(input, numbered(0..RECORDS));

    let transactional =
        [("transactional.id", "copier"), ("linger.ms", "2"), ("delivery.timeout.ms", "120000")];
    let begin = async || {
        let copier = producer(&bootstrap, &transactional).await;
        copier.init_transactions().await.unwrap();
        copier
    };
    let mut copier = runtime.block_on(begin());
    let (mut at, mut round) = (0, 0);
    while at < input.len() {
        match round {
            5 => brokers.broker(2).kill(),
            9 => brokers.broker(2).restart(),
            14 => brokers.broker(3).kill(),
            18 => brokers.broker(3).restart(),
            22 => copier = runtime.block_on(begin()),
            _ => {}
        }
        round += 1;
        let chunk = &input[at..input.len().min(at + CHUNK)];
        let next = at + chunk.len();
        let outcome = runtime.block_on(async {
            copier.begin_transaction()?;
            let mut deliveries = Vec::new();
            for value in chunk {
                deliveries.push(copier.send(ProducerRecord::new("output", value.clone())).await?);
            }
            let offset = OffsetAndMetadata::new(next as i64);
            let offsets = [(TopicPartition::new("input", 0), offset)].into();
            copier.send_offsets_to_transaction(offsets, ConsumerGroupMetadata::of_group("copiers")).await?;
            if round % 7 == 3 {
                return copier.abort_transaction().await.map(|()| false);
            }
            // A commit that is dropped goes on, and is joined.
            tokio::select! {
                biased;
                done = copier.commit_transaction() => done?,
                () = tokio::task::yield_now() => copier.commit_transaction().await?,
            }
            for delivery in deliveries {
                delivery.await?;
            }
            Ok(true)
        });
        match outcome {
            Ok(committed) => at = if committed { next } else { at },
            Err(error) if error_allows_abort(&error) => runtime.block_on(copier.abort_transaction()).unwrap(),
            Err(error) => panic!("round {round}: {error} {error:?}"),
        }
    }
    assert_eq!(read_committed(&brokers, "output"), input);
    assert_eq!(committed_offset(&brokers), i64::from(RECORDS));
    // A second producer of the same name fences the first.
    let second = runtime.block_on(begin());
    let fenced = runtime.block_on(async {
        copier.begin_transaction()?;
        let sent = copier.send(ProducerRecord::new("output", "zombie")).await?.await.map(drop);
        sent.and(copier.commit_transaction().await)
    });
    assert!(fenced.is_err());
    assert_eq!(copier_state(&runtime, &copier), Some(ErrorCode::ProducerFenced));
    runtime.block_on(async {
        second.begin_transaction().unwrap();
        let left = second.send(ProducerRecord::new("output", "open")).await.unwrap();
        // Closing aborts what is open.
        second.close(SOON).await;
        let _ = left.await;
    });
    assert_eq!(read_committed(&brokers, "output"), input);
}

fn error_allows_abort(error: &ClientError) -> bool {
    matches!(error.recovery(), Recovery::Abort | Recovery::Retry)
}

/// The error that a producer has failed with for good.
fn copier_state(runtime: &tokio::runtime::Runtime, copier: &Producer) -> Option<ErrorCode> {
    runtime.block_on(async { copier.abort_transaction().await.unwrap_err().code() })
}

/// What the group has committed in `input`.
fn committed_offset(brokers: &Brokers) -> i64 {
    use barnabas::wire::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
    let topics = vec![OffsetFetchRequestTopic { name: "input".to_owned(), partition_indexes: vec![0] }];
    let request =
        OffsetFetchRequest { group_id: "copiers".to_owned(), topics: Some(topics), require_stable: true };
    eventually("the group's offset is stable", SOON, || {
        let leader = brokers.state_of("__consumer_offsets").leader;
        let answer = Connection::to(brokers.all.get(&leader)?.port)?.call(&request, 7)?;
        let partition = answer.topics.first()?.partitions.first()?;
        (answer.error_code == 0 && partition.error_code == 0).then_some(partition.committed_offset)
    })
}

/// With several requests in flight to a leader that is killed, every record is there once and in order.
#[test]
fn a_leader_is_killed_with_requests_in_flight() {
    let mut brokers = Brokers::start(3, &[("min.insync.replicas", "2")]);
    brokers.create_topic("t", "1:2:3,2:3:1,3:1:2", &[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let pairs = [("enable.idempotence", "true"), ("batch.size", "500"), ("compression.type", "lz4")];
    let flood = Arc::new(runtime.block_on(producer(&brokers.bootstrap(), &pairs)));
    let sending = {
        let flood = flood.clone();
        runtime.spawn(async move {
            let mut deliveries: HashMap<i32, Vec<Delivery>> = HashMap::new();
            for number in 0..30_000 {
                let partition = number % 3;
                let record = ProducerRecord::new("t", number.to_string()).partition(partition);
                deliveries.entry(partition).or_default().push(flood.send(record).await.unwrap());
            }
            deliveries
        })
    };
    eventually("records are sent", SOON, || (flood.metrics().records_sent > 3000).then_some(()));
    brokers.broker(1).kill();
    let deliveries = runtime.block_on(sending).unwrap();
    runtime.block_on(async {
        for (partition, deliveries) in deliveries {
            let mut last = -1;
            for delivery in deliveries {
                let metadata = delivery.await.unwrap();
                // A batch whose first answer was lost may come without an offset.
                if let Some(offset) = metadata.offset {
                    assert!(offset > last, "partition {partition}: {offset} after {last}");
                    last = offset;
                }
            }
        }
        flood.flush().await;
    });
    brokers.broker(1).restart();
    let mut found: Vec<Vec<String>> = vec![Vec::new(); 3];
    for (partition, found) in found.iter_mut().enumerate() {
        let path = TopicPartition::new("t", partition as i32);
        loop {
            let values = eventually("the leader answers", SOON, || {
                let leader = brokers.state_of_partition(&path).leader;
                read_partition(brokers.all.get(&leader)?.port, &path, found.len() as i64)
            });
            if values.is_empty() {
                break;
            }
            found.extend(values);
        }
        let wanted: Vec<_> =
            (0..30_000).filter(|it| it % 3 == partition as i32).map(|it| it.to_string()).collect();
        assert!(*found == wanted, "partition {partition}: {} records of {}", found.len(), wanted.len());
    }
}

/// The values of a partition from an offset on, as far as one answer holds them.
fn read_partition(port: u16, partition: &TopicPartition, offset: i64) -> Option<Vec<String>> {
    use barnabas::wire::batch::Batch;
    use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
    let asked = FetchPartition {
        partition: partition.partition,
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topics = vec![FetchTopic { topic: partition.topic.to_string(), partitions: vec![asked] }];
    let request =
        FetchRequest { replica_id: -1, max_bytes: 1 << 20, session_epoch: -1, topics, ..Default::default() };
    let mut answer = Connection::to(port)?.call(&request, 11)?;
    let found = answer.responses.pop()?.partition_responses.pop()?;
    if found.error_code != 0 {
        return None;
    }
    let bytes = found.record_set.map(|it| it.read().unwrap()).unwrap_or_default();
    let records = Batch::split(bytes).map_while(Result::ok).flat_map(|batch| batch.all_records().unwrap());
    let records = records.filter(|record| record.offset >= offset);
    Some(records.map(|it| String::from_utf8(it.value.unwrap().to_vec()).unwrap()).collect())
}
