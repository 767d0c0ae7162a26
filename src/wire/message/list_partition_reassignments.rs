//! ListPartitionReassignments: the reassignments in progress (KIP-455).
//!
//! One version.

use crate::wire::message::table::message;

message! {
    ListPartitionReassignments, versions 0-0, flexible 0+;

    /// Of which partitions.
    request ListPartitionReassignmentsRequest -> ListPartitionReassignmentsResponse {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+] = 60000,
        /// The topics; None for all.
        topics: Option<Vec<ListPartitionReassignmentsTopics>> [0+, nullable 0+] = None,
    }

    /// A topic and its partitions.
    struct ListPartitionReassignmentsTopics {
        /// The name.
        name: String [0+],
        /// The partitions' numbers.
        partition_indexes: Vec<i32> [0+],
    }

    /// The reassignments.
    response ListPartitionReassignmentsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The topics.
        topics: Vec<OngoingTopicReassignment> [0+],
    }

    /// A topic's reassignments.
    struct OngoingTopicReassignment {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OngoingPartitionReassignment> [0+],
    }

    /// A partition's reassignment.
    struct OngoingPartitionReassignment {
        /// The partition's number.
        partition_index: i32 [0+],
        /// All replicas, the preferred leader first.
        replicas: Vec<i32> [0+],
        /// Replicas that a reassignment is adding.
        adding_replicas: Vec<i32> [0+],
        /// Replicas that a reassignment will remove.
        removing_replicas: Vec<i32> [0+],
    }
}
