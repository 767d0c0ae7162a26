//! The way into a generation: partitions are given up, JoinGroup, the leader's assignment, SyncGroup.
//!
//! Pure. Kafka: `AbstractCoordinator.joinGroupIfNeeded`, `ConsumerCoordinator.onJoinPrepare`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::state::PendingEvent;
use super::{CoordinatorLookup, MemberState, Membership, MembershipAction, RebalanceEvent};
use crate::base::Millis;
use crate::client::consumer::coordinator::assignor::{
    ConsumerPartitionAssignor, ConsumerSubscription, RebalanceProtocol, ReceivedAssignment,
};
use crate::client::consumer::coordinator::error::GroupError;
use crate::client::consumer::coordinator::protocol::{PROTOCOL_TYPE, write_subscription};
use crate::client::consumer::coordinator::settings::wire_millis;
use crate::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use crate::wire::message::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

impl Membership {
    /// Joins where that is needed and nothing stands in the way.
    pub(super) fn join(&mut self, now: Millis) {
        let is_ready = self.coordinator == CoordinatorLookup::Known
            && self.events.is_empty()
            && !self.is_joining
            && self.heartbeat.is_polled(now)
            && now >= self.retry_at;
        if !is_ready || !self.is_rejoin_needed() {
            return;
        }
        let Some(protocol) = self.protocol else { return self.fail_group(GroupError::NoAssignor) };
        if self.needs_prepare {
            self.needs_prepare = false;
            if let Some(event) = self.preparation(protocol) {
                self.events.push_back(PendingEvent::new(event));
                return;
            }
        }
        self.send_join();
    }

    /// What the consumer is to carry out before the member joins.
    fn preparation(&self, protocol: RebalanceProtocol) -> Option<RebalanceEvent> {
        if self.generation.is_none() {
            return (!self.owned.is_empty()).then(|| RebalanceEvent::Lost(self.owned.clone()));
        }
        if protocol == RebalanceProtocol::Eager {
            return Some(RebalanceEvent::Revoke(self.owned.clone()));
        }
        let unsubscribed = self.owned.iter().filter(|it| !self.subscription.contains(&it.topic));
        let unsubscribed: BTreeSet<_> = unsubscribed.cloned().collect();
        (!unsubscribed.is_empty()).then_some(RebalanceEvent::Revoke(unsubscribed))
    }

    /// A member that is no longer one has lost what it had; its consumer knows at once, not only when the coordinator
    /// is found again.
    pub(super) fn announce_lost(&mut self) {
        let has_lost = self.generation.is_none() && self.needs_prepare && !self.owned.is_empty();
        if has_lost && self.events.is_empty() {
            self.needs_prepare = false;
            self.events.push_back(PendingEvent::new(RebalanceEvent::Lost(self.owned.clone())));
        }
    }

    fn send_join(&mut self) {
        self.state = MemberState::PreparingRebalance;
        self.joined_subscription = Some(self.subscription.clone());
        self.is_subscription_new = false;
        self.assigned_counts = None;
        self.attempt += 1;
        self.is_joining = true;
        let request = JoinGroupRequest {
            group_id: self.settings.group_id.clone(),
            session_timeout_ms: wire_millis(self.settings.session_timeout),
            rebalance_timeout_ms: wire_millis(self.settings.max_poll_interval),
            member_id: self.generation.member_id.clone(),
            group_instance_id: self.settings.group_instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocols: self.protocols(),
        };
        self.actions.push(MembershipAction::Join(self.attempt, request));
    }

    /// The assignors, each with this member's subscription.
    fn protocols(&self) -> Vec<JoinGroupRequestProtocol> {
        let protocol =
            |(assignor, last): (&Arc<dyn ConsumerPartitionAssignor>, &Option<ReceivedAssignment>)| {
                let subscription = ConsumerSubscription {
                    topics: self.subscription.iter().cloned().collect(),
                    user_data: assignor.subscription_user_data(&self.subscription, last.as_ref()),
                    owned_partitions: self.owned.iter().cloned().collect(),
                    group_instance_id: None,
                };
                JoinGroupRequestProtocol {
                    name: assignor.name().to_owned(),
                    metadata: write_subscription(&subscription),
                }
            };
        self.assignors.iter().zip(&self.received).map(protocol).collect()
    }

    pub(super) fn send_sync(&mut self, assignments: Vec<SyncGroupRequestAssignment>) {
        let request = SyncGroupRequest {
            group_id: self.settings.group_id.clone(),
            generation_id: self.generation.id,
            member_id: self.generation.member_id.clone(),
            group_instance_id: self.settings.group_instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: self.generation.protocol.clone(),
            assignments,
        };
        self.actions.push(MembershipAction::Sync(self.attempt, request));
    }

    /// The attempt to join is over without success; the next one begins at once.
    pub(super) fn join_again(&mut self) {
        self.is_joining = false;
        self.rejoin_needed = true;
        self.failed_rebalances += 1;
    }

    /// The attempt to join is over without success; the next one begins after a backoff.
    pub(super) fn join_later(&mut self, now: Millis) {
        self.join_again();
        self.retry_at = now.saturating_add(self.retry_backoff);
    }

    /// The assignment of a generation that has begun.
    pub(super) fn synced(&mut self, now: Millis, assignment: &Bytes) {
        self.is_joining = false;
        // Partitions may have been added while the assignment was made.
        self.rejoin_needed = self.is_assignment_outdated();
        self.state = MemberState::Stable;
        self.rebalances += 1;
        self.heartbeat.answered(now);
        self.complete(assignment);
    }
}
