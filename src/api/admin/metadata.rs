//! Metadata, v0-9. Who leads what, and where brokers can be reached by the listener the request came in by.
//!
//! v1 racks, controller, null for all topics · v2 cluster id · v4 auto-creation only where wanted · v5 offline replicas · v7
//! leader epochs · v8 authorized operations · v9 flexible. Kafka: `KafkaApis.handleTopicMetadataRequest`, `MetadataCache`.

use crate::admin::{AdminError, names, topics};
use crate::api::Exchange;
use crate::metadata::MetadataSnapshot;
use crate::metadata::{PartitionMetadata, TopicMetadata};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};

/// All operations on a topic that Kafka tells of where there is no authorizer: READ, WRITE, CREATE, DELETE, ALTER,
/// DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS, a bit each.
const TOPIC_OPERATIONS: i32 = 0xdf8;
/// Likewise on the cluster: CREATE, ALTER, DESCRIBE, CLUSTER_ACTION and the configs'.
const CLUSTER_OPERATIONS: i32 = 0x1fa0;

/// Tells what is known, and creates what is missing where that is wanted.
pub async fn handle(exchange: &Exchange, request: MetadataRequest) -> MetadataResponse {
    let version = exchange.version();
    let services = &exchange.services;
    let metadata = services.metadata.snapshot();
    let all = match &request.topics {
        None => true,
        Some(topics) => version == 0 && topics.is_empty(),
    };
    let mut found = Vec::new();
    if all {
        found.extend(metadata.topics().map(|(name, topic)| told(exchange, &metadata, name, topic)));
    } else {
        let create = request.allow_auto_topic_creation && services.config.auto_create_topics_enable;
        let mut seen = std::collections::HashSet::new();
        for topic in request.topics.iter().flatten().filter(|topic| seen.insert(topic.name.clone())) {
            found.push(match metadata.topic(&topic.name) {
                Some(known) => told(exchange, &metadata, &topic.name, known),
                None => missing(&topic.name, create_missing(exchange, &topic.name, create).await),
            });
        }
    }
    if version >= 8 && request.include_topic_authorized_operations {
        let known = found.iter_mut().filter(|topic| topic.error_code == 0);
        known.for_each(|topic| topic.topic_authorized_operations = TOPIC_OPERATIONS);
    }
    let cluster_operations = version >= 8 && request.include_cluster_authorized_operations;
    MetadataResponse {
        brokers: brokers(exchange, &metadata),
        cluster_id: Some(services.cluster_id.clone()),
        controller_id: metadata.controller.unwrap_or(-1),
        topics: found,
        cluster_authorized_operations: if cluster_operations { CLUSTER_OPERATIONS } else { i32::MIN },
        ..Default::default()
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
        error_code: error as i16,
        name: name.to_owned(),
        is_internal: names::is_internal(name),
        ..Default::default()
    }
}

/// Creates a topic that was asked for and does not exist, where that is wanted; what the caller is told meanwhile.
async fn create_missing(exchange: &Exchange, name: &str, create: bool) -> ErrorCode {
    let services = &exchange.services;
    if names::is_internal(name) || !create {
        return ErrorCode::UnknownTopicOrPartition;
    }
    let (config, zk) = (&services.config, &services.zk);
    let creating = async {
        names::validate_topic(name)?;
        let brokers = topics::candidates(zk, topics::RackAware::Safe).await?;
        let replicas = topics::place(&brokers, config.num_partitions, config.default_replication_factor)?;
        topics::create(zk, name, &replicas, &Default::default()).await
    };
    match creating.await {
        Ok(()) => {
            log::info!(target: "kafka.server.KafkaApis", "Auto creation of topic {name} with {} partitions and replication factor {} is successful", config.num_partitions, config.default_replication_factor);
            ErrorCode::LeaderNotAvailable
        }
        Err(AdminError::TopicExists(_)) => ErrorCode::LeaderNotAvailable,
        Err(error) => error.code(),
    }
}

fn told(
    exchange: &Exchange,
    metadata: &MetadataSnapshot,
    name: &str,
    topic: &TopicMetadata,
) -> MetadataResponseTopic {
    let partitions =
        topic.iter().map(|(number, partition)| told_partition(exchange, metadata, *number, partition));
    MetadataResponseTopic {
        error_code: ErrorCode::None as i16,
        name: name.to_owned(),
        is_internal: names::is_internal(name),
        partitions: partitions.collect(),
        ..Default::default()
    }
}

fn told_partition(
    exchange: &Exchange,
    metadata: &MetadataSnapshot,
    number: i32,
    partition: &PartitionMetadata,
) -> MetadataResponsePartition {
    let version = exchange.version();
    let reachable = |id: &i32| {
        metadata.live_broker(*id).is_some_and(|broker| broker.endpoint(&exchange.caller.listener).is_some())
    };
    // Version 0 leaves out replicas that cannot be reached, and says so.
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
        error_code: error as i16,
        partition_index: number,
        leader_id: if leader_is_reachable { partition.leadership.leader } else { -1 },
        leader_epoch: partition.leadership.leader_epoch,
        replica_nodes,
        isr_nodes,
        offline_replicas: offline,
    }
}
