//! OffsetForLeaderEpoch

use crate::wire::message::table::message;

message! {
    OffsetForLeaderEpoch, versions 0-3;

    request OffsetForLeaderEpochRequest -> OffsetForLeaderEpochResponse {
        replica_id: i32 [3+, ignorable] = -2,
        topics: Vec<OffsetForLeaderTopic> [0+],
    }

    struct OffsetForLeaderTopic {
        name: String [0+],
        partitions: Vec<OffsetForLeaderPartition> [0+],
    }

    struct OffsetForLeaderPartition {
        partition_index: i32 [0+],
        current_leader_epoch: i32 [2+, ignorable] = -1,
        leader_epoch: i32 [0+],
    }

    response OffsetForLeaderEpochResponse {
        throttle_time_ms: i32 [2+, ignorable],
        topics: Vec<OffsetForLeaderTopicResult> [0+],
    }

    struct OffsetForLeaderTopicResult {
        name: String [0+],
        partitions: Vec<OffsetForLeaderPartitionResult> [0+],
    }

    struct OffsetForLeaderPartitionResult {
        error_code: i16 [0+],
        partition_index: i32 [0+],
        leader_epoch: i32 [1+, ignorable] = -1,
        end_offset: i64 [0+],
    }
}
