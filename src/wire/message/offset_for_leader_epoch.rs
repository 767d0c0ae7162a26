//! OffsetForLeaderEpoch: where a leader epoch ends in a log.
//!
//! v1 the epoch found · v2 the current epoch checked · v3 the replica id of the caller.

use crate::wire::message::table::message;

message! {
    OffsetForLeaderEpoch, versions 0-3;

    /// Which epochs.
    request OffsetForLeaderEpochRequest -> OffsetForLeaderEpochResponse {
        /// The follower that asks; -1 for a consumer.
        replica_id: i32 [3+, ignorable] = -2,
        /// The topics.
        topics: Vec<OffsetForLeaderTopic> [0+],
    }

    /// A topic and its partitions.
    struct OffsetForLeaderTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetForLeaderPartition> [0+],
    }

    /// The epoch asked for in a partition.
    struct OffsetForLeaderPartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The leader epoch as the sender knows it; -1 leaves it unchecked.
        current_leader_epoch: i32 [2+, ignorable] = -1,
        /// The epoch to look for.
        leader_epoch: i32 [0+],
    }

    /// Where they end.
    response OffsetForLeaderEpochResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [2+, ignorable],
        /// The topics.
        topics: Vec<OffsetForLeaderTopicResult> [0+],
    }

    /// A topic's results.
    struct OffsetForLeaderTopicResult {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetForLeaderPartitionResult> [0+],
    }

    /// Where the epoch ends in a partition.
    struct OffsetForLeaderPartitionResult {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The partition's number.
        partition_index: i32 [0+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [1+, ignorable] = -1,
        /// Where the epoch ends; -1 for unknown.
        end_offset: i64 [0+],
    }
}
