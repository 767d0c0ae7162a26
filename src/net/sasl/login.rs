//! The client's side of a connection's authentication by SASL: ApiVersions, SaslHandshake, then the mechanism's
//! tokens, in SaslAuthenticate or, for brokers before 1.0, bare; and the same from SaslHandshake on while the
//! connection is open (KIP-368).
//!
//! - *Entry points:* [`SaslClientSession::open`] for new connections, [`SaslClientSession::authenticate_again`] for
//!   open ones. A [`SaslCarrier`] carries the frames.
//! - *Never:* knows a socket; a password is in no error.
//! - *In Kafka:* `SaslClientAuthenticator`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::base::Records;
use crate::net::peer::PeerError;
use crate::security::sasl::client::SaslLogin;
use crate::security::sasl::{SaslClient, SaslFailure};
use crate::wire::api_key::ApiKey;
use crate::wire::codec::Writer;
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::message::Request;
use crate::wire::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::wire::message::sasl_authenticate::SaslAuthenticateRequest;
use crate::wire::message::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

/// How many tokens an exchange may take. The longest has two.
const MOST_TOKENS: usize = 8;

/// Which part of its lifetime is over when a session authenticates again: between these two, by chance, so that not all
/// connections of a client do so at once (`SaslClientAuthenticator.ReauthInfo`).
const BEFORE_THE_END: (f64, f64) = (0.85, 0.95);

/// Why a client is not authenticated. The texts are Kafka's, and the broker's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SaslRefusal {
    /// SASL_AUTHENTICATION_FAILED, UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE, or what else the broker answered.
    pub error: ErrorCode,
    /// The words.
    pub message: String,
}

/// What carries frames to the broker and its answers back.
pub(in crate::net) trait SaslCarrier: Send {
    /// The client id of the requests.
    fn client_id(&self) -> &str;

    /// The correlation id of the next request.
    fn next_id(&mut self) -> i32;

    /// Sends a frame, prefix included, and waits for the one that answers it, without its prefix; `id` is the request's
    /// correlation id.
    fn exchange(
        &mut self,
        id: i32,
        pieces: Vec<Records>,
    ) -> impl Future<Output = Result<Bytes, PeerError>> + Send;
}

/// What an authenticated connection knows of its authentication.
#[doc(alias = "SaslClientAuthenticator")]
#[derive(Debug)]
pub(in crate::net) struct SaslClientSession {
    login: Arc<SaslLogin>,
    versions: SaslVersions,
    /// When it is due to authenticate again; None where the authentication holds as long as the connection.
    due: Option<Instant>,
}

/// The versions of the requests of an authentication.
#[derive(Clone, Copy, Debug)]
struct SaslVersions {
    handshake: i16,
    /// None where tokens are sent bare.
    authenticate: Option<i16>,
}

impl SaslVersions {
    /// The newest versions that this side and the broker know.
    fn of(answer: &ApiVersionsResponse) -> Self {
        let newest = |api: ApiKey| {
            let known = answer.api_keys.iter().find(|it| it.api_key == api.code())?;
            Some(known.max_version.min(*api.versions().end()))
        };
        Self {
            handshake: newest(ApiKey::SaslHandshake).unwrap_or(0),
            authenticate: newest(ApiKey::SaslAuthenticate),
        }
    }
}

impl SaslClientSession {
    /// Authenticates on a new connection.
    ///
    /// # Errors
    /// [`PeerError::Authentication`] where a side has refused the other, [`PeerError::Io`] where the connection has
    /// ended.
    pub async fn open<C: SaslCarrier>(carrier: &mut C, login: Arc<SaslLogin>) -> Result<Self, PeerError> {
        // Older brokers take a version that they do not know for a token of GSSAPI.
        let answer = call(carrier, &ApiVersionsRequest::default(), 0).await?;
        let mut session = Self { login, versions: SaslVersions::of(&answer), due: None };
        session.log_in(carrier).await?;
        Ok(session)
    }

    /// Whether it is time to authenticate again.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Authenticates again on an open connection, over which nothing else is sent meanwhile.
    ///
    /// # Errors
    /// As [`SaslClientSession::open`].
    pub async fn authenticate_again<C: SaslCarrier>(&mut self, carrier: &mut C) -> Result<(), PeerError> {
        self.log_in(carrier).await
    }

