//! LeaveGroup: members go, by their ids or as static members by their names.
//!
//! Pure. Kafka: `GroupCoordinator.handleLeaveGroup`.

use std::sync::Arc;

use super::metadata::GroupMetadata;
use super::step::GroupStep;
use crate::wire::error_code::ErrorCode;

/// A member that leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingMember {
    /// Its id; may be empty where it is named by `instance`.
    pub member: Arc<str>,
    /// Its `group.instance.id`, where it is a static member.
    pub instance: Option<Arc<str>>,
}

/// Members that leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLeave {
    /// The group.
    pub group: Arc<str>,
    /// The members, in the order in which they leave.
    pub members: Vec<LeavingMember>,
}

/// How each member left, in the order of the request.
pub type LeaveGroupResult = Vec<ErrorCode>;

impl GroupMetadata {
    /// A member leaves.
    pub(super) fn leave(&mut self, leaving: &LeavingMember, step: &mut GroupStep<'_>) -> ErrorCode {
        let (id, instance) = (&leaving.member, leaving.instance.as_deref());
        if !id.is_empty() && self.is_static_member_fenced(id, instance, "leave-group", step) {
            return ErrorCode::FencedInstanceId;
        }
        if self.pending.contains(id) && !self.members.contains(id) {
            if instance.is_some() {
                // A static member never gets an id to come back with; Kafka fails at it.
                return ErrorCode::UnknownServerError;
            }
            step.info(format!("Pending member {id} is leaving group {}.", self.id()));
            self.remove_pending(id, step);
            self.try_complete_join(step);
            return ErrorCode::None;
        }
        let named = self.static_member(instance).cloned().unwrap_or_else(|| id.clone());
        let Some(member) = self.members.get(&named) else { return ErrorCode::UnknownMemberId };
        step.info(format!(
            "Member[group.instance.id {}, member.id {named}] in group {} has left, removing it from the group",
            member.printed_instance(),
            self.id()
        ));
        self.remove_member(&named, &format!("removing member {id} on LeaveGroup"), step);
        ErrorCode::None
    }
}
