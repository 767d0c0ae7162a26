//! Consumes a topic in a group, from its beginning, and commits what it has read.
//!
//! ```text
//! cargo run --example consume -- localhost:9092 orders readers 3
//! ```

use std::io::Write;
use std::time::Duration;

use barnabas::client::Consumer;
use barnabas::client::settings::{ConsumerSettings, OffsetReset};

/// Reads this many records as a member of the group.
pub async fn run(
    bootstrap: &str,
    topic: &str,
    group: &str,
    count: usize,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let settings = ConsumerSettings {
        // A group that has committed nothing begins at the first record.
        offset_reset: OffsetReset::Earliest,
        // Positions are committed below, once the records are done with.
        enable_auto_commit: false,
        ..ConsumerSettings::in_group(bootstrap, group)
    };
    let mut consumer = Consumer::new(settings).await?;
    consumer.subscribe([topic])?;
    let mut read = 0;
    while read < count {
        let records = consumer.poll(Duration::from_secs(1)).await?;
        read += records.len();
        for record in records {
            let key = record.key_as::<String>()?.unwrap_or_default();
            let value = record.value_as::<String>()?.unwrap_or_default();
            writeln!(out, "{key}: {value}")?;
        }
        consumer.commit_sync().await?;
    }
    consumer.close(Duration::from_secs(10)).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (bootstrap, topic, group) = (next("localhost:9092"), next("orders"), next("readers"));
    let count = next("3").parse()?;
    run(&bootstrap, &topic, &group, count, &mut std::io::stdout()).await
}
