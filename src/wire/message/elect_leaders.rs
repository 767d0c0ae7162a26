//! ElectLeaders

use crate::wire::message::table::message;

message! {
    ElectLeaders, versions 0-2, flexible 2+;

    request ElectLeadersRequest -> ElectLeadersResponse {
        election_type: i8 [1+],
        topic_partitions: Option<Vec<TopicPartitions>> [0+, nullable 0+],
        timeout_ms: i32 [0+] = 60000,
    }

    struct TopicPartitions {
        topic: String [0+],
        partition_id: Vec<i32> [0+],
    }

    response ElectLeadersResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [1+],
        replica_election_results: Vec<ReplicaElectionResult> [0+],
    }

    struct ReplicaElectionResult {
        topic: String [0+],
        partition_result: Vec<PartitionResult> [0+],
    }

    struct PartitionResult {
        partition_id: i32 [0+],
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
    }
}
