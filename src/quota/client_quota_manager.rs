//! The quotas of one type: how much each client has taken, and for how long it is throttled for that.
//!
//! A rate is measured over windows (`quota.window.num`, `quota.window.size.seconds`). A client above its quota is
//! throttled until its rate, without anything new, is down at the quota. Kafka: `ClientQuotaManager`,
//! `ClientRequestQuotaManager`, `QuotaUtils`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::callback::{ClientQuota, DefaultQuotaCallback, QuotaClient, QuotaTags};
use super::entity::QuotaEntity;
use super::sensors::Sensors;
use super::values::ClientQuotaType;
use crate::base::time::millis;
use crate::base::{Millis, Rate};

/// The windows over which a rate is measured.
#[doc(alias = "ClientQuotaManagerConfig")]
#[derive(Clone, Copy, Debug)]
pub struct QuotaWindows {
    /// How many windows, the one that is being filled among them.
    pub samples: usize,
    /// How long each of them is, in milliseconds.
    pub window_ms: Millis,
}

/// What was measured of clients that share a quota.
#[doc(alias = "ClientSensors")]
#[derive(Debug)]
struct QuotaSensor {
    rate: Rate,
    /// How often they were throttled, and for how many milliseconds together, per second.
    throttles: Rate,
    throttle_ms: Rate,
}

/// The measurements of clients that share a quota, as Kafka's metrics show them.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaUsage {
    /// The sanitized user; empty where users do not count.
    pub user: String,
    /// The client id; empty where client ids do not count.
    pub client_id: String,
    /// The rate per second (`byte-rate`, `request-time`).
    pub rate: f64,
    /// The mean of the throttle times of the last minute, in milliseconds; NaN if there was none.
    pub throttle_time: f64,
}

/// The windows of throttle times (`metrics.num.samples`, `metrics.sample.window.ms`, by default).
pub(super) const METRIC_WINDOWS: QuotaWindows = QuotaWindows { samples: 2, window_ms: 30_000 };

/// The quotas of one type, and what clients have taken of them.
#[derive(Debug)]
pub struct ClientQuotaManager {
    quota_type: ClientQuotaType,
    windows: QuotaWindows,
    quotas: RwLock<DefaultQuotaCallback>,
    /// Whether any quota was set since the start; nothing is measured before.
    enabled: AtomicBool,
    sensors: Sensors<QuotaSensor>,
}

impl ClientQuotaManager {
    /// No quotas, but this one for client ids without any other.
    pub fn new(quota_type: ClientQuotaType, windows: QuotaWindows, static_default: Option<f64>) -> Self {
        let quotas = DefaultQuotaCallback::new(static_default);
        let enabled = AtomicBool::new(quotas.is_enabled());
        Self { quota_type, windows, quotas: RwLock::new(quotas), enabled, sensors: Sensors::default() }
    }

    /// Whether any quota was set since the start. Without one, clients are neither measured nor throttled.
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Sets the quota of an entity; None removes it.
    pub fn update(&self, entity: QuotaEntity, limit: Option<f64>) {
        let mut quotas = self.quotas.write();
        quotas.update(entity, limit);
        self.enabled.store(quotas.is_enabled(), Ordering::Relaxed);
    }

    /// The quota of a client, with the clients that it shares the quota with; None where it has none.
    pub fn quota<'a>(&self, client: QuotaClient<'a>) -> Option<ClientQuota<'a>> {
        if self.is_enabled() { self.quotas.read().quota(client) } else { None }
    }

    /// The clients that a client shares a quota with, and their quota; infinite where they have none.
    pub(super) fn quota_of<'a>(&self, client: QuotaClient<'a>) -> (QuotaTags<'a>, f64) {
        let quotas = self.quotas.read();
        let tags = quotas.tags(client);
        (tags, quotas.limit(tags).unwrap_or(f64::INFINITY))
    }

    fn with_sensor<R>(
        &self,
        tags: QuotaTags<'_>,
        now: Millis,
        use_it: impl FnOnce(&mut QuotaSensor) -> R,
    ) -> R {
        let rate = |windows: QuotaWindows| Rate::new(windows.samples, windows.window_ms);
        let create = || QuotaSensor {
            rate: rate(self.windows),
            throttles: rate(METRIC_WINDOWS),
            throttle_ms: rate(METRIC_WINDOWS),
        };
        self.sensors.with(tags, now, create, use_it)
    }

    /// Counts what a client has taken. Returns for how long it is to be throttled; zero if it is within its quota.
    pub fn record(&self, client: QuotaClient<'_>, amount: f64, now: Millis) -> Duration {
        if !self.is_enabled() {
            return Duration::ZERO;
        }
        let (tags, limit) = self.quota_of(client);
        let wait = self.with_sensor(tags, now, |sensor| {
            sensor.rate.record(amount, now);
            sensor.rate.throttle(limit, now)
        });
        self.throttle_time(limit, wait)
    }

    /// The throttle time that is answered, where the rate is down at the limit after `wait` milliseconds.
    fn throttle_time(&self, limit: f64, wait: Millis) -> Duration {
        let longest = match self.quota_type {
            _ if limit.is_nan() => 0,
            // A request quota throttles for one window at most.
            ClientQuotaType::Request => self.windows.window_ms,
            // As in Kafka, no time brings a rate down to zero, and a client with such a quota is not throttled.
            _ if limit == 0.0 => 0,
            _ => i32::MAX.into(),
        };
        millis(wait.min(longest))
    }

    /// Takes back what was counted, because the client did not get it after all.
    pub fn unrecord(&self, client: QuotaClient<'_>, amount: f64, now: Millis) {
        if self.is_enabled() {
            let (tags, _) = self.quota_of(client);
            self.with_sensor(tags, now, |sensor| sensor.rate.record(-amount, now));
        }
    }

    /// The most that a client can take at once without being throttled if it has taken nothing before; None where it
    /// has no quota.
    pub fn max_value_in_quota_window(&self, client: QuotaClient<'_>) -> Option<f64> {
        let seconds = self.windows.window_ms as f64 / 1000.0;
        self.quota(client).map(|quota| quota.limit * self.windows.samples.saturating_sub(1) as f64 * seconds)
    }

    /// Counts that a client is throttled because of this quota.
    pub fn record_throttle(&self, client: QuotaClient<'_>, throttle: Duration, now: Millis) {
        let (tags, _) = self.quota_of(client);
        self.with_sensor(tags, now, |sensor| {
            sensor.throttles.record(1.0, now);
            sensor.throttle_ms.record(throttle.as_millis() as f64, now);
        });
    }

    /// What was measured of all clients, at `now`.
    pub fn usage(&self, now: Millis) -> Vec<QuotaUsage> {
        self.sensors.read(now, |tags, sensor| QuotaUsage {
            user: tags.user.to_owned(),
            client_id: tags.client_id.to_owned(),
            rate: sensor.rate.measure(now),
            throttle_time: sensor.throttle_ms.measure(now) / sensor.throttles.measure(now),
        })
    }
}

#[cfg(test)]
mod tests;
