//! Quotas of clients: how much of the request threads' time a caller may take.
//!
//! Pure. The usage is handed in, and the caller does the throttling. Without a quota no client is throttled, as in
//! Kafka where `/config/clients` and `/config/users` set none. Kafka: `ClientRequestQuotaManager`, `QuotaFactory`.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Millis;
use crate::security::KafkaPrincipal;

/// The usage of one request.
#[derive(Clone, Copy, Debug)]
pub struct RequestUsage<'a> {
    /// The principal that sent it.
    pub principal: &'a KafkaPrincipal,
    /// Its client id; empty where it has none.
    pub client_id: &'a str,
    /// For how long it has kept a thread busy.
    pub thread_time: Duration,
    /// Whether the request is counted but never throttled, as requests between brokers are.
    pub is_exempt: bool,
    /// When it was answered, in milliseconds since the Unix epoch.
    pub now: Millis,
}

/// Counts requests against quotas.
#[doc(alias = "ClientRequestQuotaManager")]
pub trait RequestQuota: Debug + Send + Sync + 'static {
    /// Counts a request. Returns for how long its sender is to be throttled.
    fn record(&self, usage: &RequestUsage<'_>) -> Duration;
}

/// A broker's quotas of clients; clones count together.
#[doc(alias = "QuotaManagers")]
#[derive(Clone, Debug, Default)]
pub struct ClientQuotas {
    request: Option<Arc<dyn RequestQuota>>,
}

impl ClientQuotas {
    /// Quotas of which this one counts requests.
    pub fn of_requests(request: Arc<dyn RequestQuota>) -> Self {
        Self { request: Some(request) }
    }

    /// Counts a request. Returns for how long its sender is to be throttled; always zero for an exempt
    /// request.
    pub fn record_request(&self, usage: &RequestUsage<'_>) -> Duration {
        let Some(quota) = &self.request else { return Duration::ZERO };
        let throttle = quota.record(usage);
        if usage.is_exempt { Duration::ZERO } else { throttle }
    }
}
