//! SaslAuthenticate: a token of a SASL exchange.
//!
//! v1 session lifetimes (KIP-368).

use bytes::Bytes;

use crate::wire::message::table::message;
use crate::wire::secret::SecretBytes;

message! {
    SaslAuthenticate, versions 0-2, flexible 2+;

    /// The client's token.
    request SaslAuthenticateRequest -> SaslAuthenticateResponse {
        /// The token, in the mechanism's own layout.
        auth_bytes: SecretBytes [0+],
    }

    /// The broker's token.
    response SaslAuthenticateResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The token, in the mechanism's own layout.
        auth_bytes: Bytes [0+],
        /// How long the authentication holds, in milliseconds; 0 for ever.
        session_lifetime_ms: i64 [1+, ignorable],
    }
}
