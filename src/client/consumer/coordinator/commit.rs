//! OffsetCommit and OffsetFetch: the requests of a consumer, and what their answers mean.
//!
//! Pure. Kafka: `ConsumerCoordinator.OffsetCommitResponseHandler`, `ConsumerCoordinator.OffsetFetchResponseHandler`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::membership::MemberGeneration;
use super::settings::GroupRebalanceConfig;
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
use crate::client::error::ClientError;
use crate::client::offsets::OffsetAndMetadata;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
};
use crate::wire::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponse, OffsetFetchResponsePartition,
};

/// The offsets of a commit, by partition.
pub type CommittedOffsets = BTreeMap<TopicPartition, OffsetAndMetadata>;

/// What the consumer has committed, by partition; None for a partition of which nothing was committed.
pub type FoundOffsets = BTreeMap<TopicPartition, Option<OffsetAndMetadata>>;

/// What is to be done after an answer with an error.
#[derive(Debug)]
pub enum RefusedOffsets {
    /// The same request may succeed later.
    Retry(ClientError),
    /// The same request may succeed at another coordinator.
    FindCoordinator(ClientError),
    /// It depends on the member ([`Membership::commit_refused`](super::membership::Membership::commit_refused)).
    AskMember(ErrorCode),
    /// It cannot succeed.
    Fail(ClientError),
}

/// A commit of a member, or of a consumer outside of a group.
pub(super) fn commit_request(
    settings: &GroupRebalanceConfig,
    generation: &MemberGeneration,
    offsets: &CommittedOffsets,
) -> OffsetCommitRequest {
    let partitions = offsets.iter().map(|(id, committed)| {
        let partition = OffsetCommitRequestPartition {
            partition_index: id.partition,
            committed_offset: committed.offset,
            committed_leader_epoch: committed.leader_epoch.unwrap_or(-1),
            committed_metadata: Some(committed.metadata.clone()),
            ..Default::default()
        };
        (id, partition)
    });
    let topics = by_topic(partitions)
        .map(|(name, partitions)| OffsetCommitRequestTopic { name: name.to_string(), partitions });
    OffsetCommitRequest {
        group_id: settings.group_id.clone(),
        generation_id: generation.id,
        member_id: generation.member_id.clone(),
        group_instance_id: settings.group_instance_id.clone(),
        topics: topics.collect(),
        ..Default::default()
    }
}

/// Whether a commit was accepted.
///
/// # Errors
/// What is to be done instead, by the first error of a partition.
pub fn check_commit(group_id: &str, answer: &OffsetCommitResponse) -> Result<(), RefusedOffsets> {
    let mut unauthorized = BTreeSet::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            match ErrorCode::from_code(partition.error_code) {
                ErrorCode::None => {}
                ErrorCode::TopicAuthorizationFailed => {
                    unauthorized.insert(topic.name.as_str());
                }
                error => return Err(refused_commit(group_id, error)),
            }
        }
    }
    check_authorized(&unauthorized)
}

fn refused_commit(group_id: &str, error: ErrorCode) -> RefusedOffsets {
    match error {
        ErrorCode::CoordinatorLoadInProgress | ErrorCode::UnknownTopicOrPartition => {
            RefusedOffsets::Retry(refused(error))
        }
        ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator | ErrorCode::RequestTimedOut => {
            RefusedOffsets::FindCoordinator(refused(error))
        }
        ErrorCode::RebalanceInProgress
        | ErrorCode::UnknownMemberId
        | ErrorCode::IllegalGeneration
        | ErrorCode::FencedInstanceId => RefusedOffsets::AskMember(error),
        ErrorCode::OffsetMetadataTooLarge | ErrorCode::InvalidCommitOffsetSize => {
            RefusedOffsets::Fail(refused(error))
        }
        ErrorCode::GroupAuthorizationFailed => RefusedOffsets::Fail(not_authorized(group_id)),
        _ => RefusedOffsets::Fail(unexpected(error, "Unexpected error in commit: ")),
    }
}

/// A request for what was committed of these partitions.
pub(super) fn fetch_request(
    group_id: &str,
    partitions: &BTreeSet<TopicPartition>,
    require_stable: bool,
) -> OffsetFetchRequest {
    let topics = by_topic(partitions.iter().map(|id| (id, id.partition))).map(|(name, partition_indexes)| {
        OffsetFetchRequestTopic { name: name.to_string(), partition_indexes }
    });
    OffsetFetchRequest { group_id: group_id.to_owned(), topics: Some(topics.collect()), require_stable }
}

