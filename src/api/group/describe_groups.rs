//! DescribeGroups, v0-5. What groups are, and their members.
//!
//! v3 authorized operations (KIP-430) · v4 static members · v5 flexible. Kafka: `KafkaApis.handleDescribeGroupRequest`.

use super::unavailable;
use crate::api::Exchange;
use crate::coordinator::group::describe::{GroupSummary, MemberSummary};
use crate::coordinator::group::request::GroupId;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

/// Describes each group by itself.
pub async fn handle(exchange: &Exchange, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let mut groups = Vec::with_capacity(request.groups.len().min(1024));
    let shows_operations = exchange.version() >= 3 && request.include_authorized_operations;
    for group_id in request.groups {
        let resource = AclResource::group(&group_id);
        let described = if exchange.is_authorized(AclOperation::Describe, resource) {
            let asked = GroupId { group: group_id.as_str().into() };
            exchange.services.groups.describe(asked).await.map_err(unavailable)
        } else {
            Err(ErrorCode::GroupAuthorizationFailed)
        };
        groups.push(match described {
            Ok(summary) => DescribedGroup {
                authorized_operations: match shows_operations {
                    true => exchange.authorized_operations(resource),
                    false => i32::MIN,
                },
                ..of_summary(group_id, summary)
            },
            Err(error) => DescribedGroup { error_code: error.code(), group_id, ..Default::default() },
        });
    }
    DescribeGroupsResponse { groups, ..Default::default() }
}

fn of_summary(group_id: String, summary: GroupSummary) -> DescribedGroup {
    DescribedGroup {
        group_id,
        group_state: summary.state.name().to_owned(),
        protocol_type: summary.protocol_type.to_string(),
        protocol_data: summary.protocol.to_string(),
        members: summary.members.into_iter().map(member).collect(),
        ..Default::default()
    }
}

fn member(member: MemberSummary) -> DescribedGroupMember {
    DescribedGroupMember {
        member_id: member.id.to_string(),
        group_instance_id: member.instance.map(|it| it.to_string()),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    }
}
