//! ListOffsets: offsets by time, or the ends of a partition.
//!
//! v1 one offset instead of a list · v2 isolation level · v4 leader epochs.

use crate::wire::message::table::message;

message! {
    ListOffsets, versions 0-5;

    /// Which times to look for.
    request ListOffsetRequest -> ListOffsetResponse {
        /// The follower that asks; -1 for a consumer.
        replica_id: i32 [0+],
        /// 0 ends at the high watermark, 1 at the last stable offset.
        isolation_level: i8 [2+],
        /// The topics.
        topics: Vec<ListOffsetTopic> [0+],
    }

    /// A topic and its partitions.
    struct ListOffsetTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<ListOffsetPartition> [0+],
    }

    /// What to look for in a partition.
    struct ListOffsetPartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The leader epoch as the sender knows it; -1 leaves it unchecked.
        current_leader_epoch: i32 [4+, ignorable] = -1,
        /// Milliseconds since the epoch; in ListOffsets -1 for the end and -2 for the start.
        timestamp: i64 [0+],
        /// How many offsets the answer has at most.
        max_num_offsets: i32 [0-0] = 1,
    }

    /// The offsets found.
    response ListOffsetResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [2+, ignorable],
        /// The topics.
        topics: Vec<ListOffsetTopicResponse> [0+],
    }

    /// A topic's partitions.
    struct ListOffsetTopicResponse {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<ListOffsetPartitionResponse> [0+],
    }

    /// What was found in a partition.
    struct ListOffsetPartitionResponse {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The offsets, latest first.
        old_style_offsets: Vec<i64> [0-0],
        /// Milliseconds since the epoch; in ListOffsets -1 for the end and -2 for the start.
        timestamp: i64 [1+] = -1,
        /// The offset; -1 for none.
        offset: i64 [1+] = -1,
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [4+] = -1,
    }
}