/// What was committed of these partitions. A partition that the answer lacks has no committed offset.
///
/// # Errors
/// What is to be done instead.
pub fn read_committed(
    group_id: &str,
    partitions: &BTreeSet<TopicPartition>,
    answer: OffsetFetchResponse,
) -> Result<FoundOffsets, RefusedOffsets> {
    let error = ErrorCode::from_code(answer.error_code);
    if !error.is_none() {
        return Err(refused_fetch(group_id, error));
    }
    let mut found: FoundOffsets = partitions.iter().map(|id| (id.clone(), None)).collect();
    let (mut unauthorized, mut is_unstable) = (BTreeSet::new(), false);
    for topic in &answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partitions {
            let id = TopicPartition { topic: name.clone(), partition: partition.partition_index };
            match ErrorCode::from_code(partition.error_code) {
                ErrorCode::None => {
                    if let Some(slot) = found.get_mut(&id) {
                        *slot = committed(partition);
                    }
                }
                ErrorCode::TopicAuthorizationFailed => {
                    unauthorized.insert(topic.name.as_str());
                }
                ErrorCode::UnstableOffsetCommit => is_unstable = true,
                error => return Err(refused_partition(group_id, &id, error)),
            }
        }
    }
    check_authorized(&unauthorized)?;
    if is_unstable {
        let message = "There are unstable offsets for the requested topic partitions".to_owned();
        let error = ErrorCode::UnstableOffsetCommit;
        return Err(RefusedOffsets::Retry(ClientError::Refused { error, message }));
    }
    Ok(found)
}

fn committed(partition: &OffsetFetchResponsePartition) -> Option<OffsetAndMetadata> {
    (partition.committed_offset >= 0).then(|| OffsetAndMetadata {
        offset: partition.committed_offset,
        leader_epoch: Some(partition.committed_leader_epoch).filter(|epoch| *epoch >= 0),
        metadata: partition.metadata.clone().unwrap_or_default(),
    })
}

fn refused_fetch(group_id: &str, error: ErrorCode) -> RefusedOffsets {
    match error {
        ErrorCode::CoordinatorLoadInProgress => RefusedOffsets::Retry(refused(error)),
        ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
            RefusedOffsets::FindCoordinator(refused(error))
        }
        ErrorCode::GroupAuthorizationFailed => RefusedOffsets::Fail(not_authorized(group_id)),
        _ => RefusedOffsets::Fail(unexpected(error, "Unexpected error in fetch offset response: ")),
    }
}

/// The error of a partition. Before version 2, those of the whole group stand here, too.
fn refused_partition(group_id: &str, id: &TopicPartition, error: ErrorCode) -> RefusedOffsets {
    match error {
        ErrorCode::UnknownTopicOrPartition => {
            let message = format!("Topic or Partition {id} does not exist");
            RefusedOffsets::Fail(ClientError::Unexpected { error, message })
        }
        ErrorCode::CoordinatorLoadInProgress
        | ErrorCode::NotCoordinator
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::GroupAuthorizationFailed => refused_fetch(group_id, error),
        _ => {
            let text = format!("Unexpected error in fetch offset response for partition {id}: ");
            RefusedOffsets::Fail(unexpected(error, &text))
        }
    }
}

fn check_authorized(unauthorized: &BTreeSet<&str>) -> Result<(), RefusedOffsets> {
    if unauthorized.is_empty() {
        return Ok(());
    }
    let topics: Vec<_> = unauthorized.iter().copied().collect();
    let message = format!("Not authorized to access topics: [{}]", topics.join(", "));
    let error = ErrorCode::TopicAuthorizationFailed;
    Err(RefusedOffsets::Fail(ClientError::Refused { error, message }))
}

fn refused(error: ErrorCode) -> ClientError {
    ClientError::Refused { error, message: error.message().to_owned() }
}

fn unexpected(error: ErrorCode, text: &str) -> ClientError {
    ClientError::Unexpected { error, message: format!("{text}{}", error.message()) }
}

fn not_authorized(group_id: &str) -> ClientError {
    let message = format!("Not authorized to access group: {group_id}");
    ClientError::Refused { error: ErrorCode::GroupAuthorizationFailed, message }
}
