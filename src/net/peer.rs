//! A connection to a broker: requests go out in the order of the calls, several with one write, and answers come in
//! the same order.
//!
//! - *Tasks:* one that writes and watches the time, one that reads; none for a call.
//! - A connection with SASL is authenticated before its first request; where its authentication ends with time, the
//!   task that writes authenticates again before it writes the next requests (KIP-368).
//! - A call that is dropped leaves the connection in order: its request is written whole, its answer passed over.
//! - Never goes on after a request that was not answered in time, or after an answer that no call waits for: the
//!   connection is closed. The broker would answer all that follows only after the late request.
//! - *In Kafka:* `NetworkClient`, `Selector`.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::carriers::{FrameCarrier, PeerCarrier};
use self::exchanges::{Exchanges, RequestBatch, TimeLimit, ended};
use super::activity::Activity;
use super::frames::Frames;
use super::handshake::{ClientAuthenticator, Plaintext};
use super::sasl::login::SaslClientSession;
use super::transport::{ReadHalf, TransportLayer, WriteHalf};
use super::writer;
use crate::security::sasl::client::SaslLogin;
use crate::wire::codec::WireError;
use crate::wire::frame;
use crate::wire::message::Request;

mod carriers;
mod exchanges;
mod traffic;

pub use super::sasl::login::SaslRefusal;
pub use traffic::PeerTraffic;

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
    /// A side could not authenticate the other.
    #[error("{0}")]
    Authentication(#[from] SaslRefusal),
}

/// How a connection is made.
#[derive(Clone, Debug, Default)]
pub struct PeerOptions {
    /// The client id of the requests.
    pub client_id: String,
    /// The size of the socket's send buffer in bytes (`send.buffer.bytes`); None for the system's.
    pub send_buffer: Option<u32>,
    /// The size of the socket's receive buffer in bytes (`receive.buffer.bytes`); None for the system's.
    pub receive_buffer: Option<u32>,
    /// Counts what goes and comes.
    pub traffic: Arc<PeerTraffic>,
    /// The user that the client authenticates as by SASL; None where the listener asks for no authentication.
    pub login: Option<Arc<SaslLogin>>,
}

/// A connection to a broker, shared by its clones; closed when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Peer {
    user: Arc<PeerUser>,
}

/// What the clones of a peer share. Dropped, it ends the connection.
#[derive(Debug)]
struct PeerUser {
    shared: Arc<PeerShared>,
}

/// What the users of a connection share with its tasks.
#[derive(Debug)]
struct PeerShared {
    client_id: String,
    /// When bytes have come or gone last.
    activity: Activity,
    traffic: Arc<PeerTraffic>,
    exchanges: Mutex<Exchanges>,
    next_id: AtomicI32,
    /// A request was queued.
    queued: Notify,
    ended: CancellationToken,
}

impl Drop for PeerUser {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl PeerShared {
    /// Ends the connection: nothing more is written, and every call that waits for an answer fails.
    fn end(&self) {
        self.exchanges.lock().end(Instant::now());
        self.ended.cancel();
    }

    fn next_id(&self) -> i32 {
        self.next_id.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }
}

impl Peer {
    /// Connects to `host:port`, any of its addresses. `limit` is for the connection and its authentication.
    ///
    /// # Errors
    /// [`PeerError::Io`] where no address of the host takes the connection, [`PeerError::Timeout`],
    /// [`PeerError::Authentication`].
    pub async fn connect(
        host: &str,
        port: u16,
        options: PeerOptions,
        limit: Duration,
    ) -> Result<Self, PeerError> {
        Self::connect_authenticated(&Plaintext::default(), host, port, options, limit).await
    }

    /// As [`Peer::connect`], with the handshake that the connection does before its first byte.
    pub(super) async fn connect_authenticated<A: ClientAuthenticator>(
        authenticator: &A,
        host: &str,
        port: u16,
        options: PeerOptions,
        limit: Duration,
    ) -> Result<Self, PeerError> {
        let opening = async {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Self::over(authenticator.authenticate(stream, host).await?, options).await
        };
        within(limit, opening).await
    }

