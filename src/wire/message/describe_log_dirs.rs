//! DescribeLogDirs

use crate::wire::message::table::message;

message! {
    DescribeLogDirs, versions 0-2, flexible 2+;

    request DescribeLogDirsRequest -> DescribeLogDirsResponse {
        topics: Option<Vec<DescribableLogDirTopic>> [0+, nullable 0+],
    }

    struct DescribableLogDirTopic {
        topic: String [0+],
        partition_index: Vec<i32> [0+],
    }

    response DescribeLogDirsResponse {
        throttle_time_ms: i32 [0+],
        results: Vec<DescribeLogDirsResult> [0+],
    }

    struct DescribeLogDirsResult {
        error_code: i16 [0+],
        log_dir: String [0+],
        topics: Vec<DescribeLogDirsTopic> [0+],
    }

    struct DescribeLogDirsTopic {
        name: String [0+],
        partitions: Vec<DescribeLogDirsPartition> [0+],
    }

    struct DescribeLogDirsPartition {
        partition_index: i32 [0+],
        partition_size: i64 [0+],
        offset_lag: i64 [0+],
        is_future_key: bool [0+],
    }
}
