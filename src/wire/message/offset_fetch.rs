//! OffsetFetch: a group's positions, asked for.
//!
//! v0 read from ZooKeeper · v2 all partitions · v5 leader epochs · v7 stable offsets only, if wanted.

use crate::wire::message::table::message;

message! {
    OffsetFetch, versions 0-7, flexible 6+;

    /// The groups whose positions are asked for.
    request OffsetFetchRequest -> OffsetFetchResponse {
        /// The group.
        group_id: String [0+],
        /// The topics; None for all.
        topics: Option<Vec<OffsetFetchRequestTopic>> [0+, nullable 2+],
        /// Whether positions of open transactions are an error.
        require_stable: bool [7+],
    }

    /// A topic and its partitions.
    struct OffsetFetchRequestTopic {
        /// The name.
        name: String [0+],
        /// The partitions' numbers.
        partition_indexes: Vec<i32> [0+],
    }

    /// The positions.
    response OffsetFetchResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [3+, ignorable],
        /// The topics.
        topics: Vec<OffsetFetchResponseTopic> [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [2+, ignorable],
    }

    /// A topic's positions.
    struct OffsetFetchResponseTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartition> [0+],
    }

    /// The position in a partition.
    struct OffsetFetchResponsePartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The position: the next offset to consume; -1 for none.
        committed_offset: i64 [0+],
        /// The leader epoch of the last record consumed; -1 for unknown.
        committed_leader_epoch: i32 [5+, ignorable] = -1,
        /// What goes with it, in the client's own layout.
        metadata: Option<String> [0+, nullable 0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
