//! AlterReplicaLogDirs: replicas moved to other directories of a broker.
//!
//! v1 throttled.

use crate::wire::message::table::message;

message! {
    AlterReplicaLogDirs, versions 0-1;

    /// Where to move which replicas.
    request AlterReplicaLogDirsRequest -> AlterReplicaLogDirsResponse {
        /// The directories.
        dirs: Vec<AlterReplicaLogDir> [0+],
    }

    /// A directory and what is to be moved there.
    struct AlterReplicaLogDir {
        /// The directory's absolute path.
        path: String [0+],
        /// The topics.
        topics: Vec<AlterReplicaLogDirTopic> [0+],
    }

    /// A topic and its partitions.
    struct AlterReplicaLogDirTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<i32> [0+],
    }

    /// What came of each.
    response AlterReplicaLogDirsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<AlterReplicaLogDirTopicResult> [0+],
    }

    /// A topic's results.
    struct AlterReplicaLogDirTopicResult {
        /// The topic's name.
        topic_name: String [0+],
        /// The partitions.
        partitions: Vec<AlterReplicaLogDirPartitionResult> [0+],
    }

    /// A partition's result.
    struct AlterReplicaLogDirPartitionResult {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
