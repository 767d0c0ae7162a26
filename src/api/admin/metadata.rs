//! Metadata, v0-9. Leaders and replicas, and the brokers' addresses for the listener that the request came in
//! by.
//!
//! v1 racks, controller, null for all topics · v2 cluster id · v4 auto-creation only where wanted · v5 offline
//! replicas · v7 leader epochs · v8 authorized operations · v9 flexible. Kafka:
//! `KafkaApis.handleTopicMetadataRequest`, `MetadataCache`.

use std::collections::HashSet;

use crate::admin::names;
use crate::api::Exchange;
use crate::api::authorize::AuthorizedTopics;
use crate::api::auto_topic_creation::{InternalTopic, create_internal_topic, create_topic};
use crate::metadata::{MetadataSnapshot, PartitionMetadata, TopicMetadata};
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};

/// Describes the topics that the caller may see, and creates missing ones if that is asked for and allowed.
/// The answer for a topic that the caller may not see does not show whether it exists; a request for all
/// topics leaves it out.
pub async fn handle(exchange: &Exchange, request: MetadataRequest) -> MetadataResponse {
    let version = exchange.version();
    let services = &exchange.services;
    let metadata = services.metadata.snapshot();
    let all = match &request.topics {
        None => true,
        Some(topics) => version == 0 && topics.is_empty(),
    };
    let (mut found, denied) = if all {
        let visible =
            exchange.visible_topics(AclOperation::Describe, metadata.topics().map(|(name, _)| name));
        let topics = metadata.topics().filter(|(name, _)| visible.contains(name));
        (topics.map(|(name, topic)| described(exchange, &metadata, name, topic)).collect(), Vec::new())
    } else {
        named_topics(exchange, &request, &metadata).await
    };
    if version >= 8 && request.include_topic_authorized_operations {
        let known = found.iter_mut().filter(|topic| topic.error_code == ErrorCode::None.code());
        known.for_each(|topic| {
            topic.topic_authorized_operations =
                exchange.authorized_operations(AclResource::topic(&topic.name));
        });
    }
    found.extend(denied);
    MetadataResponse {
        brokers: brokers(exchange, &metadata),
        cluster_id: Some(services.cluster_id.clone()),
        controller_id: metadata.controller.unwrap_or(-1),
        topics: found,
        cluster_authorized_operations: match version >= 8 && request.include_cluster_authorized_operations {
            true => cluster_operations(exchange),
            false => i32::MIN,
        },
        ..Default::default()
    }
}

/// The topics that a request names, each once, and after them those that are denied.
async fn named_topics(
    exchange: &Exchange,
    request: &MetadataRequest,
    metadata: &MetadataSnapshot,
) -> (Vec<MetadataResponseTopic>, Vec<MetadataResponseTopic>) {
    let create = request.allow_auto_topic_creation && exchange.services.config.auto_create_topics_enable;
    let mut seen = HashSet::new();
    let names = request.topics.iter().flatten().map(|topic| topic.name.as_str());
    let names: Vec<_> = names.filter(|name| seen.insert(*name)).collect();
    let visible = exchange.authorized_topics(AclOperation::Describe, names.iter().copied());
    let is_missing = |name: &&str| visible.contains(name) && metadata.topic(name).is_none();
    let creatable = creatable(exchange, create, names.iter().copied().filter(is_missing));
    let (mut found, mut not_creatable, mut not_visible) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        match metadata.topic(name) {
            _ if !visible.contains(name) => not_visible.push(MetadataResponseTopic {
                error_code: ErrorCode::TopicAuthorizationFailed.code(),
                name: name.to_owned(),
                ..Default::default()
            }),
            Some(known) => found.push(described(exchange, metadata, name, known)),
            None if !creatable.contains(name) => {
                not_creatable.push(missing(name, ErrorCode::TopicAuthorizationFailed));
            }
            None => found.push(missing(name, create_missing(exchange, name, create).await)),
        }
    }
    not_creatable.extend(not_visible);
    (found, not_creatable)
}

