//! The preferred read replica (KIP-392): a leader sends a consumer to a follower that is nearer to it.
//!
//! Only where `replica.selector.class` is set. [`rack_aware`] decides. Kafka:
//! `ReplicaManager.findPreferredReadReplica`.

pub mod rack_aware;

use self::rack_aware::{RACK_AWARE, ReplicaView, select};

use super::fetch::{FetchOutcome, FetchParams, PartitionFetch};
use super::machine::ReadFrom;
use super::{Partition, ReplicaManager};
use crate::base::{BrokerId, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// Where a consumer is (Kafka's `ClientMetadata`).
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// Its rack; empty if it has none.
    pub rack: &'a str,
    /// The listener it came in by, by which it would reach other brokers, too.
    pub listener: &'a str,
}

impl ReplicaManager {
    /// Whether a consumer may be sent to another replica.
    pub(super) fn selects_replicas(&self, from: &Location<'_>, params: &FetchParams) -> bool {
        self.config.replica_selector_class.as_deref() == Some(RACK_AWARE)
            && !from.rack.is_empty()
            && params.replica_id < 0
            && params.read_from == ReadFrom::AnyReplica
    }

    /// The outcome that names the preferred replica; None if the leader serves the consumer itself.
    pub(super) fn preferred_replica(
        &self,
        from: Location<'_>,
        id: &TopicPartition,
        wanted: &PartitionFetch,
    ) -> Option<FetchOutcome> {
        let partition = self.partition(id).ok()?;
        let log = partition.readable(wanted.current_leader_epoch, ReadFrom::Leader).ok()?;
        let replica = self.find_preferred_replica(from, &partition, wanted.offset)?;
        let marks = log.snapshot();
        Some(FetchOutcome {
            high_watermark: marks.high_watermark.offset,
            last_stable_offset: marks.last_stable.offset,
            log_start_offset: marks.log_start_offset,
            preferred_read_replica: Some(replica),
            ..FetchOutcome::refused(ErrorCode::None)
        })
    }

    fn find_preferred_replica(
        &self,
        from: Location<'_>,
        partition: &Partition,
        offset: Offset,
    ) -> Option<BrokerId> {
        let followers = partition.followers()?;
        let (metadata, now) = (self.metadata.snapshot(), self.clock.now());
        let reachable =
            |id: BrokerId| metadata.live_broker(id).filter(|broker| broker.endpoint(from.listener).is_some());
        let replicas = followers.iter().filter_map(|(id, follower)| {
            let rack = reachable(*id)?.rack.clone();
            let log_end = follower.log_end?.offset;
            let behind = now - follower.caught_up;
            Some(ReplicaView { broker: *id, rack, log_start: follower.log_start, log_end, behind })
        });
        let leader_rack = reachable(self.broker_id).and_then(|broker| broker.rack.as_deref());
        select(from.rack, leader_rack, offset, &replicas.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests;
