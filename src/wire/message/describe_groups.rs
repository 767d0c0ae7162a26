//! DescribeGroups: groups with their members.
//!
//! v3 authorized operations · v4 static members.

use bytes::Bytes;

use crate::wire::message::table::message;

message! {
    DescribeGroups, versions 0-5, flexible 5+;

    /// Which groups.
    request DescribeGroupsRequest -> DescribeGroupsResponse {
        /// The groups.
        groups: Vec<String> [0+],
        /// Whether the answer has the operations that the caller may do.
        include_authorized_operations: bool [3+],
    }

    /// The groups.
    response DescribeGroupsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// The groups.
        groups: Vec<DescribedGroup> [0+],
    }

    /// A group.
    struct DescribedGroup {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The group.
        group_id: String [0+],
        /// The group's state, as Kafka spells it.
        group_state: String [0+],
        /// The kind of group: `consumer` or `connect`.
        protocol_type: String [0+],
        /// The protocol in use.
        protocol_data: String [0+],
        /// The members.
        members: Vec<DescribedGroupMember> [0+],
        /// Bits of what the caller may do; `i32::MIN` where it did not ask.
        authorized_operations: i32 [3+] = i32::MIN,
    }

    /// A member.
    struct DescribedGroupMember {
        /// The member's id; empty for none yet.
        member_id: String [0+],
        /// The member's lasting name, for static members (KIP-345).
        group_instance_id: Option<String> [4+, nullable 4+, ignorable] = None,
        /// How the member's client names itself.
        client_id: String [0+],
        /// Where the member connects from.
        client_host: String [0+],
        /// What the member joined with, in the protocol's own layout.
        member_metadata: Bytes [0+],
        /// What the member is assigned, in the protocol's own layout.
        member_assignment: Bytes [0+],
    }
}
