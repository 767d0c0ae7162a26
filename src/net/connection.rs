//! One connection: frames are read and dispatched in order, answers leave in that order.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::limits::{Limits, Place};
use super::{Answer, Caller, Dispatch, peer, writer};
use crate::base::Records;
use crate::wire::frame;

/// How many answers may be outstanding on one connection before no further request is read.
const ANSWERS_WAITING: usize = 8;

type Pending = BoxFuture<'static, Option<Vec<Records>>>;

/// Serves a connection until either side ends it or the broker stops.
pub(super) async fn serve(
    stream: TcpStream,
    caller: Caller,
    dispatch: Arc<dyn Dispatch>,
    limits: Arc<Limits>,
    place: Place,
    stop: CancellationToken,
) {
    let (reader, out) = stream.into_split();
    let (answers, outgoing) = mpsc::channel(ANSWERS_WAITING);
    let over = stop.child_token();
    let writing = tokio::spawn(write_answers(out, outgoing, limits.clone(), over.clone()));
    let reading = Reading { reader, caller, dispatch, limits, answers };
    tokio::select! {
        () = reading.run() => {}
        () = over.cancelled() => {}
    }
    // What was taken in is still answered, unless the broker stops or the other side is gone.
    let _ = writing.await;
    drop(place);
}

struct Reading {
    reader: OwnedReadHalf,
    caller: Caller,
    dispatch: Arc<dyn Dispatch>,
    limits: Arc<Limits>,
    answers: mpsc::Sender<Pending>,
}

impl Reading {
    async fn run(mut self) {
        loop {
            let frame = match self.next_frame().await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => {
                    let address = self.caller.address;
                    log::debug!(target: "kafka.network.Processor", "Connection from {address} ends: {error}");
                    return;
                }
            };
            let admission = self.limits.request(frame.len()).await;
            let answer = tokio::select! {
                answer = self.dispatch.dispatch(&self.caller, frame) => answer,
                () = until_left(&mut self.reader) => return,
            };
            drop(admission);
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

    /// The next frame; None where the other side has closed in between two.
    async fn next_frame(&mut self) -> io::Result<Option<Bytes>> {
        let idle = self.limits.idle;
        let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
        let mut prefix = [0; frame::PREFIX];
        let first = tokio::time::timeout(idle, self.reader.read(&mut prefix)).await.map_err(timed_out)??;
        if first == 0 {
            return Ok(None);
        }
        tokio::time::timeout(idle, self.reader.read_exact(&mut prefix[first..]))
            .await
            .map_err(timed_out)??;
        let length = match frame::length(prefix, self.limits.largest_request) {
            Ok(length) => length,
            Err(error) => {
                log::warn!(target: "org.apache.kafka.common.network.Selector", "Unexpected error from /{}; closing connection: {error}", self.caller.address);
                return Ok(None);
            }
        };
        tokio::time::timeout(idle, peer::read_body(&mut self.reader, length))
            .await
            .map_err(timed_out)?
            .map(Some)
    }
}

/// Waits until the other side has closed; for ever where it has sent its next request already.
async fn until_left(reader: &mut OwnedReadHalf) {
    match reader.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        Ok(_) => std::future::pending().await,
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
