//! What is done for every request before its handler and after it: decoding, the request quota, encoding.
//!
//! The time for which a handler keeps a thread busy is measured and counted against the caller's quota. A
//! caller over its quota is answered at once with its throttle time, and its connection is not read meanwhile
//! (KIP-219). Kafka: `KafkaApis.sendResponseMaybeThrottle`, `ClientRequestQuotaManager.throttle`.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::Exchange;
use super::error_response::Refusable;
use crate::base::time::millis;
use crate::net::{Answer, Reply};
use crate::quota::RequestUsage;
use crate::security::{AclOperation, AclResource};
use crate::wire::codec::{Reader, WireError};
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::message::{Request, ResponseMessage};

/// The outcome of a handler.
pub enum Handled<R> {
    /// The response. If a quota of the handler's own has set `throttle_time_ms` in it, the connection is
    /// muted for that time.
    Now(R),
    /// The request is accepted, the next request may be read, and the response follows in its turn.
    Later(BoxFuture<'static, R>),
    /// The caller wants no response.
    Unanswered,
    /// The caller wants no response, but must notice that there was an error.
    Close,
}

impl<R> From<R> for Handled<R> {
    fn from(response: R) -> Self {
        Self::Now(response)
    }
}

/// Decodes a request, handles it and answers it; `exempt` is whether no request quota applies to it.
///
/// # Errors
/// The frame is no such request, or the response does not fit its version.
pub(super) async fn run<R, T>(
    exchange: Exchange,
    mut input: Reader,
    handler: impl AsyncFnOnce(&Exchange, R) -> T,
    exempt: fn(&R) -> bool,
) -> Result<Answer, WireError>
where
    R: Request,
    T: Into<Handled<R::Response>>,
{
    let request = R::decode(&mut input, exchange.version())?;
    // The frame is dropped before the handler waits.
    drop(input);
    let is_exempt = exempt(&request) || R::KEY.is_cluster_action();
    let (handled, thread_time) = measured(handler(&exchange, request)).await;
    finish(exchange, handled.into(), thread_time, is_exempt)
}

/// As [`run`], for a request that is refused as a whole unless the caller may do `operation` to the cluster.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_authorized<R, T>(
    exchange: Exchange,
    mut input: Reader,
    operation: AclOperation,
    handler: impl AsyncFnOnce(&Exchange, R) -> T,
) -> Result<Answer, WireError>
where
    R: Refusable,
    T: Into<Handled<R::Response>>,
{
    let request = R::decode(&mut input, exchange.version())?;
    drop(input);
    if !exchange.is_authorized(operation, AclResource::CLUSTER) {
        let message =
            format!("Request {} of {} is not authorized.", R::KEY.name(), exchange.caller.connection);
        log::error!(target: "kafka.server.KafkaApis", "[KafkaApi-{}] Error when handling request: {message}", exchange.services.broker_id);
        let response = request.error_response(ErrorCode::ClusterAuthorizationFailed, &message);
        return finish(exchange, Handled::Now(response), Duration::ZERO, false);
    }
    let is_exempt = R::KEY.is_cluster_action();
    let (handled, thread_time) = measured(handler(&exchange, request)).await;
    finish(exchange, handled.into(), thread_time, is_exempt)
}

/// Counts the request, and makes an answer of the handler's outcome.
fn finish<R: ResponseMessage>(
    exchange: Exchange,
    handled: Handled<R>,
    thread_time: Duration,
    is_exempt: bool,
) -> Result<Answer, WireError> {
    match handled {
        Handled::Now(response) => Ok(Answer::Now(reply(&exchange, response, thread_time, is_exempt)?)),
        Handled::Later(pending) => Ok(Answer::Later(Box::pin(async move {
            let response = pending.await;
            reply(&exchange, response, thread_time, is_exempt).ok()
        }))),
        Handled::Unanswered => {
            // Kafka throttles no caller that gets no answer.
            request_throttle(&exchange, thread_time, true);
            Ok(Answer::Nothing)
        }
        Handled::Close => Ok(Answer::Close),
    }
}

/// The encoded response, with the throttle time in it.
fn reply<R: ResponseMessage>(
    exchange: &Exchange,
    mut response: R,
    thread_time: Duration,
    is_exempt: bool,
) -> Result<Reply, WireError> {
    let by_request_quota = request_throttle(exchange, thread_time, is_exempt);
    let mut throttle = by_request_quota;
    if let Some(own) = response.throttle_time_ms() {
        throttle = throttle.max(millis(*own));
        *own = i32::try_from(throttle.as_millis()).unwrap_or(i32::MAX);
    }
    Ok(Reply { pieces: frame::response(&exchange.header, &response)?, throttle })
}

/// For how long the caller is throttled for the time that its requests take.
fn request_throttle(exchange: &Exchange, thread_time: Duration, is_exempt: bool) -> Duration {
    exchange.services.quotas.record_request(&RequestUsage {
        principal: &exchange.caller.principal,
        client_id: exchange.header.client_id.as_deref().unwrap_or_default(),
        thread_time,
        is_exempt,
        now: exchange.services.clock.now(),
    })
}

/// What a future yields, and for how long it has kept a thread busy.
async fn measured<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = pin!(work);
    let mut busy = Duration::ZERO;
    std::future::poll_fn(move |context| poll_measured(work.as_mut(), context, &mut busy)).await
}

fn poll_measured<T>(
    work: Pin<&mut impl Future<Output = T>>,
    context: &mut Context<'_>,
    busy: &mut Duration,
) -> Poll<(T, Duration)> {
    let began = Instant::now();
    let polled = work.poll(context);
    *busy += began.elapsed();
    polled.map(|output| (output, *busy))
}
