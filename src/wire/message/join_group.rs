//! JoinGroup: a member enters its group, and waits for the others.
//!
//! v1 rebalance timeout · v4 member ids given first · v5 static members · v7 protocol type and name in the
//! answer.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    JoinGroup, versions 0-7, flexible 6+;

    /// The member and what it can do.
    request JoinGroupRequest -> JoinGroupResponse {
        /// The group.
        group_id: String [0+],
        /// How long the member may be silent, in milliseconds.
        session_timeout_ms: i32 [0+],
        /// How long the group waits for the member in a rebalance, in milliseconds; -1 for the session
        /// timeout.
        rebalance_timeout_ms: i32 [1+, ignorable] = -1,
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [5+, nullable 5+] = None,
        /// The kind of group: `consumer` or `connect`.
        protocol_type: String [0+],
        /// The protocols the member can use, the best first.
        protocols: Vec<JoinGroupRequestProtocol> [0+],
    }

    /// A protocol the member can use.
    struct JoinGroupRequestProtocol {
        /// The name.
        name: String [0+],
        /// What goes with it, in the client's own layout.
        metadata: Bytes [0+],
    }

    /// Its generation; for the leader, all members.
    response JoinGroupResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [2+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The group's generation; -1 for none.
        generation_id: i32 [0+] = -1,
        /// The kind of group: `consumer` or `connect`.
        protocol_type: Option<String> [7+, nullable 7+, ignorable] = None,
        /// The protocol the group uses.
        protocol_name: Option<String> [0+, nullable 7+],
        /// The id of the member that leads the group.
        leader: String [0+],
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// All members, for the leader only.
        members: Vec<JoinGroupResponseMember> [0+],
    }

    /// A member.
    struct JoinGroupResponseMember {
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [5+, nullable 5+] = None,
        /// What goes with it, in the client's own layout.
        metadata: Bytes [0+],
    }
}
