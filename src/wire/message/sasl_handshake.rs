//! SaslHandshake

use crate::wire::message::table::message;

message! {
    SaslHandshake, versions 0-1;

    request SaslHandshakeRequest -> SaslHandshakeResponse {
        mechanism: String [0+],
    }

    response SaslHandshakeResponse {
        error_code: i16 [0+],
        mechanisms: Vec<String> [0+],
    }
}
