//! SaslAuthenticate

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    SaslAuthenticate, versions 0-2, flexible 2+;

    request SaslAuthenticateRequest -> SaslAuthenticateResponse {
        auth_bytes: Bytes [0+],
    }

    response SaslAuthenticateResponse {
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
        auth_bytes: Bytes [0+],
        session_lifetime_ms: i64 [1+, ignorable],
    }
}
