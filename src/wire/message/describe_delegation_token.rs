//! DescribeDelegationToken

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    DescribeDelegationToken, versions 0-2, flexible 2+;

    request DescribeDelegationTokenRequest -> DescribeDelegationTokenResponse {
        owners: Option<Vec<DescribeDelegationTokenOwner>> [0+, nullable 0+],
    }

    struct DescribeDelegationTokenOwner {
        principal_type: String [0+],
        principal_name: String [0+],
    }

    response DescribeDelegationTokenResponse {
        error_code: i16 [0+],
        tokens: Vec<DescribedDelegationToken> [0+],
        throttle_time_ms: i32 [0+],
    }

    struct DescribedDelegationToken {
        principal_type: String [0+],
        principal_name: String [0+],
        issue_timestamp: i64 [0+],
        expiry_timestamp: i64 [0+],
        max_timestamp: i64 [0+],
        token_id: String [0+],
        hmac: Bytes [0+],
        renewers: Vec<DescribedDelegationTokenRenewer> [0+],
    }

    struct DescribedDelegationTokenRenewer {
        principal_type: String [0+],
        principal_name: String [0+],
    }
}
