//! One connection: after its handshake, frames are read and dispatched in order, and answers leave in that
//! order.
//!
//! The memory of a connection is bounded. Answers that a client does not read are counted in bytes. Half a
//! frame is counted against `queued.max.request.bytes`. A connection is closed after
//! `connections.max.idle.ms` without a byte, even while a request waits. In Kafka: `Processor`, `Selector`,
//! `NetworkReceive`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::connection_quotas::ConnectionSlot;
use super::frames::Frames;
use super::handshake::{Accepted, Authenticated, ServerAuthenticator, authenticate};
use super::limits::SocketLimits;
use super::metrics::AuthenticationOutcome;
use super::mute::Mute;
use super::sasl::{SaslReauthentication, SaslVerdict};
use super::traffic::Traffic;
use super::transport::{ConnectionEnd, ReadHalf, TransportLayer, WriteHalf};
use super::{Answer, Caller, Dispatch, Reply, ReplyObserver, writer};
use crate::base::Records;
use crate::base::poll;
use crate::wire::frame;

/// How many answers may be outstanding on one connection before no further request is read.
const ANSWERS_WAITING: usize = 8;

/// How many bytes of memory the outstanding answers of one connection may hold together before no further
/// request is read. A single answer may hold more, if it is the only outstanding one.
const ANSWERS_HOLD: usize = 512 << 10;

/// After how many requests the other connections of the thread get their turn.
const REQUESTS_AT_ONCE: u64 = 32;

/// An answer in the queue of a connection.
enum Outgoing {
    /// A complete answer, and its share of the memory that answers may hold.
    Now(Reply, OwnedSemaphorePermit),
    /// An answer that is awaited; None ends the connection instead of an answer.
    Later(BoxFuture<'static, Option<Reply>>),
}

/// What all connections of a listener share.
pub(super) struct Served {
    pub dispatch: Arc<dyn Dispatch>,
    pub limits: Arc<SocketLimits>,
    /// Cancelled when the listener is closed.
    pub closed: CancellationToken,
    /// Cancelled when the broker stops, which also closes the listener.
    pub stop: CancellationToken,
}

/// Authenticates an accepted connection, and serves it from then on. No request is read before. The
/// connection is closed when its handshake fails or takes too long, or when the connection has to make room.
pub(super) async fn open<A: ServerAuthenticator>(
    authenticator: A,
    stream: TcpStream,
    accepted: Accepted,
    slot: ConnectionSlot,
    served: Served,
) {
    let excess = slot.over();
    let authenticated = tokio::select! {
        biased;
        authenticated = authenticate(&authenticator, stream, &accepted, served.limits.idle) => authenticated,
        () = served.closed.cancelled() => return,
        () = excess.cancelled() => return,
    };
    let measured = served.limits.metrics.listener(&accepted.listener);
    match authenticated {
        Ok(Authenticated { transport, principal, reauthentication }) => {
            if reauthentication.is_some() {
                measured.authenticated(AuthenticationOutcome::Successful);
            }
            let caller = accepted.authenticated(principal);
            serve(transport, caller, reauthentication, slot, served).await;
        }
        Err(error) => {
            // Otherwise the connection has ended before the authentication has.
            if error.kind() == io::ErrorKind::PermissionDenied {
                measured.authenticated(AuthenticationOutcome::Failed);
            }
            let Accepted { address, .. } = accepted;
            log::info!(target: "org.apache.kafka.common.network.Selector", "Failed authentication with /{address} ({error})");
        }
    }
}

/// Serves a connection until either side ends it, it is idle for too long or has to make room, or its listener is
/// closed.
async fn serve<T: TransportLayer>(
    transport: T,
    caller: Caller,
    reauthentication: Option<SaslReauthentication>,
    slot: ConnectionSlot,
    served: Served,
) {
    let (reader, out) = transport.into_halves();
    let (answers, outgoing) = mpsc::channel(ANSWERS_WAITING);
    let (over, excess, closed) = (served.closed.child_token(), slot.over(), served.closed.clone());
    let traffic = served.limits.metrics.listener(&caller.listener).traffic().clone();
    let (activity, idle) = (slot.activity().counted_by(traffic.clone()), served.limits.idle);
    let (id, _gone) = (caller.connection.clone(), caller.gone.clone().drop_guard());
    let mute = Mute::new();
    let sending = write_answers(
        out,
        Answers { queue: outgoing, next: None, mute: mute.clone() },
        activity.clone(),
        traffic.clone(),
        over.clone(),
    );
    let mut writing = tokio::spawn(unconstrained(sending));
    poll::note_woken_others();
    let frames = Frames::new(reader, activity.clone());
    let room = Arc::new(Semaphore::new(ANSWERS_HOLD));
    let reading = Reading {
        frames,
        caller: Arc::new(caller),
        reauthentication,
        served,
        answers,
        room,
        mute,
        traffic,
        is_last: false,
    };
    let answered = tokio::select! {
        // Requests that were accepted are still answered after the last request was read.
        answered = async { reading.run().await; (&mut writing).await } => Some(answered),
        () = over.cancelled() => None,
        () = excess.cancelled() => None,
        () = activity.expired(idle) => {
            log::debug!(target: "org.apache.kafka.common.network.Selector", "About to close the idle connection from {id} due to being idle for {} millis", idle.as_millis());
            None
        }
    };
    over.cancel();
    let ended = match answered {
        Some(ended) => ended,
        None => writing.await,
    };
    if ended.is_err() && !closed.is_cancelled() {
        log::error!(target: "kafka.network.Processor", "Answering connection {id} failed");
    }
}

struct Reading<R> {
    frames: Frames<R>,
    caller: Arc<Caller>,
    /// None where the caller has not authenticated by SASL.
    reauthentication: Option<SaslReauthentication>,
    served: Served,
    /// Boxed, as the channel has room for 32 of them from its beginning on.
    answers: mpsc::Sender<Box<Outgoing>>,
    room: Arc<Semaphore>,
    mute: Mute,
    traffic: Arc<Traffic>,
    /// Whether no frame is read after the present one, as the caller has failed to authenticate again.
    is_last: bool,
}

impl<R: ReadHalf> Reading<R> {
    /// Reads requests and dispatches them. The next request is read once the answers before it leave room for
    /// its own.
    async fn run(mut self) {
        for at in 1_u64.. {
            if at.is_multiple_of(REQUESTS_AT_ONCE) {
                give_way().await;
            }
            let frame = match self.next_frame().await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => {
                    let id = &self.caller.connection;
                    log::debug!(target: "org.apache.kafka.common.network.Selector", "Connection {id} disconnected: {error}");
                    return;
                }
            };
            let Some(answer) = self.answer(frame).await else { return };
            let outgoing = match answer {
                Answer::Now(reply) => {
                    self.mute.extend(reply.throttle);
                    let Some(room) = self.room(&reply.pieces).await else { return };
                    Outgoing::Now(reply, room)
                }
                Answer::Later(pending) => Outgoing::Later(pending),
                Answer::Nothing(throttle) => {
                    self.mute.extend(throttle);
                    continue;
                }
                Answer::Close => return,
            };
            if self.answers.send(Box::new(outgoing)).await.is_err() || self.room.acquire().await.is_err() {
                return;
            }
            if self.is_last {
                return;
            }
            poll::note_woken_others();
        }
    }

