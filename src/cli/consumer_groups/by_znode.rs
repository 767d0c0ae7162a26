//! Groups of ZooKeeper consumers, listed, described and deleted through their znodes (`--zookeeper`), as up to Kafka
//! 1.1.
//!
//! Prints the lines of 1.1, whose errors stand on standard output and end with exit code 0. Kafka:
//! `ConsumerGroupCommand.ZkConsumerGroupService`, `AdminUtils.deleteAllConsumerGroupInfoForTopicInZK`.

mod options;
mod rows;

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::Error as JsonError;

use self::options::ZnodeGroupsAction;
use self::rows::{DeletedZnodeGroup, IdleConsumer, ZnodeGroup, ZnodePartition};
use super::described::{FoundGroups, ListedGroupRow, list_text};
use super::options::{ConsumerGroupsOptions, NOT_EXECUTED, only};
use crate::admin::consumer_groups::{self, GroupDeletion};
use crate::admin::names;
use crate::base::TopicPartition;
use crate::cli::throwable::JavaThrowable;
use crate::cli::zookeeper_groups::{GroupPartition, LogEnd, ZookeeperGroups, no_node};
use crate::cli::zookeeper_session;
use crate::zk::znode::consumer_registration::{self, ConsumerRegistration};
use crate::zk::{ZkError, ZooKeeper};

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum ZnodeGroupFailure {
    /// The ensemble was not reached: Java's exception leaves `main`.
    NotConnected(JavaThrowable),
    /// It failed then: Kafka's tool prints a sentence.
    Thrown(JavaThrowable),
}

impl<T: Into<JavaThrowable>> From<T> for ZnodeGroupFailure {
    fn from(thrown: T) -> Self {
        Self::Thrown(thrown.into())
    }
}

impl From<JsonError> for ZnodeGroupFailure {
    fn from(error: JsonError) -> Self {
        Self::Thrown(JavaThrowable::new("java.io.IOException", error.to_string()))
    }
}

/// The groups of ZooKeeper consumers of an ensemble.
pub(super) struct ZkConsumerGroupService<'a> {
    connect: &'a str,
    action: ZnodeGroupsAction,
    options: &'a ConsumerGroupsOptions,
}

