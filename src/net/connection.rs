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
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connections::Place;
use super::frames::Frames;
use super::limits::Limits;
use super::{Answer, Caller, Dispatch, writer};
use crate::base::Records;
use crate::wire::frame;

/// How many answers may be outstanding on one connection before no further request is read.
const ANSWERS_WAITING: usize = 8;

/// An answer in its turn.
enum Outgoing {
    /// It is there.
    Now(Vec<Records>),
    /// It is awaited; None where the request turns out to be worth no answer but the end of the connection.
    Later(BoxFuture<'static, Option<Vec<Records>>>),
}

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
    let frames = Frames::new(reader, Some(served.limits.idle));
    let reading = Reading { frames, caller, place, served, answers };
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
    frames: Frames,
    caller: Caller,
    place: Place,
    served: Served,
    answers: mpsc::Sender<Outgoing>,
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
            let sent = match answer {
                Answer::Now(pieces) => self.answers.send(Outgoing::Now(pieces)).await,
                Answer::Later(pending) => self.answers.send(Outgoing::Later(pending)).await,
                Answer::Nothing => continue,
                Answer::Close => return,
            };
            if sent.is_err() {
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
            () = self.frames.until_broken_off() => None,
        }
    }

    /// The next frame; None where the other side has closed in between two, or announces one that cannot be.
    async fn next_frame(&mut self) -> io::Result<Option<Bytes>> {
        let limits = &self.served.limits;
        let Some(prefix) = self.frames.announced().await? else { return Ok(None) };
        let length = match frame::length(prefix, limits.largest_request) {
            Ok(length) => length,
            Err(error) => {
                log::warn!(target: "org.apache.kafka.common.network.Selector", "Unexpected error from /{}; closing connection: {error}", self.caller.address);
                return Ok(None);
            }
        };
        let held = limits.memory(length).await;
        Ok(Some(held.by(self.frames.frame(length).await?)))
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

/// Sends answers in the order of their requests, each as soon as it is there.
async fn write_answers(
    out: OwnedWriteHalf,
    mut outgoing: mpsc::Receiver<Outgoing>,
    limits: Arc<Limits>,
    over: CancellationToken,
) {
    let sending = async {
        let mut next = None;
        while let Some(pieces) = ready(&mut outgoing, &mut next).await {
            if let Err(error) = writer::send(&out, pieces, limits.idle).await {
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

/// What can be sent: the next answer, once it is there, with those behind it that are there already. One behind them that
/// is still awaited becomes the `next`. None where no answer follows.
async fn ready(outgoing: &mut mpsc::Receiver<Outgoing>, next: &mut Option<Outgoing>) -> Option<Vec<Records>> {
    let first = match next.take() {
        Some(awaited) => awaited,
        None => outgoing.recv().await?,
    };
    let mut pieces = match first {
        Outgoing::Now(pieces) => pieces,
        Outgoing::Later(pending) => pending.await?,
    };
    for _ in 1..ANSWERS_WAITING {
        match outgoing.try_recv() {
            Ok(Outgoing::Now(more)) => pieces.extend(more),
            Ok(awaited) => {
                *next = Some(awaited);
                break;
            }
            Err(_) => break,
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests;
