//! The window of requests in flight: at most so many are sent and not yet answered, the others wait for a
//! permit in order.
//!
//! A request waits for its answer as long as its connection lives, and is not sent again because the answer
//! is slow. `session` decides by silence whether the connection lives. Kafka:
//! `ZooKeeperClient.handleRequests`, its semaphore `inFlightRequests`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zookeeper_client::Error;

use super::session::{Connection, SharedZooKeeper, ZooKeeper};

/// The permits for requests on one connection.
#[derive(Clone, Debug)]
pub(super) struct InFlightWindow {
    permits: Arc<Semaphore>,
    size: usize,
}

impl InFlightWindow {
    /// A window of `size` requests, at least one.
    pub fn new(size: usize) -> Self {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(size)), size }
    }

    /// Whether a request is sent and not yet answered.
    fn is_used(&self) -> bool {
        self.permits.available_permits() < self.size
    }
}

/// The permit for one request on the connection; given back when dropped.
pub(super) struct InFlightPermit {
    /// The connection to send it on.
    pub connection: Connection,
    session: Arc<SharedZooKeeper>,
    _permit: OwnedSemaphorePermit,
}

impl ZooKeeper {
    /// A permit on the present connection; waits for both; None once the session is closed.
    pub(super) async fn turn(&self) -> Option<InFlightPermit> {
        loop {
            let connection = self.connection().await?;
            let permit = tokio::select! {
                permit = connection.window.permits.clone().acquire_owned() => permit.ok()?,
                () = connection.lost.cancelled() => continue,
            };
            // Both may have happened at once. Nothing is sent on a connection that is known to be lost.
            if !connection.lost.is_cancelled() {
                let session = self.shared.clone();
                return Some(InFlightPermit { connection, session, _permit: permit });
            }
        }
    }
}

impl InFlightPermit {
    /// The answer to the request; connection loss as soon as the connection is known to be lost.
    pub async fn answer<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let sent = Instant::now();
        tokio::select! {
            biased;
            answer = request => {
                self.session.metrics.answered(sent.elapsed());
                answer
            }
            () = self.connection.lost.cancelled() => Err(Error::ConnectionLoss),
        }
    }

    /// Waits until the connection, whose request failed, is known to be lost, so that the next one is
    /// another.
    pub async fn forget(self) {
        let lost = self.connection.lost.clone();
        drop(self);
        // A single request may fail while the connection is open (the server refuses what it throttles).
        let patience = Duration::from_millis(200);
        let _ = tokio::time::timeout(patience, lost.cancelled()).await;
    }
}

/// Sends the server a small request every `period` while an answer is awaited, until the connection is lost.
///
/// The client sends no further ping before the last one is answered, and that answer waits behind all
/// requests before it: a long answer over a slow link would outlast the session.
pub(super) async fn keep_alive(connection: Connection, period: Duration) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = connection.lost.cancelled() => return,
        }
        if connection.window.is_used() {
            // The call sends it; its answer is not waited for.
            drop(connection.client.check_stat("/"));
        }
    }
}
