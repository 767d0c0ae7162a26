//! LeaveGroup, v0-4. Members go, and the others share what they had.
//!
//! v3 several members, static ones by their names (KIP-345) · v4 flexible. Kafka: `KafkaApis.handleLeaveGroupRequest`.

use super::{check_group_id, unavailable};
use crate::api::Exchange;
use crate::coordinator::group::leave::{GroupLeave, LeavingMember};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};

/// Lets each member go by itself.
pub async fn handle(exchange: &Exchange, mut request: LeaveGroupRequest) -> LeaveGroupResponse {
    let members = match exchange.version() {
        0..3 => vec![MemberIdentity {
            member_id: std::mem::take(&mut request.member_id),
            group_instance_id: None,
        }],
        _ => request.members,
    };
    let group = request.group_id;
    if !exchange.may_read_group(&group) {
        return refused(ErrorCode::GroupAuthorizationFailed);
    }
    if let Err(error) = check_group_id(&group) {
        return refused(error);
    }
    let leave = GroupLeave { group: group.into(), members: members.iter().map(leaving).collect() };
    let errors = match exchange.services.groups.leave(leave).await {
        Ok(errors) => errors,
        Err(why) => return refused(unavailable(why)),
    };
    if exchange.version() < 3 {
        return refused(errors.first().copied().unwrap_or_default());
    }
    let members = members.into_iter().zip(errors).map(|(member, error)| MemberResponse {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: error.code(),
    });
    LeaveGroupResponse { members: members.collect(), ..Default::default() }
}

fn leaving(member: &MemberIdentity) -> LeavingMember {
    LeavingMember {
        member: member.member_id.as_str().into(),
        instance: member.group_instance_id.as_deref().map(Into::into),
    }
}

fn refused(error: ErrorCode) -> LeaveGroupResponse {
    LeaveGroupResponse { error_code: error.code(), ..Default::default() }
}
