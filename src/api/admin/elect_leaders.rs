//! ElectLeaders, v0-2. Elects preferred leaders, or any live replica, loss of records allowed (KIP-183,
//! KIP-460).
//!
//! v1 types of elections, an error of the whole · v2 flexible. Kafka: `KafkaApis.handleElectReplicaLeader`.

use std::collections::BTreeMap;

use crate::api::{Exchange, topic_waits};
use crate::base::ids::by_topic;
use crate::base::{BrokerId, TopicPartition};
use crate::controller::election::ElectionKind;
use crate::controller::reply::ApiError;
use crate::metadata::MetadataSnapshot;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};

/// Sends the request to the controller, if this broker is it, and waits until the metadata cache here has the
/// new leaders.
pub async fn handle(exchange: &Exchange, request: ElectLeadersRequest) -> ElectLeadersResponse {
    if !exchange.is_authorized(AclOperation::Alter, AclResource::CLUSTER) {
        return failed(exchange, request, ErrorCode::ClusterAuthorizationFailed);
    }
    let services = &exchange.services;
    let kind = match request.election_type {
        0 => ElectionKind::Preferred,
        1 => ElectionKind::Unclean,
        // Kafka's handler fails on a type that it does not know.
        _ => return failed(exchange, request, ErrorCode::UnknownServerError),
    };
    let all = request.topic_partitions.is_none();
    let partitions: Vec<_> = match request.topic_partitions {
        Some(topics) => {
            let of_topic = topics.into_iter().flat_map(|it| {
                let name: std::sync::Arc<str> = it.topic.into();
                it.partition_id.into_iter().map(move |at| TopicPartition::new(name.clone(), at))
            });
            of_topic.collect()
        }
        None => every_partition(&services.metadata.snapshot()),
    };
    let mut elected = BTreeMap::new();
    let mut outcomes: BTreeMap<TopicPartition, Option<ApiError>> = BTreeMap::new();
    match services.controller.elect_leaders(partitions.clone(), kind).await {
        Ok(found) => {
            for (id, outcome) in found {
                match outcome {
                    Ok(leader) => drop(elected.insert(id, leader)),
                    Err(refusal) => drop(outcomes.insert(id, Some(refusal))),
                }
            }
        }
        Err(error) => outcomes.extend(partitions.into_iter().map(|id| (id, Some(silent(error))))),
    }
    let leads = |metadata: &MetadataSnapshot, id: &TopicPartition, leader: BrokerId| {
        metadata.partition(id).is_some_and(|state| state.leadership.leader == leader)
    };
    if !elected.is_empty() {
        let known =
            |metadata: &MetadataSnapshot| elected.iter().all(|(id, leader)| leads(metadata, id, *leader));
        let replicas = &services.replicas;
        topic_waits::wait_for(&services.metadata, &replicas.waits().elect_leader, request.timeout_ms, known)
            .await;
        let metadata = services.metadata.snapshot();
        for (id, leader) in elected {
            let known = leads(&metadata, &id, leader);
            outcomes.insert(id, (!known).then(|| silent(ErrorCode::RequestTimedOut)));
        }
    }
    if all {
        let needed = |refusal: &Option<ApiError>| {
            refusal.as_ref().is_none_or(|it| it.code != ErrorCode::ElectionNotNeeded)
        };
        outcomes.retain(|_, refusal| needed(refusal));
    }
    ElectLeadersResponse { replica_election_results: results(outcomes), ..Default::default() }
}

/// The same error for the whole request, where the version has a field for it, and for each of its partitions, as the
/// request lists them.
fn failed(exchange: &Exchange, request: ElectLeadersRequest, error: ErrorCode) -> ElectLeadersResponse {
    let error_code = error.code();
    let failed = |partition_id| PartitionResult { partition_id, error_code, error_message: None };
    let topics = request.topic_partitions.into_iter().flatten().map(|asked| ReplicaElectionResult {
        topic: asked.topic,
        partition_result: asked.partition_id.into_iter().map(failed).collect(),
    });
    ElectLeadersResponse {
        error_code: if exchange.version() == 0 { 0 } else { error_code },
        replica_election_results: topics.collect(),
        ..Default::default()
    }
}

/// A refusal with its code alone.
fn silent(code: ErrorCode) -> ApiError {
    ApiError { code, message: Some(String::new()) }
}

fn every_partition(metadata: &MetadataSnapshot) -> Vec<TopicPartition> {
    let partitions = metadata
        .topics()
        .flat_map(|(name, topic)| topic.keys().map(move |number| TopicPartition::new(name, *number)));
    partitions.collect()
}

fn results(outcomes: BTreeMap<TopicPartition, Option<ApiError>>) -> Vec<ReplicaElectionResult> {
    let results = outcomes.into_iter().map(|(id, refusal)| {
        let result = PartitionResult {
            partition_id: id.partition,
            error_code: refusal.as_ref().map_or(0, |it| it.code.code()),
            error_message: refusal.and_then(ApiError::text).filter(|text| !text.is_empty()),
        };
        (id, result)
    });
    let topics = by_topic(results).map(|(topic, partition_result)| ReplicaElectionResult {
        topic: topic.to_string(),
        partition_result,
    });
    topics.collect()
}