/// Which of the missing topics the caller may create; all if none is to be created.
fn creatable<'a>(
    exchange: &Exchange,
    create: bool,
    missing: impl Iterator<Item = &'a str>,
) -> AuthorizedTopics {
    let mut missing = missing.peekable();
    if !create || missing.peek().is_none() || exchange.is_authorized_on_cluster(AclOperation::Create) {
        return AuthorizedTopics::Every;
    }
    exchange.authorized_topics(AclOperation::Create, missing)
}

/// What the caller may do to the cluster; nothing if it may not see the cluster.
fn cluster_operations(exchange: &Exchange) -> i32 {
    if exchange.is_authorized(AclOperation::Describe, AclResource::CLUSTER) {
        exchange.authorized_operations(AclResource::CLUSTER)
    } else {
        0
    }
}

fn brokers(exchange: &Exchange, metadata: &MetadataSnapshot) -> Vec<MetadataResponseBroker> {
    let reachable = metadata.live_brokers().filter_map(|broker| {
        let endpoint = broker.endpoint(&exchange.caller.listener)?;
        let (host, port, rack) = (endpoint.host.clone(), endpoint.port, broker.rack.clone());
        Some(MetadataResponseBroker { node_id: broker.id, host, port, rack })
    });
    reachable.collect()
}

fn missing(name: &str, error: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code: error.code(),
        name: name.to_owned(),
        is_internal: names::is_internal(name),
        ..Default::default()
    }
}

/// Creates a topic that a request names and that does not exist, if that is asked for; returns the caller's
/// answer. Kafka's own topics are always created.
async fn create_missing(exchange: &Exchange, name: &str, create: bool) -> ErrorCode {
    let services = &exchange.services;
    match InternalTopic::named(name) {
        Some(internal) => match create_internal_topic(services, internal).await {
            // LEADER_NOT_AVAILABLE, as the caller asked for a topic and not for its coordinator.
            ErrorCode::CoordinatorNotAvailable => ErrorCode::InvalidReplicationFactor,
            error => error,
        },
        None if create => create_topic(services, name).await,
        None => ErrorCode::UnknownTopicOrPartition,
    }
}

fn described(
    exchange: &Exchange,
    metadata: &MetadataSnapshot,
    name: &str,
    topic: &TopicMetadata,
) -> MetadataResponseTopic {
    let partitions =
        topic.iter().map(|(number, partition)| described_partition(exchange, metadata, *number, partition));
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: name.to_owned(),
        is_internal: names::is_internal(name),
        partitions: partitions.collect(),
        ..Default::default()
    }
}

fn described_partition(
    exchange: &Exchange,
    metadata: &MetadataSnapshot,
    number: i32,
    partition: &PartitionMetadata,
) -> MetadataResponsePartition {
    let version = exchange.version();
    let reachable = |id: &i32| {
        metadata.live_broker(*id).is_some_and(|broker| broker.endpoint(&exchange.caller.listener).is_some())
    };
    // Version 0 leaves out replicas that cannot be reached, with an error.
    let shown =
        |ids: &[i32]| ids.iter().copied().filter(|id| version > 0 || reachable(id)).collect::<Vec<_>>();
    let (replica_nodes, isr_nodes) = (shown(&partition.replicas), shown(&partition.leadership.isr));
    let left_out =
        replica_nodes.len() < partition.replicas.len() || isr_nodes.len() < partition.leadership.isr.len();
    let leader_is_reachable = reachable(&partition.leadership.leader);
    let error = if !leader_is_reachable {
        match metadata.live_broker(partition.leadership.leader) {
            Some(_) if version >= 6 => ErrorCode::ListenerNotFound,
            _ => ErrorCode::LeaderNotAvailable,
        }
    } else if left_out {
        ErrorCode::ReplicaNotAvailable
    } else {
        ErrorCode::None
    };
    let mut offline = partition.offline_replicas.clone();
    offline.extend(
        partition.replicas.iter().filter(|id| !reachable(id) && !partition.offline_replicas.contains(id)),
    );
    MetadataResponsePartition {
        error_code: error.code(),
        partition_index: number,
        leader_id: if leader_is_reachable { partition.leadership.leader } else { -1 },
        leader_epoch: partition.leadership.leader_epoch,
        replica_nodes,
        isr_nodes,
        offline_replicas: offline,
    }
}
