//! InitProducerId

use crate::wire::message::table::message;

message! {
    InitProducerId, versions 0-4, flexible 2+;

    request InitProducerIdRequest -> InitProducerIdResponse {
        transactional_id: Option<String> [0+, nullable 0+],
        transaction_timeout_ms: i32 [0+],
        producer_id: i64 [3+] = -1,
        producer_epoch: i16 [3+] = -1,
    }

    response InitProducerIdResponse {
        throttle_time_ms: i32 [0+, ignorable],
        error_code: i16 [0+],
        producer_id: i64 [0+] = -1,
        producer_epoch: i16 [0+],
    }
}
