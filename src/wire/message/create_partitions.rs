//! CreatePartitions: topics given more partitions.
//!
//! v3 THROTTLING_QUOTA_EXCEEDED.

use crate::wire::message::table::message;

message! {
    CreatePartitions, versions 0-3, flexible 2+;

    /// How many in all.
    request CreatePartitionsRequest -> CreatePartitionsResponse {
        /// The topics.
        topics: Vec<CreatePartitionsTopic> [0+],
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+],
        /// Whether it is only checked, not done.
        validate_only: bool [0+],
    }

    /// A topic and how many partitions it is to have.
    struct CreatePartitionsTopic {
        /// The name.
        name: String [0+],
        /// How many partitions the topic is to have in all.
        count: i32 [0+],
        /// The replicas of the new partitions; None lets the broker assign them.
        assignments: Option<Vec<CreatePartitionsAssignment>> [0+, nullable 0+],
    }

    /// The replicas of a new partition.
    struct CreatePartitionsAssignment {
        /// The replicas, the preferred leader first.
        broker_ids: Vec<i32> [0+],
    }

    /// What came of each.
    response CreatePartitionsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<CreatePartitionsTopicResult> [0+],
    }

    /// A topic's result.
    struct CreatePartitionsTopicResult {
        /// The name.
        name: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+] = None,
    }
}
