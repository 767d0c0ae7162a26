//! The load by librdkafka, through its binding rdkafka.

#[path = "../load.rs"]
mod load;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use load::{AWAITED, BATCH_SIZE, BUFFER, LINGER, Load, Meter, report_latencies};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, FutureProducer, FutureRecord, Producer, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext, Message};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let load = Load::parse(&arguments)?;
    match load.work.as_str() {
        "produce" => produce(&load),
        "consume" => consume(&load),
        _ => awaited(&load),
    }
}

fn settings(load: &Load, linger: Duration) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", &load.bootstrap)
        .set("acks", "all")
        .set("linger.ms", linger.as_millis().to_string())
        .set("batch.size", BATCH_SIZE.to_string())
        .set("compression.type", &load.codec)
        .set("queue.buffering.max.kbytes", (BUFFER / 1024).to_string())
        .set("queue.buffering.max.messages", "1000000");
    settings
}

/// Counts what was refused.
#[derive(Default)]
struct Counting {
    refused: AtomicUsize,
}

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn produce(load: &Load) -> Result<(), Box<dyn Error>> {
    let producer: ThreadedProducer<Counting> = settings(load, LINGER).create_with_context(Counting::default())?;
    send(&producer, load, load.records / 10)?;
    let meter = Meter::start();
    send(&producer, load, load.records)?;
    meter.report();
    match producer.context().refused.load(Ordering::Relaxed) {
        0 => Ok(()),
        refused => Err(format!("{refused} records were refused").into()),
    }
}

fn send(producer: &ThreadedProducer<Counting>, load: &Load, records: usize) -> Result<(), Box<dyn Error>> {
    for value in load.values(records) {
        let mut record = BaseRecord::<(), [u8]>::to(&load.topic).payload(value);
        while let Err((error, refused)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            // The binding has no call that waits for room.
            std::thread::sleep(Duration::from_millis(1));
            record = refused;
        }
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

fn consume(load: &Load) -> Result<(), Box<dyn Error>> {
    read(load, "warm-up")?;
    let meter = Meter::start();
    read(load, "measured")?;
    meter.report();
    Ok(())
}

fn read(load: &Load, group: &str) -> Result<(), Box<dyn Error>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &load.bootstrap)
        .set("group.id", format!("librdkafka-{group}-{}", load.topic))
        .set("auto.offset.reset", "earliest")
        .create()?;
    consumer.subscribe(&[&load.topic])?;
    let (mut records, mut bytes) = (0, 0);
    while records < load.records {
        if let Some(record) = consumer.poll(Duration::from_secs(1)) {
            records += 1;
            bytes += record?.payload().map_or(0, <[u8]>::len);
        }
    }
    if bytes == 0 { Err("the records had no values".into()) } else { Ok(()) }
}

fn awaited(load: &Load) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let producer: FutureProducer = settings(load, Duration::ZERO).create()?;
        let mut latencies = Vec::new();
        for (at, value) in load.values(AWAITED + AWAITED / 10).enumerate() {
            let begun = Instant::now();
            let record = FutureRecord::<(), [u8]>::to(&load.topic).payload(value);
            producer.send(record, Duration::from_secs(60)).await.map_err(|(error, _)| error)?;
            if at >= AWAITED / 10 {
                latencies.push(begun.elapsed());
            }
        }
        report_latencies(latencies);
        Ok(())
    })
}