    async fn log_in<C: SaslCarrier>(&mut self, carrier: &mut C) -> Result<(), PeerError> {
        let name = self.login.mechanism.name();
        let request = SaslHandshakeRequest { mechanism: name.to_owned() };
        let answer = call(carrier, &request, self.versions.handshake).await?;
        check_handshake(name, &answer)?;
        let (mut client, mut token) = SaslClient::new(&self.login);
        for _ in 0..MOST_TOKENS {
            let (answer, lifetime) = send_token(carrier, token, self.versions.authenticate).await?;
            // Hashing a password takes milliseconds or longer, by what the broker asks for.
            let evaluating = tokio::task::spawn_blocking(move || {
                let next = client.evaluate(&answer);
                (client, next)
            });
            let (after, next) = evaluating.await.map_err(std::io::Error::from)?;
            client = after;
            match next.map_err(distrusted)? {
                Some(next) => token = next,
                None => {
                    self.due = lifetime.map(due_within);
                    return Ok(());
                }
            }
        }
        Err(illegal_state("The broker does not end the authentication".to_owned()))
    }
}

/// The time at which a session of this lifetime, which begins now, authenticates again.
fn due_within(lifetime: Duration) -> Instant {
    let (least, most) = BEFORE_THE_END;
    let wait = lifetime.mul_f64(least + (most - least) * fastrand::f64());
    let now = Instant::now();
    now.checked_add(wait).unwrap_or(now)
}

/// Sends a token: the broker's, and how long the authentication holds if it is complete with it.
async fn send_token<C: SaslCarrier>(
    carrier: &mut C,
    token: Vec<u8>,
    version: Option<i16>,
) -> Result<(Bytes, Option<Duration>), PeerError> {
    let Some(version) = version else {
        let mut out = Writer::framed();
        out.raw(&token);
        let id = carrier.next_id();
        return Ok((carrier.exchange(id, out.finish()).await?, None));
    };
    let answer = call(carrier, &SaslAuthenticateRequest { auth_bytes: token.into() }, version).await?;
    let error = ErrorCode::from_code(answer.error_code);
    if !error.is_none() {
        let message = answer.error_message.unwrap_or_else(|| error.message().to_owned());
        return Err(SaslRefusal { error, message }.into());
    }
    let lifetime = u64::try_from(answer.session_lifetime_ms).ok().filter(|ms| *ms > 0);
    Ok((answer.auth_bytes, lifetime.map(Duration::from_millis)))
}

async fn call<R: Request, C: SaslCarrier>(
    carrier: &mut C,
    request: &R,
    version: i16,
) -> Result<R::Response, PeerError> {
    let id = carrier.next_id();
    let pieces = frame::request(version, id, Some(carrier.client_id()), request)?;
    let answer = carrier.exchange(id, pieces).await?;
    match frame::read_response::<R>(answer, version) {
        Ok((answered, response)) if answered == id => Ok(response),
        Ok(_) | Err(_) => Err(illegal_state(
            "Invalid SASL mechanism response, server may be expecting a different protocol".to_owned(),
        )),
    }
}

/// The answer to SaslHandshake, in Kafka's words.
fn check_handshake(mechanism: &str, answer: &SaslHandshakeResponse) -> Result<(), PeerError> {
    let enabled = || format!("[{}]", answer.mechanisms.join(", "));
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => Ok(()),
        error @ ErrorCode::UnsupportedSaslMechanism => {
            let message = format!(
                "Client SASL mechanism '{mechanism}' not enabled in the server, enabled mechanisms are {}",
                enabled()
            );
            Err(SaslRefusal { error, message }.into())
        }
        ErrorCode::IllegalSaslState => Err(illegal_state(format!(
            "Unexpected handshake request with client mechanism {mechanism}, enabled mechanisms are {}",
            enabled()
        ))),
        error => Err(illegal_state(format!(
            "Unknown error code {}, client mechanism is {mechanism}, enabled mechanisms are {}",
            error.name(),
            enabled()
        ))),
    }
}

fn illegal_state(message: String) -> PeerError {
    SaslRefusal { error: ErrorCode::IllegalSaslState, message }.into()
}

/// The error of a broker that has not proven itself, or whose message is none of the mechanism's.
fn distrusted(failure: SaslFailure) -> PeerError {
    let message = format!(
        "An error: ({failure}) occurred when evaluating SASL token received from the Kafka Broker. Kafka Client will go \
         to AUTHENTICATION_FAILED state."
    );
    SaslRefusal { error: ErrorCode::SaslAuthenticationFailed, message }.into()
}

#[cfg(test)]
mod tests;
