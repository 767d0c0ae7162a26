//! Waits until a change to topics or leaders has reached this broker's metadata cache, or a timeout (Kafka's
//! purgatories `topic` and `ElectLeader`).

use std::time::Duration;

use tokio::time::Instant;

use crate::base::LeaderAndIsr;
use crate::metadata::{MetadataCache, MetadataSnapshot};
use crate::metrics::purgatory::Purgatory;

/// Waits in `purgatory` until `holds` is true of the metadata cache, at most `timeout_ms`; returns whether it
/// is. A timeout of zero or less does not wait: Kafka then answers REQUEST_TIMED_OUT whatever the cache
/// holds.
pub(super) async fn wait_for(
    cache: &MetadataCache,
    purgatory: &Purgatory,
    timeout_ms: i32,
    holds: impl Fn(&MetadataSnapshot) -> bool,
) -> bool {
    let Ok(timeout @ 1..) = u64::try_from(timeout_ms) else { return false };
    let deadline = Instant::now() + Duration::from_millis(timeout);
    let mut changes = cache.changes();
    let _delayed = purgatory.delay(1);
    loop {
        changes.mark_unchanged();
        if holds(&cache.snapshot()) {
            return true;
        }
        match tokio::time::timeout_at(deadline, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return false,
        }
    }
}

/// Whether the first `partitions` partitions of a topic have leaders.
pub(super) fn has_leaders(metadata: &MetadataSnapshot, topic: &str, partitions: usize) -> bool {
    metadata.topic(topic).is_some_and(|topic| {
        topic.len() >= partitions
            && topic.values().all(|partition| partition.leadership.leader != LeaderAndIsr::NO_LEADER)
    })
}
