//! DescribeDelegationToken: the delegation tokens of some owners.
//!
//! v1 throttled.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    DescribeDelegationToken, versions 0-2, flexible 2+;

    /// Whose tokens.
    request DescribeDelegationTokenRequest -> DescribeDelegationTokenResponse {
        /// Whose tokens; None for all.
        owners: Option<Vec<DescribeDelegationTokenOwner>> [0+, nullable 0+],
    }

    /// An owner.
    struct DescribeDelegationTokenOwner {
        /// The principal's type.
        principal_type: String [0+],
        /// The principal's name.
        principal_name: String [0+],
    }

    /// The tokens.
    response DescribeDelegationTokenResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The tokens.
        tokens: Vec<DescribedDelegationToken> [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
    }

    /// A token.
    struct DescribedDelegationToken {
        /// The principal's type.
        principal_type: String [0+],
        /// The principal's name.
        principal_name: String [0+],
        /// When it was issued, in milliseconds since the epoch.
        issue_timestamp: i64 [0+],
        /// When it expires, in milliseconds since the epoch.
        expiry_timestamp: i64 [0+],
        /// Until when it can be renewed, in milliseconds since the epoch.
        max_timestamp: i64 [0+],
        /// The token's id.
        token_id: String [0+],
        /// What proves the token.
        hmac: Bytes [0+],
        /// The principals that may renew the token.
        renewers: Vec<DescribedDelegationTokenRenewer> [0+],
    }

    /// A principal that may renew it.
    struct DescribedDelegationTokenRenewer {
        /// The principal's type.
        principal_type: String [0+],
        /// The principal's name.
        principal_name: String [0+],
    }
}
