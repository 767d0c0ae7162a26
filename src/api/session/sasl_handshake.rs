//! SaslHandshake, v0-1. Refused: callers authenticate before their first request, see `net::sasl`.
//!
//! Kafka: `KafkaApis.handleSaslHandshakeRequest`.

use std::future::{Ready, ready};

use crate::api::Exchange;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

/// Answers that the connection is not in a state in which the caller may authenticate.
pub fn handle(_: &Exchange, _: SaslHandshakeRequest) -> Ready<SaslHandshakeResponse> {
    let error_code = ErrorCode::IllegalSaslState.code();
    ready(SaslHandshakeResponse { error_code, ..Default::default() })
}
