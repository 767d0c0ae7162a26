//! Fetch

use crate::base::Records;
use crate::wire::message::table::message;

message! {
    Fetch, versions 0-12, flexible 12+;

    request FetchRequest -> FetchResponse {
        cluster_id: Option<String> [12+, nullable 12+, tag 0] = None,
        replica_id: i32 [0+],
        max_wait_ms: i32 [0+],
        min_bytes: i32 [0+],
        max_bytes: i32 [3+, ignorable] = i32::MAX,
        isolation_level: i8 [4+, ignorable],
        session_id: i32 [7+, ignorable],
        session_epoch: i32 [7+, ignorable] = -1,
        topics: Vec<FetchTopic> [0+],
        forgotten_topics_data: Vec<ForgottenTopic> [7+],
        rack_id: String [11+, ignorable],
    }

    struct FetchTopic {
        topic: String [0+],
        partitions: Vec<FetchPartition> [0+],
    }

    struct FetchPartition {
        partition: i32 [0+],
        current_leader_epoch: i32 [9+, ignorable] = -1,
        fetch_offset: i64 [0+],
        last_fetched_epoch: i32 [12+] = -1,
        log_start_offset: i64 [5+, ignorable] = -1,
        partition_max_bytes: i32 [0+],
    }

    struct ForgottenTopic {
        topic: String [7+],
        partitions: Vec<i32> [7+],
    }

    response FetchResponse {
        throttle_time_ms: i32 [1+, ignorable],
        error_code: i16 [7+, ignorable],
        session_id: i32 [7+],
        responses: Vec<FetchableTopicResponse> [0+],
    }

    struct FetchableTopicResponse {
        topic: String [0+],
        partition_responses: Vec<FetchablePartitionResponse> [0+],
    }

    struct FetchablePartitionResponse {
        partition: i32 [0+],
        error_code: i16 [0+],
        high_watermark: i64 [0+],
        last_stable_offset: i64 [4+, ignorable] = -1,
        log_start_offset: i64 [5+, ignorable] = -1,
        diverging_epoch: EpochEndOffset [12+, tag 0],
        current_leader: LeaderIdAndEpoch [12+, tag 1],
        aborted_transactions: Option<Vec<AbortedTransaction>> [4+, nullable 4+, ignorable],
        preferred_read_replica: i32 [11+] = -1,
        record_set: Option<Records> [0+, nullable 0+],
    }

    struct EpochEndOffset {
        epoch: i32 [12+] = -1,
        end_offset: i64 [12+] = -1,
    }

    struct LeaderIdAndEpoch {
        leader_id: i32 [12+] = -1,
        leader_epoch: i32 [12+] = -1,
    }

    struct AbortedTransaction {
        producer_id: i64 [4+],
        first_offset: i64 [4+],
    }
}
