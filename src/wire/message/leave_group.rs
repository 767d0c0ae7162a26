//! LeaveGroup: members leave their group.
//!
//! v3 several members, static ones too.

use crate::wire::message::table::message;

message! {
    LeaveGroup, versions 0-4, flexible 4+;

    /// The member that leaves.
    request LeaveGroupRequest -> LeaveGroupResponse {
        /// The group.
        group_id: String [0+],
        /// The member's id; empty for none yet.
        member_id: String [0-2],
        /// The members.
        members: Vec<MemberIdentity> [3+],
    }

    /// A member.
    struct MemberIdentity {
        /// The member's id; empty for none yet.
        member_id: String [3+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [3+, nullable 3+] = None,
    }

    /// What came of it, by member.
    response LeaveGroupResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The members.
        members: Vec<MemberResponse> [3+],
    }

    /// A member's result.
    struct MemberResponse {
        /// The member's id; empty for none yet.
        member_id: String [3+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [3+, nullable 3+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [3+],
    }
}