    /// Connects to one address; `host` is the name by which the broker is known. `limit` is for the connection and its
    /// authentication.
    ///
    /// # Errors
    /// [`PeerError::Io`] where the address does not take the connection, [`PeerError::Timeout`],
    /// [`PeerError::Authentication`].
    pub async fn connect_to(
        address: SocketAddr,
        host: &str,
        options: PeerOptions,
        limit: Duration,
    ) -> Result<Self, PeerError> {
        let opening = async {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(size) = options.send_buffer {
                socket.set_send_buffer_size(size)?;
            }
            if let Some(size) = options.receive_buffer {
                socket.set_recv_buffer_size(size)?;
            }
            let stream = socket.connect(address).await?;
            stream.set_nodelay(true)?;
            Self::over(Plaintext::default().authenticate(stream, host).await?, options).await
        };
        within(limit, opening).await
    }

    /// A peer at the other end of a transport, once it has authenticated there.
    async fn over<T: TransportLayer>(transport: T, options: PeerOptions) -> Result<Self, PeerError> {
        let (reader, mut writer) = transport.into_halves();
        let activity = Activity::since(Instant::now());
        let mut frames = Frames::new(reader, activity.clone());
        let session = match options.login.clone() {
            Some(login) => {
                let mut carrier = FrameCarrier::new(&mut frames, &mut writer, &activity, &options.client_id);
                Some(SaslClientSession::open(&mut carrier, login).await?)
            }
            None => None,
        };
        let shared = Arc::new(PeerShared {
            client_id: options.client_id,
            activity,
            traffic: options.traffic,
            exchanges: Mutex::default(),
            next_id: AtomicI32::new(0),
            queued: Notify::new(),
            ended: CancellationToken::new(),
        });
        tokio::spawn(read_answers(shared.clone(), frames));
        tokio::spawn(write_requests(shared.clone(), writer, session));
        Ok(Self { user: Arc::new(PeerUser { shared }) })
    }

    /// Whether the connection is still open, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.user.shared.ended.is_cancelled()
    }

    /// How long nothing has come or gone; zero while a request waits for its answer.
    pub fn unused_for(&self) -> Duration {
        let shared = &self.user.shared;
        if shared.exchanges.lock().is_idle() { shared.activity.unused_for() } else { Duration::ZERO }
    }

    /// Sends a request at a version and waits for its answer. The connection ends if that takes longer than
    /// `limit`, even if this future is dropped before.
    ///
    /// # Errors
    /// [`PeerError`]; whether the broker has acted on the request is then not known.
    pub async fn call<R: Request>(
        &self,
        request: &R,
        version: i16,
        limit: Duration,
    ) -> Result<R::Response, PeerError> {
        self.begin(request, version, limit, None)?.answer().await
    }

