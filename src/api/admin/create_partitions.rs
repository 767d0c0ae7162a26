//! CreatePartitions, v0-3. Adds partitions to topics and waits until the controller has elected their
//! leaders.
//!
//! v2 flexible · v3 THROTTLING_QUOTA_EXCEEDED (KIP-599). Kafka: `KafkaApis.handleCreatePartitionsRequest`,
//! `AdminManager.createPartitions`.

use std::collections::{BTreeMap, BTreeSet};

use crate::admin::AdminError;
use crate::admin::placement::BrokerAndRack;
use crate::admin::topics::{self, PartitionReplicas, RackAware};
use crate::api::mutation_quota::MutationQuota;
use crate::api::named_twice::named_twice;
use crate::api::{Exchange, topic_waits};
use crate::base::Assignment;
use crate::metadata::MetadataSnapshot;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult,
};

/// The first version in which a request over its quota is refused.
const STRICT_SINCE: i16 = 3;

/// Why a topic gets no partitions.
type Refusal = (ErrorCode, Option<String>);

/// Handles each topic by itself; one that is named twice is refused once. Without a list of live brokers
/// every topic is refused. The topics that the request could be tried for come first in the answer, as in Kafka.
pub async fn handle(exchange: &Exchange, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let mut quota = MutationQuota::new(exchange, STRICT_SINCE);
    let brokers = match brokers(exchange).await {
        Ok(brokers) => brokers,
        Err((error, message)) => {
            let mut seen = BTreeSet::new();
            let names = request.topics.iter().map(|topic| topic.name.as_str());
            let results =
                names.filter(|name| seen.insert(*name)).map(|name| result(name, error, message.clone()));
            return CreatePartitionsResponse { results: results.collect(), ..Default::default() };
        }
    };
    let SortedTopics { valid, refused } = sort(exchange, &request).await;
    let mut results = Vec::new();
    for topic in valid {
        let outcome = grow(exchange, topic, &brokers, request.validate_only, &mut quota).await;
        results.push(match outcome {
            Ok(()) => result(&topic.name, ErrorCode::None, None),
            Err(error) => result(&topic.name, error.code(), error.client_message()),
        });
    }
    if !request.validate_only {
        await_leaders(exchange, &request, &mut results).await;
    }
    results.extend(refused);
    CreatePartitionsResponse { results, throttle_time_ms: quota.throttle_time_ms() }
}

/// The live brokers, where this broker is the controller.
async fn brokers(exchange: &Exchange) -> Result<Vec<BrokerAndRack>, Refusal> {
    let services = &exchange.services;
    if !services.controller.is_active() {
        return Err((ErrorCode::NotController, None));
    }
    topics::candidates(&services.zk, RackAware::Enforced).await.map_err(|error| {
        log::error!(target: "kafka.server.KafkaApis", "[KafkaApi-{}] Error when handling CreatePartitions: {error}", services.broker_id);
        (error.code(), error.client_message())
    })
}

/// The topics of a request.
struct SortedTopics<'a> {
    /// Those that partitions can be added to.
    valid: Vec<&'a CreatePartitionsTopic>,
    /// The results of the others: those named twice, those that the caller may not alter, those to be deleted.
    refused: Vec<CreatePartitionsTopicResult>,
}

async fn sort<'a>(exchange: &Exchange, request: &'a CreatePartitionsRequest) -> SortedTopics<'a> {
    let named = request.topics.iter().map(|topic| topic.name.as_str());
    let twice = named_twice(named.clone());
    let authorized =
        exchange.authorized_topics(AclOperation::Alter, named.filter(|name| !twice.contains(name)));
    let (mut valid, mut denied, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for topic in request.topics.iter().filter(|topic| !twice.contains(topic.name.as_str())) {
        if !authorized.contains(&topic.name) {
            let message = Some("The topic authorization is failed.".to_owned());
            denied.push(result(&topic.name, ErrorCode::TopicAuthorizationFailed, message));
        } else if let Err(error) = check_not_queued_for_deletion(exchange, &topic.name).await {
            deleted.push(result(&topic.name, error.code(), error.client_message()));
        } else {
            valid.push(topic);
        }
    }
    let twice = twice
        .into_iter()
        .map(|name| result(name, ErrorCode::InvalidRequest, Some("Duplicate topic in request.".to_owned())));
    SortedTopics { valid, refused: twice.chain(denied).chain(deleted).collect() }
}

