//! DeleteTopics, v0-5. Marks topics for deletion and waits until the controller has removed them.
//!
//! v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 messages, THROTTLING_QUOTA_EXCEEDED (KIP-599). Kafka:
//! `KafkaApis.handleDeleteTopicsRequest`, `AdminManager.deleteTopics`.

use std::collections::BTreeSet;

use crate::admin::{AdminError, topics};
use crate::api::authorize::AuthorizedTopics;
use crate::api::mutation_quota::MutationQuota;
use crate::api::{Exchange, topic_waits};
use crate::base::jvm_order;
use crate::metadata::MetadataSnapshot;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_topics::{DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse};

/// The first version in which a request over its quota is refused.
const STRICT_SINCE: i16 = 5;

/// Deletes each topic by itself. A topic that is named twice is deleted once, and its first mention has the outcome.
pub async fn handle(exchange: &Exchange, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let mut quota = MutationQuota::new(exchange, STRICT_SINCE);
    let refusal = refusal(exchange);
    let authorized = match refusal {
        Some(_) => AuthorizedTopics::Every,
        None => {
            let names = request.topic_names.iter().map(String::as_str);
            exchange.authorized_topics(AclOperation::Delete, names)
        }
    };
    let metadata = exchange.services.metadata.snapshot();
    let mut responses = Vec::with_capacity(request.topic_names.len());
    let (mut named, mut to_delete) = (BTreeSet::new(), Vec::new());
    for name in request.topic_names {
        let error = match refusal {
            Some(error) => error,
            None if !authorized.contains(&name) => ErrorCode::TopicAuthorizationFailed,
            None if metadata.topic(&name).is_none() => ErrorCode::UnknownTopicOrPartition,
            None => {
                if named.insert(name.clone()) {
                    to_delete.push((name.clone(), responses.len()));
                }
                ErrorCode::None
            }
        };
        responses.push(DeletableTopicResult { name, error_code: error.code(), ..Default::default() });
    }
    // In Kafka's order, which decides on the topics that a quota refuses.
    let mut marked = Vec::new();
    for (name, at) in jvm_order::scala_mutable_map(to_delete) {
        let partitions = metadata.topic(&name).map_or(0, |topic| topic.len());
        let error = mark(exchange, &name, partitions, &mut quota).await;
        responses[at].error_code = error.code();
        if error == ErrorCode::None {
            marked.push((name, at));
        }
    }
    await_removal(exchange, request.timeout_ms, &marked, &mut responses).await;
    DeleteTopicsResponse { responses, throttle_time_ms: quota.throttle_time_ms() }
}

/// Why no topic may be deleted at all.
fn refusal(exchange: &Exchange) -> Option<ErrorCode> {
    if !exchange.services.controller.is_active() {
        Some(ErrorCode::NotController)
    } else if exchange.services.config.delete_topic_enable {
        None
    } else if exchange.version() < 3 {
        Some(ErrorCode::InvalidRequest)
    } else {
        Some(ErrorCode::TopicDeletionDisabled)
    }
}

async fn mark(
    exchange: &Exchange,
    name: &str,
    partitions: usize,
    quota: &mut MutationQuota<'_>,
) -> ErrorCode {
    if let Err(error) = quota.record(partitions) {
        return error.code();
    }
    match topics::delete(&exchange.services.zk, name).await {
        Ok(()) => ErrorCode::None,
        // A topic that was marked before is deleted all the same.
        Err(AdminError::AlreadyMarkedForDeletion(_)) => ErrorCode::None,
        Err(error) => error.code(),
    }
}

/// Waits until the marked topics are gone, each given with the position of its response; one that is not gone in time
/// gets REQUEST_TIMED_OUT.
async fn await_removal(
    exchange: &Exchange,
    timeout_ms: i32,
    marked: &[(String, usize)],
    responses: &mut [DeletableTopicResult],
) {
    let services = &exchange.services;
    let gone = |metadata: &MetadataSnapshot| marked.iter().all(|(name, _)| metadata.topic(name).is_none());
    let purgatory = &services.replicas.waits().topic;
    if marked.is_empty() || topic_waits::wait_for(&services.metadata, purgatory, timeout_ms, gone).await {
        return;
    }
    let metadata = services.metadata.snapshot();
    for (_, at) in marked.iter().filter(|(name, _)| timeout_ms <= 0 || metadata.topic(name).is_some()) {
        responses[*at].error_code = ErrorCode::RequestTimedOut.code();
    }
}
