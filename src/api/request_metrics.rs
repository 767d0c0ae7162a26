//! The requests of each API: how many, how long they took and where, how large they were, which errors they got
//! (Kafka's `RequestMetrics`).
//!
//! Costs a request some twenty additions, no lock. Where Kafka has queues the times are those of their counterparts:
//!
//! - `RequestQueueTimeMs`: from the last byte until the handler begins, the wait for `queued.max.requests` included.
//! - `LocalTimeMs`: for how long the handler kept a thread busy; `RemoteTimeMs`: for how long it waited.
//! - `ResponseQueueTimeMs`: until the answers before it are sent; `ResponseSendTimeMs`: until it is in the socket.
//!
//! Times count in microseconds, where Kafka rounds to milliseconds.

mod answered;
mod of_api;

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::of_api::ApiMetrics;
use crate::metrics::Metric;
use crate::wire::api_key::ApiKey;
use crate::wire::message::ResponseMessage;

pub use answered::{AnsweredRequest, RequestTimes};

/// The kind of a request's sender. Fetches of clients and of followers have metrics of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSender {
    /// A client.
    Client,
    /// Another broker.
    Broker,
}

/// Counts the requests of a broker.
#[derive(Debug)]
pub struct RequestMetrics {
    /// By API, in the order of [`ApiKey::ALL`]; the fetches of followers are not among them. Empty until the first
    /// request.
    apis: Vec<OnceLock<Arc<ApiMetrics>>>,
    follower_fetches: OnceLock<Arc<ApiMetrics>>,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        let apis = ApiKey::ALL.iter().map(|_| OnceLock::new()).collect();
        Self { apis, follower_fetches: OnceLock::new() }
    }
}

impl RequestMetrics {
    /// The metrics of this API's requests.
    fn of(&self, api: ApiKey, sender: RequestSender) -> Option<&Arc<ApiMetrics>> {
        let metrics = match (api, sender) {
            (ApiKey::Fetch, RequestSender::Broker) => &self.follower_fetches,
            (api, _) => self.apis.get(ApiKey::ALL.binary_search(&api).ok()?)?,
        };
        Some(metrics.get_or_init(|| Arc::new(ApiMetrics::new(api))))
    }

    /// Counts the errors of a response.
    pub fn count_errors(&self, api: ApiKey, sender: RequestSender, response: &impl ResponseMessage) {
        let Some(metrics) = self.of(api, sender) else { return };
        let mut successes = 0;
        response.error_codes(&mut |depth, code| match (counts_error(api, depth, code), code) {
            (false, _) => {}
            (true, 0) => successes += 1,
            (true, code) => metrics.count_errors(code, 1),
        });
        if successes > 0 {
            metrics.count_errors(0, successes);
        }
    }

    /// Counts that messages were converted to the format of a client that fetches, and how long that took: until the
    /// first batch was converted, as the others are converted while they are sent.
    pub fn count_conversions(&self, time: Duration) {
        if let Some(metrics) = self.of(ApiKey::Fetch, RequestSender::Client) {
            metrics.count_conversions(time);
        }
    }

    /// `RequestsPerSec` of each version that was used, `ErrorsPerSec` of each error, and the times and sizes of each
    /// API that was used. `ResponseQueueSize`, of responses that are complete and not sent.
    pub fn metrics(&self) -> Vec<Metric> {
        let counted = self.apis.iter().chain([&self.follower_fetches]).filter_map(OnceLock::get);
        let unsent = counted.map(|api| api.unsent.load(Ordering::Relaxed)).sum();
        let unsent = Metric::gauge("RequestChannel", "ResponseQueueSize", unsent).of_group("kafka.network");
        let mut metrics = vec![unsent];
        for (api, counted) in ApiKey::ALL.iter().zip(&self.apis) {
            let (of_clients, of_followers) = (counted.get(), self.follower_fetches.get());
            if *api == ApiKey::Fetch {
                for (name, of) in [("FetchConsumer", of_clients), ("FetchFollower", of_followers)] {
                    metrics.extend(of.map(|it| it.metrics(name, &[])).unwrap_or_default());
                }
                if let Some(first) = of_clients.or(of_followers) {
                    let other = of_clients.and(of_followers).map(|it| &**it);
                    metrics.extend(first.metrics(api.name(), other.as_slice()));
                }
            } else if let Some(counted) = of_clients {
                metrics.extend(counted.metrics(api.name(), &[]));
            }
        }
        metrics
    }
}

/// Whether Kafka counts an error code that stands at this depth of a response (`AbstractResponse.errorCounts`): mostly
/// each one, of some APIs only that of the response, or only those in its list.
fn counts_error(api: ApiKey, depth: usize, code: i16) -> bool {
    match api {
        ApiKey::OffsetFetch | ApiKey::ListPartitionReassignments => depth == 0,
        ApiKey::Metadata | ApiKey::DeleteAcls | ApiKey::DescribeUserScramCredentials => depth == 1,
        ApiKey::Fetch
        | ApiKey::LeaderAndIsr
        | ApiKey::StopReplica
        | ApiKey::ElectLeaders
        | ApiKey::UpdateFeatures => depth > 0,
        ApiKey::LeaveGroup => code != 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
