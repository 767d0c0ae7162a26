//! OffsetFetch, v0-7. How far a group has come: of version 0 from ZooKeeper, else from `__consumer_offsets`.
//!
//! v2 null for all partitions, an error of the group · v5 leader epochs · v6 flexible · v7 UNSTABLE_OFFSET_COMMIT where
//! that is wanted (KIP-447). Kafka: `KafkaApis.handleOffsetFetchRequest`.

use super::{grouped, unavailable};
use crate::api::Exchange;
use crate::api::named_twice::last_mentions;
use crate::api::offset_znodes;
use crate::base::TopicPartition;
use crate::coordinator::group::fetch::{FetchedOffset, OffsetsFetch};
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};

type FetchedOffsets = Vec<(TopicPartition, FetchedOffset)>;

/// Looks the offsets up. Where all are asked for, those of topics that the caller may not see are left out.
pub async fn handle(exchange: &Exchange, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let version = exchange.version();
    let fetched = if exchange.is_authorized(AclOperation::Describe, AclResource::group(&request.group_id)) {
        match asked(&request) {
            None => all(exchange, &request).await,
            Some(asked) => named(exchange, &request, asked).await,
        }
    } else {
        Err(ErrorCode::GroupAuthorizationFailed)
    };
    match fetched {
        Ok(fetched) => response(fetched, ErrorCode::None),
        // A version without an error of the group has it at each partition.
        Err(error) if version < 2 => {
            let each = asked(&request).unwrap_or_default().into_iter();
            response(each.map(|id| (id, FetchedOffset::none(error))).collect(), error)
        }
        Err(error) => response(Vec::new(), error),
    }
}

/// The partitions that a request names; None for all.
fn asked(request: &OffsetFetchRequest) -> Option<Vec<TopicPartition>> {
    let topics = request.topics.as_ref()?;
    let partitions = topics.iter().flat_map(|topic| {
        let name: std::sync::Arc<str> = topic.name.as_str().into();
        topic.partition_indexes.iter().map(move |number| TopicPartition::new(name.clone(), *number))
    });
    let once = last_mentions(partitions.map(|id| (id, ())).collect());
    Some(once.into_iter().map(|(id, ())| id).collect())
}

async fn all(exchange: &Exchange, request: &OffsetFetchRequest) -> Result<FetchedOffsets, ErrorCode> {
    let mut fetched = fetch(exchange, request, None).await?;
    let names = fetched.iter().map(|(id, _)| &*id.topic);
    let authorized = exchange.authorized_topics(AclOperation::Describe, names);
    fetched.retain(|(id, _)| authorized.contains(&id.topic));
    Ok(fetched)
}

async fn named(
    exchange: &Exchange,
    request: &OffsetFetchRequest,
    asked: Vec<TopicPartition>,
) -> Result<FetchedOffsets, ErrorCode> {
    let authorized = exchange.authorized_topics(AclOperation::Describe, asked.iter().map(|id| &*id.topic));
    let (asked, denied): (Vec<_>, Vec<_>) = asked.into_iter().partition(|id| authorized.contains(&id.topic));
    let mut fetched = match exchange.version() {
        0 => from_zookeeper(exchange, &request.group_id, asked).await,
        _ => fetch(exchange, request, Some(asked)).await?,
    };
    let denial = FetchedOffset::none(ErrorCode::TopicAuthorizationFailed);
    fetched.extend(denied.into_iter().map(|id| (id, denial.clone())));
    Ok(fetched)
}

async fn fetch(
    exchange: &Exchange,
    request: &OffsetFetchRequest,
    partitions: Option<Vec<TopicPartition>>,
) -> Result<FetchedOffsets, ErrorCode> {
    let group = request.group_id.as_str().into();
    let fetch = OffsetsFetch { group, partitions, require_stable: request.require_stable };
    exchange.services.groups.fetch(fetch).await.map_err(unavailable)
}

async fn from_zookeeper(exchange: &Exchange, group: &str, asked: Vec<TopicPartition>) -> FetchedOffsets {
    let metadata = exchange.services.metadata.snapshot();
    let mut fetched = Vec::with_capacity(asked.len());
    for id in asked {
        let offset = match metadata.partition(&id) {
            None => Ok(None),
            Some(_) => offset_znodes::get(&exchange.services.zk, group, &id).await,
        };
        fetched.push((
            id,
            match offset {
                Ok(Some(offset)) => FetchedOffset { offset, ..FetchedOffset::none(ErrorCode::None) },
                Ok(None) => FetchedOffset::none(ErrorCode::UnknownTopicOrPartition),
                Err(error) => FetchedOffset::none(error),
            },
        ));
    }
    fetched
}

fn response(fetched: FetchedOffsets, error: ErrorCode) -> OffsetFetchResponse {
    let partition = |partition_index, offset: FetchedOffset| OffsetFetchResponsePartition {
        partition_index,
        committed_offset: offset.offset,
        committed_leader_epoch: offset.leader_epoch.unwrap_or(-1),
        metadata: Some(offset.metadata.to_string()),
        error_code: offset.error.code(),
    };
    let topics = grouped(fetched, partition).into_iter();
    let topics = topics.map(|(name, partitions)| OffsetFetchResponseTopic { name, partitions });
    OffsetFetchResponse { topics: topics.collect(), error_code: error.code(), ..Default::default() }
}
