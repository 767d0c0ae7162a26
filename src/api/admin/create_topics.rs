//! CreateTopics, v0-6. Writes topics to ZooKeeper and waits until the controller has elected their leaders.
//!
//! v1 validate only, messages · v4 defaults for partitions and replicas (KIP-464) · v5 what was created (KIP-525) · v6
//! THROTTLING_QUOTA_EXCEEDED (KIP-599). Kafka: `KafkaApis.handleCreateTopicsRequest`, `AdminManager.createTopics`.

use std::collections::BTreeMap;

use crate::admin::AdminError;
use crate::admin::topics::{self, PartitionReplicas, RackAware};
use crate::api::authorize::AuthorizedTopics;
use crate::api::mutation_quota::MutationQuota;
use crate::api::named_twice::named_twice;
use crate::api::{Exchange, config_entries, topic_waits};
use crate::base::jvm_order;
use crate::metadata::MetadataSnapshot;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};

/// The first version in which a request over its quota is refused.
const STRICT_SINCE: i16 = 6;

/// Creates each topic by itself; one that fails does not hold up the others.
pub async fn handle(exchange: &Exchange, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let is_controller = exchange.services.controller.is_active();
    let permissions = Permissions::of(exchange, &request, is_controller);
    let twice = named_twice(request.topics.iter().map(|topic| topic.name.as_str()));
    let mut quota = MutationQuota::new(exchange, STRICT_SINCE);
    let mut results = Vec::with_capacity(request.topics.len());
    let mut to_create = Vec::new();
    for topic in &request.topics {
        let refusal = if !is_controller {
            Some((ErrorCode::NotController, Some(String::new())))
        } else if twice.contains(topic.name.as_str()) {
            Some((ErrorCode::InvalidRequest, Some("Found multiple entries for this topic.".to_owned())))
        } else if !permissions.create.contains(&topic.name) {
            Some((ErrorCode::TopicAuthorizationFailed, Some("Authorization failed.".to_owned())))
        } else {
            None
        };
        results.push(match refusal {
            Some((error, message)) => CreatableTopicResult {
                topic_config_error_code: permissions.config_error(&topic.name).code(),
                ..refused(topic, error, message)
            },
            None => {
                to_create.push((topic.name.clone(), results.len()));
                CreatableTopicResult::default()
            }
        });
    }
    // In Kafka's order, which decides on the topics that a quota refuses.
    let mut created = BTreeMap::new();
    for (name, at) in jvm_order::scala_mutable_map(to_create) {
        let topic = &request.topics[at];
        results[at] = match create(exchange, topic, request.validate_only, &mut quota).await {
            Ok((replicas, result)) => {
                created.insert(name, replicas.len());
                permissions.shown(result)
            }
            Err(error) => refused(topic, error.code(), error.client_message()),
        };
    }
    if !request.validate_only && !created.is_empty() {
        await_leaders(exchange, request.timeout_ms, &created, &mut results).await;
    }
    CreateTopicsResponse { topics: results, throttle_time_ms: quota.throttle_time_ms() }
}

/// Waits until the created topics, given with their numbers of partitions, have all their leaders; a topic without
/// them in time gets REQUEST_TIMED_OUT.
async fn await_leaders(
    exchange: &Exchange,
    timeout_ms: i32,
    created: &BTreeMap<String, usize>,
    results: &mut [CreatableTopicResult],
) {
    let services = &exchange.services;
    let all = |metadata: &MetadataSnapshot| {
        created.iter().all(|(name, count)| topic_waits::has_leaders(metadata, name, *count))
    };
    let purgatory = &services.replicas.waits().topic;
    if topic_waits::wait_for(&services.metadata, purgatory, timeout_ms, all).await {
        return;
    }
    let metadata = services.metadata.snapshot();
    for result in results.iter_mut().filter(|result| result.error_code == ErrorCode::None.code()) {
        let late = created.get(&result.name).is_some_and(|count| {
            timeout_ms <= 0 || !topic_waits::has_leaders(&metadata, &result.name, *count)
        });
        if late {
            *result = timed_out(&result.name);
        }
    }
}

/// What the caller may do to the topics of a request.
struct Permissions {
    create: AuthorizedTopics,
    describe_configs: AuthorizedTopics,
}

