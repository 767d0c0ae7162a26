//! A rebalance: it waits for the members to join, gives up those that do not, and begins the next generation.
//!
//! Pure. Kafka: `GroupCoordinator.prepareRebalance`, `onCompleteJoin`, `DelayedJoin`, `InitialDelayedJoin`.

use std::sync::Arc;

use bytes::Bytes;

use super::append::GroupAppend;
use super::effect::{GroupLogger, LineLevel};
use super::join::JoinGroupResult;
use super::machine::GroupTimer;
use super::member::MemberMetadata;
use super::metadata::{GroupMetadata, GroupState};
use super::records;
use super::step::GroupStep;
use crate::base::Millis;
use crate::coordinator::machine::CoordinatorRecord;
use crate::wire::error_code::ErrorCode;

/// What a rebalance waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "DelayedJoin")]
pub(super) enum DelayedRebalance {
    /// The first members of an empty group: for more of them, in turns.
    #[doc(alias = "InitialDelayedJoin")]
    ForFirst {
        /// How long this turn lasts.
        delay: Millis,
        /// How much longer the turns after it may last together.
        remaining: Millis,
    },
    /// All members, up to their rebalance timeout.
    ForAll,
}

impl GroupMetadata {
    /// Begins a rebalance, where the state allows one.
    pub(super) fn maybe_prepare_rebalance(&mut self, reason: &str, step: &mut GroupStep<'_>) {
        if matches!(self.state(), GroupState::Stable | GroupState::CompletingRebalance | GroupState::Empty) {
            self.prepare_rebalance(reason, step);
        }
    }

    /// Begins a rebalance.
    pub(super) fn prepare_rebalance(&mut self, reason: &str, step: &mut GroupStep<'_>) {
        if self.is(GroupState::CompletingRebalance) {
            self.reset_assignment(ErrorCode::RebalanceInProgress, step);
        }
        let timeout = self.members.rebalance_timeout();
        let (rebalance, delay) = if self.is(GroupState::Empty) {
            let delay = step.settings.initial_rebalance_delay;
            (DelayedRebalance::ForFirst { delay, remaining: (timeout - delay).max(0) }, delay)
        } else {
            (DelayedRebalance::ForAll, timeout)
        };
        self.transition_to(GroupState::PreparingRebalance, step.now);
        step.info(format!(
            "Preparing to rebalance group {} in state {} with old generation {} (__consumer_offsets-{}) (reason: {reason})",
            self.id(),
            self.state().name(),
            self.generation,
            step.partition
        ));
        self.wait_for_members(rebalance, delay, step);
        self.try_complete_join(step);
    }

    /// Begins the next generation, where all members have joined.
    pub(super) fn try_complete_join(&mut self, step: &mut GroupStep<'_>) {
        let all_joined = self.members.joining_members() == self.members.len() && self.pending.is_empty();
        if self.rebalance == Some(DelayedRebalance::ForAll) && all_joined {
            self.complete_join(step);
        }
    }

    /// A rebalance has waited long enough.
    pub(super) fn rebalance_expired(&mut self, step: &mut GroupStep<'_>) {
        match self.rebalance {
            Some(DelayedRebalance::ForFirst { delay, remaining })
                if self.new_member_added && remaining != 0 =>
            {
                self.new_member_added = false;
                let next = step.settings.initial_rebalance_delay.min(remaining);
                let remaining = (remaining - delay).max(0);
                self.wait_for_members(DelayedRebalance::ForFirst { delay: next, remaining }, next, step);
            }
            Some(_) => self.complete_join(step),
            None => {}
        }
    }

    fn wait_for_members(&mut self, rebalance: DelayedRebalance, delay: Millis, step: &mut GroupStep<'_>) {
        self.rebalance = Some(rebalance);
        step.schedule(GroupTimer::Rebalance(self.id().clone()), delay);
    }

    fn complete_join(&mut self, step: &mut GroupStep<'_>) {
        self.remove_absent_members(step);
        if !self.has_joined_leader(step) && !self.members.is_empty() {
            // Only static members are left, until their sessions end.
            let line =
                format!("Group {} could not complete rebalance because no members rejoined", self.id());
            step.log(GroupLogger::Coordinator, LineLevel::Error, line);
            let timeout = self.members.rebalance_timeout();
            self.wait_for_members(DelayedRebalance::ForAll, timeout, step);
            return;
        }
        self.rebalance = None;
        step.cancel(GroupTimer::Rebalance(self.id().clone()));
        self.begin_next_generation(step);
        if self.is(GroupState::Empty) {
            step.info(format!(
                "Group {} with generation {} is now empty (__consumer_offsets-{})",
                self.id(),
                self.generation,
                step.partition
            ));
            let record = self.record(step, |_| Bytes::new());
            step.append(vec![record], GroupAppend::Emptied(self.this()));
        } else {
            step.info(format!(
                "Stabilized group {} generation {} (__consumer_offsets-{})",
                self.id(),
                self.generation,
                step.partition
            ));
            self.respond_joins(step);
        }
    }

