//! `kafka.tools.ConsumerOffsetChecker`: how far a group of ZooKeeper consumers is behind (Kafka up to 0.10).

use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;
use serde::Serialize;

use super::arguments::{self, EarlyExit, require};
use super::logging;
use super::output_format::OutputOption;
use super::throwable::{JavaThrowable, outcome_of};
use super::zookeeper_groups::{GroupPartition, LogEnd, ZookeeperGroups, no_node};
use crate::admin::consumer_groups;
use crate::base::{BrokerId, Offset};
use crate::client::ClusterNode;
use crate::client::admin::DescribeClusterOptions;
use crate::zk::znode::consumer_offset;

const TARGET: &str = "kafka.tools.ConsumerOffsetChecker$";

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct OffsetCheckerOptions {
    /// Print the brokers' addresses, too.
    #[arg(long)]
    broker_info: bool,
    /// The group. Required.
    #[arg(long, value_name = "group")]
    group: Option<String>,
    #[command(flatten)]
    output: OutputOption,
    /// Accepted for old scripts.
    #[arg(long = "retry.backoff.ms", value_name = "ms")]
    retry_backoff_ms: Option<i32>,
    /// Accepted for old scripts.
    #[arg(long = "socket.timeout.ms", value_name = "ms")]
    socket_timeout_ms: Option<i32>,
    /// The topics, parted by commas; all that the group has read where it is left out.
    #[arg(long, value_name = "topics")]
    topic: Option<String>,
    /// The ensemble, as host:port,host:port,... with an optional /chroot.
    #[arg(long, value_name = "urls", default_value = "localhost:2181")]
    zookeeper: String,
}

/// Runs the tool; exit code 0, as Kafka's, after a failure, too.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    log::warn!(
        target: TARGET,
        "WARNING: ConsumerOffsetChecker is deprecated and will be dropped in releases following 0.9.0. Use \
         ConsumerGroupCommand instead."
    );
    let about = "Check the offset of your consumers.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<OffsetCheckerOptions>();
    }
    let parsed = arguments::parse::<OffsetCheckerOptions>(about, &arguments)
        .and_then(|options| require(options.group.is_some(), "group").map(|()| options));
    let options = match parsed {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<OffsetCheckerOptions>(),
    };
    if let Err(thrown) = outcome_of(check(&options)) {
        println!("Exiting due to: {}.", thrown.message());
    }
    ExitCode::SUCCESS
}

async fn check(options: &OffsetCheckerOptions) -> Result<(), JavaThrowable> {
    let group = options.group.as_deref().unwrap_or_default();
    let groups = ZookeeperGroups::connect(&options.zookeeper).await?;
    let shown = show(&groups, group, options).await;
    groups.close().await;
    shown
}

async fn show(
    groups: &ZookeeperGroups,
    group: &str,
    options: &OffsetCheckerOptions,
) -> Result<(), JavaThrowable> {
    let topics = topics(groups, group, options.topic.as_deref()).await?;
    let partitions = groups.partitions(group, &topics).await?;
    let with_offsets = consumer_groups::topics_with_offsets(&groups.zk, group).await?;
    for partition in partitions.iter().filter(|it| it.offset.is_none()) {
        if !with_offsets.iter().any(|topic| **topic == *partition.id.topic) {
            return Err(no_node(&consumer_offset::path(group, &partition.id.topic, partition.id.partition)));
        }
    }
    let checked = CheckedGroup {
        partitions: partitions.iter().filter_map(|it| checked(group, it, options.output)).collect(),
        brokers: if options.broker_info { Some(brokers(groups).await?) } else { None },
    };
    let printed = options.output.print(&checked, CheckedGroup::print);
    printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()))
}

/// How far a group is behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct CheckedGroup {
    partitions: Vec<CheckedPartition>,
    /// None where they were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    brokers: Option<Vec<BrokerAddress>>,
}

/// A broker and its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct BrokerAddress {
    id: BrokerId,
    address: String,
}

/// A partition and how far the group is behind in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckedPartition {
    group: String,
    topic: String,
    partition: i32,
    offset: Option<Offset>,
    log_size: Option<Offset>,
    lag: Option<Offset>,
    owner: Option<String>,
}

/// The topics asked for, sorted.
async fn topics(
    groups: &ZookeeperGroups,
    group: &str,
    asked: Option<&str>,
) -> Result<Vec<String>, JavaThrowable> {
    let mut topics: Vec<String> = match asked {
        Some(list) => list.split(',').map(str::to_owned).collect(),
        None => {
            let owners = format!("{}/{group}/owners", consumer_groups::PARENT);
            if groups.zk.exists(&owners).await?.is_none() {
                return Err(no_node(&owners));
            }
            consumer_groups::owned_topics(&groups.zk, group).await?
        }
    };
    topics.sort();
    Ok(topics)
}

/// A partition's row; None, after a line that gives the reason, where it has no leader.
fn checked(group: &str, partition: &GroupPartition, output: OutputOption) -> Option<CheckedPartition> {
    let GroupPartition { id, offset, log_end, owner } = partition;
    let log_size = match log_end {
        LogEnd::At(end) => Some(*end),
        LogEnd::Unknown => None,
        LogEnd::NoLeader => {
            output.note(format_args!("No broker for partition {} - {}", id.topic, id.partition));
            return None;
        }
        LogEnd::NoBroker(broker) => {
            output.note(format_args!("Could not parse broker info due to Broker id {broker} does not exist"));
            return None;
        }
    };
    Some(CheckedPartition {
        group: group.to_owned(),
        topic: id.topic.to_string(),
        partition: id.partition,
        offset: *offset,
        log_size,
        lag: offset.zip(log_size).map(|(offset, end)| end - offset),
        owner: owner.clone(),
    })
}

impl CheckedGroup {
    fn print(&self) {
        let line = |[group, topic, number, offset, end, lag, owner]: [&str; 7]| {
            println!("{group:15} {topic:30} {number:3} {offset:15} {end:15} {lag:15} {owner}");
        };
        line(["Group", "Topic", "Pid", "Offset", "logSize", "Lag", "Owner"]);
        let text = |number: Option<Offset>| number.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
        for row in &self.partitions {
            // A partition without an offset, of a topic with offsets, has this one.
            let offset = row.offset.unwrap_or(-1).to_string();
            let (number, end, lag) = (row.partition.to_string(), text(row.log_size), text(row.lag));
            let owner = row.owner.as_deref().unwrap_or("none");
            line([&row.group, &row.topic, &number, &offset, &end, &lag, owner]);
        }
        if let Some(brokers) = &self.brokers {
            println!("BROKER INFO");
            for BrokerAddress { id, address } in brokers {
                println!("{id} -> {address}");
            }
        }
    }
}

async fn brokers(groups: &ZookeeperGroups) -> Result<Vec<BrokerAddress>, JavaThrowable> {
    let cluster = groups.admin.describe_cluster(DescribeClusterOptions::default()).await?;
    let address = |node: &ClusterNode| BrokerAddress { id: node.id, address: node.address.to_string() };
    let mut brokers: Vec<_> = cluster.nodes.iter().map(address).collect();
    brokers.sort_by_key(|broker| broker.id);
    Ok(brokers)
}
