//! `kafka.tools.VerifyConsumerRebalance`: whether every partition has an owner in a group of ZooKeeper consumers (Kafka
//! up to 0.10).

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use log::LevelFilter;

use super::arguments::{self, EarlyExit, require};
use super::throwable::{JavaThrowable, outcome_of};
use super::{logging, zookeeper_session};
use crate::admin::{consumer_groups, topics};
use crate::client::by_znode::TopicCount;
use crate::zk::ZooKeeper;
use crate::zk::znode::consumer_owner;
use crate::zk::znode::consumer_registration::{self, ConsumerRegistration};

const TARGET: &str = "kafka.tools.VerifyConsumerRebalance$";

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct VerifyRebalanceOptions {
    /// The group. Required.
    #[arg(long, value_name = "group")]
    group: Option<String>,
    /// The ensemble, as host:port,host:port,... with an optional /chroot.
    #[arg(long = "zookeeper.connect", value_name = "urls", default_value = "localhost:2181")]
    zookeeper_connect: String,
}

/// Runs the tool; exit code 0, whatever it finds, and 1 with Java's exception where the ensemble fails.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "Validate that all partitions have a consumer for a given consumer group.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<VerifyRebalanceOptions>();
    }
    let parsed = arguments::parse::<VerifyRebalanceOptions>(about, &arguments)
        .and_then(|options| require(options.group.is_some(), "group").map(|()| options));
    let options = match parsed {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<VerifyRebalanceOptions>(),
    };
    let group = options.group.as_deref().unwrap_or_default();
    match outcome_of(verify(&options.zookeeper_connect, group)) {
        Ok(problems) => {
            for problem in &problems {
                log::error!(target: TARGET, "{problem}");
            }
            println!("Rebalance operation {} !", if problems.is_empty() { "successful" } else { "failed" });
            ExitCode::SUCCESS
        }
        Err(thrown) => thrown.leave_main(),
    }
}

async fn verify(to: &str, group: &str) -> Result<Vec<String>, JavaThrowable> {
    let zk = zookeeper_session::connect(to).await?;
    let found = find_problems(&zk, group).await;
    zk.close().await;
    found
}

/// What is wrong with the group's owners, in Kafka's words.
async fn find_problems(zk: &ZooKeeper, group: &str) -> Result<Vec<String>, JavaThrowable> {
    let mut problems = Vec::new();
    for (topic, threads) in threads(zk, group).await? {
        let found = topics::fetch(zk, &topic).await?;
        let partitions: Vec<i32> = found.into_iter().flat_map(|it| it.partitions.into_keys()).collect();
        let paths: Vec<_> = partitions.iter().map(|at| consumer_owner::path(group, &topic, *at)).collect();
        let owners = zk.get_many(&paths).await?;
        if owners.iter().all(Option::is_none) {
            problems.push(format!("No owners for any partitions for topic {topic}"));
        }
        for (partition, owner) in partitions.iter().zip(owners) {
            let Some(owner) = owner.and_then(|(data, _)| consumer_owner::decode(&data).ok()) else {
                problems.push(format!("No owner for partition [{topic},{partition}]"));
                continue;
            };
            if !threads.contains(&owner) {
                problems.push(format!(
                    "Owner {owner} for partition [{topic},{partition}] is not a valid member of consumer group {group}"
                ));
            }
        }
    }
    Ok(problems)
}

/// Topic → the threads that the group's consumers read it with.
async fn threads(zk: &ZooKeeper, group: &str) -> Result<BTreeMap<Arc<str>, BTreeSet<String>>, JavaThrowable> {
    let ids = consumer_groups::consumers(zk, group).await?.unwrap_or_default();
    let paths: Vec<_> = ids.iter().map(|id| consumer_registration::path(group, id)).collect();
    let all: Vec<Arc<str>> = topics::list(zk).await?.into_iter().map(Into::into).collect();
    let mut threads: BTreeMap<Arc<str>, BTreeSet<String>> = BTreeMap::new();
    for (id, read) in ids.iter().zip(zk.get_many(&paths).await?) {
        let registration = read.and_then(|(data, _)| ConsumerRegistration::decode(&data).ok());
        let Some(registration) = registration else { continue };
        for (topic, count) in TopicCount::of_registration(&registration).topics(all.iter(), false) {
            threads.entry(topic).or_default().extend((0..count).map(|at| format!("{id}-{at}")));
        }
    }
    Ok(threads)
}
