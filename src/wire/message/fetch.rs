//! Fetch: record batches read from partitions, by consumers and followers.
//!
//! v4 transactions · v5 log start offset · v7 sessions (KIP-227) · v9 leader epochs · v10 zstd · v11 reads
//! from followers (KIP-392) · v12 diverging epochs (KIP-595).

use crate::base::Records;
use crate::wire::message::table::message;

message! {
    Fetch, versions 0-12, flexible 12+;

    /// From where to read, and how long to wait for how much.
    request FetchRequest -> FetchResponse {
        /// The cluster's id.
        cluster_id: Option<String> [12+, nullable 12+, tag 0] = None,
        /// The follower that asks; -1 for a consumer.
        replica_id: i32 [0+],
        /// How long to wait for the bytes, in milliseconds.
        max_wait_ms: i32 [0+],
        /// How many bytes to wait for.
        min_bytes: i32 [0+],
        /// The most bytes to send, unless the first batch alone is larger.
        max_bytes: i32 [3+, ignorable] = i32::MAX,
        /// 0 reads everything, 1 only what is committed.
        isolation_level: i8 [4+, ignorable],
        /// The fetch session; 0 for none.
        session_id: i32 [7+, ignorable],
        /// The session's epoch: 0 begins one, -1 goes without or ends it.
        session_epoch: i32 [7+, ignorable] = -1,
        /// The topics.
        topics: Vec<FetchTopic> [0+],
        /// Partitions that leave the session.
        forgotten_topics_data: Vec<ForgottenTopic> [7+],
        /// The consumer's rack; empty for none.
        rack_id: String [11+, ignorable],
    }

    /// A topic and its partitions.
    struct FetchTopic {
        /// The topic's name.
        topic: String [0+],
        /// The partitions.
        partitions: Vec<FetchPartition> [0+],
    }

    /// From where to read a partition.
    struct FetchPartition {
        /// The partition's number.
        partition: i32 [0+],
        /// The leader epoch as the sender knows it; -1 leaves it unchecked.
        current_leader_epoch: i32 [9+, ignorable] = -1,
        /// The first offset wanted.
        fetch_offset: i64 [0+],
        /// The epoch of the reader's last record; -1 for unknown.
        last_fetched_epoch: i32 [12+] = -1,
        /// The follower's first offset; -1 from consumers.
        log_start_offset: i64 [5+, ignorable] = -1,
        /// The most bytes to send of this partition.
        partition_max_bytes: i32 [0+],
    }

    /// Partitions that leave the session.
    struct ForgottenTopic {
        /// The topic's name.
        topic: String [7+],
        /// The partitions.
        partitions: Vec<i32> [7+],
    }

    /// The batches, and where each partition stands.
    response FetchResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [7+, ignorable],
        /// The fetch session; 0 for none.
        session_id: i32 [7+],
        /// The results.
        responses: Vec<FetchableTopicResponse> [0+],
    }

    /// A topic's partitions.
    struct FetchableTopicResponse {
        /// The topic's name.
        topic: String [0+],
        /// The partitions.
        partition_responses: Vec<FetchablePartitionResponse> [0+],
    }

    /// A partition's batches and where it stands.
    struct FetchablePartitionResponse {
        /// The partition's number.
        partition: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The offset up to which all in-sync replicas have the log; -1 for unknown.
        high_watermark: i64 [0+],
        /// The offset before which no transaction is open; -1 for unknown.
        last_stable_offset: i64 [4+, ignorable] = -1,
        /// The log's first offset; -1 for unknown.
        log_start_offset: i64 [5+, ignorable] = -1,
        /// Where the reader's log parts from the leader's.
        diverging_epoch: EpochEndOffset [12+, tag 0],
        /// The leader now, where the request went to another.
        current_leader: LeaderIdAndEpoch [12+, tag 1],
        /// Aborted transactions among the batches; None where the reader takes uncommitted records too.
        aborted_transactions: Option<Vec<AbortedTransaction>> [4+, nullable 4+, ignorable],
        /// The replica the consumer should read from instead; -1 for this one.
        preferred_read_replica: i32 [11+] = -1,
        /// The batches.
        record_set: Option<Records> [0+, nullable 0+],
    }

    /// Where an epoch ends in the leader's log.
    struct EpochEndOffset {
        /// The epoch; -1 for unknown.
        epoch: i32 [12+] = -1,
        /// Where the epoch ends; -1 for unknown.
        end_offset: i64 [12+] = -1,
    }

    /// A leader and its epoch.
    struct LeaderIdAndEpoch {
        /// The leader's broker id; -1 for none.
        leader_id: i32 [12+] = -1,
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [12+] = -1,
    }

    /// An aborted transaction among the batches.
    struct AbortedTransaction {
        /// The producer's id; -1 for none.
        producer_id: i64 [4+],
        /// Where the transaction begins in the partition.
        first_offset: i64 [4+],
    }
}
