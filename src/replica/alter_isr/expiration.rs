//! The look for followers that lag: every half `replica.lag.time.max.ms`, over the partitions that this broker leads.
//!
//! Which those are it learns from the stream of role changes, so that partitions that are only followed cost nothing.
//! Kafka: the task `isr-expiration` of `ReplicaManager`, `Partition.maybeShrinkIsr`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::IsrProposals;
use crate::base::{Clock, Millis, TopicPartition};
use crate::replica::role_feed::{NewRole, RoleChanged};

/// The partitions that this broker leads, by the role changes.
#[derive(Debug, Default)]
struct LedPartitions(BTreeSet<TopicPartition>);

impl LedPartitions {
    fn apply(&mut self, RoleChanged { partition, role }: RoleChanged) {
        match role {
            NewRole::Leader(_) => self.0.insert(partition),
            NewRole::Follower { .. } | NewRole::Stopped | NewRole::Deleted | NewRole::Offline => {
                self.0.remove(&partition)
            }
        };
    }
}

/// Proposes ISRs without the followers that lag, every `period` milliseconds, for ever.
pub(super) async fn expire_followers(proposals: &IsrProposals, clock: Clock, period: Millis) {
    let period = Duration::from_millis(u64::try_from(period).unwrap_or(0).max(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut changes = proposals.partitions.roles().subscribe();
    let mut led = LedPartitions::default();
    // Those that were led before the subscription.
    for partition in proposals.partitions.online() {
        if partition.is_leader() {
            led.0.insert(partition.id().clone());
        }
    }
    loop {
        tokio::select! {
            changed = changes.recv() => match changed {
                Some(change) => led.apply(change),
                None => return,
            },
            _ = ticks.tick() => expire(proposals, &led, clock.now()),
        }
    }
}

fn expire(proposals: &IsrProposals, led: &LedPartitions, now: Millis) {
    for id in &led.0 {
        let Ok(partition) = proposals.partitions.partition(id) else { continue };
        if let Some(proposal) = partition.tick(now) {
            proposals.submit(id, proposal);
        }
    }
}

#[cfg(test)]
mod tests;
