//! SyncGroup

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    SyncGroup, versions 0-5, flexible 4+;

    request SyncGroupRequest -> SyncGroupResponse {
        group_id: String [0+],
        generation_id: i32 [0+],
        member_id: String [0+],
        group_instance_id: Option<String> [3+, nullable 3+] = None,
        protocol_type: Option<String> [5+, nullable 5+, ignorable] = None,
        protocol_name: Option<String> [5+, nullable 5+, ignorable] = None,
        assignments: Vec<SyncGroupRequestAssignment> [0+],
    }

    struct SyncGroupRequestAssignment {
        member_id: String [0+],
        assignment: Bytes [0+],
    }

    response SyncGroupResponse {
        throttle_time_ms: i32 [1+, ignorable],
        error_code: i16 [0+],
        protocol_type: Option<String> [5+, nullable 5+, ignorable] = None,
        protocol_name: Option<String> [5+, nullable 5+, ignorable] = None,
        assignment: Bytes [0+],
    }
}
