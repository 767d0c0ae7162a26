//! Listeners and connections: sockets in, frames in order, answers in order, limits on all of it.
//!
//! - *Entry points:* [`socket_server::SocketServer`] for a broker, [`peer::Peer`] and [`link::BrokerLink`] for the
//!   client side.
//! - *Never:* knows an API; frames go to a [`Dispatch`].
//! - *Tasks:* one for each listener; two for each connection, one reading and dispatching, one writing.
//! - *In Kafka:* `SocketServer`, `Acceptor`, `Processor`, `RequestChannel`, `ConnectionQuotas`; `NetworkClient`.

mod activity;
pub mod client_software;
pub(crate) mod connection;
pub mod connection_quotas;
pub mod disk_reads;
mod frames;
mod handshake;
pub mod host;
pub mod limits;
pub mod link;
pub mod listener;
pub mod metrics;
mod mute;
pub mod peer;
mod plaintext;
mod sasl;
pub mod socket_server;
mod traffic;
mod transport;
mod writer;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::base::{Records, SecurityProtocol};
use crate::security::KafkaPrincipal;
use client_software::ClientSoftware;

/// The sender of the requests on a connection.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal, from the connection's handshake.
    pub principal: Arc<KafkaPrincipal>,
    /// The name of the listener that accepted the connection.
    pub listener: Arc<str>,
    /// How that listener is secured.
    pub protocol: SecurityProtocol,
    /// The caller's address.
    pub address: IpAddr,
    /// The connection as the log names it: `local:port-remote:port-index`.
    pub connection: Arc<str>,
    /// The software at the other side, as far as it is known.
    pub software: Arc<ClientSoftware>,
    /// Cancelled once the other side has closed its half of the connection, or the connection has ended: a
    /// request that only waits is then answered at once.
    pub gone: CancellationToken,
}

/// The outcome of a request.
pub enum Answer {
    /// It is answered.
    Now(Reply),
    /// The request is accepted, the next request may be read, and the reply follows in its turn; None ends
    /// the connection.
    Later(BoxFuture<'static, Option<Reply>>),
    /// It is not answered; no request is read from the connection for this time, because the caller has exceeded a
    /// quota.
    Nothing(Duration),
    /// The connection is closed.
    Close,
}

/// The answer to a request, on its way out.
pub struct Reply {
    /// What is sent, one piece after the other.
    pub pieces: Vec<Records>,
    /// For how long no request is read from the connection from now on, because its caller has exceeded a
    /// quota (KIP-219).
    pub throttle: Duration,
    /// What is notified when it is sent; dropped where it never is.
    pub observer: Option<Box<dyn ReplyObserver>>,
}

impl From<Vec<Records>> for Reply {
    fn from(pieces: Vec<Records>) -> Self {
        Self { pieces, throttle: Duration::ZERO, observer: None }
    }
}

/// What measures how long a reply waits and is sent.
pub trait ReplyObserver: Send {
    /// The reply was sent between these two, to the socket's buffer; with the replies before and behind it, if several
    /// were sent at once.
    fn sent(self: Box<Self>, began: Instant, ended: Instant);
}

/// The part that answers requests; `api` for a broker.
#[doc(alias = "RequestChannel")]
#[doc(alias = "KafkaRequestHandler")]
pub trait Dispatch: Send + Sync + 'static {
    /// Handles one request, a frame without its length. The next request of the connection waits until this
    /// future resolves. If the connection ends before, the future still runs to its end.
    fn dispatch(&self, caller: &Arc<Caller>, frame: Bytes) -> BoxFuture<'static, Answer>;
}
