//! SyncGroup: the leader hands out assignments, every member gets its own.
//!
//! v3 static members · v5 protocol type and name checked.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    SyncGroup, versions 0-5, flexible 4+;

    /// The leader's assignments; from the others none.
    request SyncGroupRequest -> SyncGroupResponse {
        /// The group.
        group_id: String [0+],
        /// The group's generation; -1 for none.
        generation_id: i32 [0+],
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [3+, nullable 3+] = None,
        /// The kind of group: `consumer` or `connect`.
        protocol_type: Option<String> [5+, nullable 5+, ignorable] = None,
        /// The protocol the group uses.
        protocol_name: Option<String> [5+, nullable 5+, ignorable] = None,
        /// What each member is assigned; from the leader only.
        assignments: Vec<SyncGroupRequestAssignment> [0+],
    }

    /// A member and its assignment.
    struct SyncGroupRequestAssignment {
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// What the member is assigned, in the protocol's own layout.
        assignment: Bytes [0+],
    }

    /// The member's own assignment.
    response SyncGroupResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The kind of group: `consumer` or `connect`.
        protocol_type: Option<String> [5+, nullable 5+, ignorable] = None,
        /// The protocol the group uses.
        protocol_name: Option<String> [5+, nullable 5+, ignorable] = None,
        /// What the member is assigned, in the protocol's own layout.
        assignment: Bytes [0+],
    }
}
