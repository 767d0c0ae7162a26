//! The quota on topic changes of each client: a bucket of tokens each (KIP-599).
//!
//! What passes and what is refused is decided by [`controller_mutation`](super::controller_mutation). Kafka:
//! `ControllerMutationQuotaManager`.

use super::callback::QuotaClient;
use super::client_quota_manager::{ClientQuotaManager, METRIC_WINDOWS, QuotaWindows};
use super::controller_mutation::{MutationThrottle, ThrottlingQuotaExceeded};
use super::sensors::Sensors;
use super::token_bucket::{BucketLimit, TokenBucket};
use super::values::ClientQuotaType;
use crate::base::Millis;

/// The tokens of a client without a quota; enough for everything.
const UNBOUNDED: f64 = i64::MAX as f64;

/// The quotas on topic changes, and what clients have left of them.
#[derive(Debug)]
pub struct ControllerMutationQuotaManager {
    /// The quotas, and the rates that the metrics show; these rates throttle no client.
    manager: ClientQuotaManager,
    windows: QuotaWindows,
    buckets: Sensors<TokenBucket>,
}

impl ControllerMutationQuotaManager {
    /// No quotas. A full bucket holds what passes in all these windows (`controller.quota.window.*`).
    pub fn new(windows: QuotaWindows) -> Self {
        let manager = ClientQuotaManager::new(ClientQuotaType::ControllerMutation, METRIC_WINDOWS, None);
        Self { manager, windows, buckets: Sensors::default() }
    }

    /// The quotas, by entity.
    pub fn manager(&self) -> &ClientQuotaManager {
        &self.manager
    }

    /// Counts partitions that a client's request is about to create or delete.
    ///
    /// # Errors
    /// [`ThrottlingQuotaExceeded`]: it may not.
    pub fn record(
        &self,
        client: QuotaClient<'_>,
        partitions: usize,
        throttle: &mut MutationThrottle,
        now: Millis,
    ) -> Result<(), ThrottlingQuotaExceeded> {
        if !self.manager.is_enabled() {
            return Ok(());
        }
        let (tags, limit) = self.manager.quota_of(client);
        let limit = self.bucket_limit(limit);
        let full = || TokenBucket::full(now);
        self.buckets.with(tags, now, full, |bucket| throttle.record(partitions, bucket, limit, now))?;
        self.manager.record(client, partitions as f64, now);
        Ok(())
    }

    fn bucket_limit(&self, quota: f64) -> BucketLimit {
        let rate = quota.min(UNBOUNDED);
        let seconds = self.windows.window_ms as f64 / 1000.0;
        BucketLimit { rate, burst: self.windows.samples as f64 * seconds * rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::controller_mutation::Enforcement;
    use crate::quota::entity::QuotaEntity;

    const WINDOWS: QuotaWindows = QuotaWindows { samples: 11, window_ms: 1000 };

    fn create(
        quotas: &ControllerMutationQuotaManager,
        client_id: &str,
        partitions: usize,
        now: Millis,
    ) -> (bool, Millis) {
        let mut throttle = MutationThrottle::new(Enforcement::Strict);
        let client = QuotaClient { user: "ANONYMOUS", client_id };
        let passed = quotas.record(client, partitions, &mut throttle, now).is_ok();
        (passed, throttle.throttle_time(now))
    }

    #[test]
    fn each_client_has_tokens_of_its_own() {
        let quotas = ControllerMutationQuotaManager::new(WINDOWS);
        assert_eq!(create(&quotas, "a", 1_000_000, 0), (true, 0), "there is no quota");
        quotas.manager.update(QuotaEntity::of_clients("<default>").unwrap(), Some(2.0));
        assert_eq!(create(&quotas, "a", 32, 0), (true, 0), "22 tokens were left");
        assert_eq!(create(&quotas, "a", 1, 0), (false, 5_000));
        assert_eq!(create(&quotas, "b", 1, 0), (true, 0));
        assert_eq!(create(&quotas, "a", 1, 5_000), (true, 0));
        quotas.manager.update(QuotaEntity::of_clients("<default>").unwrap(), None);
        assert_eq!(create(&quotas, "a", 1_000_000, 5_001), (true, 0), "a millisecond fills the bucket");
    }
}
