//! The quotas of clients: bytes produced and fetched, the time of request threads, and changes of topics.
//!
//! Kafka: `QuotaFactory`, `QuotaManagers`, `ClientRequestQuotaManager`.

use std::time::Duration;

use parking_lot::Mutex;

use super::callback::QuotaClient;
use super::client_quota_manager::{ClientQuotaManager, QuotaWindows};
use super::controller_mutation_quota_manager::ControllerMutationQuotaManager;
use super::entity::QuotaEntity;
use super::values::{ClientQuotaType, QuotaValues};
use crate::base::{Millis, Rate};

/// Nanoseconds of a thread's time in percent of a second.
const PERCENT_PER_NANO: f64 = 100.0 / 1e9;

/// The settings of client quotas.
#[derive(Clone, Copy, Debug)]
pub struct ClientQuotaConfig {
    /// The windows of all quotas but that on topic changes (`quota.window.*`).
    pub windows: QuotaWindows,
    /// The windows of the quota on topic changes (`controller.quota.window.*`).
    pub controller_windows: QuotaWindows,
    /// The quota of producers without any other (`quota.producer.default`), in bytes a second; None for no bound.
    pub producer_default: Option<f64>,
    /// As [`Self::producer_default`], of consumers (`quota.consumer.default`).
    pub consumer_default: Option<f64>,
}

/// A broker's quotas of clients.
#[doc(alias = "QuotaManagers")]
#[doc(alias = "QuotaFactory")]
#[derive(Debug)]
pub struct ClientQuotas {
    /// The bytes of produce requests.
    pub produce: ClientQuotaManager,
    /// The bytes of the responses to consumers' fetches.
    pub fetch: ClientQuotaManager,
    /// The time of request threads.
    pub request: ClientRequestQuotaManager,
    /// The quotas on topic changes (KIP-599).
    pub controller_mutation: ControllerMutationQuotaManager,
}

impl ClientQuotas {
    /// No quotas but the defaults of the settings.
    pub fn new(config: ClientQuotaConfig) -> Self {
        let ClientQuotaConfig { windows, controller_windows, producer_default, consumer_default } = config;
        let manager = ClientQuotaManager::new;
        Self {
            produce: manager(ClientQuotaType::Produce, windows, producer_default),
            fetch: manager(ClientQuotaType::Fetch, windows, consumer_default),
            request: ClientRequestQuotaManager::new(windows),
            controller_mutation: ControllerMutationQuotaManager::new(controller_windows),
        }
    }

    /// The quotas of one type.
    pub fn manager(&self, quota_type: ClientQuotaType) -> &ClientQuotaManager {
        match quota_type {
            ClientQuotaType::Produce => &self.produce,
            ClientQuotaType::Fetch => &self.fetch,
            ClientQuotaType::Request => &self.request.manager,
            ClientQuotaType::ControllerMutation => self.controller_mutation.manager(),
        }
    }

    /// Replaces all quotas of an entity; those without a value are removed.
    pub fn update(&self, entity: &QuotaEntity, values: &QuotaValues) {
        for quota_type in ClientQuotaType::ALL {
            self.manager(quota_type).update(entity.clone(), values.get(&quota_type).copied());
        }
    }
}

/// The quotas on the time of request threads, in percent of one thread.
#[derive(Debug)]
pub struct ClientRequestQuotaManager {
    manager: ClientQuotaManager,
    /// The time of requests that are never throttled.
    exempt: Mutex<Rate>,
}

impl ClientRequestQuotaManager {
    fn new(windows: QuotaWindows) -> Self {
        let manager = ClientQuotaManager::new(ClientQuotaType::Request, windows, None);
        Self { manager, exempt: Mutex::new(Rate::new(2, 30_000)) }
    }

    /// Whether any quota was set since the start.
    pub fn is_enabled(&self) -> bool {
        self.manager.is_enabled()
    }

    /// Counts for how long a request has kept a thread busy. Returns for how long its sender is to be throttled.
    pub fn record(&self, client: QuotaClient<'_>, thread_time: Duration, now: Millis) -> Duration {
        self.manager.record(client, percent(thread_time), now)
    }

    /// Counts a request that is never throttled.
    pub fn record_exempt(&self, thread_time: Duration, now: Millis) {
        if self.is_enabled() {
            self.exempt.lock().record(percent(thread_time), now);
        }
    }

    /// The time of requests that are never throttled, in percent of one thread (`exempt-request-time`); None while no
    /// request quota was set.
    pub fn exempt_request_time(&self, now: Millis) -> Option<f64> {
        self.is_enabled().then(|| self.exempt.lock().measure(now))
    }
}

fn percent(time: Duration) -> f64 {
    time.as_nanos() as f64 * PERCENT_PER_NANO
}
