//! What happens between a TCP connection and its first request: the caller is authenticated, and the bytes
//! are secured.
//!
//! - *Entry points:* [`ServerAuthenticator`] for connections that were accepted, [`ClientAuthenticator`] for
//!   those that were made; [`Plaintext`] is both for listeners without authentication, [`super::sasl`] has those of
//!   SASL.
//! - *Never:* reads a request before the handshake is done.
//! - *In Kafka:* `Authenticator`, `SaslServerAuthenticator`, `SaslClientAuthenticator`, `ChannelBuilder`.

use std::future::{Future, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Caller;
use super::client_software::ClientSoftware;
use super::sasl::SaslReauthentication;
use super::transport::TransportLayer;
use crate::base::SecurityProtocol;
use crate::security::KafkaPrincipal;

/// How long a handshake may take, also where `connections.max.idle.ms` allows more.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(600);

/// A connection that a listener has accepted, before its caller is known.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// The name of the listener.
    pub listener: Arc<str>,
    /// How that listener is secured.
    pub protocol: SecurityProtocol,
    /// The address of the other side.
    pub address: IpAddr,
    /// The connection as the log names it: `local:port-remote:port-index`.
    pub connection: Arc<str>,
    /// The software at the other side, as far as it is known.
    pub software: Arc<ClientSoftware>,
}

impl Accepted {
    /// The caller, once the handshake has found its principal.
    pub fn authenticated(self, principal: Arc<KafkaPrincipal>) -> Caller {
        let Self { listener, protocol, address, connection, software } = self;
        let gone = CancellationToken::new();
        Caller { principal, listener, protocol, address, connection, software, gone }
    }
}

/// The outcome of a handshake with a caller.
#[derive(Debug)]
pub(super) struct Authenticated<T> {
    /// The connection from now on.
    pub transport: T,
    /// The principal that the caller has proven to be.
    pub principal: Arc<KafkaPrincipal>,
    /// How long that holds, where it was proven by SASL.
    pub reauthentication: Option<SaslReauthentication>,
}

/// The handshake of a listener. Its clones share its state.
#[doc(alias = "Authenticator")]
pub(super) trait ServerAuthenticator: Clone + Send + Sync + 'static {
    /// The transport of a connection after the handshake.
    type Transport: TransportLayer;

    /// Does the handshake with the other side of `stream`. Dropped when it takes too long.
    ///
    /// # Errors
    /// The other side has failed to authenticate, or the connection has ended; the connection is closed then.
    fn authenticate(
        &self,
        stream: TcpStream,
        accepted: &Accepted,
    ) -> impl Future<Output = io::Result<Authenticated<Self::Transport>>> + Send;
}

/// The handshake with a broker that was connected to, up to the transport. What SASL sends over that transport is
/// [`super::sasl::login`].
pub(super) trait ClientAuthenticator: Sync {
    /// The transport of the connection after the handshake.
    type Transport: TransportLayer;

    /// Does the handshake with the broker at `host`. Dropped when it takes too long.
    ///
    /// # Errors
    /// A side could not authenticate the other, or the connection has ended.
    fn authenticate(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> impl Future<Output = io::Result<Self::Transport>> + Send;
}

/// The handshake of PLAINTEXT: none. Every caller is `User:ANONYMOUS`.
#[derive(Clone, Debug)]
#[doc(alias = "PlaintextChannelBuilder")]
pub(super) struct Plaintext {
    anonymous: Arc<KafkaPrincipal>,
}

impl Default for Plaintext {
    fn default() -> Self {
        Self { anonymous: KafkaPrincipal::anonymous().into() }
    }
}

impl ServerAuthenticator for Plaintext {
    type Transport = TcpStream;

    fn authenticate(
        &self,
        stream: TcpStream,
        _: &Accepted,
    ) -> impl Future<Output = io::Result<Authenticated<TcpStream>>> + Send {
        let principal = self.anonymous.clone();
        ready(Ok(Authenticated { transport: stream, principal, reauthentication: None }))
    }
}

impl ClientAuthenticator for Plaintext {
    type Transport = TcpStream;

    fn authenticate(&self, stream: TcpStream, _: &str) -> impl Future<Output = io::Result<TcpStream>> + Send {
        ready(Ok(stream))
    }
}

/// Does a listener's handshake within the time that a connection may be `idle`, at most
/// [`LONGEST_HANDSHAKE`].
///
/// # Errors
/// As [`ServerAuthenticator::authenticate`], `TimedOut`.
pub(super) async fn authenticate<A: ServerAuthenticator>(
    authenticator: &A,
    stream: TcpStream,
    accepted: &Accepted,
    idle: Duration,
) -> io::Result<Authenticated<A::Transport>> {
    let handshake = authenticator.authenticate(stream, accepted);
    match tokio::time::timeout(idle.min(LONGEST_HANDSHAKE), handshake).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
