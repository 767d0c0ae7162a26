//! The library's producer on a broker of Kafka 2.7.2, and what Kafka's own consumer reads there.

use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::settings::ProducerSettings;
use barnabas::client::{
    ClientError, ConsumerGroupMetadata, OffsetAndMetadata, Producer, ProducerRecord, Recovery,
};
use barnabas::config::Properties;
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;

use crate::java::{Kafka, kafka};
use crate::support::{Broker, Chroot, Process};

const SOON: Duration = Duration::from_secs(60);
const SETTINGS: [(&str, &str); 6] = [
    ("offsets.topic.num.partitions", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.replication.factor", "1"),
    // Less than a batch, and more than a record.
    ("message.max.bytes", "20000"),
    ("num.partitions", "1"),
];

async fn producer(bootstrap: &str, pairs: &[(&str, &str)]) -> Producer {
    let all = [("bootstrap.servers", bootstrap)];
    let properties: Properties = all.iter().chain(pairs).copied().collect();
    Producer::new(ProducerSettings::read(&properties).unwrap()).await.unwrap()
}

/// The values of a topic that Kafka's consumer reads with `read_committed`, of which there are so many.
fn read(kafka: &Kafka, bootstrap: &str, topic: &str, count: usize) -> Vec<String> {
    let count = count.to_string();
    let arguments = [
        "--bootstrap-server",
        bootstrap,
        "--topic",
        topic,
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--max-messages",
        &count,
        "--timeout-ms",
        "30000",
    ];
    let ended = kafka.run("kafka.tools.ConsoleConsumer", &arguments);
    ended.out.lines().map(str::to_owned).collect()
}

#[test]
fn kafka_has_what_the_producer_was_given() {
    let Some(kafka) = kafka("kafka_has_what_the_producer_was_given") else { return };
    let chroot = Chroot::new();
    let broker = Broker::prepare(1, &chroot.connect(), &SETTINGS);
    let properties = broker.write_settings().display().to_string();
    let _process = Process::start("Kafka 2.7.2", &mut kafka.silent_broker("512m", &properties));
    let bootstrap = broker.bootstrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let copied = runtime.block_on(async {
        let mut wanted = every_codec(&bootstrap).await;
        wanted.extend(transactions(&bootstrap).await);
        wanted
    });
    assert_eq!(read(kafka, &bootstrap, "t", copied.len()), copied);
}

/// Numbered records in batches of every codec, in pieces where the broker finds them too large.
async fn every_codec(bootstrap: &str) -> Vec<String> {
    let mut sent = Vec::new();
    for codec in Compression::ALL {
        let pairs = [
            ("compression.type", codec.name()),
            ("enable.idempotence", "true"),
            ("linger.ms", "20"),
            ("batch.size", "60000"),
            ("max.block.ms", "120000"),
        ];
        let producer = producer(bootstrap, &pairs).await;
        let values: Vec<_> = (0..3000).map(|number| format!("{} {number}", codec.name())).collect();
        let mut deliveries = Vec::new();
        for value in &values {
            deliveries.push(producer.send(ProducerRecord::new("t", value.clone())).await.unwrap());
        }
        let mut next = None;
        for delivery in deliveries {
            let offset = delivery.await.unwrap().offset.unwrap();
            assert_eq!(offset, next.unwrap_or(offset), "in order");
            next = Some(offset + 1);
        }
        assert!(codec != Compression::None || producer.metrics().batches_split > 0);
        producer.close(SOON).await;
        sent.extend(values);
    }
    sent
}

/// Transactions that are committed, aborted and fenced; the values of the committed ones.
async fn transactions(bootstrap: &str) -> Vec<String> {
    let pairs = [("transactional.id", "x"), ("max.block.ms", "60000"), ("compression.type", "zstd")];
    let first = producer(bootstrap, &pairs).await;
    first.init_transactions().await.unwrap();
    let mut committed = Vec::new();
    for round in 0..6 {
        first.begin_transaction().unwrap();
        for number in 0..50 {
            let value = format!("transaction {round} {number}");
            drop(first.send(ProducerRecord::new("t", value.clone())).await.unwrap());
            if round % 2 == 0 {
                committed.push(value);
            }
        }
        if round % 2 == 1 {
            first.abort_transaction().await.unwrap();
            continue;
        }
        let offsets = [(TopicPartition::new("t", 0), OffsetAndMetadata::new(round))].into();
        let group = ConsumerGroupMetadata::of_group("g");
        first.send_offsets_to_transaction(offsets, group).await.unwrap();
        first.commit_transaction().await.unwrap();
    }
    // A member that is none is refused, and the transaction can be aborted.
    first.begin_transaction().unwrap();
    let stranger = ConsumerGroupMetadata {
        generation_id: 5,
        member_id: "stranger".to_owned(),
        ..ConsumerGroupMetadata::of_group("g")
    };
    let offsets = [(TopicPartition::new("t", 0), OffsetAndMetadata::new(99))].into();
    let error = first.send_offsets_to_transaction(offsets, stranger).await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::Abort, "{error}");
    first.abort_transaction().await.unwrap();
    // A second producer of the same name aborts what is open, and fences the first.
    first.begin_transaction().unwrap();
    let open = first.send(ProducerRecord::new("t", "open")).await.unwrap();
    open.await.unwrap();
    let second = producer(bootstrap, &pairs).await;
    second.init_transactions().await.unwrap();
    let error: ClientError = first.commit_transaction().await.unwrap_err();
    assert_eq!(
        (error.code(), error.recovery()),
        (Some(ErrorCode::ProducerFenced), Recovery::Fatal),
        "{error}"
    );
    second.begin_transaction().unwrap();
    drop(second.send(ProducerRecord::new("t", "last")).await.unwrap());
    second.commit_transaction().await.unwrap();
    committed.push("last".to_owned());
    first.close(SOON).await;
    second.close(SOON).await;
    committed
}
