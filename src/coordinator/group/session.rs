//! Sessions: a member that shows no sign of life in time is given up.
//!
//! Pure. A heartbeat moves one deadline. The timer stays where it is and is set again when it fires, so that ten
//! thousand groups cost a timer a session timeout and member, not one a heartbeat. Kafka:
//! `GroupCoordinator.handleHeartbeat`, `DelayedHeartbeat`.

use std::sync::Arc;

use super::machine::GroupTimer;
use super::member::MemberSession;
use super::metadata::{GroupMetadata, GroupState};
use super::request::MemberClaim;
use super::step::GroupStep;
use crate::base::Millis;
use crate::wire::error_code::ErrorCode;

/// A member that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHeartbeat {
    /// The group.
    pub group: Arc<str>,
    /// The member.
    pub claim: MemberClaim,
}

impl GroupMetadata {
    /// A member is alive; whether it may go on.
    #[doc(alias = "DelayedHeartbeat")]
    pub(super) fn heartbeat(&mut self, claim: &MemberClaim, step: &mut GroupStep<'_>) -> ErrorCode {
        let MemberClaim { member, instance, generation } = claim;
        if self.is_static_member_fenced(member, instance.as_deref(), "heartbeat", step) {
            return ErrorCode::FencedInstanceId;
        }
        if !self.members.contains(member) {
            return ErrorCode::UnknownMemberId;
        }
        if *generation != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        match self.state() {
            GroupState::Empty | GroupState::Dead => ErrorCode::UnknownMemberId,
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.expect_heartbeat(member, step);
                ErrorCode::None
            }
            GroupState::PreparingRebalance => {
                self.expect_heartbeat(member, step);
                ErrorCode::RebalanceInProgress
            }
        }
    }

    /// A member has shown that it lives; the next sign is expected within its session timeout.
    pub(super) fn expect_heartbeat(&mut self, id: &str, step: &mut GroupStep<'_>) {
        if let Some(member) = self.members.get(id) {
            self.expect_sign(id, member.profile.session_timeout, step);
        }
    }

    /// A member is given up unless it shows within `timeout` that it lives. Nothing is expected of one that waits for
    /// others.
    pub(super) fn expect_sign(&mut self, id: &str, timeout: Millis, step: &mut GroupStep<'_>) {
        let group = self.id().clone();
        let Some(member) = self.members.get_mut(id) else { return };
        if member.waits_for_others() {
            member.session.deadline = None;
            return;
        }
        let deadline = step.now.saturating_add(timeout);
        member.session.deadline = Some(deadline);
        if member.session.fires.is_none_or(|fires| fires > deadline) {
            member.session.fires = Some(deadline);
            step.schedule(GroupTimer::Session(group, member.id.clone()), timeout);
        }
    }

    /// Nothing is expected of a member from now on.
    pub(super) fn forget_session(&mut self, id: &str, step: &mut GroupStep<'_>) {
        let group = self.id().clone();
        if let Some(member) = self.members.get_mut(id)
            && std::mem::take(&mut member.session).fires.is_some()
        {
            step.cancel(GroupTimer::Session(group, member.id.clone()));
        }
    }

    /// The timer of a session has fired.
    pub(super) fn session_timer_fired(&mut self, id: &Arc<str>, step: &mut GroupStep<'_>) {
        let group = self.id().clone();
        let Some(member) = self.members.get_mut(id) else { return };
        member.session.fires = None;
        let Some(deadline) = member.session.deadline else { return };
        if deadline > step.now {
            member.session.fires = Some(deadline);
            step.schedule(GroupTimer::Session(group, id.clone()), deadline - step.now);
            return;
        }
        member.session = MemberSession::default();
        if member.waits_for_others() {
            return;
        }
        step.info(format!("Member {id} in group {group} has failed, removing it from the group"));
        self.remove_member(id, &format!("removing member {id} on heartbeat expiration"), step);
    }

    /// A member id that was given out has not been used in time.
    pub(super) fn pending_timer_fired(&mut self, id: &Arc<str>, step: &mut GroupStep<'_>) {
        if self.pending.remove(id) {
            step.info(format!(
                "Pending member {id} in group {} has been removed after session timeout expiration.",
                self.id()
            ));
            self.try_complete_join(step);
        }
    }
}
