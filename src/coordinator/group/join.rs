//! JoinGroup: a member enters the group, or comes back to it.
//!
//! Pure. Kafka: `GroupCoordinator.handleJoinGroup`.

use std::sync::Arc;

use bytes::Bytes;

use super::machine::GroupTimer;
use super::member::{MemberMetadata, MemberProfile, SupportedProtocol};
use super::metadata::{GroupMetadata, GroupState};
use super::request::GroupResponse;
use super::step::GroupStep;
use crate::base::Millis;
use crate::coordinator::machine::RequestId;
use crate::wire::error_code::ErrorCode;

/// How long a new member may wait for the first generation that it is in: its client may be gone, and nothing else
/// would show that.
const NEW_MEMBER_JOIN_TIMEOUT: Millis = 5 * 60 * 1000;

/// How long that may be which a member's id begins with: a UUID and a dash follow, and a text of the protocol has at
/// most `i16::MAX` bytes.
pub const MAX_ID_PREFIX: usize = i16::MAX as usize - 37;

/// A member that joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupJoin {
    /// The group.
    pub group: Arc<str>,
    /// The member's id; empty for none yet.
    pub member: Arc<str>,
    /// The id that it gets, where it is to get one.
    pub new_member: Arc<str>,
    /// Whether it has to come back with that id before it becomes a member.
    pub requires_member_id: bool,
    /// What it is.
    pub profile: MemberProfile,
    /// The kind of group.
    pub protocol_type: Arc<str>,
    /// The protocols that it can use, the best first.
    pub protocols: Vec<SupportedProtocol>,
}

/// A member as the leader gets to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub id: Arc<str>,
    /// Its `group.instance.id`, where it is a static member.
    pub instance: Option<Arc<str>>,
    /// What it sends with the group's protocol.
    pub metadata: Bytes,
}

/// What became of a member that joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinGroupResult {
    /// What went wrong.
    pub error: ErrorCode,
    /// Its id.
    pub member: Arc<str>,
    /// The generation; -1 for none.
    pub generation: i32,
    /// The kind of group.
    pub protocol_type: Option<Arc<str>>,
    /// The protocol that the generation uses.
    pub protocol_name: Option<Arc<str>>,
    /// The id of the member that assigns; empty for none.
    pub leader: Arc<str>,
    /// All members, for the leader.
    pub members: Vec<JoinedMember>,
}

impl JoinGroupResult {
    /// The member is not in the group.
    pub fn refused(member: Arc<str>, error: ErrorCode) -> Self {
        Self { error, member, generation: -1, ..Self::default() }
    }
}

/// A member whose request is looked at.
#[derive(Debug)]
pub(super) struct Joiner {
    /// The request.
    pub request: RequestId,
    /// The id that it has, or gets.
    pub member: Arc<str>,
    /// What it is.
    pub profile: MemberProfile,
    /// The kind of group.
    pub protocol_type: Arc<str>,
    /// What it can use.
    pub protocols: Vec<SupportedProtocol>,
}

impl Joiner {
    fn refuse(&self, member: Arc<str>, error: ErrorCode, step: &mut GroupStep<'_>) {
        step.respond(self.request, GroupResponse::Join(JoinGroupResult::refused(member, error)));
    }
}

impl GroupMetadata {
    /// A member joins.
    pub(super) fn join(&mut self, request: RequestId, join: GroupJoin, step: &mut GroupStep<'_>) {
        let GroupJoin { member, new_member, requires_member_id, profile, protocol_type, protocols, .. } =
            join;
        let unknown = member.is_empty();
        let joiner = Joiner {
            request,
            member: if unknown { new_member } else { member.clone() },
            profile,
            protocol_type,
            protocols,
        };
        if !self.accepts(&member, step.settings.max_size) {
            self.refuse_for_size(&member, &joiner, step);
        } else if !self.supports(&joiner) {
            let known_as = if unknown { "".into() } else { member };
            joiner.refuse(known_as, ErrorCode::InconsistentGroupProtocol, step);
        } else if unknown {
            self.join_unknown(joiner, requires_member_id, step);
        } else {
            self.join_known(joiner, step);
        }
        self.try_complete_join(step);
    }

