//! The handshake of listeners with SASL, and the authentication of a caller again while its connection is open; the
//! client's side of both is [`login`].
//!
//! - *Entry points:* [`SaslAuthenticator`] for new connections, [`SaslReauthentication`] for open ones.
//! - *Never:* decides on a frame; that is [`session`].
//! - *In Kafka:* `SaslServerAuthenticator`, `KafkaChannel.maybeBeginServerReauthentication`.

pub(super) mod login;
mod session;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::session::{SaslAction, SaslProof, SaslSession};
use super::handshake::{Accepted, Authenticated, ServerAuthenticator};
use super::{Answer, Dispatch};
use crate::base::Records;
use crate::security::KafkaPrincipal;
use crate::security::listeners::SaslListener;
use crate::wire::api_key::ApiKey;
use crate::wire::frame;

/// The largest frame that is read from a caller that is not authenticated, in bytes
/// (`BrokerSecurityConfigs.DEFAULT_SASL_SERVER_MAX_RECEIVE_SIZE`).
const LARGEST_FRAME: i32 = 524_288;

/// How many frames an authentication may take. The longest exchange has five.
const MOST_FRAMES: usize = 16;

/// A caller authenticates again at most this often.
const BETWEEN_AUTHENTICATIONS: Duration = Duration::from_secs(1);

/// The handshake of a listener with SASL.
#[derive(Clone)]
#[doc(alias = "SaslServerAuthenticator")]
pub(super) struct SaslAuthenticator {
    /// The mechanisms and users.
    pub listener: Arc<SaslListener>,
    /// Answers ApiVersions.
    pub dispatch: Arc<dyn Dispatch>,
}

impl ServerAuthenticator for SaslAuthenticator {
    type Transport = TcpStream;

    async fn authenticate(
        &self,
        mut stream: TcpStream,
        accepted: &Accepted,
    ) -> io::Result<Authenticated<TcpStream>> {
        let mut session = SaslSession::new(self.listener.clone());
        for _ in 0..MOST_FRAMES {
            let frame = read_frame(&mut stream).await?;
            match session.take(frame.clone()) {
                SaslAction::AnswerVersions => {
                    let anonymous =
                        Arc::new(accepted.clone().authenticated(KafkaPrincipal::anonymous().into()));
                    let Answer::Now(reply) = self.dispatch.dispatch(&anonymous, frame).await else {
                        return Err(failed("the versions of the APIs are not known".to_owned()));
                    };
                    write(&mut stream, reply.pieces).await?;
                }
                SaslAction::Send(pieces) => write(&mut stream, pieces).await?,
                SaslAction::Complete(pieces, proof) => {
                    write(&mut stream, pieces).await?;
                    let principal = KafkaPrincipal::user(proof.user.clone()).into();
                    let reauthentication = Some(SaslReauthentication::new(self.listener.clone(), proof));
                    return Ok(Authenticated { transport: stream, principal, reauthentication });
                }
                SaslAction::Fail(pieces, words) => {
                    tokio::time::sleep(self.listener.failure_delay).await;
                    write(&mut stream, pieces).await?;
                    return Err(failed(words));
                }
            }
        }
        Err(failed("too many requests before the end of the authentication".to_owned()))
    }
}

fn failed(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, words)
}

/// Reads a frame, and nothing behind it.
async fn read_frame(stream: &mut TcpStream) -> io::Result<Bytes> {
    let mut prefix = [0; frame::PREFIX];
    stream.read_exact(&mut prefix).await?;
    let length = frame::length(prefix, LARGEST_FRAME).map_err(io::Error::other)?;
    let mut body = Vec::new();
    (&mut *stream).take(length as u64).read_to_end(&mut body).await?;
    match body.len() == length {
        true => Ok(body.into()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn write(stream: &mut TcpStream, pieces: Vec<Records>) -> io::Result<()> {
    for piece in pieces {
        if let Records::Memory(bytes) = piece {
            stream.write_all(&bytes).await?;
        }
    }
    Ok(())
}

/// What an authenticated caller has proven, until when that holds, and how it authenticates again.
#[derive(Debug)]
pub(super) struct SaslReauthentication {
    listener: Arc<SaslListener>,
    proof: SaslProof,
    /// None where the authentication holds as long as the connection.
    expires: Option<Instant>,
    /// When it was begun last.
    begun: Option<Instant>,
    /// The authentication that is under way.
    session: Option<SaslSession>,
}

/// What becomes of a frame of an authenticated caller.
#[derive(Debug)]
pub(super) enum SaslVerdict {
    /// It is a request like any other.
    Request,
    /// It belongs to an authentication, and is answered by this.
    Answer(Vec<Records>),
    /// The caller is authenticated again, and this is answered.
    Complete(Vec<Records>),
    /// The authentication has failed: this is answered after the delay, if it is not empty, and the connection ends.
    Fail(Vec<Records>, String, Duration),
    /// The caller's authentication does not hold any more: the connection is closed.
    Expired,
}

impl SaslReauthentication {
    fn new(listener: Arc<SaslListener>, proof: SaslProof) -> Self {
        let expires = proof.lifetime.map(|lifetime| Instant::now() + lifetime);
        Self { listener, proof, expires, begun: None, session: None }
    }

    /// Judges the next frame.
    pub(super) fn judge(&mut self, frame: &Bytes, now: Instant) -> SaslVerdict {
        let Some(expires) = self.expires else { return SaslVerdict::Request };
        if self.session.is_none() && is_handshake(frame) && self.may_begin(now) {
            self.begun = Some(now);
            self.session = Some(SaslSession::again(self.listener.clone(), self.proof.clone()));
        }
        let Some(session) = &mut self.session else {
            return if now > expires { SaslVerdict::Expired } else { SaslVerdict::Request };
        };
        match session.take(frame.clone()) {
            SaslAction::Send(pieces) => SaslVerdict::Answer(pieces),
            SaslAction::Complete(pieces, proof) => {
                *self = Self { begun: self.begun, ..Self::new(self.listener.clone(), proof) };
                SaslVerdict::Complete(pieces)
            }
            SaslAction::Fail(pieces, words) => SaslVerdict::Fail(pieces, words, self.listener.failure_delay),
            // ApiVersions has no place after the first handshake.
            SaslAction::AnswerVersions => {
                SaslVerdict::Fail(Vec::new(), String::new(), self.listener.failure_delay)
            }
        }
    }

    fn may_begin(&self, now: Instant) -> bool {
        self.begun.is_none_or(|begun| now.duration_since(begun) >= BETWEEN_AUTHENTICATIONS)
    }
}

fn is_handshake(frame: &Bytes) -> bool {
    frame.get(..2) == Some(&ApiKey::SaslHandshake.code().to_be_bytes())
}
