//! How many partitions a client may create and delete (KIP-599).
//!
//! Pure. A strict quota refuses what comes while the bucket is overdrawn; a permissive one lets it pass, and its
//! caller is throttled. Older versions of the APIs have the permissive one, as their clients know no such refusal.
//! Kafka: `ControllerMutationQuotaManager`.

use super::token_bucket::{BucketLimit, TokenBucket};
use crate::base::Millis;

/// How a quota is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Nothing passes while the quota is exceeded (Kafka's `StrictControllerMutationQuota`).
    Strict,
    /// Everything passes (Kafka's `PermissiveControllerMutationQuota`).
    Permissive,
}

/// The mutations of one request against its client's quota. Lives as long as the request.
#[doc(alias = "ControllerMutationQuota")]
#[doc(alias = "StrictControllerMutationQuota")]
#[doc(alias = "PermissiveControllerMutationQuota")]
#[derive(Clone, Debug)]
pub struct MutationThrottle {
    enforcement: Enforcement,
    /// How long the client had to wait when a mutation last exceeded the quota, and when that was.
    last: Option<(Millis, Millis)>,
}

/// THROTTLING_QUOTA_EXCEEDED: the mutation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottlingQuotaExceeded;

impl MutationThrottle {
    /// A request that has changed nothing yet.
    pub fn new(enforcement: Enforcement) -> Self {
        Self { enforcement, last: None }
    }

    /// Counts `partitions` that are to be created or deleted.
    ///
    /// # Errors
    /// [`ThrottlingQuotaExceeded`] where the quota is strict and exceeded already; nothing is counted then.
    pub fn record(
        &mut self,
        partitions: usize,
        bucket: &mut TokenBucket,
        limit: BucketLimit,
        now: Millis,
    ) -> Result<(), ThrottlingQuotaExceeded> {
        let amount = partitions as f64;
        match self.enforcement {
            Enforcement::Strict if bucket.tokens(limit, now) < 0.0 => {
                self.last = Some((bucket.throttle(limit, now), now));
                Err(ThrottlingQuotaExceeded)
            }
            Enforcement::Strict => {
                bucket.take(amount, limit, now);
                Ok(())
            }
            Enforcement::Permissive => {
                bucket.take(amount, limit, now);
                if bucket.tokens(limit, now) < 0.0 {
                    self.last = Some((bucket.throttle(limit, now), now));
                }
                Ok(())
            }
        }
    }

    /// For how long the client is to be throttled, in milliseconds: what remains at `now`, as a request may have
    /// waited since it was counted.
    pub fn throttle_time(&self, now: Millis) -> Millis {
        self.last.map_or(0, |(throttle, since)| (throttle - (now - since)).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: BucketLimit = BucketLimit { rate: 2.0, burst: 22.0 };

    #[test]
    fn a_strict_quota_lets_pass_what_overdraws_it_and_refuses_what_comes_then() {
        let mut bucket = TokenBucket::full(0);
        let mut first = MutationThrottle::new(Enforcement::Strict);
        assert_eq!(first.record(30, &mut bucket, LIMIT, 0), Ok(()));
        assert_eq!(first.throttle_time(0), 0, "it was not exceeded before");
        assert_eq!(first.record(1, &mut bucket, LIMIT, 1_000), Err(ThrottlingQuotaExceeded));
        assert_eq!((first.throttle_time(1_000), first.throttle_time(1_500)), (3_000, 2_500));
        let mut next = MutationThrottle::new(Enforcement::Strict);
        assert_eq!(next.record(1, &mut bucket, LIMIT, 3_999), Err(ThrottlingQuotaExceeded));
        assert_eq!(next.record(1, &mut bucket, LIMIT, 4_000), Ok(()));
    }

    #[test]
    fn a_permissive_quota_lets_everything_pass_and_throttles() {
        let mut bucket = TokenBucket::full(0);
        let mut request = MutationThrottle::new(Enforcement::Permissive);
        assert_eq!(request.record(22, &mut bucket, LIMIT, 0), Ok(()));
        assert_eq!(request.throttle_time(0), 0);
        assert_eq!(request.record(8, &mut bucket, LIMIT, 0), Ok(()));
        assert_eq!(request.throttle_time(0), 4_000);
        assert_eq!(request.record(8, &mut bucket, LIMIT, 0), Ok(()));
        assert_eq!((request.throttle_time(0), request.throttle_time(9_000)), (8_000, 0));
    }
}
