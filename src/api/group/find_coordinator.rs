//! FindCoordinator, v0-3. Which broker coordinates a group or a transactional id: the leader of a partition of a topic
//! that is created where it does not exist.
//!
//! v1 transactional ids, messages · v3 flexible. Kafka: `KafkaApis.handleFindCoordinatorRequest`.

use crate::api::Exchange;
use crate::api::auto_topic_creation::{InternalTopic, create_internal_topic};
use crate::base::TopicPartition;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Names the leader, as far as it is known and can be reached by the caller's listener.
pub async fn handle(exchange: &Exchange, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    match find(exchange, &request).await {
        Ok(found) => found,
        Err(error) => FindCoordinatorResponse {
            error_code: error.code(),
            error_message: Some(error.message().to_owned()),
            node_id: -1,
            host: String::new(),
            port: -1,
            ..Default::default()
        },
    }
}

async fn find(
    exchange: &Exchange,
    request: &FindCoordinatorRequest,
) -> Result<FindCoordinatorResponse, ErrorCode> {
    let key = request.key.as_str();
    let (topic, resource, denial) = match request.key_type {
        GROUP => (InternalTopic::Offsets, AclResource::group(key), ErrorCode::GroupAuthorizationFailed),
        TRANSACTION => (
            InternalTopic::Transactions,
            AclResource::transactional_id(key),
            ErrorCode::TransactionalIdAuthorizationFailed,
        ),
        // Kafka fails at it.
        _ => return Err(ErrorCode::UnknownServerError),
    };
    if !exchange.is_authorized(AclOperation::Describe, resource) {
        return Err(denial);
    }
    let services = &exchange.services;
    let metadata = services.metadata.snapshot();
    if metadata.topic(topic.name()).is_none() {
        create_internal_topic(services, topic).await;
        return Err(ErrorCode::CoordinatorNotAvailable);
    }
    let number = match topic {
        InternalTopic::Offsets => services.groups.partition_for(key),
        InternalTopic::Transactions => services.transactions.partition_for(key),
    };
    let partition = metadata.partition(&TopicPartition::new(topic.name(), number));
    let leader = partition.and_then(|it| metadata.live_broker(it.leadership.leader));
    let endpoint = leader.and_then(|it| Some((it.id, it.endpoint(&exchange.caller.listener)?)));
    let (node_id, endpoint) = endpoint.ok_or(ErrorCode::CoordinatorNotAvailable)?;
    Ok(FindCoordinatorResponse {
        error_message: Some(ErrorCode::None.message().to_owned()),
        node_id,
        host: endpoint.host.clone(),
        port: endpoint.port,
        ..Default::default()
    })
}
