//! OffsetDelete: positions of a group forgotten.
//!
//! One version.

use crate::wire::message::table::message;

message! {
    OffsetDelete, versions 0-0;

    /// Which positions.
    request OffsetDeleteRequest -> OffsetDeleteResponse {
        /// The group.
        group_id: String [0+],
        /// The topics.
        topics: Vec<OffsetDeleteRequestTopic> [0+],
    }

    /// A topic and its partitions.
    struct OffsetDeleteRequestTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetDeleteRequestPartition> [0+],
    }

    /// A partition.
    struct OffsetDeleteRequestPartition {
        /// The partition's number.
        partition_index: i32 [0+],
    }

    /// What came of each.
    response OffsetDeleteResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+, ignorable],
        /// The topics.
        topics: Vec<OffsetDeleteResponseTopic> [0+],
    }

    /// A topic's results.
    struct OffsetDeleteResponseTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetDeleteResponsePartition> [0+],
    }

    /// A partition's result.
    struct OffsetDeleteResponsePartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
