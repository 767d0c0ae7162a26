//! A bound listener: accepts connections within the limits, has each authenticated and serves it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Dispatch;
use super::connection::{self, Served};
use super::connection_quotas::ConnectionSlot;
use super::handshake::{Accepted, Plaintext, ServerAuthenticator};
use super::limits::SocketLimits;
use super::metrics::ListenerMetrics;
use super::sasl::SaslAuthenticator;
use crate::base::Endpoint;
use crate::base::poll;
use crate::security::listeners::{SaslListener, SecuredEndpoint};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long the listener pauses after it could not accept a connection.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// A listener that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("Socket server failed to bind to {host}:{port}: {reason}.")]
pub struct BindError {
    host: String,
    port: i32,
    reason: String,
}

impl BindError {
    /// The endpoint could not be bound for this reason.
    pub(super) fn new(endpoint: &Endpoint, reason: String) -> Self {
        let host = if endpoint.host.is_empty() { "0.0.0.0".to_owned() } else { endpoint.host.clone() };
        Self { host, port: endpoint.port, reason }
    }
}

/// What ends a listener.
#[derive(Debug)]
pub struct ListenerEnds {
    /// Closes this listener and its connections. Requests that are being handled are handled to their end.
    pub closed: CancellationToken,
    /// Cancelled when the broker stops, which also closes the listener: handlers end where they are.
    pub stop: CancellationToken,
    /// Dropped as soon as no further connection is accepted.
    accepting: oneshot::Sender<()>,
}

impl ListenerEnds {
    /// These ends; the receiver resolves once no further connection is accepted and the socket is free.
    pub fn new(closed: CancellationToken, stop: CancellationToken) -> (Self, oneshot::Receiver<()>) {
        let (accepting, ended) = oneshot::channel();
        (Self { closed, stop, accepting }, ended)
    }
}

/// A socket that listens; connections are accepted once [`Listener::serve`] runs. Clones share the socket, which is
/// closed with the last of them.
#[derive(Clone, Debug)]
#[doc(alias = "Acceptor")]
pub struct Listener {
    endpoint: Endpoint,
    socket: Arc<TcpListener>,
    /// How callers are authenticated; None where they stay anonymous.
    sasl: Option<Arc<SaslListener>>,
    /// Whether the last connection could not be accepted, which has been logged then.
    failing: bool,
}

