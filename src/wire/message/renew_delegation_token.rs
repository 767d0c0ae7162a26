//! RenewDelegationToken: a delegation token lives longer.
//!
//! v1 throttled.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    RenewDelegationToken, versions 0-2, flexible 2+;

    /// The token.
    request RenewDelegationTokenRequest -> RenewDelegationTokenResponse {
        /// What proves the token.
        hmac: Bytes [0+],
        /// How long it is to live on, in milliseconds; -1 for the broker's default.
        renew_period_ms: i64 [0+],
    }

    /// Until when it lives.
    response RenewDelegationTokenResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// When it expires, in milliseconds since the epoch.
        expiry_timestamp_ms: i64 [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
    }
}
