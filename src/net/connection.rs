//! One connection: frames are read and dispatched in order, answers leave in that order.
//!
//! A client that sends half a frame or does not read its answers holds its own connection and, where
//! `queued.max.request.bytes` is set, the memory it announced; after `connections.max.idle.ms` neither.
//! In Kafka: `Processor`, `Selector`, `NetworkReceive`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connections::Place;
use super::limits::Limits;
use super::{Answer, Caller, Dispatch, peer, writer};
use crate::base::Records;
use crate::wire::frame;

/// How many answers may be outstanding on one connection before no further request is read.
const ANSWERS_WAITING: usize = 8;

type Pending = BoxFuture<'static, Option<Vec<Records>>>;

/// What all connections of a listener share.
pub(super) struct Served {
    pub dispatch: Arc<dyn Dispatch>,
    pub limits: Arc<Limits>,
    pub stop: CancellationToken,
}

/// Serves a connection until either side ends it, it has to make room, or the broker stops.
pub(super) async fn serve(stream: TcpStream, caller: Caller, place: Place, served: Served) {
    let (reader, out) = stream.into_split();
    let (answers, outgoing) = mpsc::channel(ANSWERS_WAITING);
    let (over, excess, stop) = (served.stop.child_token(), place.over(), served.stop.clone());
    let writing = tokio::spawn(write_answers(out, outgoing, served.limits.clone(), over.clone()));
    let reading = Reading { reader, caller, place, served, answers };
    tokio::select! {
        () = reading.run() => {}
        () = over.cancelled() => {}
        () = excess.cancelled() => over.cancel(),
    }
    // What was taken in is still answered, unless the broker stops, the other side is gone, or room was needed.
    if writing.await.is_err() && !stop.is_cancelled() {
        log::error!(target: "kafka.network.Processor", "Answering a connection failed");
    }
}

struct Reading {
    reader: OwnedReadHalf,
    caller: Caller,
    place: Place,
    served: Served,
    answers: mpsc::Sender<Pending>,
}

impl Reading {
    async fn run(mut self) {
        loop {
            let frame = match self.next_frame().await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => {
                    let id = &self.caller.connection;
                    log::debug!(target: "org.apache.kafka.common.network.Selector", "Connection {id} disconnected: {error}");
                    return;
                }
            };
            self.place.used();
            let Some(answer) = self.answer(frame).await else { return };
            let pending: Pending = match answer {
                Answer::Now(pieces) => Box::pin(std::future::ready(Some(pieces))),
                Answer::Later(pending) => pending,
                Answer::Nothing => continue,
                Answer::Close => return,
            };
            if self.answers.send(pending).await.is_err() {
                return;
            }
        }
    }

    /// Has a request handled; None where the other side breaks the connection off meanwhile. One that has only closed
    /// its own half still gets its answer.
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
        tokio::select! {
            biased;
            answer = handling => Some(answer),
            () = until_broken_off(&mut self.reader) => None,
        }
    }

    /// The next frame; None where the other side has closed in between two, or announces one that cannot be.
    async fn next_frame(&mut self) -> io::Result<Option<Bytes>> {
        let (idle, limits) = (self.served.limits.idle, self.served.limits.clone());
        let mut prefix = [0; frame::PREFIX];
        let mut read = 0;
        while read < prefix.len() {
            match writer::in_time(idle, self.reader.read(&mut prefix[read..])).await? {
                0 if read == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        let length = match frame::length(prefix, limits.largest_request) {
            Ok(length) => length,
            Err(error) => {
                log::warn!(target: "org.apache.kafka.common.network.Selector", "Unexpected error from /{}; closing connection: {error}", self.caller.address);
                return Ok(None);
            }
        };
        let held = limits.memory(length).await;
        let body = peer::read_body(&mut self.reader, length, Some(idle)).await?;
        Ok(Some(held.by(body)))
    }
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

/// Waits until the other side has broken the connection off; for ever where it has sent its next request already, or
/// has closed its half.
async fn until_broken_off(reader: &mut OwnedReadHalf) {
    if reader.peek(&mut [0]).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

/// Sends answers in the order of their requests, each as soon as it is there.
async fn write_answers(
    mut out: OwnedWriteHalf,
    mut outgoing: mpsc::Receiver<Pending>,
    limits: Arc<Limits>,
    over: CancellationToken,
) {
    let sending = async {
        while let Some(pending) = outgoing.recv().await {
            // A request that turns out to be worth no answer but the end of the connection.
            let Some(pieces) = pending.await else { break };
            if let Err(error) = writer::send(&mut out, pieces, limits.idle).await {
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