impl ZkConsumerGroupService<'_> {
    /// Acts, and returns the exit code: 1 where the ensemble was not reached, else 0.
    pub(super) async fn run(self) -> ExitCode {
        eprintln!(
            "Note: This will only show information about consumers that use ZooKeeper (not those using the Java \
             consumer API)."
        );
        match self.act().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(ZnodeGroupFailure::NotConnected(thrown)) => thrown.leave_main(),
            Err(ZnodeGroupFailure::Thrown(thrown)) => {
                let reason = thrown.message();
                self.error(&format!("Executing consumer group command failed due to {reason}"));
                ExitCode::SUCCESS
            }
        }
    }

    async fn act(&self) -> Result<(), ZnodeGroupFailure> {
        match self.action {
            ZnodeGroupsAction::List => self.with_session(async |zk| self.list(zk).await).await,
            ZnodeGroupsAction::Describe => {
                let connected = ZookeeperGroups::connect(self.connect).await;
                let groups = connected.map_err(ZnodeGroupFailure::NotConnected)?;
                let described = self.describe(&groups).await;
                groups.close().await;
                described
            }
            ZnodeGroupsAction::DeleteGroups => {
                self.with_session(async |zk| self.delete_each(zk, None).await).await
            }
            ZnodeGroupsAction::DeleteTopicOfGroups => {
                let topic = self.topic()?;
                self.with_session(async |zk| self.delete_each(zk, Some(topic)).await).await
            }
            ZnodeGroupsAction::DeleteTopic => {
                let topic = self.topic()?;
                self.with_session(async |zk| self.delete_topic(zk, topic).await).await
            }
        }
    }

    /// Works in a session of its own.
    async fn with_session(
        &self,
        work: impl AsyncFnOnce(&ZooKeeper) -> Result<(), ZnodeGroupFailure>,
    ) -> Result<(), ZnodeGroupFailure> {
        let connected = zookeeper_session::connect(self.connect).await;
        let zk = connected.map_err(ZnodeGroupFailure::NotConnected)?;
        let done = work(&zk).await;
        zk.close().await;
        done
    }

    /// The one topic.
    fn topic(&self) -> Result<&str, ZnodeGroupFailure> {
        let topic = only("topic", &self.options.topic)?;
        names::validate_topic(topic)?;
        Ok(topic)
    }

    /// Prints an error as this road does (`printError`).
    fn error(&self, sentence: &str) {
        self.options.output.note(format_args!("Error: {sentence}"));
    }

    async fn list(&self, zk: &ZooKeeper) -> Result<(), ZnodeGroupFailure> {
        let found = consumer_groups::list(zk).await?;
        let names = found.ok_or_else(|| no_node(consumer_groups::PARENT))?;
        let row = |group| ListedGroupRow { group, state: None };
        let found = FoundGroups { groups: names.into_iter().map(row).collect() };
        Ok(self.options.output.print(&found, |found| print!("{}", list_text(&found.groups, false)))?)
    }

    async fn describe(&self, groups: &ZookeeperGroups) -> Result<(), ZnodeGroupFailure> {
        let group = only("group", &self.options.group)?;
        let all = consumer_groups::list(&groups.zk).await?;
        let all = all.ok_or_else(|| no_node(consumer_groups::PARENT))?;
        let mut found = FoundGroups { groups: Vec::new() };
        if all.iter().any(|it| it == group) {
            found.groups.push(self.description(groups, group).await?);
        } else {
            self.error(&format!("The consumer group '{group}' does not exist."));
        }
        Ok(self.options.output.print(&found, |found| {
            found.groups.iter().for_each(|group| print!("{}", group.text()));
        })?)
    }

    /// A group's partitions, and its consumers without any.
    async fn description(
        &self,
        groups: &ZookeeperGroups,
        group: &str,
    ) -> Result<ZnodeGroup, ZnodeGroupFailure> {
        let topics = consumer_groups::owned_topics(&groups.zk, group).await?;
        let consumers = consumer_groups::consumers(&groups.zk, group).await?;
        let consumers = consumers.ok_or_else(|| no_node(&consumer_registration::parent(group)))?;
        let partitions = groups.partitions(group, &topics).await?;
        let partitions: Vec<_> = partitions.into_iter().map(|it| self.partition(group, it)).collect();
        let busy: BTreeSet<_> = partitions.iter().filter_map(|it| it.consumer_id.clone()).collect();
        let idle: Vec<_> = consumers.into_iter().filter(|id| !busy.contains(id)).collect();
        let idle_consumers = idle_consumers(&groups.zk, group, idle).await?;
        Ok(ZnodeGroup { group: group.to_owned(), partitions, idle_consumers })
    }

    /// A partition's row; what is not known of it is printed before the rows.
    fn partition(&self, group: &str, partition: GroupPartition) -> ZnodePartition {
        let GroupPartition { id, offset, log_end, owner } = partition;
        if offset.is_none() {
            self.error(&format!(
                "Could not fetch offset from zookeeper for group '{group}' partition '{id}' due to missing offset data \
                 in zookeeper."
            ));
        }
        match log_end {
            LogEnd::At(_) | LogEnd::Unknown => {}
            LogEnd::NoLeader => self.error(&format!("No broker for partition '{id}'")),
            LogEnd::NoBroker(broker) => {
                self.error(&format!("Could not parse broker info due to Broker id {broker} does not exist"));
            }
        }
        let TopicPartition { topic, partition } = id;
        ZnodePartition::new(topic.to_string(), partition, offset, log_end, owner.as_deref())
    }

    /// Deletes the groups of `--group`, or what they have of a topic; what was done before a failure is printed, too.
    async fn delete_each(&self, zk: &ZooKeeper, topic: Option<&str>) -> Result<(), ZnodeGroupFailure> {
        let (mut rows, mut failure) = (Vec::new(), None);
        for group in &self.options.group {
            match self.delete(zk, group, topic).await {
                Ok(deletion) => rows.push(DeletedZnodeGroup::new(group, topic, deletion)),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.print_each(rows)?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Deletes a group, or what it has of a topic; only looks what would become of it where that is asked for.
    async fn delete(
        &self,
        zk: &ZooKeeper,
        group: &str,
        topic: Option<&str>,
    ) -> Result<GroupDeletion, ZkError> {
        match topic {
            _ if self.options.dry_run => consumer_groups::foresee_deletion(zk, group).await,
            None => consumer_groups::delete(zk, group).await,
            Some(topic) => consumer_groups::delete_topic(zk, group, topic).await,
        }
    }

    fn print_each(&self, rows: Vec<DeletedZnodeGroup>) -> Result<(), ZnodeGroupFailure> {
        if self.options.dry_run {
            self.options.output.note(format_args!("{NOT_EXECUTED}"));
        }
        Ok(self.options.output.print(&FoundGroups { groups: rows }, |deleted| {
            deleted.groups.iter().for_each(|row| println!("{}", row.sentence()));
        })?)
    }

    /// Deletes what all groups without consumers have of a topic.
    async fn delete_topic(&self, zk: &ZooKeeper, topic: &str) -> Result<(), ZnodeGroupFailure> {
        let mut rows = Vec::new();
        for group in consumer_groups::list(zk).await?.unwrap_or_default() {
            let topics = consumer_groups::topics_with_offsets(zk, &group).await?;
            if topics.iter().any(|it| it == topic) {
                let deletion = self.delete(zk, &group, Some(topic)).await?;
                rows.push(DeletedZnodeGroup::new(&group, Some(topic), deletion));
            }
        }
        if self.options.dry_run {
            return self.print_each(rows);
        }
        Ok(self.options.output.print(&FoundGroups { groups: rows }, |_| {
            println!(
                "Deleted consumer group information for all inactive consumer groups for topic '{topic}' in zookeeper."
            );
        })?)
    }
}

/// Consumers without partitions, each with what it subscribes to. One that has left meanwhile is left out.
async fn idle_consumers(
    zk: &ZooKeeper,
    group: &str,
    ids: Vec<String>,
) -> Result<Vec<IdleConsumer>, ZnodeGroupFailure> {
    let paths: Vec<_> = ids.iter().map(|id| consumer_registration::path(group, id)).collect();
    let mut consumers = Vec::new();
    for (consumer_id, read) in ids.into_iter().zip(zk.get_many(&paths).await?) {
        let Some((data, _)) = read else { continue };
        let registration = ConsumerRegistration::decode(&data).map_err(|_| {
            let text = String::from_utf8_lossy(&data).into_owned();
            let sentence = format!("error constructing TopicCount : {text}");
            JavaThrowable::new("kafka.common.KafkaException", sentence)
        })?;
        let subscription = registration.subscription.into_iter().map(|(topic, _)| topic).collect();
        consumers.push(IdleConsumer { consumer_id, subscription });
    }
    Ok(consumers)
}
