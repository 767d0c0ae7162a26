//! JoinGroup

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    JoinGroup, versions 0-7, flexible 6+;

    request JoinGroupRequest -> JoinGroupResponse {
        group_id: String [0+],
        session_timeout_ms: i32 [0+],
        rebalance_timeout_ms: i32 [1+, ignorable] = -1,
        member_id: String [0+],
        group_instance_id: Option<String> [5+, nullable 5+] = None,
        protocol_type: String [0+],
        protocols: Vec<JoinGroupRequestProtocol> [0+],
    }

    struct JoinGroupRequestProtocol {
        name: String [0+],
        metadata: Bytes [0+],
    }

    response JoinGroupResponse {
        throttle_time_ms: i32 [2+, ignorable],
        error_code: i16 [0+],
        generation_id: i32 [0+] = -1,
        protocol_type: Option<String> [7+, nullable 7+, ignorable] = None,
        protocol_name: Option<String> [0+, nullable 7+],
        leader: String [0+],
        member_id: String [0+],
        members: Vec<JoinGroupResponseMember> [0+],
    }

    struct JoinGroupResponseMember {
        member_id: String [0+],
        group_instance_id: Option<String> [5+, nullable 5+] = None,
        metadata: Bytes [0+],
    }
}
