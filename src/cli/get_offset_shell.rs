//! `kafka.tools.GetOffsetShell`: the offsets of a topic's partitions at a time, one `topic:partition:offset` a line.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;
use serde::Serialize;

use super::arguments::{self, EarlyExit, require};
use super::java::{self, JavaClient};
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::base::{TopicPartition, jvm_order};
use crate::client::ClientError;
use crate::client::admin::{Admin, DescribeTopicsOptions, ListOffsetsOptions, ListTopicsOptions, OffsetSpec};
use crate::client::cluster::ClusterOptions;

/// The time that stands for the end of a partition.
const LATEST: i64 = -1;
/// The time that stands for its start.
const EARLIEST: i64 = -2;

/// The options.
#[derive(Debug, Parser)]
pub(super) struct OffsetShellOptions {
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
    #[command(flatten)]
    output: OutputOption,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long, value_name = "ms")]
    max_wait_ms: Option<i32>,
}

/// The offsets that were found, in the order of the partitions.
#[derive(Debug, Serialize)]
struct PrintedOffsets {
    offsets: Vec<PrintedOffset>,
}

/// The offset of a partition at the time that was asked for.
#[derive(Debug, Serialize)]
struct PrintedOffset {
    topic: String,
    partition: i32,
    /// None where no record is as new.
    offset: Option<i64>,
}

impl PrintedOffset {
    fn line(&self) -> String {
        let offset = self.offset.map(|it| it.to_string()).unwrap_or_default();
        format!("{}:{}:{offset}", self.topic, self.partition)
    }
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
    let outcome = block_on(async { Ok(print_offsets(&options).await) });
    let outcome = outcome.unwrap_or_else(|error| {
        Err(OffsetShellEnd::Thrown(JavaThrowable::new("java.lang.RuntimeException", error.to_string())))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(OffsetShellEnd::Refused(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
        Err(OffsetShellEnd::Thrown(thrown)) => thrown.leave_main(),
    }
}

fn check(options: OffsetShellOptions) -> Result<OffsetShellOptions, EarlyExit> {
    require(options.broker_list.is_some(), "broker-list")?;
    require(options.topic.is_some(), "topic")?;
    arguments::check_servers(options.broker_list.as_deref().unwrap_or_default())?;
    Ok(options)
}

/// Why the tool ends without offsets.
#[derive(Debug)]
enum OffsetShellEnd {
    /// With a sentence.
    Refused(String),
    /// With an exception.
    Thrown(JavaThrowable),
}

impl From<ClientError> for OffsetShellEnd {
    /// Kafka's tool asks by a consumer.
    fn from(error: ClientError) -> Self {
        let message = match &error {
            ClientError::CallTimedOut { .. } => "Timeout expired while fetching topic metadata".to_owned(),
            other => other.to_string(),
        };
        Self::Thrown(JavaThrowable::new(java::admin_class(&error), message))
    }
}

impl OffsetShellOptions {
    /// The numbers of `--partitions`, each once, in the order of Scala's set of them.
    fn requested(&self) -> Result<Vec<i32>, OffsetShellEnd> {
        let texts = self.partitions.trim_end_matches(',').split(',').filter(|_| !self.partitions.is_empty());
        let numbers: Result<Vec<i32>, _> = texts.map(str::parse).collect();
        let numbers = numbers.map_err(|_| {
            OffsetShellEnd::Refused(format!(
                "--partitions expects a comma separated list of numeric partition ids, but received: {}",
                self.partitions
            ))
        })?;
        let mut seen = BTreeSet::new();
        let each = numbers.into_iter().filter(|number| seen.insert(*number));
        Ok(jvm_order::scala_immutable(each.map(|number| (number, number)).collect()))
    }

    /// Which offset is meant; `first` is the partition that Kafka's consumer looks at first.
    fn spec(&self, first: Option<&TopicPartition>) -> Result<OffsetSpec, OffsetShellEnd> {
        match (self.time, first) {
            (LATEST, _) => Ok(OffsetSpec::Latest),
            (EARLIEST, _) => Ok(OffsetSpec::Earliest),
            (time, Some(first)) if time < 0 => {
                let message = format!(
                    "The target time for partition {first} is {time}. The target time cannot be negative."
                );
                Err(OffsetShellEnd::Thrown(JavaThrowable::new("java.lang.IllegalArgumentException", message)))
            }
            (time, _) => Ok(OffsetSpec::Timestamp(time)),
        }
    }
}

async fn print_offsets(options: &OffsetShellOptions) -> Result<(), OffsetShellEnd> {
    let (servers, topic) =
        (options.broker_list.as_deref().unwrap_or_default(), options.topic.as_deref().unwrap_or_default());
    let requested = options.requested()?;
    let cluster = ClusterOptions {
        events: JavaClient::Consumer.log_events("GetOffsetShell"),
        ..ClusterOptions::new(servers, "GetOffsetShell")
    };
    let not_made =
        |error: ClientError| OffsetShellEnd::Thrown(JavaThrowable::not_constructed("kafka consumer", &error));
    let admin = Admin::new(cluster).await.map_err(not_made)?;
    let ids = partitions(&admin, topic, &requested).await?;
    let hashed = ids.iter().map(|id| (jvm_order::partition_hash(id), id)).collect();
    let spec = options.spec(jvm_order::scala_immutable(hashed).into_iter().next())?;
    let specs = ids.iter().map(|id| (id.clone(), spec));
    let found = admin.list_offsets(specs, ListOffsetsOptions::default()).await.all()?;
    let offset = |id: TopicPartition| PrintedOffset {
        offset: found.get(&id).and_then(|it| it.offset),
        topic: topic.to_owned(),
        partition: id.partition,
    };
    let found = PrintedOffsets { offsets: ids.into_iter().map(offset).collect() };
    let printed =
        options.output.print(&found, |found| found.offsets.iter().for_each(|it| println!("{}", it.line())));
    printed
        .map_err(|error| OffsetShellEnd::Thrown(JavaThrowable::new("java.io.IOException", error.to_string())))
}

/// The partitions of the topic that were requested and have a leader, by their numbers; reports the others.
async fn partitions(
    admin: &Admin,
    topic: &str,
    requested: &[i32],
) -> Result<Vec<TopicPartition>, OffsetShellEnd> {
    if !admin.list_topics(ListTopicsOptions::default().list_internal()).await?.contains_key(topic) {
        return Err(OffsetShellEnd::Refused(format!("Topic {topic} does not exist")));
    }
    let described = admin.describe_topics([topic], DescribeTopicsOptions::default()).await.all()?;
    let mut partitions: Vec<_> = described.into_values().flat_map(|it| it.partitions).collect();
    partitions.retain(|it| requested.is_empty() || requested.contains(&it.partition));
    if partitions.is_empty() {
        let requested: Vec<_> = requested.iter().map(i32::to_string).collect();
        let requested = requested.join(",");
        let refused = format!("Topic {topic} does not have any of the requested partitions {requested}");
        return Err(OffsetShellEnd::Refused(refused));
    }
    for missing in requested.iter().filter(|id| !partitions.iter().any(|it| it.partition == **id)) {
        eprintln!("Error: partition {missing} does not exist");
    }
    partitions.sort_by_key(|it| it.partition);
    partitions.retain(|it| {
        if it.leader.is_none() {
            eprintln!("Error: partition {} does not have a leader. Skip getting offsets", it.partition);
        }
        it.leader.is_some()
    });
    Ok(partitions.iter().map(|it| TopicPartition::new(topic, it.partition)).collect())
}
