//! TxnOffsetCommit: a group's positions, kept if the transaction commits.
//!
//! v2 leader epochs · v3 the group's member checked (KIP-447).

use crate::wire::message::table::message;

message! {
    TxnOffsetCommit, versions 0-3, flexible 3+;

    /// The positions.
    request TxnOffsetCommitRequest -> TxnOffsetCommitResponse {
        /// The producer's lasting name, if it uses transactions.
        transactional_id: String [0+],
        /// The group.
        group_id: String [0+],
        /// The producer's id; -1 for none.
        producer_id: i64 [0+],
        /// The producer's epoch; -1 for none.
        producer_epoch: i16 [0+],
        /// The group's generation; -1 for none.
        generation_id: i32 [3+] = -1,
        /// The member's id; empty for none yet.
        member_id: String [3+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [3+, nullable 3+] = None,
        /// The topics.
        topics: Vec<TxnOffsetCommitRequestTopic> [0+],
    }

    /// A topic and its partitions.
    struct TxnOffsetCommitRequestTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<TxnOffsetCommitRequestPartition> [0+],
    }

    /// The position in a partition.
    struct TxnOffsetCommitRequestPartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The position: the next offset to consume; -1 for none.
        committed_offset: i64 [0+],
        /// The leader epoch of the last record consumed; -1 for unknown.
        committed_leader_epoch: i32 [2+, ignorable] = -1,
        /// What the client keeps beside the position.
        committed_metadata: Option<String> [0+, nullable 0+],
    }

    /// What came of each.
    response TxnOffsetCommitResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The topics.
        topics: Vec<TxnOffsetCommitResponseTopic> [0+],
    }

    /// A topic's results.
    struct TxnOffsetCommitResponseTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<TxnOffsetCommitResponsePartition> [0+],
    }

    /// A partition's result.
    struct TxnOffsetCommitResponsePartition {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