    /// Queues a request at a version, whose answer is awaited apart. Requests begun one after the other reach the
    /// broker in that order. `permit` is held until the answer has come or the connection has ended.
    ///
    /// # Errors
    /// [`PeerError`] of a connection that has ended, or a request that the version cannot carry.
    pub fn begin<R: Request>(
        &self,
        request: &R,
        version: i16,
        limit: Duration,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<PendingAnswer<R>, PeerError> {
        let shared = &self.user.shared;
        let id = shared.next_id();
        let pieces = frame::request(version, id, Some(&shared.client_id), request)?;
        let answer = shared.exchanges.lock().call(id, pieces, TimeLimit::of(limit), permit)?;
        shared.queued.notify_one();
        Ok(PendingAnswer { peer: self.clone(), version, answer, request: PhantomData })
    }

    /// Sends a request that is not answered, such as a Produce with acks=0, and waits until it is written. The
    /// connection ends as by [`Peer::call`].
    ///
    /// # Errors
    /// [`PeerError`]; whether the broker has the request is then not known.
    pub async fn send_unanswered<R: Request>(
        &self,
        request: &R,
        version: i16,
        limit: Duration,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<(), PeerError> {
        let shared = &self.user.shared;
        let pieces = frame::request(version, shared.next_id(), Some(&shared.client_id), request)?;
        let written = shared.exchanges.lock().send(pieces, TimeLimit::of(limit), permit)?;
        shared.queued.notify_one();
        written.await.map_err(|_| ended())?
    }
}

/// A request that was sent, and whose answer can be awaited. Dropped, it leaves the connection in order: the answer is
/// read and passed over.
#[derive(Debug)]
pub struct PendingAnswer<R> {
    /// Keeps the connection open.
    peer: Peer,
    version: i16,
    answer: oneshot::Receiver<Result<Bytes, PeerError>>,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> PendingAnswer<R> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// [`PeerError`]; whether the broker has acted on the request is then not known.
    pub async fn answer(self) -> Result<R::Response, PeerError> {
        let frame = self.answer.await.map_err(|_| ended())??;
        drop(self.peer);
        Ok(frame::read_response::<R>(frame, self.version)?.1)
    }

    /// The version of the request and of its answer.
    pub fn version(&self) -> i16 {
        self.version
    }
}

async fn within<T>(
    limit: Duration,
    opening: impl Future<Output = Result<T, PeerError>>,
) -> Result<T, PeerError> {
    tokio::time::timeout(limit, opening).await.map_err(|_| PeerError::Timeout(limit))?
}

/// Writes what is queued, all at once, and ends the connection when the time of an exchange is over.
async fn write_requests<W: WriteHalf>(
    shared: Arc<PeerShared>,
    mut writer: W,
    mut session: Option<SaslClientSession>,
) {
    let mut ended = std::pin::pin!(shared.ended.cancelled());
    // One timer for all exchanges: mostly it fires long after the exchange that it was set for.
    let mut alarm = std::pin::pin!(sleep_until(Instant::now()));
    let mut set_for = None;
    loop {
        let (batch, mut nearest) = {
            let mut exchanges = shared.exchanges.lock();
            (exchanges.take_queue(), exchanges.nearest())
        };
        let mut working = std::pin::pin!(write_or_wait(&shared, &mut writer, &mut session, batch));
        loop {
            if let Some(time) = nearest.filter(|_| nearest != set_for) {
                alarm.as_mut().reset(time);
            }
            set_for = nearest;
            tokio::select! {
                biased;
                done = &mut working => match done {
                    Ok(()) => break,
                    Err(error) => {
                        if let PeerError::Authentication(refusal) = error {
                            shared.exchanges.lock().refuse(refusal);
                        }
                        return shared.end();
                    }
                },
                () = &mut alarm, if set_for.is_some() => {
                    let now = Instant::now();
                    let late = shared.exchanges.lock().expire(now);
                    if late {
                        return shared.end();
                    }
                    (nearest, set_for) = (shared.exchanges.lock().nearest(), None);
                }
                () = &mut ended => return,
            }
        }
    }
}

/// Writes a batch, once the connection is authenticated again if that is due; where the batch is empty, waits until a
/// request is queued.
async fn write_or_wait<W: WriteHalf>(
    shared: &PeerShared,
    writer: &mut W,
    session: &mut Option<SaslClientSession>,
    RequestBatch { pieces, unanswered }: RequestBatch,
) -> Result<(), PeerError> {
    if pieces.is_empty() {
        shared.queued.notified().await;
        return Ok(());
    }
    if let Some(session) = session.as_mut().filter(|session| session.is_due(Instant::now())) {
        // The deadlines of the batch's own requests bound the wait.
        session.authenticate_again(&mut PeerCarrier { shared, writer: &mut *writer }).await?;
    }
    let bytes = pieces.iter().map(|piece| piece.len()).sum();
    writer::send(writer, pieces, &shared.activity).await?;
    shared.traffic.sent(bytes);
    shared.exchanges.lock().written(unanswered);
    Ok(())
}

/// Hands every answer to the call that waits for it, until the connection has ended.
async fn read_answers<R: ReadHalf>(shared: Arc<PeerShared>, mut frames: Frames<R>) {
    let mut ended = std::pin::pin!(shared.ended.cancelled());
    loop {
        let answer = tokio::select! {
            biased;
            answer = next_answer(&mut frames) => answer,
            // The writing half may exist for a while yet; the other side must notice the end now.
            () = &mut ended => return frames.close(),
        };
        let expected = answer.is_ok_and(|frame| {
            shared.traffic.received(frame.len() + frame::PREFIX);
            let id = (&frame[..]).try_get_i32().unwrap_or(-1);
            shared.exchanges.lock().answer(id, frame)
        });
        if !expected {
            shared.end();
            return frames.close();
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
