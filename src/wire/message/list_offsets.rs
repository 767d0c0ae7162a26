//! ListOffsets

use crate::wire::message::table::message;

message! {
    ListOffsets, versions 0-5;

    request ListOffsetRequest -> ListOffsetResponse {
        replica_id: i32 [0+],
        isolation_level: i8 [2+],
        topics: Vec<ListOffsetTopic> [0+],
    }

    struct ListOffsetTopic {
        name: String [0+],
        partitions: Vec<ListOffsetPartition> [0+],
    }

    struct ListOffsetPartition {
        partition_index: i32 [0+],
        current_leader_epoch: i32 [4+, ignorable] = -1,
        timestamp: i64 [0+],
        max_num_offsets: i32 [0-0] = 1,
    }

    response ListOffsetResponse {
        throttle_time_ms: i32 [2+, ignorable],
        topics: Vec<ListOffsetTopicResponse> [0+],
    }

    struct ListOffsetTopicResponse {
        name: String [0+],
        partitions: Vec<ListOffsetPartitionResponse> [0+],
    }

    struct ListOffsetPartitionResponse {
        partition_index: i32 [0+],
        error_code: i16 [0+],
        old_style_offsets: Vec<i64> [0-0],
        timestamp: i64 [1+] = -1,
        offset: i64 [1+] = -1,
        leader_epoch: i32 [4+] = -1,
    }
}
