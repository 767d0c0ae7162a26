//! What is done for every request before its handler and after it: decoding, the request quota, encoding.
//!
//! The time for which a handler keeps a thread busy is measured, counted against the caller's quota and added to the
//! API's metrics. A caller over its quota is answered at once with its throttle time, and its connection is not read
//! meanwhile (KIP-219). Kafka: `KafkaApis.sendResponseMaybeThrottle`, `ClientRequestQuotaManager.throttle`.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::Exchange;
use super::error_response::Refusable;
use super::request_metrics::{AnsweredRequest, RequestSender};
use crate::base::time::millis;
use crate::net::{Answer, Reply};
use crate::quota::RequestUsage;
use crate::security::{AclOperation, AclResource};
use crate::wire::api_key::ApiKey;
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
    let (handled, times) = measured(handler(&exchange, request)).await;
    finish(RequestInHand { exchange, api: R::KEY, times, is_exempt }, handled.into())
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
        let times = HandlerTimes::none(Instant::now());
        let request = RequestInHand { exchange, api: R::KEY, times, is_exempt: false };
        return finish(request, Handled::Now(response));
    }
    let is_exempt = R::KEY.is_cluster_action();
    let (handled, times) = measured(handler(&exchange, request)).await;
    finish(RequestInHand { exchange, api: R::KEY, times, is_exempt }, handled.into())
}

/// When a request's handler ran.
#[derive(Clone, Copy)]
struct HandlerTimes {
    began: Instant,
    ended: Instant,
    /// For how long the handler kept a thread busy between the two.
    busy: Duration,
}

impl HandlerTimes {
    /// Those of a request without a handler.
    fn none(now: Instant) -> Self {
        Self { began: now, ended: now, busy: Duration::ZERO }
    }
}

/// A request whose handler has ended.
struct RequestInHand {
    exchange: Exchange,
    api: ApiKey,
    times: HandlerTimes,
    /// No request quota applies to it: a broker has sent it, or it is never throttled.
    is_exempt: bool,
}

/// Makes an answer of the handler's outcome, and counts the request once its response is there.
fn finish<R: ResponseMessage>(request: RequestInHand, handled: Handled<R>) -> Result<Answer, WireError> {
    match handled {
        Handled::Now(response) => Ok(Answer::Now(request.reply(response)?)),
        Handled::Later(pending) => Ok(Answer::Later(Box::pin(async move {
            let response = pending.await;
            let mut request = request;
            request.times.ended = Instant::now();
            request.reply(response).ok()
        }))),
        Handled::Unanswered => {
            request.count();
            // Kafka throttles no caller that gets no answer.
            RequestInHand { is_exempt: true, ..request }.request_throttle();
            Ok(Answer::Nothing)
        }
        Handled::Close => {
            request.count();
            Ok(Answer::Close)
        }
    }
}

impl RequestInHand {
    /// The encoded response, with the throttle time in it.
    fn reply<R: ResponseMessage>(&self, mut response: R) -> Result<Reply, WireError> {
        self.count();
        let mut throttle = self.request_throttle();
        if let Some(own) = response.throttle_time_ms() {
            throttle = throttle.max(millis(*own));
            *own = i32::try_from(throttle.as_millis()).unwrap_or(i32::MAX);
        }
        Ok(Reply { pieces: frame::response(&self.exchange.header, &response)?, throttle })
    }

    fn count(&self) {
        let HandlerTimes { began, ended, busy } = self.times;
        self.exchange.services.request_metrics.record(&AnsweredRequest {
            api: self.api,
            version: self.exchange.version(),
            sender: if self.is_exempt { RequestSender::Broker } else { RequestSender::Client },
            local_time: busy,
            total_time: ended.duration_since(began),
        });
    }

    /// For how long the caller is throttled for the time that its requests take.
    fn request_throttle(&self) -> Duration {
        let Self { exchange, times, is_exempt, .. } = self;
        exchange.services.quotas.record_request(&RequestUsage {
            principal: &exchange.caller.principal,
            client_id: exchange.header.client_id.as_deref().unwrap_or_default(),
            thread_time: times.busy,
            is_exempt: *is_exempt,
            now: exchange.services.clock.now(),
        })
    }
}

/// What a future yields, and when it ran.
async fn measured<T>(work: impl Future<Output = T>) -> (T, HandlerTimes) {
    let mut work = pin!(work);
    let mut times = HandlerTimes::none(Instant::now());
    std::future::poll_fn(move |context| poll_measured(work.as_mut(), context, &mut times)).await
}

fn poll_measured<T>(
    work: Pin<&mut impl Future<Output = T>>,
    context: &mut Context<'_>,
    times: &mut HandlerTimes,
) -> Poll<(T, HandlerTimes)> {
    let began = Instant::now();
    let polled = work.poll(context);
    times.ended = Instant::now();
    times.busy += times.ended.duration_since(began);
    polled.map(|output| (output, *times))
}