impl Permissions {
    /// The authorizer is not asked if another broker is the controller: nothing is created or shown then.
    fn of(exchange: &Exchange, request: &CreateTopicsRequest, is_controller: bool) -> Self {
        if !is_controller {
            return Self { create: AuthorizedTopics::Every, describe_configs: AuthorizedTopics::Every };
        }
        let names = || request.topics.iter().map(|topic| topic.name.as_str());
        let create = if exchange.is_authorized_on_cluster(AclOperation::Create) {
            AuthorizedTopics::Every
        } else {
            exchange.authorized_topics(AclOperation::Create, names())
        };
        Self { create, describe_configs: exchange.visible_topics(AclOperation::DescribeConfigs, names()) }
    }

    /// Why a topic's configs are not shown.
    fn config_error(&self, topic: &str) -> ErrorCode {
        if self.describe_configs.contains(topic) {
            ErrorCode::None
        } else {
            ErrorCode::TopicAuthorizationFailed
        }
    }

    /// What the caller may see of a topic that was created.
    fn shown(&self, created: CreatableTopicResult) -> CreatableTopicResult {
        match self.config_error(&created.name) {
            ErrorCode::None => created,
            error => CreatableTopicResult {
                name: created.name,
                topic_config_error_code: error.code(),
                error_message: None,
                configs: Some(Vec::new()),
                ..Default::default()
            },
        }
    }
}

fn refused(topic: &CreatableTopic, error: ErrorCode, message: Option<String>) -> CreatableTopicResult {
    CreatableTopicResult {
        name: topic.name.clone(),
        error_code: error.code(),
        error_message: message,
        configs: Some(Vec::new()),
        ..Default::default()
    }
}

fn timed_out(name: &str) -> CreatableTopicResult {
    CreatableTopicResult {
        name: name.to_owned(),
        error_code: ErrorCode::RequestTimedOut.code(),
        error_message: None,
        configs: Some(Vec::new()),
        ..Default::default()
    }
}

async fn create(
    exchange: &Exchange,
    topic: &CreatableTopic,
    validate_only: bool,
    quota: &mut MutationQuota<'_>,
) -> Result<(PartitionReplicas, CreatableTopicResult), AdminError> {
    let zk = &exchange.services.zk;
    if exchange.services.metadata.snapshot().topic(&topic.name).is_some() {
        return Err(AdminError::TopicExists(topic.name.clone()));
    }
    let nulls: Vec<_> =
        topic.configs.iter().filter(|it| it.value.is_none()).map(|it| it.name.as_str()).collect();
    if !nulls.is_empty() {
        return Err(AdminError::invalid_request(format!(
            "Null value not supported for topic configs : {}",
            nulls.join(",")
        )));
    }
    let pairs = topic.configs.iter().filter_map(|it| Some((it.name.clone(), it.value.clone()?)));
    let config: BTreeMap<_, _> = pairs.collect();
    let replicas = assigned_replicas(exchange, topic).await?;
    topics::validate(zk, &topic.name, &replicas, &config).await?;
    if !validate_only {
        quota.record(replicas.len())?;
        topics::create_with_assignment(zk, &topic.name, &replicas, &config).await?;
    }
    let factor = replicas.values().next().map_or(-1, |ids| i16::try_from(ids.len()).unwrap_or(i16::MAX));
    let entries = config_entries::topic(&exchange.services, &config);
    let configs = entries.into_iter().map(|entry| CreatableTopicConfigs {
        name: entry.name,
        value: entry.value,
        read_only: false,
        config_source: entry.source as i8,
        is_sensitive: entry.sensitive,
    });
    let result = CreatableTopicResult {
        name: topic.name.clone(),
        error_code: ErrorCode::None.code(),
        error_message: None,
        num_partitions: i32::try_from(replicas.len()).unwrap_or(i32::MAX),
        replication_factor: factor,
        configs: Some(configs.collect()),
        ..Default::default()
    };
    Ok((replicas, result))
}

/// The replicas that the request gives, or those that the broker assigns.
async fn assigned_replicas(
    exchange: &Exchange,
    topic: &CreatableTopic,
) -> Result<PartitionReplicas, AdminError> {
    if !topic.assignments.is_empty() {
        if topic.num_partitions != -1 || topic.replication_factor != -1 {
            return Err(AdminError::invalid_request(
                "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.",
            ));
        }
        let wished = topic.assignments.iter().map(|it| (it.partition_index, it.broker_ids.clone()));
        return Ok(wished.collect());
    }
    let config = &exchange.services.config;
    let partitions = if topic.num_partitions == -1 { config.num_partitions } else { topic.num_partitions };
    let factor = match topic.replication_factor {
        -1 => config.default_replication_factor,
        factor => factor.into(),
    };
    let brokers = topics::candidates(&exchange.services.zk, RackAware::AsNamed).await?;
    topics::assign(&brokers, partitions, factor)
}
