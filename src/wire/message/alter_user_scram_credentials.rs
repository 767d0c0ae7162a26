//! AlterUserScramCredentials: SCRAM credentials set and removed (KIP-554).
//!
//! One version.

use bytes::Bytes;

use crate::wire::message::table::message;
use crate::wire::secret::SecretBytes;

message! {
    AlterUserScramCredentials, versions 0-0, flexible 0+;

    /// The changes.
    request AlterUserScramCredentialsRequest -> AlterUserScramCredentialsResponse {
        /// Credentials to remove.
        deletions: Vec<ScramCredentialDeletion> [0+],
        /// Credentials to set.
        upsertions: Vec<ScramCredentialUpsertion> [0+],
    }

    /// A credential to remove.
    struct ScramCredentialDeletion {
        /// The name.
        name: String [0+],
        /// The SASL mechanism, by name or as Kafka numbers its `ScramMechanism`.
        mechanism: i8 [0+],
    }

    /// A credential to set.
    struct ScramCredentialUpsertion {
        /// The name.
        name: String [0+],
        /// The SASL mechanism, by name or as Kafka numbers its `ScramMechanism`.
        mechanism: i8 [0+],
        /// How often the password was hashed.
        iterations: i32 [0+],
        /// The salt of the hash.
        salt: Bytes [0+],
        /// The password, salted and hashed.
        salted_password: SecretBytes [0+],
    }

    /// What came of each.
    response AlterUserScramCredentialsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<AlterUserScramCredentialsResult> [0+],
    }

    /// A user's result.
    struct AlterUserScramCredentialsResult {
        /// The user's name.
        user: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
    }
}
