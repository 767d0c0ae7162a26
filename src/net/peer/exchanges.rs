//! The requests of one connection on their way: waiting to be written, waiting for their answers.
//!
//! A broker answers in the order in which the requests were written. A call whose caller is gone stays until it is
//! answered or its time is over, so that an answer that nothing asked for is always noticed. Never touches a socket.
//! Kafka: `InFlightRequests`.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::{PeerError, SaslRefusal};
use crate::base::Records;

/// The time that an exchange has.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimit {
    length: Duration,
    deadline: Instant,
}

impl TimeLimit {
    /// A limit that begins now.
    pub fn of(length: Duration) -> Self {
        let now = Instant::now();
        // A limit beyond what the clock can reach is none; a day is as good.
        let deadline = now.checked_add(length).unwrap_or_else(|| now + Duration::from_secs(86_400));
        Self { length, deadline }
    }

    /// No limit of its own.
    pub fn none() -> Self {
        Self::of(Duration::MAX)
    }
}

/// A request that waits: for its answer, or to be written if it gets none.
#[derive(Debug)]
struct WaitingExchange<T> {
    id: i32,
    limit: TimeLimit,
    reply: oneshot::Sender<Result<T, PeerError>>,
    /// What the caller holds as long as the exchange lasts.
    permit: Option<OwnedSemaphorePermit>,
}

impl<T> WaitingExchange<T> {
    /// Ends with what was waited for. A caller that has it may begin the next exchange at once, so the permit goes
    /// first.
    fn complete(self, outcome: T) {
        drop(self.permit);
        let _ = self.reply.send(Ok(outcome)); // A caller that is gone needs no reply.
    }

    /// Fails: the time was over, or the connection has ended, perhaps as the client was refused.
    fn fail(self, now: Instant, refusal: Option<&SaslRefusal>) {
        let late = self.limit.deadline <= now;
        let error = match refusal {
            _ if late => PeerError::Timeout(self.limit.length),
            Some(refusal) => refusal.clone().into(),
            None => ended(),
        };
        let _ = self.reply.send(Err(error)); // A caller that is gone needs no reply.
    }
}

/// The requests that leave with one write.
#[derive(Debug, Default)]
pub(super) struct RequestBatch {
    /// Their bytes.
    pub pieces: Vec<Records>,
    /// How many of them get no answer.
    pub unanswered: usize,
}

/// The exchanges of one connection.
#[doc(alias = "InFlightRequests")]
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    queue: RequestBatch,
    /// Invariant: in the order in which the requests are written, but for those of an authentication.
    answered: VecDeque<WaitingExchange<Bytes>>,
    /// Requests without an answer that are not written yet. Invariant: as `answered`.
    unanswered: VecDeque<WaitingExchange<()>>,
    /// Invariant: not later than the deadline of any exchange.
    nearest: Option<Instant>,
    ended: bool,
    /// Why the client could not authenticate again, which ends the connection.
    refusal: Option<SaslRefusal>,
}

impl Exchanges {
    /// Queues a request that is answered.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn call(
        &mut self,
        id: i32,
        pieces: Vec<Records>,
        limit: TimeLimit,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<Bytes, PeerError>>, PeerError> {
        let (reply, answer) = oneshot::channel();
        self.queue(pieces, limit)?;
        self.answered.push_back(WaitingExchange { id, limit, reply, permit });
        Ok(answer)
    }

    /// Queues a request that is not answered; the receiver learns that it was written.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn send(
        &mut self,
        pieces: Vec<Records>,
        limit: TimeLimit,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<(), PeerError>>, PeerError> {
        let (reply, written) = oneshot::channel();
        self.queue(pieces, limit)?;
        self.queue.unanswered += 1;
        self.unanswered.push_back(WaitingExchange { id: 0, limit, reply, permit });
        Ok(written)
    }

    /// Notes a request that is written at once, before those that are queued.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn overtake(
        &mut self,
        id: i32,
        limit: TimeLimit,
    ) -> Result<oneshot::Receiver<Result<Bytes, PeerError>>, PeerError> {
        if self.ended {
            return Err(ended());
        }
        let (reply, answer) = oneshot::channel();
        // Requests whose turn is still to come stand behind it; it is found by its id.
        self.answered.push_front(WaitingExchange { id, limit, reply, permit: None });
        Ok(answer)
    }

    /// Notes why the connection is about to end: the client could not authenticate again.
    pub fn refuse(&mut self, refusal: SaslRefusal) {
        self.refusal = Some(refusal);
    }

    fn queue(&mut self, pieces: Vec<Records>, limit: TimeLimit) -> Result<(), PeerError> {
        if self.ended {
            return Err(ended());
        }
        self.queue.pieces.extend(pieces);
        self.nearest = Some(self.nearest.map_or(limit.deadline, |nearest| nearest.min(limit.deadline)));
        Ok(())
    }

    /// Takes all that is queued.
    pub fn take_queue(&mut self) -> RequestBatch {
        std::mem::take(&mut self.queue)
    }

    /// A time at which [`Exchanges::expire`] is due; None while nothing waits.
    pub fn nearest(&self) -> Option<Instant> {
        self.nearest
    }

    /// Notes that a batch was written, with this many requests that get no answer.
    pub fn written(&mut self, unanswered: usize) {
        for exchange in self.unanswered.drain(..unanswered.min(self.unanswered.len())) {
            exchange.complete(());
        }
    }

    /// Hands an answer to its call; mostly that is the first one. Whether a call waits for it.
    pub fn answer(&mut self, id: i32, frame: Bytes) -> bool {
        let at = self.answered.iter().position(|exchange| exchange.id == id);
        let Some(exchange) = at.and_then(|at| self.answered.remove(at)) else { return false };
        exchange.complete(frame);
        true
    }

    /// Whether the time of an exchange is over at `now`.
    pub fn expire(&mut self, now: Instant) -> bool {
        let answered = self.answered.iter().map(|it| it.limit.deadline);
        self.nearest = answered.chain(self.unanswered.iter().map(|it| it.limit.deadline)).min();
        self.nearest.is_some_and(|nearest| nearest <= now)
    }

    /// Ends: every exchange fails, those whose time is over at `now` for that reason, and further ones are refused.
    pub fn end(&mut self, now: Instant) {
        self.ended = true;
        self.nearest = None;
        self.queue = RequestBatch::default();
        let refusal = self.refusal.take();
        let (answered, unanswered) =
            (std::mem::take(&mut self.answered), std::mem::take(&mut self.unanswered));
        answered.into_iter().for_each(|exchange| exchange.fail(now, refusal.as_ref()));
        unanswered.into_iter().for_each(|exchange| exchange.fail(now, refusal.as_ref()));
    }

    /// Whether nothing waits.
    pub fn is_idle(&self) -> bool {
        self.answered.is_empty() && self.unanswered.is_empty()
    }
}

/// The error of an exchange whose connection has ended.
pub(super) fn ended() -> PeerError {
    PeerError::Io(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection has ended"))
}
