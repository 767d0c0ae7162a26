//! Topics listed and described.
//!
//! Kafka: `ListTopicsResult`, `DescribeTopicsResult`, `TopicListing`, `TopicDescription`.

use std::collections::{BTreeMap, BTreeSet};

use super::Admin;
use super::item_api::ItemApi;
use super::item_results::{AnsweredItems, ItemResults, refused};
use super::operations::authorized_operations;
use super::topic_creation::ensure_topic_name;
use crate::client::error::ClientError;
use crate::client::metadata::{PartitionInfo, Target, partition_info};
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};

/// Which topics are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListTopicsOptions {
    list_internal: bool,
}

impl ListTopicsOptions {
    /// Lists Kafka's own topics, too.
    pub fn list_internal(self) -> Self {
        Self { list_internal: true }
    }
}

/// What is described of topics.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeTopicsOptions {
    include_authorized_operations: bool,
}

impl DescribeTopicsOptions {
    /// Asks what the caller may do to each topic (KIP-430).
    pub fn include_authorized_operations(self) -> Self {
        Self { include_authorized_operations: true }
    }
}

/// A topic in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicListing {
    /// Its name.
    pub name: String,
    /// Whether it is Kafka's own.
    pub is_internal: bool,
}

/// A topic and its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Whether it is Kafka's own.
    pub is_internal: bool,
    /// Its partitions, in the order of their numbers.
    pub partitions: Vec<PartitionInfo>,
    /// What the caller may do to it; None where that was not asked for.
    pub authorized_operations: Option<BTreeSet<AclOperation>>,
}

impl Admin {
    /// The topics that the caller may see, by name.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn list_topics(
        &self,
        options: ListTopicsOptions,
    ) -> Result<BTreeMap<String, TopicListing>, ClientError> {
        let request = |_| MetadataRequest { topics: None, ..Default::default() };
        let answer = self.call(&Target::Any, request, |_| Ok(())).await?;
        let listed = answer.topics.into_iter().filter(|topic| {
            topic.error_code == ErrorCode::None.code() && (options.list_internal || !topic.is_internal)
        });
        let listing = |MetadataResponseTopic { name, is_internal, .. }| {
            (name.clone(), TopicListing { name, is_internal })
        };
        Ok(listed.map(listing).collect())
    }

    /// Topics with their partitions, by name. Describing a topic does not create it.
    ///
    /// Errors of a topic: it does not exist, its name is none, the caller may not describe it.
    pub async fn describe_topics(
        &self,
        names: impl IntoIterator<Item = impl Into<String>>,
        options: DescribeTopicsOptions,
    ) -> ItemResults<String, TopicDescription> {
        self.call_each(&DescribeTopicsApi(options), names.into_iter().map(Into::into)).await
    }
}

struct DescribeTopicsApi(DescribeTopicsOptions);

impl ItemApi for DescribeTopicsApi {
    type Item = String;
    type Outcome = TopicDescription;
    type Request = MetadataRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn admit(&self, name: &String) -> Result<(), ClientError> {
        ensure_topic_name(name)
    }

    fn target(&self, _: &String) -> Target {
        Target::Any
    }

    fn request(&self, names: &[String], _: i32) -> MetadataRequest {
        MetadataRequest {
            topics: Some(names.iter().map(|name| MetadataRequestTopic { name: name.clone() }).collect()),
            allow_auto_topic_creation: false,
            include_topic_authorized_operations: self.0.include_authorized_operations,
            ..Default::default()
        }
    }

    /// A broker before 0.11 creates every topic that it is asked for by its name: it is asked for all.
    fn request_of_old(&self) -> Option<MetadataRequest> {
        let wants_operations = self.0.include_authorized_operations;
        (!wants_operations).then(|| MetadataRequest { topics: None, ..Default::default() })
    }

    fn read(
        &self,
        names: &[String],
        answer: MetadataResponse,
        found: &mut AnsweredItems<String, TopicDescription>,
    ) -> Result<(), ClientError> {
        for topic in &answer.topics {
            found.insert_checked(&topic.name, topic.error_code, None, description(topic));
        }
        for name in names.iter().filter(|name| answer.topics.iter().all(|topic| topic.name != **name)) {
            let text = format!("Topic {name} not found.");
            found.insert(name, Err(refused(ErrorCode::UnknownTopicOrPartition, text)));
        }
        Ok(())
    }
}

fn description(topic: &MetadataResponseTopic) -> TopicDescription {
    let mut partitions: Vec<_> = topic.partitions.iter().map(partition_info).collect();
    partitions.sort_by_key(|it| it.partition);
    TopicDescription {
        name: topic.name.clone(),
        is_internal: topic.is_internal,
        partitions,
        authorized_operations: authorized_operations(topic.topic_authorized_operations),
    }
}
