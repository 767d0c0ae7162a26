//! AlterPartitionReassignments: partitions moved to other brokers (KIP-455).
//!
//! One version.

use crate::wire::message::table::message;

message! {
    AlterPartitionReassignments, versions 0-0, flexible 0+;

    /// Where to move them.
    request AlterPartitionReassignmentsRequest -> AlterPartitionReassignmentsResponse {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+] = 60000,
        /// The topics.
        topics: Vec<ReassignableTopic> [0+],
    }

    /// A topic and its partitions.
    struct ReassignableTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<ReassignablePartition> [0+],
    }

    /// Where a partition is to go.
    struct ReassignablePartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The replicas wanted; None cancels the reassignment.
        replicas: Option<Vec<i32>> [0+, nullable 0+] = None,
    }

    /// What came of each.
    response AlterPartitionReassignmentsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The results.
        responses: Vec<ReassignableTopicResponse> [0+],
    }

    /// A topic's results.
    struct ReassignableTopicResponse {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<ReassignablePartitionResponse> [0+],
    }

    /// A partition's result.
    struct ReassignablePartitionResponse {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
    }
}
