//! SaslHandshake: which SASL mechanism is to be used.
//!
//! v1 SaslAuthenticate follows; v0 bare tokens.

use crate::wire::message::table::message;

message! {
    SaslHandshake, versions 0-1;

    /// The mechanism wanted.
    request SaslHandshakeRequest -> SaslHandshakeResponse {
        /// The SASL mechanism, by name or as Kafka numbers its `ScramMechanism`.
        mechanism: String [0+],
    }

    /// The mechanisms there are.
    response SaslHandshakeResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The mechanisms that are enabled.
        mechanisms: Vec<String> [0+],
    }
}