    /// Gives up the dynamic members that have not joined. Static ones have until their sessions end.
    fn remove_absent_members(&mut self, step: &mut GroupStep<'_>) {
        if self.members.joining_members() == self.members.len() {
            return;
        }
        let absent = self.members.ids_of(|member| member.joining.is_none() && !member.is_static());
        if absent.is_empty() {
            return;
        }
        step.info(format!(
            "Group {} remove dynamic members who haven't joined: Set({})",
            self.id(),
            absent.join(", ")
        ));
        for id in absent {
            self.forget_session(&id, step);
            self.members.remove(&id);
        }
    }

    /// Whether a member that has joined leads; where the leader has not, another one that has is made the leader.
    fn has_joined_leader(&mut self, step: &mut GroupStep<'_>) -> bool {
        let Some(leader) = self.members.leader().and_then(|id| self.members.get(id)) else { return false };
        if leader.joining.is_some() {
            return true;
        }
        let failed = format!(
            "Group leader [member.id: {}, group.instance.id: {}] failed to join before rebalance timeout, ",
            leader.id,
            leader.printed_instance()
        );
        let joined =
            self.members.iter().find(|member| member.joining.is_some()).map(|member| member.id.clone());
        let what_follows = match &joined {
            Some(new) => format!("while new leader {new} was elected."),
            None => "and the group couldn't proceed to next generation because no member joined.".to_owned(),
        };
        step.log(GroupLogger::Metadata, LineLevel::Info, failed + &what_follows);
        let is_elected = joined.is_some();
        if is_elected {
            self.members.set_leader(joined);
        }
        is_elected
    }

    fn begin_next_generation(&mut self, step: &mut GroupStep<'_>) {
        self.generation += 1;
        self.protocol_name = self.members.select_protocol();
        self.refresh_subscribed_topics(step);
        let next = if self.members.is_empty() { GroupState::Empty } else { GroupState::CompletingRebalance };
        self.transition_to(next, step.now);
        self.offsets.begin_generation();
    }

    /// Computes what the members subscribe to; what cannot be read is logged.
    pub(super) fn refresh_subscribed_topics(&mut self, step: &mut GroupStep<'_>) {
        self.subscribed_topics = self.compute_subscribed_topics().unwrap_or_else(|()| {
            let line = format!(
                "Failed to parse Consumer Protocol consumer:{} of group {}. Consumer group coordinator is not aware of the subscribed topics.",
                self.protocol_name.as_deref().unwrap_or_default(),
                self.id()
            );
            step.log(GroupLogger::Metadata, LineLevel::Warn, line);
            None
        });
    }

    /// Answers all that have joined: the leader with all members.
    fn respond_joins(&mut self, step: &mut GroupStep<'_>) {
        for id in self.members.ids() {
            let result = self.joined(&id);
            self.respond_join(&id, result, step);
            self.expect_heartbeat(&id, step);
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
            }
        }
    }

    /// Answers a JoinGroup request that waits.
    pub(super) fn respond_join(&mut self, member: &str, result: JoinGroupResult, step: &mut GroupStep<'_>) {
        if let Some(request) = self.members.take_joining(member) {
            step.respond(request, super::request::GroupResponse::Join(result));
        }
    }

    /// Removes a member; the group rebalances where it has to.
    pub(super) fn remove_member(&mut self, id: &Arc<str>, reason: &str, step: &mut GroupStep<'_>) {
        // A new member may be given up while it waits to join. Its client joins anew, if it lives.
        self.respond_join(id, JoinGroupResult::refused("".into(), ErrorCode::UnknownMemberId), step);
        self.respond_sync(id, super::sync::SyncGroupResult::refused(ErrorCode::UnknownMemberId), step);
        self.forget_session(id, step);
        if let Some(member) = self.members.remove(id)
            && let Some(instance) = member.profile.instance
        {
            self.static_members.remove(&instance);
        }
        match self.state() {
            GroupState::Stable | GroupState::CompletingRebalance => {
                self.maybe_prepare_rebalance(reason, step)
            }
            GroupState::PreparingRebalance => self.try_complete_join(step),
            GroupState::Dead | GroupState::Empty => {}
        }
    }

    /// The record of the group as it is, with the assignment that `assignment` gives each member.
    pub(super) fn record(
        &self,
        step: &GroupStep<'_>,
        assignment: impl Fn(&MemberMetadata) -> Bytes,
    ) -> CoordinatorRecord {
        CoordinatorRecord {
            key: records::group_key(self.id()),
            value: Some(records::group_value(self, assignment, &step.settings.protocol)),
        }
    }
}
