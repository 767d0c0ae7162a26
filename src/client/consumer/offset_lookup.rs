//! Offsets of partitions by time, at the start and at the end: each leader is asked at once, each partition again until
//! its leader has answered.
//!
//! Never changes a position. Kafka: `Fetcher.offsetsForTimes`, `beginningOffsets`, `endOffsets`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::error::ConsumerError;
use crate::base::ids::by_topic;
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::client::cluster::Cluster;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::list_offsets::*;

/// The timestamp that stands for the end of a partition.
pub(super) const LATEST_TIMESTAMP: Millis = -1;
/// The timestamp that stands for the start of a partition.
pub(super) const EARLIEST_TIMESTAMP: Millis = -2;

/// The first version of ListOffsets that finds a record by its timestamp; version 0 finds the start of a segment.
const TIMES_FROM: i16 = 1;

/// The first record of a partition whose timestamp is at or after the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetAndTimestamp {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp in milliseconds since the Unix epoch; -1 where the offset is the start or the end of a partition.
    pub timestamp: Millis,
    /// The leader epoch in which it was written, where it is known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// What the leaders have answered so far.
#[derive(Debug, Default)]
pub(super) struct OffsetsFound {
    /// None where no record is that young, or the broker's format has no timestamps.
    pub(super) found: BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>,
    /// The partitions to ask for again.
    pub(super) retry: BTreeSet<TopicPartition>,
}

/// Asks the leaders once, all at the same time.
///
/// # Errors
/// What asking again does not cure.
pub(super) async fn ask_once(
    cluster: &Cluster,
    asked: &BTreeMap<TopicPartition, Millis>,
    read_committed: bool,
) -> Result<OffsetsFound, ClientError> {
    let ids: Vec<_> = asked.keys().cloned().collect();
    let leaders = cluster.leaders(&ids).await;
    let mut by_broker: BTreeMap<BrokerId, Vec<(&TopicPartition, ListOffsetPartition)>> = BTreeMap::new();
    for (id, leader) in ids.iter().zip(leaders) {
        let leader = match leader {
            Ok(leader) => leader,
            Err(error) if error.is_retriable() => continue,
            Err(error) => return Err(error),
        };
        let partition = ListOffsetPartition {
            partition_index: id.partition,
            current_leader_epoch: leader.epoch,
            timestamp: asked[id],
            max_num_offsets: 1,
        };
        by_broker.entry(leader.broker).or_default().push((id, partition));
    }
    let wants_times = asked.values().any(|time| *time >= 0);
    let calls = by_broker.into_iter().map(async |(broker, partitions)| {
        let topics = by_topic(partitions);
        let request = ListOffsetRequest {
            replica_id: -1,
            isolation_level: read_committed.into(),
            topics: topics
                .map(|(name, partitions)| ListOffsetTopic { name: name.to_string(), partitions })
                .collect(),
        };
        let target = Target::Broker(broker);
        if wants_times && *cluster.usable_versions(&target, ApiKey::ListOffsets).await?.end() < TIMES_FROM {
            return Err(ClientError::Unsupported(ApiKey::ListOffsets));
        }
        cluster.call(&target, &request).await
    });
    let mut outcome = OffsetsFound::default();
    for answer in join_all(calls).await {
        match answer {
            Ok(answer) => apply(answer, asked, &mut outcome)?,
            Err(error) if error.is_retriable() => {}
            Err(error) => return Err(error),
        }
    }
    outcome.retry = asked.keys().filter(|id| !outcome.found.contains_key(id)).cloned().collect();
    Ok(outcome)
}

/// Applies one leader's answer. Partitions that it does not name, or names with an error that may pass, are not found.
fn apply(
    answer: ListOffsetResponse,
    asked: &BTreeMap<TopicPartition, Millis>,
    outcome: &mut OffsetsFound,
) -> Result<(), ClientError> {
    let mut unauthorized = BTreeSet::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for it in topic.partitions {
            let id = TopicPartition { topic: name.clone(), partition: it.partition_index };
            let found = match ErrorCode::from_code(it.error_code) {
                ErrorCode::None => found(&it),
                // The broker's format has no timestamps.
                ErrorCode::UnsupportedForMessageFormat => None,
                ErrorCode::TopicAuthorizationFailed => {
                    unauthorized.insert(topic.name.clone());
                    continue;
                }
                _ => continue,
            };
            if asked.contains_key(&id) {
                outcome.found.insert(id, found);
            }
        }
    }
    if unauthorized.is_empty() {
        return Ok(());
    }
    Err(ConsumerError::TopicAuthorization(unauthorized.into_iter().collect()).into())
}

/// Version 0 answers with a list, all others with one offset.
fn found(it: &ListOffsetPartitionResponse) -> Option<OffsetAndTimestamp> {
    let offset = it.old_style_offsets.first().copied().unwrap_or(it.offset);
    (offset >= 0).then_some(OffsetAndTimestamp {
        offset,
        timestamp: it.timestamp,
        leader_epoch: Some(it.leader_epoch).filter(|epoch| *epoch >= 0),
    })
}

/// The offsets of these times, asked for until every leader has answered or the time for calls is over.
///
/// # Errors
/// A topic may not be read; [`ClientError::Timeout`].
pub(super) async fn list_offsets(
    cluster: &Cluster,
    mut asked: BTreeMap<TopicPartition, Millis>,
    read_committed: bool,
) -> Result<BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>, ClientError> {
    let limit = cluster.options().api_timeout;
    let end = Instant::now() + limit;
    let late = || ClientError::Timeout(format!("Failed to get offsets by times in {}ms", limit.as_millis()));
    let mut all = BTreeMap::new();
    while !asked.is_empty() {
        let round = tokio::time::timeout_at(end, ask_once(cluster, &asked, read_committed)).await;
        let round = round.map_err(|_| late())??;
        all.extend(round.found);
        asked.retain(|id, _| round.retry.contains(id));
        if asked.is_empty() {
            break;
        }
        let again = Instant::now() + cluster.options().retry_backoff;
        if again > end {
            return Err(late());
        }
        tokio::time::sleep_until(again).await;
        // The leaders may be others by now.
        for id in asked.keys() {
            cluster.forget(&Target::Leader(id.clone()));
        }
    }
    Ok(all)
}
