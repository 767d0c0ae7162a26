//! The end of a rebalance: the assignment becomes what the consumer is to carry out. And what commits mean for the
//! member.
//!
//! Pure. Kafka: `ConsumerCoordinator.onJoinComplete`, `ConsumerCoordinator.sendOffsetCommitRequest`.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::state::PendingEvent;
use super::{MemberGeneration, MemberState, Membership, RebalanceEvent, ReceivedAssignment};
use crate::base::{Millis, TopicPartition};
use crate::client::consumer::coordinator::assignor::RebalanceProtocol;
use crate::client::consumer::coordinator::error::GroupError;
use crate::client::consumer::coordinator::protocol::read_assignment;
use crate::client::error::ClientError;
use crate::client::offsets::ConsumerGroupMetadata;
use crate::wire::error_code::ErrorCode;

impl Membership {
    /// The member has received its assignment.
    pub(super) fn complete(&mut self, assignment: &Bytes) {
        let Some(at) = self.assignor() else { return self.unknown_assignor() };
        self.group_metadata = ConsumerGroupMetadata {
            group_id: self.settings.group_id.clone(),
            generation_id: self.generation.id,
            member_id: self.generation.member_id.clone(),
            group_instance_id: self.settings.group_instance_id.clone(),
        };
        let assignment = match read_assignment(assignment) {
            Ok(assignment) => assignment,
            Err(error) => return self.abandon(GroupError::BadAssignment(error.to_string())),
        };
        let all: BTreeSet<TopicPartition> = assignment.partitions.iter().cloned().collect();
        self.needs_prepare = true;
        if !all.iter().all(|partition| self.subscription.contains(&partition.topic)) {
            // The subscription has changed since the member joined.
            self.rejoin_needed = true;
            return;
        }
        let revoked: BTreeSet<_> = self.owned.difference(&all).cloned().collect();
        if self.protocol == Some(RebalanceProtocol::Cooperative) && !revoked.is_empty() {
            self.events.push_back(PendingEvent::new(RebalanceEvent::Revoke(revoked)));
            self.rejoin_needed = true;
        }
        let added = all.difference(&self.owned).cloned().collect();
        self.events.push_back(PendingEvent::new(RebalanceEvent::Assign { added, all }));
        self.assignors[at].on_assignment(&assignment, &self.group_metadata);
        self.received[at] = Some(ReceivedAssignment { assignment, generation_id: self.generation.id });
    }

    /// The consumer has carried out what [`Membership::next_event`] gave, and has these partitions now.
    pub fn event_done(&mut self, now: Millis, owned: BTreeSet<TopicPartition>) {
        self.owned = owned;
        if self.events.front().is_some_and(|pending| pending.is_taken) {
            self.events.pop_front();
        }
        self.advance(now);
    }

    /// In which generation a commit of the consumer is sent: that of the member where the consumer is subscribed, else
    /// none.
    ///
    /// # Errors
    /// The consumer is subscribed and has no assignment at present.
    pub fn commit_generation(&self) -> Result<MemberGeneration, GroupError> {
        if self.subscription.is_empty() {
            return Ok(MemberGeneration::NONE);
        }
        match self.state {
            MemberState::Stable => Ok(self.generation.clone()),
            state if state.is_rebalancing() => Err(GroupError::RebalanceInProgress(REBALANCING)),
            _ => Err(GroupError::CommitFailed(NO_MEMBER)),
        }
    }

    /// The coordinator has refused a commit because of the member. What that means for the commit; the member joins
    /// anew where it is no longer one.
    pub fn commit_refused(&mut self, now: Millis, sent: &MemberGeneration, error: ErrorCode) -> ClientError {
        let is_current = *sent == self.generation;
        let is_stale = !is_current && self.state == MemberState::PreparingRebalance;
        let refused = match error {
            ErrorCode::RebalanceInProgress => {
                self.rejoin_needed = true;
                GroupError::RebalanceInProgress(GROUP_REBALANCING)
            }
            ErrorCode::FencedInstanceId if is_current => {
                return ClientError::Refused { error, message: error.message().to_owned() };
            }
            ErrorCode::FencedInstanceId if is_stale => GroupError::RebalanceInProgress(FENCED),
            ErrorCode::FencedInstanceId => GroupError::CommitFailed(MOVED),
            _ if is_stale => GroupError::RebalanceInProgress(STALE),
            _ => {
                self.reset_generation();
                GroupError::CommitFailed(MOVED)
            }
        };
        self.advance(now);
        ClientError::Group(refused)
    }
}

const REBALANCING: &str = "Offset commit cannot be completed since the consumer is undergoing a rebalance for auto \
    partition assignment. You can try completing the rebalance by calling poll() and then retry the operation.";
const NO_MEMBER: &str = "Offset commit cannot be completed since the consumer is not part of an active group for auto \
    partition assignment; it is likely that the consumer was kicked out of the group.";
const GROUP_REBALANCING: &str = "Offset commit cannot be completed since the consumer group is executing a rebalance \
    at the moment. You can try completing the rebalance by calling poll() and then retry commit again";
const STALE: &str = "Offset commit cannot be completed since the consumer member's generation is already stale, \
    meaning it has already participated another rebalance and got a new generation. You can try completing the rebalance by \
    calling poll() and then retry commit again";
const FENCED: &str = "Offset commit cannot be completed since the consumer member's old generation is fenced by its \
    group instance id, it is possible that this consumer has already participated another rebalance and got a new \
    generation";
const MOVED: &str = "Commit cannot be completed since the group has already rebalanced and assigned the partitions to \
    another member. This means that the time between subsequent calls to poll() was longer than the configured \
    max.poll.interval.ms, which typically implies that the poll loop is spending too much time message processing. You \
    can address this either by increasing max.poll.interval.ms or by reducing the maximum size of batches returned in \
    poll() with max.poll.records.";
