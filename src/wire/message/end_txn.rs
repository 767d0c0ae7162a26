//! EndTxn

use crate::wire::message::table::message;

message! {
    EndTxn, versions 0-2;

    request EndTxnRequest -> EndTxnResponse {
        transactional_id: String [0+],
        producer_id: i64 [0+],
        producer_epoch: i16 [0+],
        committed: bool [0+],
    }

    response EndTxnResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [0+],
    }
}
