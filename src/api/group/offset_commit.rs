//! OffsetCommit, v0-8. How far a group has come is kept: of version 0 in ZooKeeper, else in `__consumer_offsets`.
//!
//! v1 member, generation, timestamps · v2 retention · v5 no retention (KIP-211) · v6 leader epochs · v7 static members
//! · v8 flexible. Kafka: `KafkaApis.handleOffsetCommitRequest`.

use super::{Committable, ItemErrors, all_refused, claim, grouped, partitions_of, unavailable};
use crate::api::Exchange;
use crate::api::named_twice::last_mentions;
use crate::api::offset_znodes;
use crate::base::{Millis, TopicPartition};
use crate::coordinator::group::request::{OffsetCommitValue, OffsetsCommit};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponse, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};

type CommittedPartition = (TopicPartition, OffsetCommitRequestPartition);

/// Waits until the offsets are kept.
pub async fn handle(exchange: &Exchange, mut request: OffsetCommitRequest) -> OffsetCommitResponse {
    let refusal = if !exchange.may_read_group(&request.group_id) {
        Some(ErrorCode::GroupAuthorizationFailed)
    } else if exchange.refuses_static_members(request.group_instance_id.as_deref()) {
        Some(ErrorCode::UnsupportedVersion)
    } else {
        None
    };
    let names: Vec<_> = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let topics = std::mem::take(&mut request.topics).into_iter().map(|it| (it.name, it.partitions));
    let asked = last_mentions(partitions_of(topics, |it| it.partition_index));
    let Committable { kept, refused } = match refusal {
        Some(refusal) => Committable { kept: Vec::new(), refused: all_refused(asked, refusal) },
        None => exchange.committable(&names, asked),
    };
    let mut results = match exchange.version() {
        _ if kept.is_empty() => Vec::new(),
        0 => commit_to_zookeeper(exchange, &request.group_id, kept).await,
        _ => commit(exchange, request, kept).await,
    };
    results.extend(refused);
    response(results)
}

async fn commit_to_zookeeper(exchange: &Exchange, group: &str, asked: Vec<CommittedPartition>) -> ItemErrors {
    let most = usize::try_from(exchange.services.config.offset_metadata_max_bytes).unwrap_or(0);
    let mut results = Vec::with_capacity(asked.len());
    for (id, asked) in asked {
        let metadata = asked.committed_metadata.as_deref().unwrap_or_default();
        let error = if metadata.encode_utf16().count() > most {
            ErrorCode::OffsetMetadataTooLarge
        } else {
            let set = offset_znodes::set(&exchange.services.zk, group, &id, asked.committed_offset).await;
            set.err().unwrap_or_default()
        };
        results.push((id, error));
    }
    results
}

async fn commit(
    exchange: &Exchange,
    request: OffsetCommitRequest,
    asked: Vec<CommittedPartition>,
) -> ItemErrors {
    let now = exchange.services.clock.now();
    let retention = Some(request.retention_time_ms).filter(|it| *it != -1);
    let offsets: Vec<_> =
        asked.into_iter().map(|(id, asked)| (id, offset_and_metadata(asked, retention, now))).collect();
    let ids: Vec<_> = offsets.iter().map(|(id, _)| id.clone()).collect();
    let commit = OffsetsCommit {
        claim: claim(&request.member_id, request.group_instance_id.as_deref(), request.generation_id),
        group: request.group_id.into(),
        offsets,
        producer: None,
    };
    match exchange.services.groups.commit(commit).await {
        Ok(errors) => ids.into_iter().zip(errors).collect(),
        Err(why) => ids.into_iter().map(|id| (id, unavailable(why))).collect(),
    }
}

fn offset_and_metadata(
    asked: OffsetCommitRequestPartition,
    retention: Option<Millis>,
    now: Millis,
) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: asked.committed_offset,
        leader_epoch: Some(asked.committed_leader_epoch).filter(|epoch| *epoch != -1),
        metadata: asked.committed_metadata.unwrap_or_default().into(),
        commit_timestamp: if asked.commit_timestamp == -1 { now } else { asked.commit_timestamp },
        expire_timestamp: retention.map(|retention| now.saturating_add(retention)),
    }
}

fn response(results: ItemErrors) -> OffsetCommitResponse {
    let partition = |partition_index, error: ErrorCode| OffsetCommitResponsePartition {
        partition_index,
        error_code: error.code(),
    };
    let topics = grouped(results, partition).into_iter();
    let topics = topics.map(|(name, partitions)| OffsetCommitResponseTopic { name, partitions });
    OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}
