//! Static members (KIP-345): a client with a `group.instance.id` keeps its place in the group when it comes back.
//!
//! Pure.

use std::sync::Arc;

use super::append::GroupAppend;
use super::effect::{GroupLogger, LineLevel};
use super::join::{JoinGroupResult, Joiner};
use super::member::SupportedProtocol;
use super::metadata::{GroupMetadata, GroupState};
use super::request::GroupResponse;
use super::step::GroupStep;
use super::sync::SyncGroupResult;
use crate::coordinator::machine::RequestId;
use crate::wire::error_code::ErrorCode;

/// A static member that has come back while the group was stable, until its new id is in the log.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// Its `group.instance.id`.
    pub instance: Arc<str>,
    /// The id that it had.
    pub old: Arc<str>,
    /// The id that it has now.
    pub new: Arc<str>,
    /// What it could use before.
    pub old_protocols: Vec<SupportedProtocol>,
    /// The leader's id before it came back.
    pub old_leader: Option<Arc<str>>,
    /// The JoinGroup request.
    pub request: RequestId,
}

impl GroupMetadata {
    /// The member id of a static member.
    pub(super) fn static_member(&self, instance: Option<&str>) -> Option<&Arc<str>> {
        self.static_members.get(instance?)
    }

    /// Whether another member has taken the place of the one that asks; that is logged.
    pub(super) fn is_static_member_fenced(
        &self,
        member: &str,
        instance: Option<&str>,
        operation: &str,
        step: &mut GroupStep<'_>,
    ) -> bool {
        let Some((instance, expected)) = instance.zip(self.static_member(instance)) else { return false };
        if **expected == *member {
            return false;
        }
        let line = format!(
            "given member.id {member} is identified as a known static member {instance}, but not matching the expected member.id {expected} during {operation}, will respond with instance fenced error"
        );
        step.log(GroupLogger::Metadata, LineLevel::Error, line);
        true
    }

    /// A static member comes back without its member id: it gets a new one and keeps its assignment. The group only
    /// rebalances where it has to.
    pub(super) fn rejoin_static(&mut self, joiner: Joiner, instance: Arc<str>, step: &mut GroupStep<'_>) {
        let Joiner { request, member: new, protocols, .. } = joiner;
        let Some(old) = self.static_member(Some(&instance)).cloned() else { return };
        step.info(format!(
            "Static member {} of group {} with unknown member id rejoins, assigning new member id {new}, while old member id {old} will be removed.",
            super::member::printed_option(Some(&instance)),
            self.id()
        ));
        let old_leader = self.members.leader().cloned();
        self.replace_member_id(&instance, &old, &new, step);
        self.expect_heartbeat(&new, step);
        let old_protocols = self.members.get(&new).map(|it| it.protocols.clone()).unwrap_or_default();
        self.members.update(&new, protocols, Some(request));
        match self.state() {
            GroupState::Stable if self.members.select_protocol() == self.protocol_name => {
                step.info("Static member which joins during Stable stage and doesn't affect selectProtocol will not trigger rebalance.".to_owned());
                let replacement = Replacement { instance, old, new, old_protocols, old_leader, request };
                let record = self.record(step, |member| member.assignment.clone());
                step.append(vec![record], GroupAppend::Replaced(self.this(), Box::new(replacement)));
            }
            GroupState::Stable => self.maybe_prepare_rebalance(
                &format!(
                    "Group's selectedProtocol will change because static member {new} with instance id Some({instance}) joined with change of protocol"
                ),
                step,
            ),
            GroupState::CompletingRebalance => self.prepare_rebalance(
                &format!("Updating metadata for static member {new} with instance id Some({instance})"),
                step,
            ),
            GroupState::Empty | GroupState::Dead | GroupState::PreparingRebalance => {}
        }
    }

    /// The new id of a static member is in the log, or is not certain to be.
    pub(super) fn replaced(
        &mut self,
        replacement: Replacement,
        outcome: Result<(), ErrorCode>,
        step: &mut GroupStep<'_>,
    ) {
        let Replacement { instance, old, new, old_protocols, old_leader, request } = replacement;
        let error = match outcome {
            Ok(()) => ErrorCode::None,
            Err(error) => error,
        };
        // The request may have been answered: another client with this instance id, or a rebalance.
        let waits = self.members.get(&new).is_some_and(|member| member.joining == Some(request));
        if !waits {
            return;
        }
        self.members.take_joining(&new);
        let mut result = JoinGroupResult {
            error,
            member: if error == ErrorCode::None { new.clone() } else { "".into() },
            leader: old_leader.unwrap_or_default(),
            ..self.joined_as_follower()
        };
        result.members.clear();
        step.respond(request, GroupResponse::Join(result));
        if error != ErrorCode::None {
            step.warn(format!("Failed to persist metadata for group {}: {}", self.id(), error.message()));
            self.members.update(&new, old_protocols, None);
            self.replace_member_id(&instance, &new, &old, step);
            self.expect_heartbeat(&old, step);
        }
    }

    /// Gives a static member another id; a request that waits under the old one is fenced.
    fn replace_member_id(
        &mut self,
        instance: &Arc<str>,
        old: &Arc<str>,
        new: &Arc<str>,
        step: &mut GroupStep<'_>,
    ) {
        self.respond_join(old, JoinGroupResult::refused(old.clone(), ErrorCode::FencedInstanceId), step);
        self.respond_sync(old, SyncGroupResult::refused(ErrorCode::FencedInstanceId), step);
        self.forget_session(old, step);
        self.members.rename(old, new);
        self.static_members.insert(instance.clone(), new.clone());
    }
}
