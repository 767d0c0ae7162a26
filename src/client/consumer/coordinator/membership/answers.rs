//! What the coordinator's answers mean for the member.
//!
//! Pure. Every error code of 2.7.2 is handled as its clients do; a code that an answer cannot have ends the attempt
//! with an error. Kafka: the response handlers of `AbstractCoordinator`.

use super::{
    CoordinatorLookup, MemberGeneration, MemberState, Membership, MembershipAction, MembershipAnswer,
};
use crate::base::Millis;
use crate::client::consumer::coordinator::assignment::{LeaderAssignment, MadeAssignment};
use crate::client::consumer::coordinator::error::GroupError;
use crate::client::consumer::coordinator::protocol::PROTOCOL_TYPE;
use crate::client::error::ClientError;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::join_group::JoinGroupResponse;
use crate::wire::message::sync_group::SyncGroupResponse;

impl Membership {
    /// An action's outcome.
    pub fn answered(&mut self, now: Millis, answer: MembershipAnswer) {
        match answer {
            MembershipAnswer::Coordinator(found) => self.coordinator_answered(now, found),
            MembershipAnswer::Joined(attempt, answer) => self.join_answered(now, attempt, answer),
            MembershipAnswer::Assigned(attempt, made) => self.assigned(now, attempt, made),
            MembershipAnswer::Synced(attempt, answer) => self.sync_answered(now, attempt, answer),
            MembershipAnswer::Heartbeat(sent, answer) => self.heartbeat_answered(now, &sent, answer),
            MembershipAnswer::Left => self.leaving = self.leaving.saturating_sub(1),
        }
        self.advance(now);
    }

    fn coordinator_answered(&mut self, now: Millis, found: Result<(), ClientError>) {
        match found {
            Ok(()) => {
                self.coordinator = CoordinatorLookup::Known;
                self.heartbeat.answered(now);
            }
            Err(error) => {
                let retry_at = now.saturating_add(self.retry_backoff);
                self.coordinator = CoordinatorLookup::Unknown { retry_at };
                if !error.is_retriable() {
                    self.fail(self.in_words(error));
                }
            }
        }
    }

