//! SyncGroup: the leader brings the assignment of the generation, each member takes its own.
//!
//! Pure. Kafka: `GroupCoordinator.handleSyncGroup`, `propagateAssignment`.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::append::{GroupAppend, StoredAssignment};
use super::effect::GroupMeter;
use super::metadata::{GroupMetadata, GroupState};
use super::request::{GroupResponse, MemberClaim};
use super::step::GroupStep;
use crate::coordinator::machine::RequestId;
use crate::wire::error_code::ErrorCode;

/// A member that asks for its assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSync {
    /// The group.
    pub group: Arc<str>,
    /// The member that asks.
    pub claim: MemberClaim,
    /// The kind of group that it takes this one for, where the version has it.
    pub protocol_type: Option<Arc<str>>,
    /// The protocol that it takes the group to use, where the version has it.
    pub protocol_name: Option<Arc<str>>,
    /// What each member is assigned; from the leader.
    pub assignments: HashMap<Arc<str>, Bytes>,
}

/// What a member is assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncGroupResult {
    /// What went wrong.
    pub error: ErrorCode,
    /// The kind of group.
    pub protocol_type: Option<Arc<str>>,
    /// The protocol that the generation uses.
    pub protocol_name: Option<Arc<str>>,
    /// The assignment, in the protocol's own layout.
    pub assignment: Bytes,
}

impl SyncGroupResult {
    /// There is no assignment.
    pub fn refused(error: ErrorCode) -> Self {
        Self { error, ..Self::default() }
    }
}

impl GroupMetadata {
    /// A member asks for its assignment.
    pub(super) fn sync(&mut self, request: RequestId, sync: GroupSync, step: &mut GroupStep<'_>) {
        if let Err(error) = self.check_sync(&sync, step) {
            step.respond(request, GroupResponse::Sync(SyncGroupResult::refused(error)));
            return;
        }
        let id = sync.claim.member;
        if self.is(GroupState::Stable) {
            let assignment = self.members.get(&id).map(|member| member.assignment.clone());
            let result = self.assigned(assignment.unwrap_or_default());
            step.respond(request, GroupResponse::Sync(result));
            self.expect_heartbeat(&id, step);
            return;
        }
        if let Some(member) = self.members.get_mut(&id)
            && let Some(before) = member.syncing.replace(request)
        {
            // The client has given up on it; Kafka never answers it.
            let refused = SyncGroupResult::refused(ErrorCode::RebalanceInProgress);
            step.respond(before, GroupResponse::Sync(refused));
        }
        if self.members.is_leader(&id) {
            self.store_assignment(id, sync.assignments, step);
        }
    }

    /// # Errors
    /// Why there is no assignment for the member, nor will be.
    fn check_sync(&self, sync: &GroupSync, step: &mut GroupStep<'_>) -> Result<(), ErrorCode> {
        let MemberClaim { member, instance, generation } = &sync.claim;
        let differs = |asked: &Option<Arc<str>>, used: &Option<Arc<str>>| asked.is_some() && asked != used;
        if self.is_static_member_fenced(member, instance.as_deref(), "sync-group", step) {
            Err(ErrorCode::FencedInstanceId)
        } else if !self.members.contains(member) {
            Err(ErrorCode::UnknownMemberId)
        } else if *generation != self.generation {
            Err(ErrorCode::IllegalGeneration)
        } else if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol_name, &self.protocol_name)
        {
            Err(ErrorCode::InconsistentGroupProtocol)
        } else {
            match self.state() {
                GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
                GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
                GroupState::Empty | GroupState::Dead => Err(ErrorCode::UnknownMemberId),
            }
        }
    }

    fn store_assignment(
        &mut self,
        leader: Arc<str>,
        mut assignments: HashMap<Arc<str>, Bytes>,
        step: &mut GroupStep<'_>,
    ) {
        step.info(format!(
            "Assignment received from leader for group {} for generation {}",
            self.id(),
            self.generation
        ));
        let missing = self.members.ids_of(|member| !assignments.contains_key(&member.id));
        if !missing.is_empty() {
            step.warn(format!(
                "Setting empty assignments for members Set({}) of {} for generation {}",
                missing.join(", "),
                self.id(),
                self.generation
            ));
            assignments.extend(missing.into_iter().map(|id| (id, Bytes::new())));
        }
        let record = self.record(step, |member| assignments.get(&member.id).cloned().unwrap_or_default());
        let stored = StoredAssignment { generation: self.generation, leader, assignments };
        step.append(vec![record], GroupAppend::Assigned(self.this(), stored));
        step.count(GroupMeter::CompletedRebalances, 1);
    }

    /// The assignment of a generation is in the log, or is not certain to be.
    pub(super) fn assignment_stored(
        &mut self,
        mut stored: StoredAssignment,
        outcome: Result<(), ErrorCode>,
        step: &mut GroupStep<'_>,
    ) {
        // Another member may have joined meanwhile.
        if !self.is(GroupState::CompletingRebalance) || stored.generation != self.generation {
            return;
        }
        match outcome {
            Ok(()) => {
                for id in self.members.ids() {
                    let assignment = stored.assignments.remove(&id).unwrap_or_default();
                    if let Some(member) = self.members.get_mut(&id) {
                        member.assignment = assignment;
                    }
                }
                self.propagate_assignment(ErrorCode::None, step);
                self.transition_to(GroupState::Stable, step.now);
            }
            Err(error) => {
                self.reset_assignment(error, step);
                let reason = format!(
                    "error when storing group assignment during SyncGroup (member: {})",
                    stored.leader
                );
                self.maybe_prepare_rebalance(&reason, step);
            }
        }
    }

    /// Takes all assignments back; a member that waits for one is answered the error.
    pub(super) fn reset_assignment(&mut self, error: ErrorCode, step: &mut GroupStep<'_>) {
        for id in self.members.ids() {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = Bytes::new();
            }
        }
        self.propagate_assignment(error, step);
    }

    fn propagate_assignment(&mut self, error: ErrorCode, step: &mut GroupStep<'_>) {
        for id in self.members.ids() {
            let Some(member) = self.members.get(&id) else { continue };
            if member.assignment.is_empty() && error == ErrorCode::None {
                step.warn(format!(
                    "Sending empty assignment to member {id} of {} for generation {} with no errors",
                    self.id(),
                    self.generation
                ));
            }
            let result = match error {
                ErrorCode::None => self.assigned(member.assignment.clone()),
                error => SyncGroupResult::refused(error),
            };
            if self.respond_sync(&id, result, step) {
                // Its session may have ended unseen while it waited.
                self.expect_heartbeat(&id, step);
            }
        }
    }

    /// Answers a SyncGroup request that waits; whether there was one.
    pub(super) fn respond_sync(
        &mut self,
        member: &str,
        result: SyncGroupResult,
        step: &mut GroupStep<'_>,
    ) -> bool {
        let request = self.members.get_mut(member).and_then(|member| member.syncing.take());
        if let Some(request) = request {
            step.respond(request, GroupResponse::Sync(result));
        }
        request.is_some()
    }

    fn assigned(&self, assignment: Bytes) -> SyncGroupResult {
        SyncGroupResult {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            assignment,
        }
    }
}
