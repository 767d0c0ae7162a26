//! `kafka.tools.GetOffsetShell`: the offsets of a topic's partitions at a time, one `topic:partition:offset` a line.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use log::LevelFilter;

use super::arguments::{self, EarlyExit, require};
use super::java::JavaClient;
use super::{block_on, logging};
use crate::base::TopicPartition;
use crate::client::admin::Admin;
use crate::client::cluster::ClusterOptions;

/// The options.
#[derive(Debug, Parser)]
struct OffsetShellOptions {
    /// The brokers to ask, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    broker_list: Option<String>,
    /// The topic.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
    /// The partitions, parted by commas; all where it is left out.
    #[arg(long, value_name = "ids", default_value = "")]
    partitions: String,
    /// Milliseconds since the Unix epoch, -1 for the end, -2 for the start. No offset is printed where no
    /// record is as new.
    #[arg(long, value_name = "time", default_value_t = -1, allow_hyphen_values = true)]
    time: i64,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long, value_name = "count")]
    offsets: Option<i32>,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long, value_name = "ms")]
    max_wait_ms: Option<i32>,
}

/// Runs the tool; exit code 1 where the topic or all of the partitions do not exist.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "An interactive shell for getting topic offsets.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<OffsetShellOptions>();
    }
    let options = match arguments::parse::<OffsetShellOptions>(about, &arguments).and_then(check) {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<OffsetShellOptions>(),
    };
    match block_on(print_offsets(&options)) {
        Ok(code) => code,
        Err(error) => arguments::thrown("org.apache.kafka.common.KafkaException", error),
    }
}

fn check(options: OffsetShellOptions) -> Result<OffsetShellOptions, EarlyExit> {
    require(options.broker_list.is_some(), "broker-list")?;
    require(options.topic.is_some(), "topic")?;
    Ok(options)
}

async fn print_offsets(options: &OffsetShellOptions) -> anyhow::Result<ExitCode> {
    let (servers, topic) =
        (options.broker_list.as_deref().unwrap_or_default(), options.topic.as_deref().unwrap_or_default());
    let mut wanted: Vec<i32> = Vec::new();
    for text in options.partitions.split(',').filter(|text| !text.is_empty()) {
        match text.parse() {
            Ok(partition) => wanted.push(partition),
            Err(_) => {
                eprintln!(
                    "--partitions expects a comma separated list of numeric partition ids, but received: {}",
                    options.partitions
                );
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let cluster = ClusterOptions {
        events: JavaClient::Consumer.log_events("GetOffsetShell"),
        ..ClusterOptions::new(servers, "GetOffsetShell")
    };
    let admin = Admin::new(cluster).await.context("Failed to construct kafka consumer")?;
    let described = admin.topics().await?.into_iter().find(|it| it.name == topic);
    let Some(described) = described else {
        eprintln!("Topic {topic} does not exist");
        return Ok(ExitCode::FAILURE);
    };
    let mut partitions: Vec<_> = described.partitions.iter().collect();
    partitions.sort_by_key(|it| it.partition_index);
    partitions.retain(|it| wanted.is_empty() || wanted.contains(&it.partition_index));
    if partitions.is_empty() {
        eprintln!("Topic {topic} does not have any of the requested partitions {}", options.partitions);
        return Ok(ExitCode::FAILURE);
    }
    for missing in wanted.iter().filter(|id| !partitions.iter().any(|it| it.partition_index == **id)) {
        eprintln!("Error: partition {missing} does not exist");
    }
    partitions.retain(|it| {
        let led = it.leader_id >= 0;
        if !led {
            eprintln!("Error: partition {} does not have a leader. Skip getting offsets", it.partition_index);
        }
        led
    });
    let ids: Vec<_> = partitions.iter().map(|it| TopicPartition::new(topic, it.partition_index)).collect();
    let found = admin.list_offsets(&ids, options.time, false).await?;
    for id in ids {
        let offset = found.get(&id).map(|it| it.offset).filter(|offset| *offset >= 0);
        println!("{topic}:{}:{}", id.partition, offset.map(|it| it.to_string()).unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}