    /// Whether there is room for the member. A rebalance counts those that have joined, so that the last to come back
    /// are refused where `group.max.size` was made smaller.
    fn accepts(&self, member: &str, max_size: usize) -> bool {
        match self.state() {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                self.members.get(member).is_some_and(|it| it.joining.is_some())
                    || self.members.joining_members() < max_size
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.members.contains(member) || self.members.len() < max_size
            }
        }
    }

    fn refuse_for_size(&mut self, member: &Arc<str>, joiner: &Joiner, step: &mut GroupStep<'_>) {
        if self.members.contains(member) {
            self.forget_session(member, step);
            self.members.remove(member);
        }
        if let Some(instance) = &joiner.profile.instance {
            self.static_members.remove(instance);
        }
        joiner.refuse("".into(), ErrorCode::GroupMaxSizeReached, step);
    }

    /// Whether the member's protocols go with those of the others.
    fn supports(&self, joiner: &Joiner) -> bool {
        let protocols = joiner.protocols.iter().map(|it| &it.name);
        if self.is(GroupState::Empty) {
            !joiner.protocol_type.is_empty() && !joiner.protocols.is_empty()
        } else {
            self.protocol_type.as_ref() == Some(&joiner.protocol_type) && self.members.support_any(protocols)
        }
    }

    fn join_unknown(&mut self, joiner: Joiner, requires_member_id: bool, step: &mut GroupStep<'_>) {
        let known = joiner.profile.instance.clone().filter(|it| self.static_member(Some(it)).is_some());
        if let Some(instance) = known {
            self.rejoin_static(joiner, instance, step);
        } else if requires_member_id {
            let timer = GroupTimer::Pending(self.id().clone(), joiner.member.clone());
            step.schedule(timer, joiner.profile.session_timeout);
            self.pending.insert(joiner.member.clone());
            joiner.refuse(joiner.member.clone(), ErrorCode::MemberIdRequired, step);
        } else {
            step.info(format!(
                "{} Member with unknown member id joins group {} in {} state. Created a new member id {} for this member and add to the group.",
                if joiner.profile.instance.is_some() { "Static" } else { "Dynamic" },
                self.id(),
                self.state().name(),
                joiner.member
            ));
            self.add_member_and_rebalance(joiner, step);
        }
    }

    fn join_known(&mut self, joiner: Joiner, step: &mut GroupStep<'_>) {
        let id = joiner.member.clone();
        let instance = joiner.profile.instance.as_deref();
        if self.pending.contains(&id) && !self.members.contains(&id) {
            if instance.is_some() {
                // A static member never gets an id to come back with; Kafka fails at it.
                joiner.refuse(id, ErrorCode::UnknownServerError, step);
            } else {
                self.add_member_and_rebalance(joiner, step);
            }
            return;
        }
        let unknown_instance = instance.is_some() && self.static_member(instance).is_none();
        if self.is_static_member_fenced(&id, instance, "join-group", step) {
            joiner.refuse(id, ErrorCode::FencedInstanceId, step);
            return;
        }
        let Some(member) = self.members.get(&id).filter(|_| !unknown_instance) else {
            joiner.refuse(id, ErrorCode::UnknownMemberId, step);
            return;
        };
        let is_same = member.protocols == joiner.protocols;
        let state = self.state().name();
        match self.state() {
            GroupState::PreparingRebalance => {
                self.update_member_and_rebalance(
                    joiner,
                    &format!("Member {id} joining group during {state}"),
                    step,
                );
            }
            // Its answer may have been lost.
            GroupState::CompletingRebalance if is_same => {
                step.respond(joiner.request, GroupResponse::Join(self.joined(&id)));
            }
            // What it assigns by may have changed where its own metadata has not: a topic's partitions.
            GroupState::Stable if self.members.is_leader(&id) => {
                self.update_member_and_rebalance(
                    joiner,
                    &format!("leader {id} re-joining group during {state}"),
                    step,
                );
            }
            GroupState::Stable if is_same => {
                let result = JoinGroupResult { member: id, ..self.joined_as_follower() };
                step.respond(joiner.request, GroupResponse::Join(result));
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.update_member_and_rebalance(
                    joiner,
                    &format!("Updating metadata for member {id} during {state}"),
                    step,
                );
            }
            GroupState::Empty | GroupState::Dead => {
                step.warn(format!(
                    "Attempt to add rejoining member {id} of group {} in unexpected group state {state}",
                    self.id()
                ));
                joiner.refuse(id, ErrorCode::UnknownMemberId, step);
            }
        }
    }

    fn add_member_and_rebalance(&mut self, joiner: Joiner, step: &mut GroupStep<'_>) {
        let Joiner { request, member: id, profile, protocol_type, protocols } = joiner;
        if self.is(GroupState::PreparingRebalance) && self.generation == 0 {
            self.new_member_added = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type);
        }
        let instance = profile.instance.clone();
        let mut member = MemberMetadata::new(id.clone(), profile, protocols);
        member.joining = Some(request);
        member.is_new = true;
        self.members.insert(member);
        self.expect_sign(&id, NEW_MEMBER_JOIN_TIMEOUT, step);
        let printed = super::member::printed_option(instance.as_deref());
        if let Some(instance) = instance {
            step.info(format!(
                "Adding new static member {printed} to group {} with member id {id}.",
                self.id()
            ));
            self.static_members.insert(instance, id.clone());
        } else {
            self.remove_pending(&id, step);
        }
        let reason = format!("Adding new member {id} with group instance id {printed}");
        self.maybe_prepare_rebalance(&reason, step);
    }

    fn update_member_and_rebalance(&mut self, joiner: Joiner, reason: &str, step: &mut GroupStep<'_>) {
        let before = self.members.update(&joiner.member, joiner.protocols, Some(joiner.request));
        if let Some(before) = before {
            // The client has given up on it; Kafka never answers it.
            let refused = JoinGroupResult::refused(joiner.member, ErrorCode::RebalanceInProgress);
            step.respond(before, GroupResponse::Join(refused));
        }
        self.maybe_prepare_rebalance(reason, step);
    }

    /// Forgets a member id that was given out.
    pub(super) fn remove_pending(&mut self, id: &Arc<str>, step: &mut GroupStep<'_>) {
        if self.pending.remove(id) {
            step.cancel(GroupTimer::Pending(self.id().clone(), id.clone()));
        }
    }

    /// What a member of this generation is answered.
    pub(super) fn joined(&self, member: &Arc<str>) -> JoinGroupResult {
        let members = if self.members.is_leader(member) { self.joined_members() } else { Vec::new() };
        JoinGroupResult { member: member.clone(), members, ..self.joined_as_follower() }
    }

    /// What a member that does not lead is answered; its id is to be filled in.
    pub(super) fn joined_as_follower(&self) -> JoinGroupResult {
        JoinGroupResult {
            error: ErrorCode::None,
            member: "".into(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            leader: self.members.leader().cloned().unwrap_or_default(),
            members: Vec::new(),
        }
    }

    fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let members = self.members.iter().map(|member| JoinedMember {
            id: member.id.clone(),
            instance: member.profile.instance.clone(),
            metadata: member.metadata(protocol).cloned().unwrap_or_default(),
        });
        members.collect()
    }
}
