//! Fetching for consumers that may be sent to a replica nearer to them (KIP-392).
//!
//! Only with `replica.selector.class`; decides by [`super::preferred`]. Kafka: `ReplicaManager.findPreferredReadReplica`.

use std::time::Duration;

use super::fetch::{FetchOutcome, FetchParams, FetchPartition};
use super::machine::Role;
use super::preferred::{Candidate, RACK_AWARE, preferred};
use super::{Partition, ReplicaManager};
use crate::base::{BrokerId, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// Where a consumer is.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// Its rack; empty where it does not say.
    pub rack: &'a str,
    /// The listener it came in by, by which it would reach other brokers, too.
    pub listener: &'a str,
}

impl ReplicaManager {
    /// As [`ReplicaManager::fetch`], but partitions that another replica had better serve name that instead, at once.
    pub async fn fetch_near(
        &self,
        from: Location<'_>,
        params: FetchParams,
        partitions: &[(TopicPartition, FetchPartition)],
    ) -> Vec<(TopicPartition, FetchOutcome)> {
        let selects = self.config.replica_selector_class.as_deref() == Some(RACK_AWARE);
        if !selects || from.rack.is_empty() || params.replica_id >= 0 || params.leader_only {
            return self.fetch(params, partitions).await;
        }
        let mut answered = Vec::with_capacity(partitions.len());
        let (mut rest, mut places) = (Vec::new(), Vec::new());
        for (id, wanted) in partitions {
            match self.sent_elsewhere(from, id, wanted) {
                Some(outcome) => answered.push((id.clone(), outcome)),
                None => {
                    places.push(answered.len() + rest.len());
                    rest.push((id.clone(), *wanted));
                }
            }
        }
        let max_wait = if answered.is_empty() { params.max_wait } else { Duration::ZERO };
        let found = self.fetch(FetchParams { max_wait, ..params }, &rest).await;
        for (place, outcome) in places.into_iter().zip(found) {
            answered.insert(place.min(answered.len()), outcome);
        }
        answered
    }

    /// The answer that names another replica.
    fn sent_elsewhere(
        &self,
        from: Location<'_>,
        id: &TopicPartition,
        wanted: &FetchPartition,
    ) -> Option<FetchOutcome> {
        let partition = self.partition(id).ok()?;
        let log = partition.readable(wanted.current_leader_epoch, true).ok()?;
        let replica = self.nearest(from, &partition, wanted.offset)?;
        let marks = log.snapshot();
        Some(FetchOutcome {
            high_watermark: marks.high_watermark.offset,
            last_stable_offset: marks.last_stable.offset,
            log_start_offset: marks.log_start_offset,
            preferred_read_replica: Some(replica),
            ..FetchOutcome::refused(ErrorCode::None)
        })
    }

    fn nearest(&self, from: Location<'_>, partition: &Partition, offset: Offset) -> Option<BrokerId> {
        let (_, Role::Leader { followers, .. }) = partition.standing() else { return None };
        let (metadata, now) = (self.metadata.snapshot(), self.clock.now());
        let reachable =
            |id: BrokerId| metadata.live_broker(id).filter(|broker| broker.endpoint(from.listener).is_some());
        let candidates = followers.iter().filter_map(|(id, follower)| {
            let rack = reachable(*id)?.rack.clone();
            let log = (follower.log_start, follower.log_end?.offset);
            Some(Candidate { broker: *id, rack, log, behind: now - follower.caught_up })
        });
        let leader_rack = reachable(self.broker_id).and_then(|broker| broker.rack.as_deref());
        preferred(from.rack, leader_rack, offset, &candidates.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests;
