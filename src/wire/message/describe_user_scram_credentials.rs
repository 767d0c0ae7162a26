//! DescribeUserScramCredentials: which SCRAM credentials users have (KIP-554).
//!
//! One version.

use crate::wire::message::table::message;

message! {
    DescribeUserScramCredentials, versions 0-0, flexible 0+;

    /// Which users.
    request DescribeUserScramCredentialsRequest -> DescribeUserScramCredentialsResponse {
        /// The users; None or none for all.
        users: Option<Vec<UserName>> [0+, nullable 0+],
    }

    /// A user.
    struct UserName {
        /// The name.
        name: String [0+],
    }

    /// Their credentials, without secrets.
    response DescribeUserScramCredentialsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The results.
        results: Vec<DescribeUserScramCredentialsResult> [0+],
    }

    /// A user's credentials.
    struct DescribeUserScramCredentialsResult {
        /// The user's name.
        user: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The user's credentials.
        credential_infos: Vec<CredentialInfo> [0+],
    }

    /// A credential, without its secrets.
    struct CredentialInfo {
        /// The SASL mechanism, by name or as Kafka numbers its `ScramMechanism`.
        mechanism: i8 [0+],
        /// How often the password was hashed.
        iterations: i32 [0+],
    }
}
