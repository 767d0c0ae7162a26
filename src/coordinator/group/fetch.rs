//! OffsetFetch: how far the group has come.
//!
//! Pure. Kafka: `GroupMetadataManager.getOffsets`.

use std::sync::Arc;

use super::metadata::GroupMetadata;
use crate::base::{Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// Offsets are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetsFetch {
    /// The group.
    pub group: Arc<str>,
    /// The partitions; None for all that have an offset.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Whether a partition with a commit on its way is answered UNSTABLE_OFFSET_COMMIT.
    pub require_stable: bool,
}

/// An offset as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedOffset {
    /// What went wrong.
    pub error: ErrorCode,
    /// The next offset to be consumed; -1 for none.
    pub offset: Offset,
    /// The leader epoch of the record before it, where the client knew it.
    pub leader_epoch: Option<i32>,
    /// What the client keeps beside it.
    pub metadata: Arc<str>,
}

impl FetchedOffset {
    /// There is none.
    pub fn none(error: ErrorCode) -> Self {
        Self { error, offset: -1, leader_epoch: None, metadata: "".into() }
    }
}

impl GroupMetadata {
    /// The offsets that are asked for.
    pub(super) fn fetch_offsets(&self, fetch: OffsetsFetch) -> Vec<(TopicPartition, FetchedOffset)> {
        let partitions = match fetch.partitions {
            Some(partitions) => partitions,
            None => self.offsets.partitions().cloned().collect(),
        };
        let fetched = partitions.into_iter().map(|partition| {
            let offset = self.fetch_offset(&partition, fetch.require_stable);
            (partition, offset)
        });
        fetched.collect()
    }

    fn fetch_offset(&self, partition: &TopicPartition, require_stable: bool) -> FetchedOffset {
        if require_stable && self.offsets.has_pending(partition) {
            return FetchedOffset::none(ErrorCode::UnstableOffsetCommit);
        }
        match self.offsets.get(partition) {
            None => FetchedOffset::none(ErrorCode::None),
            Some(committed) => FetchedOffset {
                error: ErrorCode::None,
                offset: committed.offset,
                leader_epoch: committed.leader_epoch,
                metadata: committed.metadata.clone(),
            },
        }
    }
}

/// What is answered of a group that is not there.
pub(super) fn of_no_group(fetch: OffsetsFetch) -> Vec<(TopicPartition, FetchedOffset)> {
    let none = |partition| (partition, FetchedOffset::none(ErrorCode::None));
    fetch.partitions.unwrap_or_default().into_iter().map(none).collect()
}
