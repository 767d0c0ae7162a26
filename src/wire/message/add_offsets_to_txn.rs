//! AddOffsetsToTxn

use crate::wire::message::table::message;

message! {
    AddOffsetsToTxn, versions 0-2;

    request AddOffsetsToTxnRequest -> AddOffsetsToTxnResponse {
        transactional_id: String [0+],
        producer_id: i64 [0+],
        producer_epoch: i16 [0+],
        group_id: String [0+],
    }

    response AddOffsetsToTxnResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [0+],
    }
}