    fn join_answered(&mut self, now: Millis, attempt: u64, answer: Result<JoinGroupResponse, ClientError>) {
        if attempt != self.attempt || !self.is_joining {
            return;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.exchange_failed(now, error),
        };
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => self.joined(now, answer),
            ErrorCode::MemberIdRequired => {
                self.generation = MemberGeneration { member_id: answer.member_id, ..MemberGeneration::NONE };
                self.join_again();
            }
            ErrorCode::UnknownMemberId => {
                self.join_again();
                self.reset_generation();
            }
            ErrorCode::CoordinatorLoadInProgress => self.join_later(now),
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => {
                self.forget_coordinator(now);
                self.join_later(now);
            }
            error => {
                self.join_again();
                self.fail(self.refused_join(error));
            }
        }
    }

    fn refused_join(&self, error: ErrorCode) -> ClientError {
        let group = &self.settings.group_id;
        let message = match error {
            ErrorCode::GroupMaxSizeReached => {
                format!("Consumer group {group} already has the configured maximum number of members.")
            }
            ErrorCode::GroupAuthorizationFailed => return self.not_authorized(),
            ErrorCode::FencedInstanceId
            | ErrorCode::InconsistentGroupProtocol
            | ErrorCode::InvalidSessionTimeout
            | ErrorCode::InvalidGroupId
            | ErrorCode::UnsupportedVersion => error.message().to_owned(),
            _ => {
                let message = format!("Unexpected error in join group response: {}", error.message());
                return ClientError::Unexpected { error, message };
            }
        };
        ClientError::Refused { error, message }
    }

    /// The member is part of a generation.
    fn joined(&mut self, now: Millis, answer: JoinGroupResponse) {
        if answer.protocol_type.as_deref().is_some_and(|it| it != PROTOCOL_TYPE) {
            self.join_again();
            return self.fail_group(GroupError::InconsistentProtocol);
        }
        self.state = MemberState::CompletingRebalance;
        self.heartbeat.begin_session(now);
        let is_leader = answer.leader == answer.member_id;
        self.generation = MemberGeneration {
            id: answer.generation_id,
            member_id: answer.member_id,
            protocol: answer.protocol_name,
        };
        if !is_leader {
            return self.send_sync(Vec::new());
        }
        let (Some(at), Some(protocol)) = (self.assignor(), self.protocol) else {
            return self.unknown_assignor();
        };
        match LeaderAssignment::new(self.assignors[at].clone(), protocol, answer.members) {
            Ok(assignment) => {
                self.seen_counts.clear();
                self.actions.push(MembershipAction::Assign(self.attempt, assignment));
            }
            Err(error) => self.abandon(error),
        }
    }

    /// The place of the assignor that the group uses.
    pub(super) fn assignor(&self) -> Option<usize> {
        let name = self.generation.protocol.as_deref()?;
        self.assignors.iter().position(|assignor| assignor.name() == name)
    }

    pub(super) fn unknown_assignor(&mut self) {
        let name = self.generation.protocol.clone().unwrap_or_else(|| "null".to_owned());
        self.abandon(GroupError::UnknownAssignor(name));
    }

    /// The generation cannot be completed by this client.
    pub(super) fn abandon(&mut self, error: GroupError) {
        self.join_again();
        self.fail_group(error);
    }

    fn assigned(&mut self, now: Millis, attempt: u64, made: Result<MadeAssignment, ClientError>) {
        if attempt != self.attempt || !self.is_joining {
            return;
        }
        match made {
            Ok(made) => {
                self.assigned_counts = Some(made.partition_counts);
                self.send_sync(made.assignments);
            }
            Err(error) if error.is_retriable() => self.join_later(now),
            Err(error) => {
                self.join_again();
                self.fail(error);
            }
        }
    }

    fn sync_answered(&mut self, now: Millis, attempt: u64, answer: Result<SyncGroupResponse, ClientError>) {
        if attempt != self.attempt || !self.is_joining {
            return;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.exchange_failed(now, error),
        };
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None if !self.is_consistent(&answer) => self.abandon(GroupError::InconsistentProtocol),
            ErrorCode::None => self.synced(now, &answer.assignment),
            ErrorCode::RebalanceInProgress => self.join_again(),
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                self.join_again();
                self.reset_generation();
            }
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => {
                self.forget_coordinator(now);
                self.join_later(now);
            }
            ErrorCode::GroupAuthorizationFailed => {
                self.join_again();
                self.fail(self.not_authorized());
            }
            error => {
                self.join_again();
                self.fail(match error {
                    ErrorCode::FencedInstanceId => ClientError::refused(error),
                    _ => {
                        let message = format!("Unexpected error from SyncGroup: {}", error.message());
                        ClientError::Unexpected { error, message }
                    }
                });
            }
        }
    }

    fn is_consistent(&self, answer: &SyncGroupResponse) -> bool {
        answer.protocol_type.as_deref().is_none_or(|it| it == PROTOCOL_TYPE)
            && (answer.protocol_name.is_none() || answer.protocol_name == self.generation.protocol)
    }

    /// JoinGroup or SyncGroup got no answer.
    fn exchange_failed(&mut self, now: Millis, error: ClientError) {
        self.forget_coordinator(now);
        if error.is_retriable() {
            return self.join_later(now);
        }
        self.join_again();
        self.fail(error);
    }

    fn heartbeat_answered(&mut self, now: Millis, sent: &MemberGeneration, answer: Result<i16, ClientError>) {
        let Ok(code) = answer else {
            self.heartbeat.failed(now);
            return self.forget_coordinator(now);
        };
        let is_current = *sent == self.generation;
        match ErrorCode::from_code(code) {
            ErrorCode::None => self.heartbeat.succeeded(now),
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => {
                self.heartbeat.failed(now);
                self.forget_coordinator(now);
            }
            ErrorCode::RebalanceInProgress => {
                // The member's session goes on. Between two assignments the answer to SyncGroup decides.
                self.heartbeat.succeeded(now);
                if self.state == MemberState::Stable {
                    self.rejoin_needed = true;
                }
            }
            ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId if is_current => {
                self.heartbeat.failed(now);
                self.reset_generation();
            }
            error @ ErrorCode::FencedInstanceId if is_current => {
                self.heartbeat.failed(now);
                self.reset_generation();
                self.fail(ClientError::Refused { error, message: error.message().to_owned() });
            }
            ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.heartbeat.succeeded(now);
            }
            ErrorCode::GroupAuthorizationFailed => {
                self.heartbeat.failed(now);
                self.fail(self.not_authorized());
            }
            _ => self.heartbeat.failed(now),
        }
    }

    pub(super) fn not_authorized(&self) -> ClientError {
        let message = format!("Not authorized to access group: {}", self.settings.group_id);
        ClientError::Refused { error: ErrorCode::GroupAuthorizationFailed, message }
    }

    fn in_words(&self, error: ClientError) -> ClientError {
        match error {
            ClientError::Refused { error: ErrorCode::GroupAuthorizationFailed, .. } => self.not_authorized(),
            other => other,
        }
    }
}
