//! RenewDelegationToken

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    RenewDelegationToken, versions 0-2, flexible 2+;

    request RenewDelegationTokenRequest -> RenewDelegationTokenResponse {
        hmac: Bytes [0+],
        renew_period_ms: i64 [0+],
    }

    response RenewDelegationTokenResponse {
        error_code: i16 [0+],
        expiry_timestamp_ms: i64 [0+],
        throttle_time_ms: i32 [0+],
    }
}
