//! ExpireDelegationToken

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    ExpireDelegationToken, versions 0-2, flexible 2+;

    request ExpireDelegationTokenRequest -> ExpireDelegationTokenResponse {
        hmac: Bytes [0+],
        expiry_time_period_ms: i64 [0+],
    }

    response ExpireDelegationTokenResponse {
        error_code: i16 [0+],
        expiry_timestamp_ms: i64 [0+],
        throttle_time_ms: i32 [0+],
    }
}