    /// Waits until the answers before this one have left room for the memory that it holds.
    async fn room(&self, pieces: &[Records]) -> Option<OwnedSemaphorePermit> {
        let in_memory = size_of_val(pieces) + pieces.iter().map(Records::memory_size).sum::<usize>();
        let share = u32::try_from(in_memory.min(ANSWERS_HOLD)).unwrap_or(u32::MAX);
        self.room.clone().acquire_many_owned(share).await.ok()
    }

    /// Handles a request; None when the other side breaks the connection off meanwhile. A client that has
    /// only closed its own half still gets the answer, at once if the request only waits.
    async fn answer(&mut self, frame: Bytes) -> Option<Answer> {
        if let Some(answer) = self.authenticated_again(&frame) {
            return Some(answer);
        }
        // The request's time begins here, with its wait for admission.
        let handling = self.served.dispatch.dispatch(&self.caller, frame);
        let admission = self.served.limits.request().await;
        let mut handling = Handling { rest: Some(handling), stop: self.served.stop.clone() };
        // A request that waits no longer counts against `queued.max.requests`.
        let begun = std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut handling).poll(context))).await;
        drop(admission);
        if let Poll::Ready(answer) = begun {
            return Some(answer);
        }
        self.frames.rest();
        let end = tokio::select! {
            biased;
            answer = &mut handling => return Some(answer),
            end = self.frames.until_ended() => end,
        };
        self.caller.gone.cancel();
        match end {
            ConnectionEnd::Closed => Some(handling.await),
            ConnectionEnd::BrokenOff => None,
        }
    }

    /// The answer to a frame by which the caller authenticates again, or whose caller must have done so; None of any
    /// other.
    fn authenticated_again(&mut self, frame: &Bytes) -> Option<Answer> {
        const TARGET: &str = "org.apache.kafka.common.network.Selector";
        let address = self.caller.address;
        let measured = || self.served.limits.metrics.listener(&self.caller.listener);
        match self.reauthentication.as_mut()?.judge(frame, Instant::now()) {
            SaslVerdict::Request => None,
            SaslVerdict::Answer(pieces) => Some(Answer::Now(pieces.into())),
            SaslVerdict::Complete(pieces) => {
                measured().authenticated(AuthenticationOutcome::SuccessfulAgain);
                Some(Answer::Now(pieces.into()))
            }
            SaslVerdict::Expired => {
                measured().expire();
                log::debug!(target: TARGET, "Disconnecting expired channel: {}", self.caller.connection);
                Some(Answer::Close)
            }
            SaslVerdict::Fail(pieces, words, delay) => {
                measured().authenticated(AuthenticationOutcome::FailedAgain);
                log::info!(target: TARGET, "Failed re-authentication with /{address} ({words})");
                self.is_last = true;
                Some(Answer::Later(Box::pin(async move {
                    tokio::time::sleep(delay).await;
                    (!pieces.is_empty()).then(|| pieces.into())
                })))
            }
        }
    }

    /// The next frame; None when the other side has closed the connection between two frames, or announces a
    /// frame of an impossible length.
    async fn next_frame(&mut self) -> io::Result<Option<Bytes>> {
        let limits = &self.served.limits;
        let Some(prefix) = self.frames.announced().await? else { return Ok(None) };
        self.mute.over().await;
        let length = match frame::length(prefix, limits.largest_request) {
            Ok(length) => length,
            Err(error) => {
                log::warn!(target: "org.apache.kafka.common.network.Selector", "Unexpected error from /{}; closing connection: {error}", self.caller.address);
                return Ok(None);
            }
        };
        let memory = limits.memory(length).await;
        let frame = memory.by(self.frames.frame(length).await?);
        self.traffic.request();
        Ok(Some(frame))
    }
}

