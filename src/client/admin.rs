//! What the tools ask of a cluster about its topics, configs and offsets.
//!
//! Each call is one request, sent where it belongs and tried again while its error may pass; results stay in the
//! protocol's types. Kafka: KafkaAdminClient.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::cluster::{Cluster, ClusterOptions};
use super::error::ClientError;
use super::metadata::Target;
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicPartition, jvm_order};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_partitions::*;
use crate::wire::message::create_topics::*;
use crate::wire::message::delete_topics::*;
use crate::wire::message::describe_configs::*;
use crate::wire::message::incremental_alter_configs::*;
use crate::wire::message::list_offsets::*;
use crate::wire::message::list_partition_reassignments::*;
use crate::wire::message::metadata::{MetadataResponse, MetadataResponseBroker, MetadataResponseTopic};

/// The timestamp that asks ListOffsets for the end of a partition.
pub const LATEST: Millis = -1;
/// The timestamp that asks ListOffsets for the start of a partition.
pub const EARLIEST: Millis = -2;

/// The kind of thing a config belongs to, as the protocol numbers it (Kafka's `ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ResourceType {
    /// A topic, by name.
    Topic = 2,
    /// A broker, by id; empty for the default of all.
    Broker = 4,
    /// A broker's loggers, by the broker's id.
    BrokerLogger = 8,
}

/// The offset that belongs to a timestamp in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset; -1 where no record is that young.
    pub offset: Offset,
    /// The timestamp of its record; -1 for start and end.
    pub timestamp: Millis,
    /// The leader epoch it was written in; -1 where it is not known.
    pub leader_epoch: LeaderEpoch,
}

/// Administers a cluster; cheap to clone.
#[derive(Clone, Debug)]
#[doc(alias = "KafkaAdminClient")]
pub struct Admin {
    cluster: Cluster,
}

impl Admin {
    /// An admin client with these settings.
    ///
    /// # Errors
    /// A bootstrap address is wrong.
    pub async fn new(options: ClusterOptions) -> Result<Self, ClientError> {
        Ok(Self { cluster: Cluster::new(options).await? })
    }

    /// An admin that shares another client's connections.
    pub fn of(cluster: Cluster) -> Self {
        Self { cluster }
    }

