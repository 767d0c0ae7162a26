//! The quota on topic changes that applies to a request (KIP-599): older versions are throttled, newer ones refused.
//!
//! Kafka: `ControllerMutationQuotaManager.newQuotaFor`.

use super::Exchange;
use crate::admin::AdminError;
use crate::quota::controller_mutation::{Enforcement, MutationThrottle, ThrottlingQuotaExceeded};

/// What a request changes, against the quota of its caller.
pub(super) struct MutationQuota<'a> {
    exchange: &'a Exchange,
    throttle: MutationThrottle,
}

impl<'a> MutationQuota<'a> {
    /// The quota of a request, strict from version `strict_since` on.
    pub fn new(exchange: &'a Exchange, strict_since: i16) -> Self {
        let is_strict = exchange.version() >= strict_since;
        let enforcement = if is_strict { Enforcement::Strict } else { Enforcement::Permissive };
        Self { exchange, throttle: MutationThrottle::new(enforcement) }
    }

    /// Counts partitions that are to be created or deleted.
    ///
    /// # Errors
    /// [`AdminError::ThrottlingQuotaExceeded`]: they may not be.
    pub fn record(&mut self, partitions: usize) -> Result<(), AdminError> {
        let (exchange, throttle) = (self.exchange, &mut self.throttle);
        let quota = &exchange.services.quotas.controller_mutation;
        let recorded =
            exchange.as_quota_client(|client, now| quota.record(client, partitions, throttle, now));
        recorded.map_err(|ThrottlingQuotaExceeded| AdminError::ThrottlingQuotaExceeded)
    }

    /// For how long the caller is to be throttled from now on, in milliseconds.
    pub fn throttle_time_ms(&self) -> i32 {
        let now = self.exchange.services.clock.now();
        i32::try_from(self.throttle.throttle_time(now)).unwrap_or(i32::MAX)
    }
}
