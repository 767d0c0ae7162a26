//! Produces records, and shows where each was written.
//!
//! ```text
//! cargo run --example produce -- localhost:9092 orders
//! ```

use std::io::Write;
use std::time::Duration;

use barnabas::client::settings::ProducerSettings;
use barnabas::client::{Producer, ProducerRecord};

/// Sends an order of each of three customers.
pub async fn run(bootstrap: &str, topic: &str, out: &mut impl Write) -> anyhow::Result<()> {
    // Every record is written once, and by all replicas in sync.
    let producer = Producer::new(ProducerSettings::new(bootstrap).idempotent()).await?;

    // Records are gathered into batches while their deliveries are waited for: send first, await later.
    let mut deliveries = Vec::new();
    for (customer, order) in [("alice", "two apples"), ("bob", "a pear"), ("carol", "a cherry")] {
        deliveries.push(producer.send(ProducerRecord::new(topic, order).key(customer)).await?);
    }
    for delivery in deliveries {
        let written = delivery.await?;
        writeln!(out, "{} at offset {}", written.partition, written.offset.unwrap_or(-1))?;
    }
    producer.close(Duration::from_secs(10)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "orders".to_owned());
    run(&bootstrap, &topic, &mut std::io::stdout()).await
}
