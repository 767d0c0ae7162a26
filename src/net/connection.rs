//! One connection: after its handshake frames are read and dispatched in order, answers leave in that order.
//!
//! A client that does not read its answers holds little memory, as they are counted in bytes; one that sends half a
//! frame holds what `queued.max.request.bytes` counts; after `connections.max.idle.ms` without a byte neither,
//! whatever waits. In Kafka: `Processor`, `Selector`, `NetworkReceive`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

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
use super::mute::Mute;
use super::transport::{ConnectionEnd, ReadHalf, TransportLayer, WriteHalf};
use super::{Answer, Caller, Dispatch, Reply, writer};
use crate::base::Records;
use crate::base::poll;
use crate::wire::frame;

/// How many answers may be outstanding on one connection before no further request is read.
const ANSWERS_WAITING: usize = 8;

/// How many bytes of memory the outstanding answers of one connection may hold together before no further request is
/// read. One answer may hold more, and then stands alone.
const ANSWERS_HOLD: usize = 512 << 10;

/// After how many requests other connections of the thread are given their turn.
const REQUESTS_AT_ONCE: u64 = 32;

/// An answer in its turn.
enum Outgoing {
    /// It is there, and holds its share of what answers may hold.
    Now(Vec<Records>, OwnedSemaphorePermit),
    /// It is awaited; None where the request turns out to be worth no answer but the end of the connection.
    Later(BoxFuture<'static, Option<Reply>>),
}

/// What all connections of a listener share.
pub(super) struct Served {
    pub dispatch: Arc<dyn Dispatch>,
    pub limits: Arc<SocketLimits>,
    pub stop: CancellationToken,
}

/// Has an accepted connection authenticated, and serves it from then on. No request is read before; a connection whose
/// handshake fails, takes too long or has to make room is closed.
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
        () = served.stop.cancelled() => return,
        () = excess.cancelled() => return,
    };
    match authenticated {
        Ok(Authenticated { transport, principal }) => {
            serve(transport, accepted.authenticated(principal), slot, served).await;
        }
        Err(error) => {
            let Accepted { address, .. } = accepted;
            log::info!(target: "org.apache.kafka.common.network.Selector", "Failed authentication with /{address} ({error})");
        }
    }
}

/// Serves a connection until either side ends it, it is idle for too long or has to make room, or the broker stops.
async fn serve<T: TransportLayer>(transport: T, caller: Caller, slot: ConnectionSlot, served: Served) {
    let (reader, out) = transport.into_halves();
    let (answers, outgoing) = mpsc::channel(ANSWERS_WAITING);
    let (over, excess, stop) = (served.stop.child_token(), slot.over(), served.stop.clone());
    let (activity, idle) = (slot.activity(), served.limits.idle);
    let (id, _gone) = (caller.connection.clone(), caller.gone.clone().drop_guard());
    let mute = Mute::new();
    let sending = write_answers(
        out,
        Answers { queue: outgoing, next: None, mute: mute.clone() },
        activity.clone(),
        over.clone(),
    );
    let mut writing = tokio::spawn(unconstrained(sending));
    poll::note_woken_others();
    let frames = Frames::new(reader, activity.clone());
    let room = Arc::new(Semaphore::new(ANSWERS_HOLD));
    let reading = Reading { frames, caller: Arc::new(caller), served, answers, room, mute };
    let answered = tokio::select! {
        // What was taken in is still answered after the last request was read.
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
    if ended.is_err() && !stop.is_cancelled() {
        log::error!(target: "kafka.network.Processor", "Answering connection {id} failed");
    }
}

struct Reading<R> {
    frames: Frames<R>,
    caller: Arc<Caller>,
    served: Served,
    answers: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
    mute: Mute,
}

impl<R: ReadHalf> Reading<R> {
    /// Reads requests and has them answered. The next one is read once the answers before leave room for its own.
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
                    Outgoing::Now(reply.pieces, room)
                }
                Answer::Later(pending) => Outgoing::Later(pending),
                Answer::Nothing => continue,
                Answer::Close => return,
            };
            if self.answers.send(outgoing).await.is_err() || self.room.acquire().await.is_err() {
                return;
            }
            poll::note_woken_others();
        }
    }

    /// Waits until the answers before have left room for the memory that this one holds.
    async fn room(&self, pieces: &[Records]) -> Option<OwnedSemaphorePermit> {
        let in_memory = size_of_val(pieces) + pieces.iter().map(Records::memory_size).sum::<usize>();
        let share = u32::try_from(in_memory.min(ANSWERS_HOLD)).unwrap_or(u32::MAX);
        self.room.clone().acquire_many_owned(share).await.ok()
    }

    /// Has a request handled; None where the other side breaks the connection off meanwhile. One that has only closed
    /// its own half still gets its answer, at once where the request only waits.
    async fn answer(&mut self, frame: Bytes) -> Option<Answer> {
        let admission = self.served.limits.request().await;
        let handling = self.served.dispatch.dispatch(&self.caller, frame);
        let mut handling = Handling { rest: Some(handling), stop: self.served.stop.clone() };
        // A request that waits for something counts no longer among those to be taken up.
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

    /// The next frame; None where the other side has closed in between two, or announces one that cannot be.
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
        Ok(Some(memory.by(self.frames.frame(length).await?)))
    }
}

/// Lets the other tasks of this thread run first. Unlike with tokio's budgets, which connections do without, this one
/// waits where other threads find it, should the thread get stuck in an append meanwhile.
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

/// A request that is being handled. It is not cut off where its connection ends, as that would leave half of what it
/// does done; it runs on by itself, unless the broker stops.
struct Handling {
    rest: Option<BoxFuture<'static, Answer>>,
    stop: CancellationToken,
}

impl Future for Handling {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(Answer::Nothing) };
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

/// Sends answers in the order of their requests, each as soon as it is there.
async fn write_answers<W: WriteHalf>(
    mut out: W,
    mut answers: Answers,
    activity: Activity,
    over: CancellationToken,
) {
    let sending = async {
        while let Some((pieces, _room)) = answers.next().await {
            if let Err(error) = writer::send(&mut out, pieces, &activity).await {
                log::debug!(target: "kafka.network.Processor", "An answer could not be sent: {error}");
                break;
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
    queue: mpsc::Receiver<Outgoing>,
    /// The answer that was taken off the queue last and is still awaited.
    next: Option<Outgoing>,
    mute: Mute,
}

impl Answers {
    /// What can be sent, and the room it takes: the next answer, once it is there, with those behind it that are there
    /// already. None where no answer follows.
    async fn next(&mut self) -> Option<(Vec<Records>, Option<OwnedSemaphorePermit>)> {
        let first = match self.next.take() {
            Some(awaited) => awaited,
            None => self.queue.recv().await?,
        };
        let (mut pieces, mut room) = match first {
            Outgoing::Now(pieces, room) => (pieces, Some(room)),
            Outgoing::Later(pending) => {
                let reply = pending.await?;
                self.mute.extend(reply.throttle);
                (reply.pieces, None)
            }
        };
        for _ in 1..ANSWERS_WAITING {
            match self.queue.try_recv() {
                Ok(Outgoing::Now(more, its_room)) => {
                    pieces.extend(more);
                    match &mut room {
                        Some(room) => room.merge(its_room),
                        None => room = Some(its_room),
                    }
                }
                Ok(awaited) => {
                    self.next = Some(awaited);
                    break;
                }
                Err(_) => break,
            }
        }
        Some((pieces, room))
    }
}

#[cfg(test)]
mod tests;
