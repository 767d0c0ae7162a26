//! DescribeLogDirs: what lies in a broker's log directories.
//!
//! v1 throttled.

use crate::wire::message::table::message;

message! {
    DescribeLogDirs, versions 0-2, flexible 2+;

    /// Which partitions.
    request DescribeLogDirsRequest -> DescribeLogDirsResponse {
        /// The topics; None for all.
        topics: Option<Vec<DescribableLogDirTopic>> [0+, nullable 0+],
    }

    /// A topic and its partitions.
    struct DescribableLogDirTopic {
        /// The topic's name.
        topic: String [0+],
        /// The partition's number.
        partition_index: Vec<i32> [0+],
    }

    /// The directories and what is in them.
    response DescribeLogDirsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<DescribeLogDirsResult> [0+],
    }

    /// A directory.
    struct DescribeLogDirsResult {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The directory's absolute path.
        log_dir: String [0+],
        /// The topics.
        topics: Vec<DescribeLogDirsTopic> [0+],
    }

    /// A topic in the directory.
    struct DescribeLogDirsTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<DescribeLogDirsPartition> [0+],
    }

    /// A replica in the directory.
    struct DescribeLogDirsPartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// Bytes of its log segments.
        partition_size: i64 [0+],
        /// How far the replica is behind.
        offset_lag: i64 [0+],
        /// Whether the replica is on its way here from another directory.
        is_future_key: bool [0+],
    }
}
