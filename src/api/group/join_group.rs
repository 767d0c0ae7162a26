//! JoinGroup, v0-7. A member enters a group, or comes back to it; answered once the next generation begins.
//!
//! v1 rebalance timeout · v4 MEMBER_ID_REQUIRED (KIP-394) · v5 static members (KIP-345) · v6 flexible · v7 the
//! protocol's type. Kafka: `KafkaApis.handleJoinGroupRequest`.

use bytes::Bytes;
use uuid::Uuid;

use super::{check_group_id, unavailable};
use crate::api::Exchange;
use crate::base::{Millis, host_address};
use crate::coordinator::group::join::{GroupJoin, JoinGroupResult, JoinedMember, MAX_ID_PREFIX};
use crate::coordinator::group::member::{MemberProfile, SupportedProtocol};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember,
};

/// Waits for the generation.
pub async fn handle(exchange: &Exchange, request: JoinGroupRequest) -> JoinGroupResponse {
    let refused = |member: &str, error| JoinGroupResult::refused(member.into(), error);
    let instance = request.group_instance_id.as_deref();
    let member = request.member_id.clone();
    let result = if exchange.refuses_static_members(instance) {
        refused("", ErrorCode::UnsupportedVersion)
    } else if !exchange.may_read_group(&request.group_id) {
        refused("", ErrorCode::GroupAuthorizationFailed)
    } else if let Err(error) = check_group_id(&request.group_id) {
        refused(&member, error)
    } else {
        let joined = match join(exchange, request) {
            Some(join) => exchange.services.groups.join(join).await.map_err(unavailable),
            None => Err(ErrorCode::UnknownServerError),
        };
        joined.unwrap_or_else(|error| refused(&member, error))
    };
    response(exchange.version(), result)
}

/// What the coordinator is asked; None where the id that the member would get could not be sent.
fn join(exchange: &Exchange, request: JoinGroupRequest) -> Option<GroupJoin> {
    let version = exchange.version();
    let client_id = exchange.header.client_id.as_deref().unwrap_or_default();
    let instance = request.group_instance_id;
    let prefix = instance.as_deref().unwrap_or(client_id);
    if prefix.len() > MAX_ID_PREFIX {
        return None;
    }
    let rebalance = if version >= 1 { request.rebalance_timeout_ms } else { request.session_timeout_ms };
    Some(GroupJoin {
        group: request.group_id.into(),
        member: request.member_id.into(),
        new_member: format!("{prefix}-{}", Uuid::new_v4()).into(),
        requires_member_id: version >= 4 && instance.is_none(),
        profile: MemberProfile {
            instance: instance.map(Into::into),
            client_id: client_id.into(),
            client_host: format!("/{}", host_address(exchange.caller.address)).into(),
            rebalance_timeout: Millis::from(rebalance),
            session_timeout: Millis::from(request.session_timeout_ms),
        },
        protocol_type: request.protocol_type.into(),
        protocols: request.protocols.into_iter().map(protocol).collect(),
    })
}

/// Its metadata is copied: it stays as long as the member, and the frame that it came in is not to.
fn protocol(protocol: JoinGroupRequestProtocol) -> SupportedProtocol {
    SupportedProtocol { name: protocol.name.into(), metadata: Bytes::copy_from_slice(&protocol.metadata) }
}

fn response(version: i16, result: JoinGroupResult) -> JoinGroupResponse {
    let JoinGroupResult { error, member, generation, protocol_type, protocol_name, leader, members } = result;
    let protocol_name = protocol_name.map(|name| name.to_string());
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: generation,
        protocol_type: protocol_type.map(|it| it.to_string()),
        protocol_name: if version >= 7 { protocol_name } else { Some(protocol_name.unwrap_or_default()) },
        leader: leader.to_string(),
        member_id: member.to_string(),
        members: members.into_iter().map(|member| joined(version, member)).collect(),
        ..Default::default()
    }
}

fn joined(version: i16, member: JoinedMember) -> JoinGroupResponseMember {
    JoinGroupResponseMember {
        member_id: member.id.to_string(),
        group_instance_id: member.instance.filter(|_| version >= 5).map(|it| it.to_string()),
        metadata: member.metadata,
    }
}
