//! CreatePartitions, v0-3. Gives topics more partitions and waits until the controller has given them leaders.
//!
//! v2 flexible. Kafka: `KafkaApis.handleCreatePartitionsRequest`, `AdminManager.createPartitions`.

use std::collections::BTreeSet;

use crate::admin::AdminError;
use crate::admin::topics::{self, RackAware, Replicas};
use crate::api::{Exchange, topic_waits};
use crate::base::Assignment;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult,
};

/// Treats each topic by itself; one that is named twice is refused once.
pub async fn handle(exchange: &Exchange, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let mut results = Vec::new();
    let mut grown: Vec<(String, usize)> = Vec::new();
    let mut seen = BTreeSet::new();
    for topic in request.topics.iter().filter(|topic| seen.insert(topic.name.as_str())) {
        let twice = request.topics.iter().filter(|other| other.name == topic.name).count() > 1;
        let outcome = if !exchange.services.controller.is_active() {
            Err((ErrorCode::NotController, None))
        } else if twice {
            Err((ErrorCode::InvalidRequest, Some("Duplicate topic in request.".to_owned())))
        } else {
            grow(exchange, topic, request.validate_only)
                .await
                .map_err(|error| (error.code, Some(error.message)))
        };
        let (error, error_message) = match outcome {
            Ok(()) => {
                grown.push((topic.name.clone(), usize::try_from(topic.count).unwrap_or(0)));
                (ErrorCode::None, None)
            }
            Err(refusal) => refusal,
        };
        results.push(CreatePartitionsTopicResult {
            name: topic.name.clone(),
            error_code: error as i16,
            error_message,
        });
    }
    let replicas = &exchange.services.replicas;
    let all = |metadata: &crate::replica::MetadataSnapshot| {
        grown.iter().all(|(name, count)| topic_waits::has_leaders(metadata, name, *count))
    };
    if !request.validate_only
        && !grown.is_empty()
        && !topic_waits::wait_for(replicas, &replicas.waits().topic, request.timeout_ms, all).await
    {
        for result in results.iter_mut().filter(|it| it.error_code == 0) {
            result.error_code = ErrorCode::RequestTimedOut as i16;
        }
    }
    CreatePartitionsResponse { results, ..Default::default() }
}

async fn grow(
    exchange: &Exchange,
    topic: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), AdminError> {
    let zk = &exchange.services.zk;
    let Some(held) = topics::fetch(zk, &topic.name).await? else {
        let class = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException";
        let message = format!("The topic '{}' does not exist.", topic.name);
        return Err(AdminError::new(class, ErrorCode::UnknownTopicOrPartition, message));
    };
    // The controller's writes of a reassignment and these here would be about the same znode.
    if held.partitions.values().any(Assignment::is_being_reassigned) {
        let class = "org.apache.kafka.common.errors.ReassignmentInProgressException";
        let message = format!("A partition reassignment is in progress for the topic '{}'.", topic.name);
        return Err(AdminError::new(class, ErrorCode::ReassignmentInProgress, message));
    }
    let count = i32::try_from(held.partitions.len()).unwrap_or(i32::MAX);
    let partitions = |message: String| {
        AdminError::new(
            "org.apache.kafka.common.errors.InvalidPartitionsException",
            ErrorCode::InvalidPartitions,
            message,
        )
    };
    if topic.count < count {
        let text = format!(
            "Topic currently has {count} partitions, which is higher than the requested {}.",
            topic.count
        );
        return Err(partitions(text));
    }
    if topic.count == count {
        return Err(partitions(format!("Topic already has {count} partitions.")));
    }
    let brokers = topics::candidates(zk, RackAware::Safe).await?;
    let wished = wishes(topic, count, &brokers)?;
    let more = topics::place_more(&topic.name, &held, &brokers, topic.count, wished.as_ref())?;
    if !validate_only {
        topics::add_partitions(zk, &topic.name, &more).await?;
    }
    Ok(())
}

/// The replicas wished for the new partitions, numbered from the first new one on.
fn wishes(
    topic: &CreatePartitionsTopic,
    count: i32,
    brokers: &[crate::admin::placement::Candidate],
) -> Result<Option<Replicas>, AdminError> {
    let Some(lists) = &topic.assignments else { return Ok(None) };
    let refused = |message: String| {
        let class = "org.apache.kafka.common.errors.InvalidReplicaAssignmentException";
        AdminError::new(class, ErrorCode::InvalidReplicaAssignment, message)
    };
    let growth = topic.count - count;
    if i32::try_from(lists.len()) != Ok(growth) {
        let text = format!(
            "Increasing the number of partitions by {growth} but {} assignments provided.",
            lists.len()
        );
        return Err(refused(text));
    }
    let known: BTreeSet<_> = brokers.iter().map(|(id, _)| *id).collect();
    let unknown: BTreeSet<_> =
        lists.iter().flat_map(|it| &it.broker_ids).filter(|id| !known.contains(id)).collect();
    if !unknown.is_empty() {
        let list: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        return Err(refused(format!("Unknown broker(s) in replica assignment: {}.", list.join(", "))));
    }
    Ok(Some((count..).zip(lists.iter().map(|it| it.broker_ids.clone())).collect()))
}
