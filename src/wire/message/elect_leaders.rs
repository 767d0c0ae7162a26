//! ElectLeaders: leaders chosen anew, preferred or unclean.
//!
//! v1 unclean elections.

use crate::wire::message::table::message;

message! {
    ElectLeaders, versions 0-2, flexible 2+;

    /// The partitions.
    request ElectLeadersRequest -> ElectLeadersResponse {
        /// 0 for the preferred leader, 1 for an unclean election.
        election_type: i8 [1+],
        /// The partitions; None for all.
        topic_partitions: Option<Vec<TopicPartitions>> [0+, nullable 0+],
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+] = 60000,
    }

    /// A topic and its partitions.
    struct TopicPartitions {
        /// The topic's name.
        topic: String [0+],
        /// The partition's number.
        partition_id: Vec<i32> [0+],
    }

    /// What came of each.
    response ElectLeadersResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [1+],
        /// The results, by topic.
        replica_election_results: Vec<ReplicaElectionResult> [0+],
    }

    /// A topic's results.
    struct ReplicaElectionResult {
        /// The topic's name.
        topic: String [0+],
        /// The results, by partition.
        partition_result: Vec<PartitionResult> [0+],
    }

    /// A partition's result.
    struct PartitionResult {
        /// The partition's number.
        partition_id: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
    }
}
