//! CreateDelegationToken: a token that stands for its owner (KIP-48).
//!
//! v1 throttled.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    CreateDelegationToken, versions 0-2, flexible 2+;

    /// The renewers and the lifetime of the token.
    request CreateDelegationTokenRequest -> CreateDelegationTokenResponse {
        /// The principals that may renew the token.
        renewers: Vec<CreatableRenewers> [0+],
        /// How long it may live at most, in milliseconds; -1 for the broker's default.
        max_lifetime_ms: i64 [0+],
    }

    /// A principal that may renew the token.
    struct CreatableRenewers {
        /// The principal's type.
        principal_type: String [0+],
        /// The principal's name.
        principal_name: String [0+],
    }

    /// The token.
    response CreateDelegationTokenResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The principal's type.
        principal_type: String [0+],
        /// The principal's name.
        principal_name: String [0+],
        /// When it was issued, in milliseconds since the epoch.
        issue_timestamp_ms: i64 [0+],
        /// When it expires, in milliseconds since the epoch.
        expiry_timestamp_ms: i64 [0+],
        /// Until when it can be renewed, in milliseconds since the epoch.
        max_timestamp_ms: i64 [0+],
        /// The token's id.
        token_id: String [0+],
        /// What proves the token.
        hmac: Bytes [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
    }
}