    /// The cluster behind it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn timeout_ms(&self) -> i32 {
        let limit: Duration = self.cluster.options().request_timeout;
        i32::try_from(limit.as_millis()).unwrap_or(i32::MAX)
    }

    /// The brokers that are alive.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn brokers(&self) -> Result<Vec<MetadataResponseBroker>, ClientError> {
        Ok(self.cluster.metadata(Some(&[]), false).await?.brokers)
    }

    /// The metadata of all topics and brokers.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn metadata(&self) -> Result<MetadataResponse, ClientError> {
        self.cluster.metadata(None, false).await
    }

    /// All topics, the internal ones included, each with its partitions; sorted by name.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn topics(&self) -> Result<Vec<MetadataResponseTopic>, ClientError> {
        let mut topics = self.metadata().await?.topics;
        topics.retain(|topic| topic.error_code == ErrorCode::None.code());
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// The topics of these names in the order of Java's client; each carries its own error code.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn describe_topics(&self, names: &[String]) -> Result<Vec<MetadataResponseTopic>, ClientError> {
        let topics = self.cluster.metadata(Some(names), false).await?.topics;
        let mut named: Vec<_> = topics.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(jvm_order::java_map_of_size(named).into_iter().map(|(_, topic)| topic).collect())
    }

    /// Creates topics; each result carries its own error code.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn create_topics(
        &self,
        topics: Vec<CreatableTopic>,
        validate_only: bool,
    ) -> Result<Vec<CreatableTopicResult>, ClientError> {
        let request = CreateTopicsRequest { topics, timeout_ms: self.timeout_ms(), validate_only };
        let elsewhere =
            |answer: &CreateTopicsResponse| not_controller(answer.topics.iter().map(|it| it.error_code));
        Ok(self.cluster.call_until(&Target::Controller, &request, elsewhere).await?.topics)
    }

    /// Deletes topics; each result carries its own error code.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn delete_topics(&self, names: Vec<String>) -> Result<Vec<DeletableTopicResult>, ClientError> {
        let request = DeleteTopicsRequest { topic_names: names, timeout_ms: self.timeout_ms() };
        let elsewhere =
            |answer: &DeleteTopicsResponse| not_controller(answer.responses.iter().map(|it| it.error_code));
        Ok(self.cluster.call_until(&Target::Controller, &request, elsewhere).await?.responses)
    }

    /// Gives topics more partitions; each result carries its own error code.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn create_partitions(
        &self,
        topics: Vec<CreatePartitionsTopic>,
    ) -> Result<Vec<CreatePartitionsTopicResult>, ClientError> {
        let request = CreatePartitionsRequest { topics, timeout_ms: self.timeout_ms(), validate_only: false };
        let elsewhere =
            |answer: &CreatePartitionsResponse| not_controller(answer.results.iter().map(|it| it.error_code));
        Ok(self.cluster.call_until(&Target::Controller, &request, elsewhere).await?.results)
    }

    /// The configs of one resource, with where each value comes from.
    ///
    /// # Errors
    /// No broker answers, or it refuses.
    pub async fn describe_configs(
        &self,
        kind: ResourceType,
        name: &str,
    ) -> Result<Vec<DescribeConfigsResourceResult>, ClientError> {
        let resource = DescribeConfigsResource {
            resource_type: kind as i8,
            resource_name: name.to_owned(),
            configuration_keys: None,
        };
        let request = DescribeConfigsRequest {
            resources: vec![resource],
            include_synonyms: true,
            include_documentation: false,
        };
        let answer = self.cluster.call_until(&config_target(kind, name), &request, |_| Ok(())).await?;
        let result = answer.results.into_iter().next().unwrap_or_default();
        ClientError::check(result.error_code, result.error_message.as_deref())?;
        Ok(result.configs)
    }

    /// Changes configs of one resource: a value sets the key, None resets it to its default.
    ///
    /// # Errors
    /// No broker answers, or it refuses.
    pub async fn alter_configs(
        &self,
        kind: ResourceType,
        name: &str,
        changes: &[(String, Option<String>)],
    ) -> Result<(), ClientError> {
        let configs = changes.iter().map(|(key, value)| IncrementalAlterableConfig {
            name: key.clone(),
            // 0 sets, 1 deletes (KIP-339).
            config_operation: value.is_none().into(),
            value: value.clone(),
        });
        let resource = IncrementalAlterConfigsResource {
            resource_type: kind as i8,
            resource_name: name.to_owned(),
            configs: configs.collect(),
        };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        let answer = self.cluster.call_until(&config_target(kind, name), &request, |_| Ok(())).await?;
        answer
            .responses
            .iter()
            .try_for_each(|it| ClientError::check(it.error_code, it.error_message.as_deref()))
    }

    /// The reassignments in progress.
    ///
    /// # Errors
    /// The controller does not answer, or it refuses.
    pub async fn reassignments(&self) -> Result<Vec<OngoingTopicReassignment>, ClientError> {
        let request =
            ListPartitionReassignmentsRequest { timeout_ms: self.timeout_ms(), ..Default::default() };
        let check = |answer: &ListPartitionReassignmentsResponse| {
            ClientError::check(answer.error_code, answer.error_message.as_deref())
        };
        Ok(self.cluster.call_until(&Target::Controller, &request, check).await?.topics)
    }

    /// The offset of a timestamp ([`EARLIEST`], [`LATEST`] or milliseconds since the epoch) in each
    /// partition.
    ///
    /// # Errors
    /// A leader cannot be found or reached within the time for calls, or refuses for good.
    pub async fn list_offsets(
        &self,
        partitions: &[TopicPartition],
        timestamp: Millis,
        read_committed: bool,
    ) -> Result<BTreeMap<TopicPartition, FoundOffset>, ClientError> {
        let mut by_leader: HashMap<BrokerId, Vec<&TopicPartition>> = HashMap::new();
        for partition in partitions {
            by_leader.entry(self.leader_of(partition).await?).or_default().push(partition);
        }
        let mut found = BTreeMap::new();
        for partitions in by_leader.into_values() {
            // The first partition of a broker stands for all of them: if the leader has moved, it is looked
            // up again.
            let target = Target::Leader(partitions[0].clone());
            let request = offsets_request(&partitions, timestamp, read_committed);
            let check = |answer: &ListOffsetResponse| {
                let mut all = answer.topics.iter().flat_map(|topic| &topic.partitions);
                all.try_for_each(|it| ClientError::check(it.error_code, None))
            };
            let answer = self.cluster.call_until(&target, &request, check).await?;
            for topic in &answer.topics {
                for it in &topic.partitions {
                    let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                    found.insert(id, found_offset(it));
                }
            }
        }
        Ok(found)
    }

    /// The leader; waits while there is none.
    async fn leader_of(&self, partition: &TopicPartition) -> Result<BrokerId, ClientError> {
        let options = self.cluster.options();
        let end = tokio::time::Instant::now() + options.api_timeout;
        loop {
            match self.cluster.leader(partition).await {
                Ok(leader) => return Ok(leader.broker),
                Err(error) if error.is_retriable() && tokio::time::Instant::now() < end => {
                    tokio::time::sleep(options.retry_backoff).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// NOT_CONTROLLER from any topic, so that the controller is looked up again.
fn not_controller(codes: impl Iterator<Item = i16>) -> Result<(), ClientError> {
    let mut codes = codes;
    match codes.find(|code| *code == ErrorCode::NotController.code()) {
        Some(code) => ClientError::check(code, None),
        None => Ok(()),
    }
}

/// A broker's configs are asked of that broker alone.
fn config_target(kind: ResourceType, name: &str) -> Target {
    match (kind, name.parse()) {
        (ResourceType::Broker | ResourceType::BrokerLogger, Ok(id)) => Target::Broker(id),
        _ => Target::Any,
    }
}

fn offsets_request(partitions: &[&TopicPartition], timestamp: Millis, committed: bool) -> ListOffsetRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetPartition>> = BTreeMap::new();
    for id in partitions {
        topics.entry(&id.topic).or_default().push(ListOffsetPartition {
            partition_index: id.partition,
            timestamp,
            ..Default::default()
        });
    }
    let topics =
        topics.into_iter().map(|(name, partitions)| ListOffsetTopic { name: name.to_owned(), partitions });
    ListOffsetRequest { replica_id: -1, isolation_level: committed.into(), topics: topics.collect() }
}

/// Version 0 answers with a list, all others with one offset.
fn found_offset(it: &ListOffsetPartitionResponse) -> FoundOffset {
    let offset = it.old_style_offsets.first().copied().unwrap_or(it.offset);
    FoundOffset { offset, timestamp: it.timestamp, leader_epoch: it.leader_epoch }
}
