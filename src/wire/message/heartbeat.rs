//! Heartbeat: a member shows that it is alive.
//!
//! v3 static members.

use crate::wire::message::table::message;

message! {
    Heartbeat, versions 0-4, flexible 4+;

    /// The member.
    request HeartbeatRequest -> HeartbeatResponse {
        /// The group.
        group_id: String [0+],
        /// The group's generation; -1 for none.
        generation_id: i32 [0+],
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [3+, nullable 3+] = None,
    }

    /// Whether it may go on.
    response HeartbeatResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
