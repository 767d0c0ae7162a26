//! What a consumer commits, and what a transactional producer commits for it.
//!
//! Pure. Kafka: `OffsetAndMetadata`, `ConsumerGroupMetadata`.

use crate::base::{LeaderEpoch, Offset};

/// An offset to commit or that was committed: that of the next record to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    /// The offset; not negative.
    pub offset: Offset,
    /// The leader epoch of the record before it, where it is known (KIP-320).
    pub leader_epoch: Option<LeaderEpoch>,
    /// A text of the application's own, at most `offset.metadata.max.bytes` long.
    pub metadata: String,
}

impl OffsetAndMetadata {
    /// An offset without more.
    pub fn new(offset: Offset) -> Self {
        Self { offset, ..Self::default() }
    }
}

/// A consumer as its group knows it, by which the group coordinator refuses offsets of a member that is no longer one
/// (KIP-447).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupMetadata {
    /// The group (`group.id`).
    pub group_id: String,
    /// The generation; -1 outside of a group.
    pub generation_id: i32,
    /// The member's id; empty outside of a group.
    pub member_id: String,
    /// The id of a static member (`group.instance.id`, KIP-345).
    pub group_instance_id: Option<String>,
}

impl ConsumerGroupMetadata {
    /// A group without a member, as a producer names it whose consumer's partitions were assigned by hand.
    pub fn of_group(group_id: &str) -> Self {
        Self {
            group_id: group_id.to_owned(),
            generation_id: -1,
            member_id: String::new(),
            group_instance_id: None,
        }
    }
}