impl Listener {
    /// Binds an endpoint; an empty host means all interfaces.
    ///
    /// # Errors
    /// [`BindError`] with Kafka's words.
    pub async fn bind(secured: &SecuredEndpoint, limits: &SocketLimits) -> Result<Self, BindError> {
        let SecuredEndpoint { endpoint, sasl } = secured;
        let failed = |error: &io::Error| {
            let reason = match error.kind() {
                io::ErrorKind::AddrInUse => "Address already in use".to_owned(),
                _ => error.to_string(),
            };
            BindError::new(endpoint, reason)
        };
        let port = u16::try_from(endpoint.port).map_err(|_| failed(&io::ErrorKind::InvalidInput.into()))?;
        let addresses = addresses(&endpoint.host, port).await.map_err(|error| failed(&error))?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match listen(address, limits.buffers) {
                Ok(socket) => {
                    let (endpoint, sasl, socket) = (endpoint.clone(), sasl.clone(), Arc::new(socket));
                    return Ok(Self { endpoint, socket, sasl, failing: false });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(&last))
    }

    /// The endpoint with the port that was bound, which differs from the config if that has port 0.
    pub fn endpoint(&self) -> Endpoint {
        let bound = self.socket.local_addr().map_or(self.endpoint.port, |address| address.port().into());
        Endpoint { port: bound, ..self.endpoint.clone() }
    }

    /// The endpoint that was asked for: its port may be 0.
    pub fn configured(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Another listener on the socket of this one.
    pub fn renamed(&self, secured: SecuredEndpoint) -> Self {
        let SecuredEndpoint { endpoint, sasl } = secured;
        Self { endpoint, socket: self.socket.clone(), sasl, failing: false }
    }

    /// Whether both listen on the same socket, as the same listener.
    pub fn is_same(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && Arc::ptr_eq(&self.socket, &other.socket)
    }

    /// Accepts and serves connections until `ends`; returns once all of them have ended.
    pub async fn serve(self, dispatch: Arc<dyn Dispatch>, limits: Arc<SocketLimits>, ends: ListenerEnds) {
        match self.sasl.clone() {
            None => self.serve_authenticated(Plaintext::default(), dispatch, limits, ends).await,
            Some(listener) => {
                let authenticator = SaslAuthenticator { listener, dispatch: dispatch.clone() };
                self.serve_authenticated(authenticator, dispatch, limits, ends).await;
            }
        }
    }

    /// As [`Listener::serve`], with the handshake that every connection does first.
    pub(super) async fn serve_authenticated<A: ServerAuthenticator>(
        mut self,
        authenticator: A,
        dispatch: Arc<dyn Dispatch>,
        limits: Arc<SocketLimits>,
        ends: ListenerEnds,
    ) {
        let ListenerEnds { closed, stop, accepting } = ends;
        let tasks = TaskTracker::new();
        let listener: Arc<str> = self.endpoint.listener.as_str().into();
        let measured = limits.metrics.listener(&listener);
        let mut index = 0_u64;
        loop {
            let (stream, slot, from) = tokio::select! {
                accepted = self.accept(&limits, &measured) => match accepted {
                    Some(accepted) => accepted,
                    None => continue,
                },
                () = closed.cancelled() => break,
            };
            let accepted = Accepted {
                listener: listener.clone(),
                protocol: self.endpoint.protocol,
                address: from.ip().to_canonical(),
                connection: connection_id(&stream, from, index).into(),
                software: measured.software().open(),
            };
            index += 1;
            let served = Served {
                dispatch: dispatch.clone(),
                limits: limits.clone(),
                closed: closed.clone(),
                stop: stop.clone(),
            };
            let (open, authenticator) = (measured.open(), authenticator.clone());
            let serving = async move {
                connection::open(authenticator, stream, accepted, slot, served).await;
                drop(open);
            };
            tasks.spawn(unconstrained(poll::observed(serving)));
        }
        drop((self, accepting));
        tasks.close();
        tasks.wait().await;
    }

    /// The next connection that may be served; None if it could not be accepted or was rejected. Like Kafka's
    /// acceptor, this takes a connection from the system first and then waits for a slot.
    async fn accept(
        &mut self,
        limits: &SocketLimits,
        measured: &ListenerMetrics,
    ) -> Option<(TcpStream, ConnectionSlot, SocketAddr)> {
        let (stream, from) = match self.socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.accept_failed(&error, limits).await;
                return None;
            }
        };
        self.failing = false;
        let address = from.ip().to_canonical();
        let began = Instant::now();
        let slot = limits.connections.acquire(&self.endpoint.listener, address).await;
        measured.blocked(began.elapsed());
        let slot = match slot {
            Ok(slot) => slot,
            Err(reason) => {
                log::info!(target: "kafka.network.Acceptor", "Rejected connection from /{address}, {reason}");
                return None;
            }
        };
        let prepared = stream.set_nodelay(true).and_then(|()| {
            rustix::net::sockopt::set_socket_keepalive(&stream, true).map_err(io::Error::from)
        });
        if let Err(error) = prepared {
            log::debug!(target: "kafka.network.Acceptor", "A connection ended as it began: {error}");
            return None;
        }
        Some((stream, slot, from))
    }

    /// Logs the first of several failures in a row, and waits, as the next try would fail at once too. If
    /// descriptors have run out, a connection that no client uses is closed.
    async fn accept_failed(&mut self, error: &io::Error, limits: &SocketLimits) {
        if !self.failing {
            log::error!(target: "kafka.network.Acceptor", "Error while accepting connection: {error}");
            self.failing = true;
        }
        let errno = rustix::io::Errno::from_io_error(error);
        if matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)) {
            limits.connections.shed();
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

/// A connection as Kafka's log names it: `local:port-remote:port-index`.
fn connection_id(stream: &TcpStream, from: SocketAddr, index: u64) -> String {
    let (remote, remote_port) = (from.ip().to_canonical(), from.port());
    match stream.local_addr() {
        Ok(local) => {
            format!("{}:{}-{remote}:{remote_port}-{index}", local.ip().to_canonical(), local.port())
        }
        Err(_) => format!("-{remote}:{remote_port}-{index}"),
    }
}

async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.is_empty() {
        // Both protocols where the system has both.
        return Ok(vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

fn listen(address: SocketAddr, (receive, send): (i32, i32)) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    if let Ok(bytes) = u32::try_from(receive) {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Ok(bytes) = u32::try_from(send) {
        socket.set_send_buffer_size(bytes)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
