//! SaslAuthenticate, v0-2. Refused: callers authenticate before their first request, see `net::sasl`.
//!
//! Kafka: `KafkaApis.handleSaslAuthenticateRequest`.

use std::future::{Ready, ready};

use crate::api::Exchange;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};

/// Answers that the connection is not in a state in which the caller may authenticate.
pub fn handle(_: &Exchange, _: SaslAuthenticateRequest) -> Ready<SaslAuthenticateResponse> {
    let words = "SaslAuthenticate request received after successful authentication";
    ready(SaslAuthenticateResponse {
        error_code: ErrorCode::IllegalSaslState.code(),
        error_message: Some(words.to_owned()),
        ..Default::default()
    })
}
