//! One request with one answer: sent where it belongs, and again while its error may pass and the call has time.
//!
//! Kafka: `KafkaAdminClient.Call`, `TimeoutProcessor`.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::Admin;
use crate::base::Backoff;
use crate::client::cluster::{LONGEST_BACKOFF, timed_out};
use crate::client::error::{ClientError, ConnectionError};
use crate::client::metadata::Target;
use crate::wire::api_key::ApiKey;
use crate::wire::message::Request;

/// How long and how often a call may still be tried.
#[derive(Clone, Debug)]
pub(super) struct CallTries {
    /// When the call is given up.
    end: Instant,
    /// How many tries are left after the one under way.
    left: u32,
    backoff: Backoff,
}

impl CallTries {
    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// How long the next exchange may take, given the most for any.
    pub(super) fn limit(&self, request_timeout: Duration) -> Duration {
        request_timeout.min(self.end.saturating_duration_since(Instant::now()))
    }

    /// How long to wait before the next try; None where there is none.
    pub(super) fn next_wait(&mut self) -> Option<Duration> {
        let wait = self.backoff.next_wait();
        if self.left == 0 || Instant::now() + wait > self.end {
            return None;
        }
        self.left -= 1;
        Some(wait)
    }

    /// The error of a call that has no further try: the last one, or that its time is over.
    pub(super) fn given_up(&self, api: ApiKey, last: ClientError) -> ClientError {
        if self.left == 0 { last } else { timed_out(api, last) }
    }
}

impl Admin {
    /// The tries of a call that begins now.
    pub(super) fn tries(&self) -> CallTries {
        CallTries {
            end: Instant::now() + self.limit,
            left: self.retries,
            backoff: Backoff::new(self.cluster.options().retry_backoff, LONGEST_BACKOFF),
        }
    }

    /// Sends a request, which is made with the time that the broker has for it in milliseconds, until an answer
    /// passes the check.
    ///
    /// # Errors
    /// The first error that does not pass by itself; the last one when the call's time or tries are over.
    pub(super) async fn call<R: Request>(
        &self,
        target: &Target,
        request: impl Fn(i32) -> R,
        check: impl Fn(&R::Response) -> Result<(), ClientError>,
    ) -> Result<R::Response, ClientError> {
        let mut tries = self.tries();
        loop {
            let answer = self.exchange(target, &request, &tries).await;
            let error = match answer.and_then(|answer| check(&answer).map(|()| answer)) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.is_retriable() {
                return Err(error);
            }
            let Some(wait) = tries.next_wait() else { return Err(tries.given_up(R::KEY, error)) };
            self.cluster.forget(target);
            sleep(wait).await;
        }
    }

    /// Sends a request once, within the time of its call.
    pub(super) async fn exchange<R: Request>(
        &self,
        target: &Target,
        request: impl Fn(i32) -> R,
        tries: &CallTries,
    ) -> Result<R::Response, ClientError> {
        let limit = tries.limit(self.cluster.options().request_timeout);
        let request = request(i32::try_from(limit.as_millis()).unwrap_or(i32::MAX));
        let exchange = self.cluster.call_within(target, &request, limit);
        timeout_at(tries.end, exchange)
            .await
            .unwrap_or_else(|_| Err(ClientError::Connection(ConnectionError::TimedOut(limit))))
    }
}
