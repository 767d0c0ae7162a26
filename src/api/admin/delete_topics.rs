//! DeleteTopics, v0-5. Marks topics for deletion and waits until the controller has removed them.
//!
//! v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 messages. Kafka: `KafkaApis.handleDeleteTopicsRequest`.

use crate::admin::{AdminError, topics};
use crate::api::authorize::AuthorizedTopics;
use crate::api::{Exchange, topic_waits};
use crate::metadata::MetadataSnapshot;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_topics::{DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse};

/// Deletes each topic by itself.
pub async fn handle(exchange: &Exchange, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let services = &exchange.services;
    let refusal = if !services.controller.is_active() {
        Some(ErrorCode::NotController)
    } else if !services.config.delete_topic_enable {
        Some(if exchange.version() < 3 {
            ErrorCode::InvalidRequest
        } else {
            ErrorCode::TopicDeletionDisabled
        })
    } else {
        None
    };
    let authorized = match refusal {
        Some(_) => AuthorizedTopics::Every,
        None => {
            let names = request.topic_names.iter().map(String::as_str);
            exchange.authorized_topics(AclOperation::Delete, names)
        }
    };
    let metadata = services.metadata.snapshot();
    let mut responses = Vec::with_capacity(request.topic_names.len());
    for name in request.topic_names {
        let error = match refusal {
            Some(error) => error,
            None if !authorized.contains(&name) => ErrorCode::TopicAuthorizationFailed,
            None if metadata.topic(&name).is_none() => ErrorCode::UnknownTopicOrPartition,
            None => match topics::delete(&services.zk, &name).await {
                Ok(()) => ErrorCode::None,
                // A topic that was marked before is deleted all the same.
                Err(AdminError::AlreadyMarkedForDeletion(_)) => ErrorCode::None,
                Err(error) => error.code(),
            },
        };
        responses.push(DeletableTopicResult { name, error_code: error.code(), ..Default::default() });
    }
    let marked: Vec<_> = responses.iter().filter(|it| it.error_code == 0).map(|it| it.name.clone()).collect();
    let gone = |metadata: &MetadataSnapshot| marked.iter().all(|name| metadata.topic(name).is_none());
    if !marked.is_empty()
        && !topic_waits::wait_for(
            &services.metadata,
            &services.replicas.waits().topic,
            request.timeout_ms,
            gone,
        )
        .await
    {
        let metadata = services.metadata.snapshot();
        let late = |name: &str| request.timeout_ms <= 0 || metadata.topic(name).is_some();
        for response in responses.iter_mut().filter(|it| it.error_code == 0 && late(&it.name)) {
            response.error_code = ErrorCode::RequestTimedOut.code();
        }
    }
    DeleteTopicsResponse { responses, ..Default::default() }
}
