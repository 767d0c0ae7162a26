//! The coordinator of groups as a machine: what happens goes to the group that it is about.
//!
//! Pure.

use std::sync::Arc;

use super::GroupCoordinator;
use super::append::{GroupAppend, error_of_group_append};
use super::describe::GroupSummary;
use super::effect::{GroupEffect, GroupLogger, LineLevel};
use super::fetch;
use super::join::{GroupJoin, JoinGroupResult};
use super::leave::GroupLeave;
use super::metadata::{GroupMetadata, GroupRef, GroupState};
use super::request::{GroupEvent, GroupId, GroupRequest, GroupResponse, OffsetsCommit};
use super::step::GroupStep;
use super::sync::SyncGroupResult;
use crate::base::Millis;
use crate::coordinator::machine::{Actions, CoordinatorMachine, Replayed, RequestId};
use crate::wire::error_code::ErrorCode;

/// A deadline of a group or a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupTimer {
    /// What is kept is looked through for what has expired.
    Expiration,
    /// The rebalance of a group has waited long enough.
    Rebalance(Arc<str>),
    /// A member of a group has been silent for long.
    Session(Arc<str>, Arc<str>),
    /// A member id that a group has given out has not been used.
    Pending(Arc<str>, Arc<str>),
}

impl CoordinatorMachine for GroupCoordinator {
    type Request = GroupRequest;
    type Response = GroupResponse;
    type Event = GroupEvent;
    type Timer = GroupTimer;
    type Append = GroupAppend;
    type Effect = GroupEffect;

    fn replay(&mut self, replayed: Replayed) {
        self.loaded.replay(replayed);
    }

    fn on_loaded(&mut self, now: Millis, actions: &mut Actions<Self>) {
        self.loaded(now, actions);
        self.report(actions);
    }

    fn on_request(&mut self, id: RequestId, request: GroupRequest, now: Millis, actions: &mut Actions<Self>) {
        self.request(id, request, now, actions);
        self.report(actions);
    }

    fn on_appended(
        &mut self,
        then: GroupAppend,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        self.appended(then, outcome, now, actions);
        self.report(actions);
    }

    fn on_timer(&mut self, timer: GroupTimer, now: Millis, actions: &mut Actions<Self>) {
        match timer {
            GroupTimer::Expiration => {
                self.expire(now, actions);
                actions.schedule(GroupTimer::Expiration, now + self.settings.retention_check_interval);
            }
            GroupTimer::Rebalance(group) => {
                self.with_group(&group, now, actions, GroupMetadata::rebalance_expired);
            }
            GroupTimer::Session(group, member) => {
                self.with_group(&group, now, actions, |it, step| it.session_timer_fired(&member, step));
            }
            GroupTimer::Pending(group, member) => {
                self.with_group(&group, now, actions, |it, step| it.pending_timer_fired(&member, step));
            }
        }
        self.report(actions);
    }

    fn on_event(&mut self, event: GroupEvent, now: Millis, actions: &mut Actions<Self>) {
        match event {
            GroupEvent::TransactionCompleted { producer, result } => {
                self.transaction_completed(producer, result, now, actions);
            }
            GroupEvent::PartitionsDeleted(partitions) => self.partitions_deleted(&partitions, now, actions),
        }
        self.report(actions);
    }

    fn on_unloaded(mut self, actions: &mut Actions<Self>) {
        for id in self.ids() {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let line = format!("Unloading group metadata for {id} with generation {}", group.generation);
            actions.effect(GroupEffect::Log(GroupLogger::Coordinator, LineLevel::Info, line));
            for member in group.members.ids() {
                if let Some(request) = group.members.take_joining(&member) {
                    let refused = JoinGroupResult::refused(member.clone(), ErrorCode::NotCoordinator);
                    actions.respond(request, GroupResponse::Join(refused));
                }
                let syncing = group.members.get_mut(&member).and_then(|member| member.syncing.take());
                if let Some(request) = syncing {
                    let refused = SyncGroupResult::refused(ErrorCode::NotCoordinator);
                    actions.respond(request, GroupResponse::Sync(refused));
                }
            }
        }
        actions.effect(GroupEffect::Counts(super::counts::GroupCounts::default()));
    }
}

