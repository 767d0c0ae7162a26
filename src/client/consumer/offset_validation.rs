//! Asks the leaders where the epochs of positions end in their logs (KIP-320).
//!
//! Never changes a position. Kafka: `OffsetsForLeaderEpochClient`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;

use super::error::ConsumerError;
use super::subscription_state::{ConsumerPosition, EpochEndOffsetFound};
use crate::base::ids::by_topic;
use crate::base::{BrokerId, TopicPartition};
use crate::client::cluster::Cluster;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_for_leader_epoch::*;

/// What a leader has answered for a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValidationAnswer {
    /// Where the epoch ends.
    Found(EpochEndOffsetFound),
    /// The broker is too old to be asked.
    Unsupported,
}

/// Asks the leaders of the positions once, all at the same time. Partitions without an answer are to be asked again.
///
/// # Errors
/// What asking again does not cure.
pub(super) async fn ask_once(
    cluster: &Cluster,
    asked: &BTreeMap<TopicPartition, ConsumerPosition>,
) -> Result<BTreeMap<TopicPartition, ValidationAnswer>, ClientError> {
    let mut by_broker: BTreeMap<BrokerId, Vec<(&TopicPartition, OffsetForLeaderPartition)>> = BTreeMap::new();
    for (id, position) in asked {
        let (Some(leader), Some(leader_epoch)) = (position.leader, position.offset_epoch) else { continue };
        let partition = OffsetForLeaderPartition {
            partition_index: id.partition,
            current_leader_epoch: leader.epoch,
            leader_epoch,
        };
        by_broker.entry(leader.broker).or_default().push((id, partition));
    }
    let calls = by_broker.into_iter().map(async |(broker, partitions)| {
        let ids: Vec<_> = partitions.iter().map(|(id, _)| (*id).clone()).collect();
        let topics = by_topic(partitions);
        let request = OffsetForLeaderEpochRequest {
            replica_id: -1,
            topics: topics
                .map(|(name, partitions)| OffsetForLeaderTopic { name: name.to_string(), partitions })
                .collect(),
        };
        let target = Target::Broker(broker);
        let versions = cluster.usable_versions(&target, ApiKey::OffsetForLeaderEpoch).await;
        let answer = match versions {
            // Before version 3 only other brokers may ask.
            Ok(versions) if *versions.end() < 3 => {
                Err(ClientError::Unsupported(ApiKey::OffsetForLeaderEpoch))
            }
            Ok(_) => cluster.call(&target, &request).await,
            Err(error) => Err(error),
        };
        (ids, answer)
    });
    let mut found = BTreeMap::new();
    for (ids, answer) in join_all(calls).await {
        match answer {
            Ok(answer) => apply(answer, &mut found)?,
            Err(ClientError::Unsupported(_)) => {
                found.extend(ids.into_iter().map(|id| (id, ValidationAnswer::Unsupported)));
            }
            Err(error) if error.is_retriable() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn apply(
    answer: OffsetForLeaderEpochResponse,
    found: &mut BTreeMap<TopicPartition, ValidationAnswer>,
) -> Result<(), ClientError> {
    let mut unauthorized = BTreeSet::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for it in topic.partitions {
            match ErrorCode::from_code(it.error_code) {
                ErrorCode::None => {
                    let end = EpochEndOffsetFound { epoch: it.leader_epoch, end_offset: it.end_offset };
                    let id = TopicPartition { topic: name.clone(), partition: it.partition_index };
                    found.insert(id, ValidationAnswer::Found(end));
                }
                ErrorCode::TopicAuthorizationFailed => {
                    unauthorized.insert(topic.name.clone());
                }
                _ => {}
            }
        }
    }
    if unauthorized.is_empty() {
        return Ok(());
    }
    Err(ConsumerError::TopicAuthorization(unauthorized.into_iter().collect()).into())
}
