//! `kafka.tools.UpdateOffsetsInZK`: sets a group's offsets of a topic to its start or its end (Kafka up to 0.10).

use std::process::ExitCode;

use log::LevelFilter;

use super::throwable::{JavaThrowable, outcome_of};
use super::zookeeper_groups::ZookeeperGroups;
use super::{arguments, logging};
use crate::admin::topics;
use crate::base::TopicPartition;
use crate::client::admin::{ListOffsetsOptions, OffsetSpec};
use crate::client::by_znode::ZookeeperConsumerSettings;
use crate::zk::znode::consumer_offset;

/// Runs the tool; exit code 1 with its usage, or with Java's exception.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let (spec, file, topic) = match &arguments[..] {
        [spec, file, topic, ..] if spec == "earliest" => (OffsetSpec::Earliest, file, topic),
        [spec, file, topic, ..] if spec == "latest" => (OffsetSpec::Latest, file, topic),
        _ => {
            println!("USAGE: kafka.tools.UpdateOffsetsInZK$ [earliest | latest] consumer.properties topic");
            return ExitCode::FAILURE;
        }
    };
    match update(spec, file, topic) {
        Ok(()) => ExitCode::SUCCESS,
        Err(thrown) => thrown.leave_main(),
    }
}

fn update(spec: OffsetSpec, file: &str, topic: &str) -> Result<(), JavaThrowable> {
    let properties = arguments::settings(Some(file), &[]).map_err(JavaThrowable::of_early_exit)?;
    let settings = ZookeeperConsumerSettings::read(&properties)?;
    outcome_of(async {
        let groups = ZookeeperGroups::connect(&settings.zookeeper.connect).await?;
        let updated = update_partitions(&groups, &settings.group_id, spec, topic).await;
        groups.close().await;
        updated
    })
}

async fn update_partitions(
    groups: &ZookeeperGroups,
    group: &str,
    spec: OffsetSpec,
    topic: &str,
) -> Result<(), JavaThrowable> {
    let found = topics::fetch(&groups.zk, topic).await?;
    let not_found = || JavaThrowable::new("java.lang.RuntimeException", format!("Can't find topic {topic}"));
    let partitions = found.ok_or_else(not_found)?.partitions.into_keys();
    let specs: Vec<_> = partitions.map(|at| (TopicPartition::new(topic, at), spec)).collect();
    let count = specs.len();
    // All offsets are known before the first one is written.
    let offsets = groups.admin.list_offsets(specs, ListOffsetsOptions::default()).await.all();
    for (id, found) in offsets? {
        let offset = found.offset.unwrap_or(0);
        println!("updating partition {} with new offset: {offset}", id.partition);
        let path = consumer_offset::path(group, topic, id.partition);
        groups.zk.set_or_create(&path, &consumer_offset::encode(offset)).await?;
    }
    println!("updated the offset for {count} partitions");
    Ok(())
}
