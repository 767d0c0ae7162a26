//! CreateDelegationToken

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    CreateDelegationToken, versions 0-2, flexible 2+;

    request CreateDelegationTokenRequest -> CreateDelegationTokenResponse {
        renewers: Vec<CreatableRenewers> [0+],
        max_lifetime_ms: i64 [0+],
    }

    struct CreatableRenewers {
        principal_type: String [0+],
        principal_name: String [0+],
    }

    response CreateDelegationTokenResponse {
        error_code: i16 [0+],
        principal_type: String [0+],
        principal_name: String [0+],
        issue_timestamp_ms: i64 [0+],
        expiry_timestamp_ms: i64 [0+],
        max_timestamp_ms: i64 [0+],
        token_id: String [0+],
        hmac: Bytes [0+],
        throttle_time_ms: i32 [0+],
    }
}
