//! A connection to a broker: requests go out as they come, and an answer is matched to its request by
//! correlation id.
//!
//! Never goes on after a request that was dropped half written, or that was not answered in time: the
//! connection is closed. The broker would take the next request for the rest of the half-written one, or
//! answer it only after the late one. Kafka: `NetworkClient`.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::frames::Frames;
use super::handshake::{ClientAuthenticator, Plaintext};
use super::transport::{ReadHalf, TransportLayer, WriteHalf};
use super::writer;
use crate::base::Records;
use crate::wire::codec::WireError;
use crate::wire::frame;
use crate::wire::message::Request;

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: i32 = 512 << 20;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The connection could not be made, or ended before the answer.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The answer did not come in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The request cannot be written at this version, or the answer cannot be read.
    #[error("{0}")]
    Wire(#[from] WireError),
}

/// A connection to a broker, shared by its clones; closed when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Peer {
    shared: Arc<PeerShared>,
}

#[derive(Debug)]
struct PeerShared {
    client_id: String,
    writer: tokio::sync::Mutex<Box<dyn RequestWriter>>,
    /// When bytes have come or gone last.
    activity: Activity,
    waiting: Mutex<HashMap<i32, oneshot::Sender<Bytes>>>,
    next_id: AtomicI32,
    ended: CancellationToken,
}

/// The writing half of a connection, whatever its transport.
trait RequestWriter: fmt::Debug + Send {
    /// Sends a request, whose pieces leave one after the other.
    fn send<'a>(&'a mut self, request: Vec<Records>, activity: &'a Activity)
    -> BoxFuture<'a, io::Result<()>>;
}

impl<W: WriteHalf> RequestWriter for W {
    fn send<'a>(
        &'a mut self,
        request: Vec<Records>,
        activity: &'a Activity,
    ) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(writer::send(self, request, activity))
    }
}

impl Drop for PeerShared {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl PeerShared {
    /// Ends the connection: nothing more is written, and every call that waits for an answer fails.
    fn end(&self) {
        self.ended.cancel();
        self.waiting.lock().clear();
    }
}

/// A request that is being written. Dropped before it is written whole, it ends the connection.
struct Writing<'a>(Option<&'a PeerShared>);

impl Writing<'_> {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.end();
        }
    }
}

/// An answer that is waited for until this is dropped.
struct Awaited<'a> {
    shared: &'a PeerShared,
    id: i32,
    answer: oneshot::Receiver<Bytes>,
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.shared.waiting.lock().remove(&self.id);
    }
}

impl Peer {
    /// Connects to `host:port`; `client_id` is the client id of the requests.
    ///
    /// # Errors
    /// [`PeerError::Io`] where no address of the host takes the connection, [`PeerError::Timeout`].
    pub async fn connect(host: &str, port: u16, client_id: &str, limit: Duration) -> Result<Self, PeerError> {
        Self::connect_authenticated(&Plaintext::default(), host, port, client_id, limit).await
    }

    /// As [`Peer::connect`], with the handshake that the connection does before its first request.
    pub(super) async fn connect_authenticated<A: ClientAuthenticator>(
        authenticator: &A,
        host: &str,
        port: u16,
        client_id: &str,
        limit: Duration,
    ) -> Result<Self, PeerError> {
        let opening = async {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            authenticator.authenticate(stream, host).await
        };
        let transport =
            tokio::time::timeout(limit, opening).await.map_err(|_| PeerError::Timeout(limit))??;
        Ok(Self::over(transport, client_id))
    }

    /// A peer at the other end of a connection whose handshake is done.
    fn over<T: TransportLayer>(transport: T, client_id: &str) -> Self {
        let (reader, writer) = transport.into_halves();
        let activity = Activity::since(tokio::time::Instant::now());
        let frames = Frames::new(reader, activity.clone());
        let shared = Arc::new(PeerShared {
            client_id: client_id.to_owned(),
            writer: tokio::sync::Mutex::new(Box::new(writer)),
            activity,
            waiting: Mutex::new(HashMap::new()),
            next_id: AtomicI32::new(0),
            ended: CancellationToken::new(),
        });
        tokio::spawn(read_answers(Arc::downgrade(&shared), frames, shared.ended.clone()));
        Self { shared }
    }

