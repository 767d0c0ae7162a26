//! Waiting until every broker may be told of a change to topics or leaders (Kafka's purgatories `topic` and
//! `ElectLeader`): until this broker's own picture shows it, or the time is up.

use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::purgatory::Purgatory;
use crate::replica::{MetadataSnapshot, ReplicaManager};

/// Waits in `purgatory` until `holds` of the picture of the cluster, at most `timeout_ms`; whether it does. No or a negative time is no
/// wait at all: Kafka then answers REQUEST_TIMED_OUT whatever the picture shows.
pub(super) async fn wait_for(
    replicas: &ReplicaManager,
    purgatory: &Purgatory,
    timeout_ms: i32,
    holds: impl Fn(&MetadataSnapshot) -> bool,
) -> bool {
    let Ok(timeout @ 1..) = u64::try_from(timeout_ms) else { return false };
    let deadline = Instant::now() + Duration::from_millis(timeout);
    let mut changes = replicas.metadata_changes();
    let _delayed = purgatory.delay(1);
    loop {
        changes.mark_unchanged();
        if holds(&replicas.metadata()) {
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
            && topic.values().all(|partition| metadata.live_broker(partition.leader).is_some())
    })
}