/// The mark stays until the topic is deleted; the controller would revert what is written before that.
async fn check_not_queued_for_deletion(exchange: &Exchange, topic: &str) -> Result<(), AdminError> {
    if topics::is_marked_for_deletion(&exchange.services.zk, topic).await? {
        return Err(AdminError::InvalidTopic("The topic is queued for deletion.".to_owned()));
    }
    Ok(())
}

fn result(name: &str, error: ErrorCode, error_message: Option<String>) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult { name: name.to_owned(), error_code: error.code(), error_message }
}

/// Waits until the topics that have grown have all their leaders; a topic without them in time gets
/// REQUEST_TIMED_OUT.
async fn await_leaders(
    exchange: &Exchange,
    request: &CreatePartitionsRequest,
    results: &mut [CreatePartitionsTopicResult],
) {
    let is_grown = |topic: &&CreatePartitionsTopic| {
        results.iter().any(|result| result.name == topic.name && result.error_code == ErrorCode::None.code())
    };
    let grown = request.topics.iter().filter(is_grown);
    let grown: BTreeMap<String, usize> =
        grown.map(|topic| (topic.name.clone(), usize::try_from(topic.count).unwrap_or(0))).collect();
    let services = &exchange.services;
    let all = |metadata: &MetadataSnapshot| {
        grown.iter().all(|(name, count)| topic_waits::has_leaders(metadata, name, *count))
    };
    if grown.is_empty()
        || topic_waits::wait_for(
            &services.metadata,
            &services.replicas.waits().topic,
            request.timeout_ms,
            all,
        )
        .await
    {
        return;
    }
    let metadata = services.metadata.snapshot();
    let late = |name: &str| {
        let count = grown.get(name)?;
        (request.timeout_ms <= 0 || !topic_waits::has_leaders(&metadata, name, *count)).then_some(())
    };
    for result in results {
        if late(&result.name).is_some() {
            result.error_code = ErrorCode::RequestTimedOut.code();
        }
    }
}

async fn grow(
    exchange: &Exchange,
    topic: &CreatePartitionsTopic,
    brokers: &[BrokerAndRack],
    validate_only: bool,
    quota: &mut MutationQuota<'_>,
) -> Result<(), AdminError> {
    let zk = &exchange.services.zk;
    let existing = topics::fetch(zk, &topic.name).await?;
    let Some(existing) = existing.filter(|existing| !existing.partitions.is_empty()) else {
        return Err(AdminError::UnknownTopic(topic.name.clone()));
    };
    // A reassignment and this request would write the same znode.
    if existing.partitions.values().any(Assignment::is_being_reassigned) {
        return Err(AdminError::ReassignmentInProgress(topic.name.clone()));
    }
    let count = i32::try_from(existing.partitions.len()).unwrap_or(i32::MAX);
    if topic.count < count {
        let text = format!(
            "Topic currently has {count} partitions, which is higher than the requested {}.",
            topic.count
        );
        return Err(AdminError::InvalidPartitions(text));
    }
    if topic.count == count {
        return Err(AdminError::InvalidPartitions(format!("Topic already has {count} partitions.")));
    }
    let wished = wishes(topic, count, brokers)?;
    let more = topics::assign_more(&topic.name, &existing, brokers, topic.count, wished.as_ref())?;
    if !validate_only {
        quota.record(more.len())?;
        topics::add_partitions(zk, &topic.name, &more).await?;
    }
    Ok(())
}

/// The replicas that the request gives for the new partitions, numbered from the first new one on.
fn wishes(
    topic: &CreatePartitionsTopic,
    count: i32,
    brokers: &[BrokerAndRack],
) -> Result<Option<PartitionReplicas>, AdminError> {
    let Some(lists) = &topic.assignments else { return Ok(None) };
    let mut unknown: Vec<i32> = Vec::new();
    for id in lists.iter().flat_map(|it| &it.broker_ids) {
        if !unknown.contains(id) && brokers.iter().all(|(known, _)| known != id) {
            unknown.push(*id);
        }
    }
    if !unknown.is_empty() {
        let list: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        return Err(AdminError::InvalidAssignment(format!(
            "Unknown broker(s) in replica assignment: {}.",
            list.join(", ")
        )));
    }
    let growth = topic.count - count;
    if i32::try_from(lists.len()) != Ok(growth) {
        let text = format!(
            "Increasing the number of partitions by {growth} but {} assignments provided.",
            lists.len()
        );
        return Err(AdminError::InvalidAssignment(text));
    }
    Ok(Some((count..).zip(lists.iter().map(|it| it.broker_ids.clone())).collect()))
}
