//! AddPartitionsToTxn: partitions enter a transaction.
//!
//! v2 PRODUCER_FENCED as an error of its own.

use crate::wire::message::table::message;

message! {
    AddPartitionsToTxn, versions 0-2;

    /// The partitions.
    request AddPartitionsToTxnRequest -> AddPartitionsToTxnResponse {
        /// The producer's lasting name, if it uses transactions.
        transactional_id: String [0+],
        /// The producer's id; -1 for none.
        producer_id: i64 [0+],
        /// The producer's epoch; -1 for none.
        producer_epoch: i16 [0+],
        /// The topics.
        topics: Vec<AddPartitionsToTxnTopic> [0+],
    }

    /// A topic and its partitions.
    struct AddPartitionsToTxnTopic {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<i32> [0+],
    }

    /// What came of each.
    response AddPartitionsToTxnResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<AddPartitionsToTxnTopicResult> [0+],
    }

    /// A topic's results.
    struct AddPartitionsToTxnTopicResult {
        /// The name.
        name: String [0+],
        /// The results.
        results: Vec<AddPartitionsToTxnPartitionResult> [0+],
    }

    /// A partition's result.
    struct AddPartitionsToTxnPartitionResult {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