impl GroupCoordinator {
    fn request(&mut self, id: RequestId, request: GroupRequest, now: Millis, actions: &mut Actions<Self>) {
        match request {
            GroupRequest::Join(join) => self.join(id, join, now, actions),
            GroupRequest::Sync(sync) => {
                let group = sync.group.clone();
                if self.with_group(&group, now, actions, |it, step| it.sync(id, sync, step)).is_none() {
                    let refused = SyncGroupResult::refused(ErrorCode::UnknownMemberId);
                    actions.respond(id, GroupResponse::Sync(refused));
                }
            }
            GroupRequest::Heartbeat(beat) => {
                let error =
                    self.with_group(&beat.group, now, actions, |it, step| it.heartbeat(&beat.claim, step));
                actions.respond(id, GroupResponse::Heartbeat(error.unwrap_or(ErrorCode::UnknownMemberId)));
            }
            GroupRequest::Leave(leave) => self.leave(id, &leave, now, actions),
            GroupRequest::Commit(commit) => self.commit(id, commit, now, actions),
            GroupRequest::Fetch(fetch) => {
                let offsets = match self.groups.get(&fetch.group) {
                    Some(group) => group.fetch_offsets(fetch),
                    None => fetch::of_no_group(fetch),
                };
                actions.respond(id, GroupResponse::Fetch(offsets));
            }
            GroupRequest::DeleteOffsets(delete) => self.delete_offsets(id, &delete, now, actions),
            GroupRequest::Describe(GroupId { group }) => {
                let summary = self.groups.get(&group).map_or_else(GroupSummary::dead, GroupMetadata::summary);
                actions.respond(id, GroupResponse::Describe(summary));
            }
            GroupRequest::List(states) => {
                let is_listed = |state: GroupState| states.is_empty() || states.contains(&state);
                let listed = self.groups.values().filter(|group| is_listed(group.state()));
                actions.respond(id, GroupResponse::List(listed.map(GroupMetadata::overview).collect()));
            }
            GroupRequest::Delete(GroupId { group }) => self.delete_group(id, &group, now, actions),
        }
    }

    fn join(&mut self, id: RequestId, join: GroupJoin, now: Millis, actions: &mut Actions<Self>) {
        let refuse = |error, actions: &mut Actions<Self>| {
            let refused = JoinGroupResult::refused(join.member.clone(), error);
            actions.respond(id, GroupResponse::Join(refused));
        };
        let sessions = self.settings.min_session_timeout..=self.settings.max_session_timeout;
        let group = join.group.clone();
        if !sessions.contains(&join.profile.session_timeout) {
            refuse(ErrorCode::InvalidSessionTimeout, actions);
        } else if join.member.is_empty() {
            self.with_new_group(&group, now, actions, |it, step| it.join(id, join, step));
        } else if self.groups.contains_key(&group) {
            self.with_group(&group, now, actions, |it, step| it.join(id, join, step));
        } else {
            refuse(ErrorCode::UnknownMemberId, actions);
        }
    }

    fn leave(&mut self, id: RequestId, leave: &GroupLeave, now: Millis, actions: &mut Actions<Self>) {
        let left = self.with_group(&leave.group, now, actions, |group, step| {
            leave.members.iter().map(|member| group.leave(member, step)).collect()
        });
        let unknown = || vec![ErrorCode::UnknownMemberId; leave.members.len()];
        actions.respond(id, GroupResponse::Leave(left.unwrap_or_else(unknown)));
    }

    fn commit(&mut self, id: RequestId, commit: OffsetsCommit, now: Millis, actions: &mut Actions<Self>) {
        let group = commit.group.clone();
        // A group that is not there has no generation: only consumers that assign themselves their partitions commit to
        // it.
        if commit.producer.is_none() && commit.claim.generation >= 0 && !self.groups.contains_key(&group) {
            let errors = vec![ErrorCode::IllegalGeneration; commit.offsets.len()];
            actions.respond(id, GroupResponse::Commit(errors));
            return;
        }
        if let Some(producer) = commit.producer {
            self.open_transactions.entry(producer.id).or_default().insert(group.clone());
        }
        let producer = commit.producer;
        self.with_new_group(&group, now, actions, |it, step| it.commit(id, commit, step));
        if let Some(producer) = producer {
            self.forget_closed_transaction(producer.id, &group);
        }
    }

    fn appended(
        &mut self,
        then: GroupAppend,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        match then {
            GroupAppend::Assigned(group, stored) => {
                self.group_stored(&group, outcome, now, actions, |it, outcome, step| {
                    it.assignment_stored(stored, outcome, step);
                })
            }
            GroupAppend::Replaced(group, replacement) => {
                self.group_stored(&group, outcome, now, actions, |it, outcome, step| {
                    it.replaced(*replacement, outcome, step);
                });
            }
            GroupAppend::Emptied(group) => {
                self.group_stored(&group, outcome, now, actions, |it, outcome, step| {
                    if let Err(error) = outcome {
                        step.warn(format!(
                            "Failed to write empty metadata for group {}: {}",
                            it.id(),
                            error.message()
                        ));
                    }
                })
            }
            GroupAppend::Committed(group, staged) => {
                self.commit_stored(&group, staged, outcome, now, actions)
            }
            GroupAppend::Deleted => {}
        }
    }

    /// The record of a group is in the log, or is not certain to be: `go_on`, where the group is still there.
    fn group_stored(
        &mut self,
        group: &GroupRef,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
        go_on: impl FnOnce(&mut GroupMetadata, Result<(), ErrorCode>, &mut GroupStep<'_>),
    ) {
        self.with_group(&group.id, now, actions, |found, step| {
            if found.this() == *group {
                let outcome = error_of_group_append(found, outcome, step);
                go_on(found, outcome, step);
            }
        });
    }
}
