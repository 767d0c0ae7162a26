//! Heartbeat, v0-4. A member is alive, and learns whether its group rebalances.
//!
//! v3 static members · v4 flexible. Kafka: `KafkaApis.handleHeartbeatRequest`.

use super::{check_group_id, claim, unavailable};
use crate::api::Exchange;
use crate::coordinator::group::session::GroupHeartbeat;
use crate::coordinator::runtime::Unavailable;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::heartbeat::{HeartbeatRequest, HeartbeatResponse};

/// Moves the end of the member's session.
pub async fn handle(exchange: &Exchange, request: HeartbeatRequest) -> HeartbeatResponse {
    let instance = request.group_instance_id.as_deref();
    let error = if exchange.refuses_static_members(instance) {
        ErrorCode::UnsupportedVersion
    } else if !exchange.may_read_group(&request.group_id) {
        ErrorCode::GroupAuthorizationFailed
    } else if let Err(error) = check_group_id(&request.group_id) {
        error
    } else {
        let claim = claim(&request.member_id, instance, request.generation_id);
        let beat = GroupHeartbeat { group: request.group_id.into(), claim };
        match exchange.services.groups.heartbeat(beat).await {
            Ok(error) => error,
            // What is loaded is not known to be wrong.
            Err(Unavailable::Loading) => ErrorCode::None,
            Err(why) => unavailable(why),
        }
    };
    HeartbeatResponse { error_code: error.code(), ..Default::default() }
}
