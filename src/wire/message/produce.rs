//! Produce: batches appended to partitions.
//!
//! v3 transactions and batches of format 2 · v5 log start offset · v7 zstd · v8 errors by record (KIP-467).

use crate::base::Records;
use crate::wire::message::table::message;

message! {
    Produce, versions 0-8;

    /// Batches to append, by topic and partition.
    request ProduceRequest -> ProduceResponse {
        /// The producer's lasting name, if it uses transactions.
        transactional_id: Option<String> [3+, nullable 0+] = None,
        /// How many replicas must have the batches: 0, 1, or -1 for all in sync.
        acks: i16 [0+],
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+],
        /// The topics.
        topics: Vec<TopicProduceData> [0+],
    }

    /// A topic and its partitions.
    struct TopicProduceData {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<PartitionProduceData> [0+],
    }

    /// What to append to a partition.
    struct PartitionProduceData {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The batches.
        records: Option<Records> [0+, nullable 0+],
    }

    /// Where the batches lie now, or why they were refused; not sent for acks=0.
    response ProduceResponse {
        /// The results.
        responses: Vec<TopicProduceResponse> [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
    }

    /// A topic's results.
    struct TopicProduceResponse {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<PartitionProduceResponse> [0+],
    }

    /// A partition's result.
    struct PartitionProduceResponse {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The first record's offset; -1 where it is not known.
        base_offset: i64 [0+],
        /// When the leader appended it, where the topic takes that as the timestamp; else -1.
        log_append_time_ms: i64 [2+, ignorable] = -1,
        /// The log's first offset; -1 for unknown.
        log_start_offset: i64 [5+, ignorable] = -1,
        /// The records that caused the refusal.
        record_errors: Vec<BatchIndexAndErrorMessage> [8+, ignorable],
        /// What went wrong, in words.
        error_message: Option<String> [8+, nullable 8+, ignorable] = None,
    }

    /// A record that caused the refusal.
    struct BatchIndexAndErrorMessage {
        /// The record's place in the batch, from 0.
        batch_index: i32 [8+],
        /// What is wrong with the record.
        batch_index_error_message: Option<String> [8+, nullable 8+] = None,
    }
}
