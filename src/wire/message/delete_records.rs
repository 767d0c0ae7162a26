//! DeleteRecords: records before an offset are deleted.
//!
//! v2 flexible.

use crate::wire::message::table::message;

message! {
    DeleteRecords, versions 0-2, flexible 2+;

    /// Up to where to delete.
    request DeleteRecordsRequest -> DeleteRecordsResponse {
        /// The topics.
        topics: Vec<DeleteRecordsTopic> [0+],
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+],
    }

    /// A topic and its partitions.
    struct DeleteRecordsTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition> [0+],
    }

    /// Up to where a partition's records go.
    struct DeleteRecordsPartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The first offset that stays; -1 for the high watermark.
        offset: i64 [0+],
    }

    /// Where the partitions begin now.
    response DeleteRecordsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The topics.
        topics: Vec<DeleteRecordsTopicResult> [0+],
    }

    /// A topic's results.
    struct DeleteRecordsTopicResult {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<DeleteRecordsPartitionResult> [0+],
    }

    /// A partition's result.
    struct DeleteRecordsPartitionResult {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The partition's first offset after the deletion; -1 after an error.
        low_watermark: i64 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
