//! AlterPartitionReassignments

use crate::wire::message::table::message;

message! {
    AlterPartitionReassignments, versions 0-0, flexible 0+;

    request AlterPartitionReassignmentsRequest -> AlterPartitionReassignmentsResponse {
        timeout_ms: i32 [0+] = 60000,
        topics: Vec<ReassignableTopic> [0+],
    }

    struct ReassignableTopic {
        name: String [0+],
        partitions: Vec<ReassignablePartition> [0+],
    }

    struct ReassignablePartition {
        partition_index: i32 [0+],
        replicas: Option<Vec<i32>> [0+, nullable 0+] = None,
    }

    response AlterPartitionReassignmentsResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
        responses: Vec<ReassignableTopicResponse> [0+],
    }

    struct ReassignableTopicResponse {
        name: String [0+],
        partitions: Vec<ReassignablePartitionResponse> [0+],
    }

    struct ReassignablePartitionResponse {
        partition_index: i32 [0+],
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
    }
}
