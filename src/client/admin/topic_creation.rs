//! Topics created and deleted.
//!
//! Kafka: `NewTopic`, `CreateTopicsOptions`, `CreateTopicsResult`, `DeleteTopicsOptions`, `DeleteTopicsResult`.

use std::collections::BTreeMap;

use super::Admin;
use super::config_entry::{Config, ConfigEntry, ConfigSource};
use super::item_api::{ItemApi, OF_CONTROLLER};
use super::item_results::{AnsweredItems, ItemResults, refused};
use crate::base::BrokerId;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse, CreateableTopicConfig,
};
use crate::wire::message::delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    name: String,
    /// -1 for the broker's default, and where the replicas are assigned.
    num_partitions: i32,
    /// -1 for the broker's default, and where the replicas are assigned.
    replication_factor: i16,
    /// The brokers of each partition, the preferred leader first; empty where the controller assigns them.
    replicas_assignments: BTreeMap<i32, Vec<BrokerId>>,
    configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic of this many partitions, each on this many brokers.
    pub fn new(name: impl Into<String>, num_partitions: i32, replication_factor: i16) -> Self {
        Self { num_partitions, replication_factor, ..Self::with_defaults(name) }
    }

    /// A topic with as many partitions and replicas as the broker's `num.partitions` and
    /// `default.replication.factor` (KIP-464).
    pub fn with_defaults(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            num_partitions: -1,
            replication_factor: -1,
            replicas_assignments: BTreeMap::new(),
            configs: BTreeMap::new(),
        }
    }

    /// A topic whose partitions lie on these brokers, the preferred leader first.
    pub fn with_assignments(
        name: impl Into<String>,
        replicas_assignments: BTreeMap<i32, Vec<BrokerId>>,
    ) -> Self {
        Self { replicas_assignments, ..Self::with_defaults(name) }
    }

    /// The same topic with one more config, e.g. `cleanup.policy`.
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.insert(key.into(), value.into());
        self
    }

    /// The same topic with this many partitions.
    pub fn num_partitions(self, num_partitions: i32) -> Self {
        Self { num_partitions, ..self }
    }

    /// The same topic with this many replicas of each partition.
    pub fn replication_factor(self, replication_factor: i16) -> Self {
        Self { replication_factor, ..self }
    }

    fn creatable(&self) -> CreatableTopic {
        let assignments = self.replicas_assignments.iter().map(|(partition, brokers)| {
            CreatableReplicaAssignment { partition_index: *partition, broker_ids: brokers.clone() }
        });
        let configs = self
            .configs
            .iter()
            .map(|(name, value)| CreateableTopicConfig { name: name.clone(), value: Some(value.clone()) });
        CreatableTopic {
            name: self.name.clone(),
            num_partitions: self.num_partitions,
            replication_factor: self.replication_factor,
            assignments: assignments.collect(),
            configs: configs.collect(),
        }
    }
}

/// How topics are created.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateTopicsOptions {
    validate_only: bool,
    fail_on_quota_violation: bool,
}

impl CreateTopicsOptions {
    /// Checks the topics without creating them.
    pub fn validate_only(self) -> Self {
        Self { validate_only: true, ..self }
    }

    /// A topic that is refused because its caller has broken the quota of partition changes fails at once, where it
    /// would be sent again after the throttling (`retryOnQuotaViolation`, KIP-599).
    pub fn fail_on_quota_violation(self) -> Self {
        Self { fail_on_quota_violation: true, ..self }
    }
}

/// How topics are deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeleteTopicsOptions {
    fail_on_quota_violation: bool,
}

impl DeleteTopicsOptions {
    /// As [`CreateTopicsOptions::fail_on_quota_violation`].
    pub fn fail_on_quota_violation(self) -> Self {
        Self { fail_on_quota_violation: true }
    }
}

/// A topic as it was created, or would be (`TopicMetadataAndConfig`, KIP-525). A broker before 2.4 answers with
/// nothing of it, and a caller that may not describe the topic's configs sees none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "TopicMetadataAndConfig")]
pub struct CreatedTopic {
    /// How many partitions it has.
    pub num_partitions: Option<i32>,
    /// How many replicas each of them has.
    pub replication_factor: Option<i16>,
    /// Its configs, the defaults among them.
    pub config: Option<Config>,
}

