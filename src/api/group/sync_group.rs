//! SyncGroup, v0-5. The leader brings the assignment of its generation; each member gets its own.
//!
//! v3 static members · v4 flexible · v5 protocol type and name are mandatory (KIP-559). Kafka:
//! `KafkaApis.handleSyncGroupRequest`.

use bytes::Bytes;

use super::{check_group_id, claim, unavailable};
use crate::api::Exchange;
use crate::coordinator::group::sync::{GroupSync, SyncGroupResult};
use crate::coordinator::runtime::Unavailable;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::sync_group::{SyncGroupRequest, SyncGroupResponse};

/// Waits for the assignment.
pub async fn handle(exchange: &Exchange, request: SyncGroupRequest) -> SyncGroupResponse {
    let lacks_protocol = request.protocol_type.is_none() || request.protocol_name.is_none();
    let result = if exchange.refuses_static_members(request.group_instance_id.as_deref()) {
        SyncGroupResult::refused(ErrorCode::UnsupportedVersion)
    } else if exchange.version() >= 5 && lacks_protocol {
        SyncGroupResult::refused(ErrorCode::InconsistentGroupProtocol)
    } else if !exchange.may_read_group(&request.group_id) {
        SyncGroupResult::refused(ErrorCode::GroupAuthorizationFailed)
    } else if let Err(error) = check_group_id(&request.group_id) {
        SyncGroupResult::refused(error)
    } else {
        let synced = exchange.services.groups.sync(sync(request)).await;
        synced.unwrap_or_else(|why| SyncGroupResult::refused(refusal(why)))
    };
    SyncGroupResponse {
        error_code: result.error.code(),
        protocol_type: result.protocol_type.map(|it| it.to_string()),
        protocol_name: result.protocol_name.map(|it| it.to_string()),
        assignment: result.assignment,
        ..Default::default()
    }
}

/// A coordinator that loads has lost the rebalance: the member is to join anew. Old clients do not know
/// COORDINATOR_LOAD_IN_PROGRESS here.
fn refusal(why: Unavailable) -> ErrorCode {
    match why {
        Unavailable::Loading => ErrorCode::RebalanceInProgress,
        why => unavailable(why),
    }
}

fn sync(request: SyncGroupRequest) -> GroupSync {
    // Copied: an assignment stays as long as the generation, and the frame that it came in is not to.
    let assignments = request
        .assignments
        .into_iter()
        .map(|it| (it.member_id.into(), Bytes::copy_from_slice(&it.assignment)));
    GroupSync {
        claim: claim(&request.member_id, request.group_instance_id.as_deref(), request.generation_id),
        group: request.group_id.into(),
        protocol_type: request.protocol_type.map(Into::into),
        protocol_name: request.protocol_name.map(Into::into),
        assignments: assignments.collect(),
    }
}
