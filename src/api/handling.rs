//! What is done for every request before its handler and after it: decoding, the request quota, encoding.
//!
//! The time for which a handler keeps a thread busy is measured, counted against the caller's quota and added to the
//! API's metrics. A caller over its quota is answered at once with its throttle time, and its connection is not read
//! meanwhile (KIP-219). Kafka: `KafkaApis.sendResponseMaybeThrottle`, `ClientRequestQuotaManager.throttle`.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::Exchange;
use super::client_quotas::ThreadTime;
use super::error_response::Refusable;
use super::request_metrics::{AnsweredRequest, RequestSender, RequestTimes};
use crate::base::host_address;
use crate::base::time::millis;
use crate::net::{Answer, Caller, Reply};
use crate::quota::values::ClientQuotaType;
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
    /// The response, where the handler has counted the request against all quotas; the connection is muted for the
    /// `throttle_time_ms` in it.
    Metered(R),
    /// The request is accepted, the next request may be read, and the response follows in its turn.
    Later(BoxFuture<'static, R>),
    /// The caller wants no response, and is throttled for this time.
    Unanswered(Duration),
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
    let (handled, times) = measured(&exchange.thread_time, handler(&exchange, request)).await;
    finish(RequestInHand { exchange, api: R::KEY, times, is_exempt }, handled.into()).await
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
        let message = format!("Request {} is not authorized.", request_text(&exchange));
        log::error!(target: "kafka.server.KafkaApis", "[KafkaApi-{}] Error when handling request: {message}", exchange.services.broker_id);
        let response = request.error_response(ErrorCode::ClusterAuthorizationFailed, &message);
        let times = HandlerTimes::none(Instant::now());
        let request = RequestInHand { exchange, api: R::KEY, times, is_exempt: false };
        return finish(request, Handled::Now(response)).await;
    }
    let is_exempt = R::KEY.is_cluster_action();
    let (handled, times) = measured(&exchange.thread_time, handler(&exchange, request)).await;
    finish(RequestInHand { exchange, api: R::KEY, times, is_exempt }, handled.into()).await
}

/// A request as Java prints it in messages. Its processor and buffer, which do not exist here, are 0 and null.
fn request_text(exchange: &Exchange) -> String {
    let Caller { principal, listener, protocol, address, connection, .. } = &*exchange.caller;
    format!(
        "Request(processor=0, connectionId={connection}, session=Session({principal},/{}), \
         listenerName=ListenerName({listener}), securityProtocol={protocol}, buffer=null)",
        host_address(*address)
    )
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

/// Makes an answer of the handler's outcome.
async fn finish<R: ResponseMessage>(
    mut request: RequestInHand,
    handled: Handled<R>,
) -> Result<Answer, WireError> {
    match handled {
        Handled::Now(response) => Ok(Answer::Now(request.reply(response)?)),
        Handled::Metered(response) => Ok(Answer::Now(request.metered_reply(response)?)),
        Handled::Later(pending) if request.exchange.is_metered() => {
            let response = pending.await;
            request.times.ended = Instant::now();
            Ok(Answer::Now(request.reply(response)?))
        }
        Handled::Later(pending) => Ok(Answer::Later(Box::pin(async move {
            let response = pending.await;
            request.times.ended = Instant::now();
            request.reply(response).ok()
        }))),
        Handled::Unanswered(throttle) => {
            request.answered(throttle);
            // As in Kafka, no request quota applies where there is no answer.
            request.exchange.record_request(true);
            Ok(Answer::Nothing(throttle))
        }
        Handled::Close => {
            request.answered(Duration::ZERO);
            Ok(Answer::Close)
        }
    }
}

impl RequestInHand {
    /// The encoded response, with the throttle time in it.
    fn reply<R: ResponseMessage>(&self, mut response: R) -> Result<Reply, WireError> {
        let by_request = self.exchange.record_request(self.is_exempt);
        let quota_type = own_quota(self.api).unwrap_or(ClientQuotaType::Request);
        let own = response.throttle_time_ms().map_or(Duration::ZERO, |own| millis(*own));
        let throttle = self.exchange.record_throttle(quota_type, own, by_request);
        if let Some(field) = response.throttle_time_ms() {
            *field = i32::try_from(throttle.as_millis()).unwrap_or(i32::MAX);
        }
        self.encoded(response, throttle)
    }

    /// The encoded response, whose throttle time is that of all quotas.
    fn metered_reply<R: ResponseMessage>(&self, mut response: R) -> Result<Reply, WireError> {
        let throttle = response.throttle_time_ms().map_or(Duration::ZERO, |throttle| millis(*throttle));
        self.encoded(response, throttle)
    }

    fn encoded<R: ResponseMessage>(&self, response: R, throttle: Duration) -> Result<Reply, WireError> {
        self.exchange.services.request_metrics.count_errors(self.api, self.sender(), &response);
        let pieces = frame::response(&self.exchange.header, &response)?;
        Ok(Reply { pieces, throttle, observer: Some(Box::new(self.answered(throttle))) })
    }

    /// The request as it is counted once its answer is sent, or at once where this is dropped.
    fn answered(&self, throttle: Duration) -> AnsweredRequest {
        let (exchange, HandlerTimes { began, ended, busy }) = (&self.exchange, self.times);
        let received = exchange.received;
        let times = RequestTimes { received: received.at, began, completed: ended, local: busy, throttle };
        let api = (self.api, exchange.version());
        exchange.services.request_metrics.answered(api, self.sender(), received.body_bytes, times)
    }

    fn sender(&self) -> RequestSender {
        if self.is_exempt { RequestSender::Broker } else { RequestSender::Client }
    }
}

/// The quota that a handler counts its API's requests against, beside the request quota.
fn own_quota(api: ApiKey) -> Option<ClientQuotaType> {
    match api {
        ApiKey::Produce => Some(ClientQuotaType::Produce),
        ApiKey::CreateTopics | ApiKey::CreatePartitions | ApiKey::DeleteTopics => {
            Some(ClientQuotaType::ControllerMutation)
        }
        _ => None,
    }
}

/// What a future yields, and when it ran.
async fn measured<T>(thread_time: &ThreadTime, work: impl Future<Output = T>) -> (T, HandlerTimes) {
    let mut work = pin!(work);
    let began = Instant::now();
    let mut ended = began;
    let polling = std::future::poll_fn(|context| {
        thread_time.begin_poll(Instant::now());
        let polled = work.as_mut().poll(context);
        ended = Instant::now();
        thread_time.end_poll(ended);
        polled
    });
    let output = polling.await;
    (output, HandlerTimes { began, ended, busy: thread_time.busy() })
}
