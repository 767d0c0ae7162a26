//! OffsetCommit: a group's positions, kept.
//!
//! v0 kept in ZooKeeper · v1 groups with members · v2 to v4 retention time · v6 leader epochs · v7 static
//! members.

use crate::wire::message::table::message;

message! {
    OffsetCommit, versions 0-8, flexible 8+;

    /// Positions to keep.
    request OffsetCommitRequest -> OffsetCommitResponse {
        /// The group.
        group_id: String [0+],
        /// The group's generation; -1 for none.
        generation_id: i32 [1+, ignorable] = -1,
        /// The member's id; empty for none yet.
        member_id: String [1+, ignorable],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [7+, nullable 7+] = None,
        /// How long to keep it, in milliseconds; -1 for the broker's default.
        retention_time_ms: i64 [2-4, ignorable] = -1,
        /// The topics.
        topics: Vec<OffsetCommitRequestTopic> [0+],
    }

    /// A topic and its partitions.
    struct OffsetCommitRequestTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetCommitRequestPartition> [0+],
    }

    /// The position in a partition.
    struct OffsetCommitRequestPartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The position: the next offset to consume; -1 for none.
        committed_offset: i64 [0+],
        /// The leader epoch of the last record consumed; -1 for unknown.
        committed_leader_epoch: i32 [6+, ignorable] = -1,
        /// When it was committed, in milliseconds; -1 for now.
        commit_timestamp: i64 [1-1] = -1,
        /// What the client keeps beside the position.
        committed_metadata: Option<String> [0+, nullable 0+],
    }

    /// What came of it, by partition.
    response OffsetCommitResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [3+, ignorable],
        /// The topics.
        topics: Vec<OffsetCommitResponseTopic> [0+],
    }

    /// A topic's results.
    struct OffsetCommitResponseTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetCommitResponsePartition> [0+],
    }

    /// A partition's result.
    struct OffsetCommitResponsePartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