    /// Whether the connection is still open, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.shared.ended.is_cancelled()
    }

    /// Sends a request at a version and waits for its answer. The connection ends if that takes longer than
    /// `limit`, or if this future is dropped while the request is being written.
    ///
    /// # Errors
    /// [`PeerError`]; whether the broker has acted on the request is then not known.
    pub async fn call<R: Request>(
        &self,
        request: &R,
        version: i16,
        limit: Duration,
    ) -> Result<R::Response, PeerError> {
        let exchange = async {
            let mut awaited = self.expect_answer();
            self.send(awaited.id, request, version).await?;
            let frame = (&mut awaited.answer).await.map_err(|_| ended())?;
            Ok(frame::read_response::<R>(frame, version)?.1)
        };
        self.within(limit, exchange).await
    }

    /// Sends a request that is not answered, such as a Produce with acks=0. The connection ends as by [`Peer::call`].
    ///
    /// # Errors
    /// [`PeerError`]; whether the broker has the request is then not known.
    pub async fn send_unanswered<R: Request>(
        &self,
        request: &R,
        version: i16,
        limit: Duration,
    ) -> Result<(), PeerError> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        self.within(limit, self.send(id, request, version)).await
    }

    async fn within<T>(
        &self,
        limit: Duration,
        exchange: impl Future<Output = Result<T, PeerError>>,
    ) -> Result<T, PeerError> {
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            self.shared.end();
            Err(PeerError::Timeout(limit))
        })
    }

    fn expect_answer(&self) -> Awaited<'_> {
        let shared = &*self.shared;
        let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        shared.waiting.lock().insert(id, sender);
        Awaited { shared, id, answer }
    }

    async fn send<R: Request>(&self, id: i32, request: &R, version: i16) -> Result<(), PeerError> {
        let shared = &*self.shared;
        let pieces = frame::request(version, id, Some(&shared.client_id), request)?;
        let mut writer = shared.writer.lock().await;
        if shared.ended.is_cancelled() {
            return Err(ended());
        }
        let writing = Writing(Some(shared));
        tokio::select! {
            sent = writer.send(pieces, &shared.activity) => sent?,
            () = shared.ended.cancelled() => return Err(ended()),
        }
        writing.finish();
        Ok(())
    }
}

fn ended() -> PeerError {
    PeerError::Io(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection has ended"))
}

/// Hands every answer to the call that waits for it, until the connection has ended or its last user is gone.
async fn read_answers<R: ReadHalf>(
    shared: std::sync::Weak<PeerShared>,
    mut frames: Frames<R>,
    over: CancellationToken,
) {
    loop {
        let answer = tokio::select! {
            answer = next_answer(&mut frames) => answer,
            // The writing half may exist for a while yet; the other side must notice the end now.
            () = over.cancelled() => return frames.close(),
        };
        let Some(shared) = shared.upgrade() else { return };
        match answer {
            Ok(frame) => {
                let id = (&frame[..]).try_get_i32().unwrap_or(-1);
                if let Some(waiter) = shared.waiting.lock().remove(&id) {
                    let _ = waiter.send(frame); // A caller that gave up needs no answer.
                }
            }
            Err(_) => return shared.end(),
        }
    }
}

async fn next_answer<R: ReadHalf>(frames: &mut Frames<R>) -> io::Result<Bytes> {
    let prefix = frames.announced().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let length = frame::length(prefix, LARGEST_ANSWER).map_err(io::Error::other)?;
    frames.frame(length).await
}

#[cfg(test)]
mod tests;
