//! A caller's SASL authentication, frame by frame: at first ApiVersions and SaslHandshake, then the mechanism's tokens,
//! bare or in SaslAuthenticate; and the same again on an authenticated connection (KIP-368).
//!
//! Pure but for the nonces of SCRAM. Never sends anything itself. Kafka: `SaslServerAuthenticator`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::base::Records;
use crate::security::listeners::{EnabledMechanism, SaslListener};
use crate::security::sasl::server::SaslStep;
use crate::security::sasl::{SaslFailure, SaslMechanism, SaslServer};
use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Reader, Writer};
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::header::RequestHeader;
use crate::wire::message::Message;
use crate::wire::message::api_versions::ApiVersionsResponse;
use crate::wire::message::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use crate::wire::message::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

/// What a caller has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::net) struct SaslProof {
    /// The name of the user.
    pub user: String,
    /// The mechanism by which.
    pub mechanism: SaslMechanism,
    /// For how long it holds; None for as long as the connection.
    pub lifetime: Option<Duration>,
}

/// What follows from a frame.
#[derive(Debug)]
pub(in crate::net) enum SaslAction {
    /// The frame is an ApiVersions request, which is answered as any other.
    AnswerVersions,
    /// This is sent, and the next frame belongs to the exchange.
    Send(Vec<Records>),
    /// This is sent, and the caller is authenticated.
    Complete(Vec<Records>, SaslProof),
    /// The authentication has failed: this is sent after a delay, if it is not empty, and the connection is closed.
    Fail(Vec<Records>, String),
}

/// The state of an authentication.
#[derive(Debug)]
pub(in crate::net) struct SaslSession {
    listener: Arc<SaslListener>,
    state: SaslState,
    /// What the caller has proven before, where it authenticates again.
    before: Option<SaslProof>,
}

#[derive(Debug)]
enum SaslState {
    /// Before the first frame.
    Initial,
    /// The caller may still ask for the versions of the APIs.
    VersionsOrHandshake,
    /// Only SaslHandshake may follow.
    Handshake,
    /// The mechanism's exchange goes on.
    Exchange(Box<SaslExchange>),
    /// The caller wants to authenticate again by another mechanism: the next frame fails for this reason.
    OtherMechanism(String),
    /// The caller is authenticated, or has failed.
    Over,
}

/// The exchange of a mechanism.
#[derive(Debug)]
struct SaslExchange {
    enabled: EnabledMechanism,
    server: SaslServer,
    tokens: TokenFraming,
}

/// How the tokens come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenFraming {
    /// Each is a frame of its own (SaslHandshake v0).
    Bare,
    /// In SaslAuthenticate requests (SaslHandshake v1, KIP-152).
    Requests,
}

impl SaslSession {
    /// The authentication of a new connection.
    pub(super) fn new(listener: Arc<SaslListener>) -> Self {
        Self { listener, state: SaslState::Initial, before: None }
    }

    /// The authentication of a caller that has proven this `before`, from its SaslHandshake on.
    pub(super) fn again(listener: Arc<SaslListener>, before: SaslProof) -> Self {
        Self { listener, state: SaslState::Handshake, before: Some(before) }
    }

    /// Takes the caller's next frame.
    pub fn take(&mut self, frame: Bytes) -> SaslAction {
        match std::mem::replace(&mut self.state, SaslState::Over) {
            SaslState::Initial => match read_header(&frame) {
                Some(_) => self.request(frame, SaslState::VersionsOrHandshake),
                // A client of 0.9 begins with a token of GSSAPI.
                None => fail(
                    "Exception handling first SASL packet from client, GSSAPI is not supported by server",
                ),
            },
            state @ (SaslState::VersionsOrHandshake | SaslState::Handshake) => self.request(frame, state),
            SaslState::Exchange(exchange) => self.token(frame, exchange),
            SaslState::OtherMechanism(words) => fail(words),
            SaslState::Over => fail("Unexpected frame after the end of the authentication"),
        }
    }

