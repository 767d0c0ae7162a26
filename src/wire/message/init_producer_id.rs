//! InitProducerId: a producer gets its id and epoch.
//!
//! v3 an epoch bumped by its owner (KIP-360) · v4 PRODUCER_FENCED as an error of its own.

use crate::wire::message::table::message;

message! {
    InitProducerId, versions 0-4, flexible 2+;

    /// Which producer; none for one that is idempotent only.
    request InitProducerIdRequest -> InitProducerIdResponse {
        /// The producer's lasting name, if it uses transactions.
        transactional_id: Option<String> [0+, nullable 0+],
        /// How long a transaction may last, in milliseconds.
        transaction_timeout_ms: i32 [0+],
        /// The producer's id; -1 for none.
        producer_id: i64 [3+] = -1,
        /// The producer's epoch; -1 for none.
        producer_epoch: i16 [3+] = -1,
    }

    /// Its id and epoch.
    response InitProducerIdResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The producer's id; -1 for none.
        producer_id: i64 [0+] = -1,
        /// The producer's epoch; -1 for none.
        producer_epoch: i16 [0+],
    }
}