impl Admin {
    /// Creates topics. It succeeds once the controller has them; the other brokers may not know them yet.
    ///
    /// Errors of a topic: it exists, its name, counts or configs are none, there are too few brokers, the caller may
    /// not create it.
    pub async fn create_topics(
        &self,
        topics: impl IntoIterator<Item = NewTopic>,
        options: CreateTopicsOptions,
    ) -> ItemResults<String, CreatedTopic> {
        let topics: BTreeMap<_, _> = topics.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
        let names: Vec<_> = topics.keys().cloned().collect();
        self.call_each(&CreateTopicsApi { topics, options }, names).await
    }

    /// Deletes topics. It succeeds once the controller has begun with it.
    ///
    /// Errors of a topic: it does not exist, deletion is disabled, the caller may not delete it.
    pub async fn delete_topics(
        &self,
        names: impl IntoIterator<Item = impl Into<String>>,
        options: DeleteTopicsOptions,
    ) -> ItemResults<String, ()> {
        self.call_each(&DeleteTopicsApi(options), names.into_iter().map(Into::into)).await
    }
}

/// Refuses a name that no request can carry.
pub(super) fn ensure_topic_name(name: &str) -> Result<(), ClientError> {
    if !name.is_empty() {
        return Ok(());
    }
    let message = format!("The given topic name '{name}' cannot be represented in a request.");
    Err(refused(ErrorCode::InvalidTopicException, message))
}

struct CreateTopicsApi {
    topics: BTreeMap<String, NewTopic>,
    options: CreateTopicsOptions,
}

impl ItemApi for CreateTopicsApi {
    type Item = String;
    type Outcome = CreatedTopic;
    type Request = CreateTopicsRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn admit(&self, name: &String) -> Result<(), ClientError> {
        ensure_topic_name(name)
    }

    fn target(&self, _: &String) -> Target {
        Target::Controller
    }

    fn request(&self, names: &[String], timeout_ms: i32) -> CreateTopicsRequest {
        let topics = names.iter().filter_map(|name| self.topics.get(name)).map(NewTopic::creatable).collect();
        CreateTopicsRequest { topics, timeout_ms, validate_only: self.options.validate_only }
    }

    fn read(
        &self,
        _: &[String],
        answer: CreateTopicsResponse,
        found: &mut AnsweredItems<String, CreatedTopic>,
    ) -> Result<(), ClientError> {
        for it in &answer.topics {
            found.insert_checked(&it.name, it.error_code, it.error_message.as_deref(), created(it));
        }
        Ok(())
    }

    fn retries_quota_violations(&self) -> bool {
        !self.options.fail_on_quota_violation
    }
}

fn created(it: &CreatableTopicResult) -> CreatedTopic {
    if it.topic_config_error_code != ErrorCode::None.code() {
        return CreatedTopic::default();
    }
    CreatedTopic {
        num_partitions: Some(it.num_partitions).filter(|count| *count >= 0),
        replication_factor: Some(it.replication_factor).filter(|count| *count >= 0),
        config: Some(it.num_partitions)
            .filter(|count| *count >= 0)
            .and(it.configs.as_ref())
            .map(|configs| configs.iter().map(config_entry).collect()),
    }
}

fn config_entry(config: &CreatableTopicConfigs) -> ConfigEntry {
    ConfigEntry {
        name: config.name.clone(),
        value: config.value.clone(),
        source: ConfigSource::from_code(config.config_source),
        is_sensitive: config.is_sensitive,
        is_read_only: config.read_only,
        synonyms: Vec::new(),
        config_type: None,
        documentation: None,
    }
}

struct DeleteTopicsApi(DeleteTopicsOptions);

impl ItemApi for DeleteTopicsApi {
    type Item = String;
    type Outcome = ();
    type Request = DeleteTopicsRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn admit(&self, name: &String) -> Result<(), ClientError> {
        ensure_topic_name(name)
    }

    fn target(&self, _: &String) -> Target {
        Target::Controller
    }

    fn request(&self, names: &[String], timeout_ms: i32) -> DeleteTopicsRequest {
        DeleteTopicsRequest { topic_names: names.to_vec(), timeout_ms }
    }

    fn read(
        &self,
        _: &[String],
        answer: DeleteTopicsResponse,
        found: &mut AnsweredItems<String, ()>,
    ) -> Result<(), ClientError> {
        for it in &answer.responses {
            found.insert_checked(&it.name, it.error_code, it.error_message.as_deref(), ());
        }
        Ok(())
    }

    fn retries_quota_violations(&self) -> bool {
        !self.0.fail_on_quota_violation
    }
}
