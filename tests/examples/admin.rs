//! Administers a cluster: creates a topic, changes its config, and shows what came of it.
//!
//! ```text
//! cargo run --example admin -- localhost:9092 orders
//! ```

use std::io::Write;

use barnabas::client::admin::{AlterConfigOp, ConfigResource, NewTopic};
use barnabas::client::settings::AdminSettings;
use barnabas::client::{Admin, ClientError};
use barnabas::wire::error_code::ErrorCode;

/// Creates the topic with three partitions, if it does not exist, and keeps its records for two hours.
pub async fn run(bootstrap: &str, topic: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let admin = Admin::new(AdminSettings::new(bootstrap)).await?;

    // A call about several items has a result for each of them.
    let wanted = [NewTopic::new(topic, 3, 1).config("retention.ms", "3600000")];
    for (name, result) in admin.create_topics(wanted, Default::default()).await {
        match result {
            Ok(_) => writeln!(out, "{name} was created")?,
            Err(ClientError::Refused { error: ErrorCode::TopicAlreadyExists, .. }) => {
                writeln!(out, "{name} exists")?;
            }
            Err(error) => return Err(error.into()),
        }
    }

    // Where all items must succeed, `all` gives their values or the first error.
    let resource = ConfigResource::topic(topic);
    let change = [(resource.clone(), vec![AlterConfigOp::set("retention.ms", "7200000")])];
    admin.incremental_alter_configs(change, Default::default()).await.all()?;
    let config = admin.describe_configs([resource], Default::default()).await.only()?;
    writeln!(out, "retention.ms is {}", config.value("retention.ms").unwrap_or("not set"))?;

    let cluster = admin.describe_cluster(Default::default()).await?;
    writeln!(out, "{} broker(s), cluster {}", cluster.nodes.len(), cluster.cluster_id.unwrap_or_default())?;
    for (name, described) in admin.describe_topics([topic], Default::default()).await.all()? {
        writeln!(out, "{name} has {} partitions", described.partitions.len())?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "orders".to_owned());
    run(&bootstrap, &topic, &mut std::io::stdout()).await
}