    /// A request before the mechanism's exchange.
    fn request(&mut self, frame: Bytes, state: SaslState) -> SaslAction {
        let Some((header, mut input)) = read_header(&frame) else {
            return fail("Error parsing request header");
        };
        match (header.api_key, state) {
            (ApiKey::SaslHandshake, _) => {
                let is_known = ApiKey::SaslHandshake.versions().contains(&header.api_version);
                match SaslHandshakeRequest::decode(&mut input, header.api_version) {
                    Ok(request) if is_known => self.handshake(&header, &request.mechanism),
                    _ => fail("Error getting request for apiKey: SASL_HANDSHAKE"),
                }
            }
            (ApiKey::ApiVersions, SaslState::VersionsOrHandshake) => {
                // After a version that is too new the client asks again.
                let is_known = ApiKey::ApiVersions.versions().contains(&header.api_version);
                self.state = if is_known { SaslState::Handshake } else { SaslState::VersionsOrHandshake };
                SaslAction::AnswerVersions
            }
            (ApiKey::ApiVersions, _) => fail(
                "Unexpected ApiVersions request received during SASL authentication state HANDSHAKE_REQUEST",
            ),
            (other, _) => {
                fail(format!("Unexpected Kafka request of type {} during SASL handshake.", other.name()))
            }
        }
    }

    fn handshake(&mut self, header: &RequestHeader, mechanism: &str) -> SaslAction {
        let response = |error: ErrorCode| {
            let response =
                SaslHandshakeResponse { error_code: error.code(), mechanisms: self.listener.names() };
            answer(header, &response)
        };
        let Some(enabled) = self.listener.mechanism(mechanism).cloned() else {
            let words = format!("Unsupported SASL mechanism {mechanism}");
            return SaslAction::Fail(response(ErrorCode::UnsupportedSaslMechanism), words);
        };
        let response = response(ErrorCode::None);
        let before =
            self.before.as_ref().map(|before| before.mechanism).filter(|it| *it != enabled.mechanism);
        self.state = match before {
            Some(before) => SaslState::OtherMechanism(format!(
                "SASL mechanism '{mechanism}' requested by client is not supported for re-authentication of mechanism '{}'",
                before.name()
            )),
            None => SaslState::Exchange(Box::new(SaslExchange {
                server: SaslServer::new(enabled.mechanism),
                enabled,
                tokens: match header.api_version {
                    0 => TokenFraming::Bare,
                    _ => TokenFraming::Requests,
                },
            })),
        };
        SaslAction::Send(response)
    }

    fn token(&mut self, frame: Bytes, exchange: Box<SaslExchange>) -> SaslAction {
        match exchange.tokens {
            TokenFraming::Bare => self.bare_token(&frame, exchange),
            TokenFraming::Requests => self.token_request(frame, exchange),
        }
    }

    fn bare_token(&mut self, token: &[u8], mut exchange: Box<SaslExchange>) -> SaslAction {
        match self.evaluate(token, &mut exchange) {
            Ok(SaslStep::Challenge(challenge)) => {
                self.state = SaslState::Exchange(exchange);
                SaslAction::Send(bare(&challenge))
            }
            Ok(SaslStep::Complete { user, answer }) => {
                SaslAction::Complete(bare(&answer), proof(user, &exchange.enabled))
            }
            // Such a caller learns of its failure by the end of the connection.
            Err(failure) => fail(failure.to_string()),
        }
    }

