//! The load by this library.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barnabas::client::settings::{ConsumerSettings, OffsetReset, ProducerSettings};
use barnabas::client::{Consumer, Producer, ProducerRecord};
use barnabas::wire::compression::Compression;

use crate::load::{AWAITED, BATCH_SIZE, BUFFER, LINGER, Load, Meter, report_latencies};

/// Carries a load out.
pub fn run(load: &Load) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match load.work.as_str() {
            "produce" => produce(load).await,
            "consume" => consume(load).await,
            _ => awaited(load).await,
        }
    })
}

fn settings(load: &Load) -> Result<ProducerSettings, Box<dyn Error>> {
    let codec =
        Compression::ALL.into_iter().find(|codec| codec.name() == load.codec).ok_or("no such codec")?;
    let mut settings = ProducerSettings::new(&load.bootstrap).acks_all().linger(LINGER).compression(codec);
    (settings.batch_size, settings.buffer_memory) = (BATCH_SIZE, BUFFER);
    Ok(settings)
}

async fn produce(load: &Load) -> Result<(), Box<dyn Error>> {
    let producer = Producer::new(settings(load)?).await?;
    send(&producer, load, load.records / 10).await?;
    let meter = Meter::start();
    send(&producer, load, load.records).await?;
    meter.report();
    let refused = producer.metrics().record_errors;
    producer.close(Duration::from_secs(10)).await;
    if refused > 0 { Err(format!("{refused} records were refused").into()) } else { Ok(()) }
}

async fn send(producer: &Producer, load: &Load, records: usize) -> Result<(), Box<dyn Error>> {
    let topic: Arc<str> = load.topic.as_str().into();
    for value in load.values(records) {
        let delivery = producer.send(ProducerRecord::new(topic.clone(), value.clone())).await?;
        // The producer counts what is refused.
        drop(delivery);
    }
    producer.flush().await;
    Ok(())
}

async fn consume(load: &Load) -> Result<(), Box<dyn Error>> {
    read(load, "warm-up").await?;
    let meter = Meter::start();
    read(load, "measured").await?;
    meter.report();
    Ok(())
}

async fn read(load: &Load, group: &str) -> Result<(), Box<dyn Error>> {
    let group = format!("barnabas-{group}-{}", load.topic);
    let mut settings = ConsumerSettings::in_group(&load.bootstrap, &group);
    settings.offset_reset = OffsetReset::Earliest;
    let mut consumer = Consumer::new(settings).await?;
    consumer.subscribe([load.topic.as_str()])?;
    let (mut records, mut bytes) = (0, 0);
    while records < load.records {
        for record in &consumer.poll(Duration::from_secs(1)).await? {
            records += 1;
            bytes += record.value.map_or(0, <[u8]>::len);
        }
    }
    consumer.close(Duration::from_secs(10)).await?;
    if bytes == 0 { Err("the records had no values".into()) } else { Ok(()) }
}

async fn awaited(load: &Load) -> Result<(), Box<dyn Error>> {
    let producer = Producer::new(settings(load)?.linger(Duration::ZERO)).await?;
    let mut latencies = Vec::new();
    for (at, value) in load.values(AWAITED + AWAITED / 10).enumerate() {
        let begun = Instant::now();
        producer.send(ProducerRecord::new(load.topic.as_str(), value.clone())).await?.await?;
        if at >= AWAITED / 10 {
            latencies.push(begun.elapsed());
        }
    }
    producer.close(Duration::from_secs(10)).await;
    report_latencies(latencies);
    Ok(())
}
