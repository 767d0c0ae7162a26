//! Reads a topic, changes each record and writes it to another one, each exactly once: the records written and the
//! positions read are committed by one transaction.
//!
//! ```text
//! cargo run --example exactly_once -- localhost:9092 orders invoices 3
//! ```

use std::io::Write;
use std::time::Duration;

use barnabas::client::consumer::ConsumerRecords;
use barnabas::client::settings::{ConsumerSettings, OffsetReset, ProducerSettings};
use barnabas::client::{ClientError, Consumer, OffsetAndMetadata, Producer, ProducerRecord, Recovery};

/// Writes an invoice for each order, until this many are written.
pub async fn run(
    bootstrap: &str,
    orders: &str,
    invoices: &str,
    count: usize,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let settings = ConsumerSettings {
        offset_reset: OffsetReset::Earliest,
        enable_auto_commit: false,
        // Records of aborted transactions are not read.
        read_committed: true,
        ..ConsumerSettings::in_group(bootstrap, "billing")
    };
    let mut consumer = Consumer::new(settings).await?;
    consumer.subscribe([orders])?;
    // An earlier run of this program with the same id is fenced off.
    let producer = Producer::new(ProducerSettings::new(bootstrap).transactional("billing-1")).await?;
    producer.init_transactions().await?;

    let mut written = 0;
    while written < count {
        let records = consumer.poll(Duration::from_secs(1)).await?;
        if records.is_empty() {
            continue;
        }
        match write_invoices(&producer, &consumer, &records, invoices).await {
            Ok(()) => {
                written += records.len();
                writeln!(out, "{} invoices", records.len())?;
            }
            Err(error) if error.recovery() == Recovery::Fatal => return Err(error.into()),
            Err(error) => {
                writeln!(out, "aborted: {error}")?;
                producer.abort_transaction().await?;
                rewind(&mut consumer, &records)?;
            }
        }
    }
    producer.close(Duration::from_secs(10)).await;
    consumer.close(Duration::from_secs(10)).await?;
    Ok(())
}

/// One transaction: the invoices of these orders, and where the group reads on.
async fn write_invoices(
    producer: &Producer,
    consumer: &Consumer,
    records: &ConsumerRecords,
    invoices: &str,
) -> Result<(), ClientError> {
    producer.begin_transaction()?;
    for order in records {
        let text = format!("invoice for {}", String::from_utf8_lossy(order.value.unwrap_or_default()));
        // Where a record fails its transaction cannot be committed, so that its delivery need not be awaited.
        drop(producer.send(ProducerRecord::new(invoices, text)).await?);
    }
    // The offset after the last record of each partition.
    let next = records.iter().map(|record| {
        let offset = OffsetAndMetadata {
            leader_epoch: record.leader_epoch,
            ..OffsetAndMetadata::new(record.offset + 1)
        };
        (record.partition.clone(), offset)
    });
    producer.send_offsets_to_transaction(next.collect(), consumer.group_metadata()?).await?;
    producer.commit_transaction().await
}

/// Has the records of an aborted transaction read again.
fn rewind(consumer: &mut Consumer, records: &ConsumerRecords) -> Result<(), ClientError> {
    for partition in records.partitions() {
        if let Some(first) = records.of_partition(partition).next() {
            consumer.seek(partition, &OffsetAndMetadata::new(first.offset))?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (bootstrap, orders, invoices) = (next("localhost:9092"), next("orders"), next("invoices"));
    let count = next("3").parse()?;
    run(&bootstrap, &orders, &invoices, count, &mut std::io::stdout()).await
}