/// Lets the other tasks of this thread run first. Tokio's budgets are off for connections. Unlike a budget,
/// this yield puts the task where other threads find it, in case the thread gets stuck in an append
/// meanwhile.
async fn give_way() {
    let mut given = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A request that is being handled. It is not stopped when its connection ends, as a half-done request would
/// leave half of its effects. It runs to its end by itself, unless the broker stops.
struct Handling {
    rest: Option<BoxFuture<'static, Answer>>,
    stop: CancellationToken,
}

impl Future for Handling {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(Answer::Nothing(Duration::ZERO)) };
        let polled = rest.as_mut().poll(context);
        if polled.is_ready() {
            self.rest = None;
        }
        polled
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take().filter(|_| !self.stop.is_cancelled()) {
            let stop = self.stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = rest => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    }
}

/// Sends answers in the order of their requests, each as soon as it is complete.
async fn write_answers<W: WriteHalf>(
    mut out: W,
    mut answers: Answers,
    activity: Activity,
    traffic: Arc<Traffic>,
    over: CancellationToken,
) {
    let sending = async {
        while let Some(Sending { count, pieces, observers, room: _room }) = answers.next().await {
            let began = Instant::now();
            if let Err(error) = writer::send(&mut out, pieces, &activity).await {
                log::debug!(target: "kafka.network.Processor", "An answer could not be sent: {error}");
                break;
            }
            traffic.answers(count);
            if !observers.is_empty() {
                let ended = Instant::now();
                observers.into_iter().for_each(|observer| observer.sent(began, ended));
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = over.cancelled() => {}
    }
    over.cancel();
}

/// The answers of a connection, in the order of their requests.
struct Answers {
    queue: mpsc::Receiver<Box<Outgoing>>,
    /// The answer that was taken off the queue last and is still awaited.
    next: Option<Box<Outgoing>>,
    mute: Mute,
}

/// Answers that are sent at once.
struct Sending {
    count: u64,
    pieces: Vec<Records>,
    observers: Vec<Box<dyn ReplyObserver>>,
    /// The memory that they hold.
    room: Option<OwnedSemaphorePermit>,
}

impl Sending {
    fn add(&mut self, reply: Reply, room: Option<OwnedSemaphorePermit>) {
        self.count += 1;
        if self.pieces.is_empty() {
            self.pieces = reply.pieces;
        } else {
            self.pieces.extend(reply.pieces);
        }
        self.observers.extend(reply.observer);
        match (&mut self.room, room) {
            (Some(own), Some(room)) => own.merge(room),
            (own, room) => *own = own.take().or(room),
        }
    }
}

impl Answers {
    /// What can be sent: the next answer, once it is complete, with the complete answers behind it. None when no
    /// answer follows.
    async fn next(&mut self) -> Option<Sending> {
        let mut sending = Sending { count: 0, pieces: Vec::new(), observers: Vec::new(), room: None };
        let first = match self.next.take() {
            Some(awaited) => awaited,
            None => self.queue.recv().await?,
        };
        match *first {
            Outgoing::Now(reply, room) => sending.add(reply, Some(room)),
            Outgoing::Later(pending) => {
                let reply = pending.await?;
                self.mute.extend(reply.throttle);
                sending.add(reply, None);
            }
        }
        for _ in 1..ANSWERS_WAITING {
            match self.queue.try_recv().map(|outgoing| *outgoing) {
                Ok(Outgoing::Now(reply, room)) => sending.add(reply, Some(room)),
                Ok(awaited) => {
                    self.next = Some(Box::new(awaited));
                    break;
                }
                Err(_) => break,
            }
        }
        Some(sending)
    }
}

#[cfg(test)]
mod tests;
