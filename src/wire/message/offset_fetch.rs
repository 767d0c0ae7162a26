//! OffsetFetch

use crate::wire::message::table::message;

message! {
    OffsetFetch, versions 0-7, flexible 6+;

    request OffsetFetchRequest -> OffsetFetchResponse {
        group_id: String [0+],
        topics: Option<Vec<OffsetFetchRequestTopic>> [0+, nullable 2+],
        require_stable: bool [7+],
    }

    struct OffsetFetchRequestTopic {
        name: String [0+],
        partition_indexes: Vec<i32> [0+],
    }

    response OffsetFetchResponse {
        throttle_time_ms: i32 [3+, ignorable],
        topics: Vec<OffsetFetchResponseTopic> [0+],
        error_code: i16 [2+, ignorable],
    }

    struct OffsetFetchResponseTopic {
        name: String [0+],
        partitions: Vec<OffsetFetchResponsePartition> [0+],
    }

    struct OffsetFetchResponsePartition {
        partition_index: i32 [0+],
        committed_offset: i64 [0+],
        committed_leader_epoch: i32 [5+, ignorable] = -1,
        metadata: Option<String> [0+, nullable 0+],
        error_code: i16 [0+],
    }
}
