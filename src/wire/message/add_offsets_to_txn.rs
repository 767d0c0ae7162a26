//! AddOffsetsToTxn: a group's positions enter a transaction.
//!
//! v2 PRODUCER_FENCED as an error of its own.

use crate::wire::message::table::message;

message! {
    AddOffsetsToTxn, versions 0-2;

    /// The group.
    request AddOffsetsToTxnRequest -> AddOffsetsToTxnResponse {
        /// The producer's lasting name, if it uses transactions.
        transactional_id: String [0+],
        /// The producer's id; -1 for none.
        producer_id: i64 [0+],
        /// The producer's epoch; -1 for none.
        producer_epoch: i16 [0+],
        /// The group.
        group_id: String [0+],
    }

    /// Whether it was added.
    response AddOffsetsToTxnResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
