//! ExpireDelegationToken: a delegation token is ended, now or soon.
//!
//! v1 throttled.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    ExpireDelegationToken, versions 0-2, flexible 2+;

    /// The token.
    request ExpireDelegationTokenRequest -> ExpireDelegationTokenResponse {
        /// What proves the token.
        hmac: Bytes [0+],
        /// How long it may live on, in milliseconds; negative for not at all.
        expiry_time_period_ms: i64 [0+],
    }

    /// Until when it lives.
    response ExpireDelegationTokenResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// When it expires, in milliseconds since the epoch.
        expiry_timestamp_ms: i64 [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
    }
}
