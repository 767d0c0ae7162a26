//! OffsetCommit

use crate::wire::message::table::message;

message! {
    OffsetCommit, versions 0-8, flexible 8+;

    request OffsetCommitRequest -> OffsetCommitResponse {
        group_id: String [0+],
        generation_id: i32 [1+, ignorable] = -1,
        member_id: String [1+, ignorable],
        group_instance_id: Option<String> [7+, nullable 7+] = None,
        retention_time_ms: i64 [2-4, ignorable] = -1,
        topics: Vec<OffsetCommitRequestTopic> [0+],
    }

    struct OffsetCommitRequestTopic {
        name: String [0+],
        partitions: Vec<OffsetCommitRequestPartition> [0+],
    }

    struct OffsetCommitRequestPartition {
        partition_index: i32 [0+],
        committed_offset: i64 [0+],
        committed_leader_epoch: i32 [6+, ignorable] = -1,
        commit_timestamp: i64 [1-1] = -1,
        committed_metadata: Option<String> [0+, nullable 0+],
    }

    response OffsetCommitResponse {
        throttle_time_ms: i32 [3+, ignorable],
        topics: Vec<OffsetCommitResponseTopic> [0+],
    }

    struct OffsetCommitResponseTopic {
        name: String [0+],
        partitions: Vec<OffsetCommitResponsePartition> [0+],
    }

    struct OffsetCommitResponsePartition {
        partition_index: i32 [0+],
        error_code: i16 [0+],
    }
}