    fn token_request(&mut self, frame: Bytes, mut exchange: Box<SaslExchange>) -> SaslAction {
        let Some((header, mut input)) = read_header(&frame) else {
            return fail("Error parsing request header");
        };
        if header.api_key != ApiKey::SaslAuthenticate {
            return illegal_state(&header);
        }
        if !ApiKey::SaslAuthenticate.versions().contains(&header.api_version) {
            let version = header.api_version;
            return fail(format!("Version {version} is not supported for apiKey SASL_AUTHENTICATE"));
        }
        let Ok(request) = SaslAuthenticateRequest::decode(&mut input, header.api_version) else {
            return fail("Error getting request for apiKey: SASL_AUTHENTICATE");
        };
        let response = |auth_bytes: Vec<u8>, lifetime: Option<Duration>| {
            let session_lifetime_ms =
                lifetime.map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
            let auth_bytes = auth_bytes.into();
            answer(
                &header,
                &SaslAuthenticateResponse { auth_bytes, session_lifetime_ms, ..Default::default() },
            )
        };
        match self.evaluate(&request.auth_bytes, &mut exchange) {
            Ok(SaslStep::Challenge(challenge)) => {
                self.state = SaslState::Exchange(exchange);
                SaslAction::Send(response(challenge, None))
            }
            Ok(SaslStep::Complete { user, answer }) => {
                let proof = proof(user, &exchange.enabled);
                SaslAction::Complete(response(answer, proof.lifetime), proof)
            }
            Err(failure) => {
                let words = self.words_for_caller(&failure, exchange.enabled.mechanism);
                let refused = SaslAuthenticateResponse {
                    error_code: ErrorCode::SaslAuthenticationFailed.code(),
                    error_message: Some(words),
                    ..Default::default()
                };
                SaslAction::Fail(answer(&header, &refused), failure.to_string())
            }
        }
    }

    /// Takes a token. A caller that authenticates again must stay the same user.
    fn evaluate(&self, token: &[u8], exchange: &mut SaslExchange) -> Result<SaslStep, SaslFailure> {
        let step = exchange.server.evaluate(token, &exchange.enabled.users)?;
        match (&step, &self.before) {
            (SaslStep::Complete { user, .. }, Some(before)) if *user != before.user => {
                Err(SaslFailure::Open(format!(
                    "Cannot change principals during re-authentication from User.{}: User.{user}",
                    before.user
                )))
            }
            _ => Ok(step),
        }
    }

    fn words_for_caller(&self, failure: &SaslFailure, mechanism: SaslMechanism) -> String {
        match failure {
            SaslFailure::Open(words) => words.clone(),
            SaslFailure::Secret(_) => {
                let what = if self.before.is_some() { "re-authentication" } else { "authentication" };
                format!(
                    "Authentication failed during {what} due to invalid credentials with SASL mechanism {}",
                    mechanism.name()
                )
            }
        }
    }
}

/// The header of a request, and what follows it.
fn read_header(frame: &Bytes) -> Option<(RequestHeader, Reader)> {
    let mut input = Reader::new(frame.clone());
    let header = RequestHeader::decode(&mut input).ok()?;
    Some((header, input))
}

fn proof(user: String, enabled: &EnabledMechanism) -> SaslProof {
    SaslProof { user, mechanism: enabled.mechanism, lifetime: enabled.session_lifetime }
}

/// Another request than SaslAuthenticate in the midst of the mechanism's exchange.
fn illegal_state(header: &RequestHeader) -> SaslAction {
    let words =
        format!("Unexpected Kafka request of type {} during SASL authentication.", header.api_key.name());
    let error_code = ErrorCode::IllegalSaslState.code();
    let response = match header.api_key {
        ApiKey::ApiVersions => answer(header, &ApiVersionsResponse { error_code, ..Default::default() }),
        ApiKey::SaslHandshake => answer(header, &SaslHandshakeResponse { error_code, ..Default::default() }),
        _ => Vec::new(),
    };
    SaslAction::Fail(response, words)
}

fn fail(words: impl Into<String>) -> SaslAction {
    SaslAction::Fail(Vec::new(), words.into())
}

/// A response as a frame; none where the request's version does not exist.
fn answer<M: Message>(to: &RequestHeader, response: &M) -> Vec<Records> {
    frame::response(to, response).unwrap_or_default()
}

/// A token as a frame of its own.
fn bare(token: &[u8]) -> Vec<Records> {
    let mut out = Writer::framed();
    out.raw(token);
    out.finish()
}

#[cfg(test)]
pub(super) mod tests;
