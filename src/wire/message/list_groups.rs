//! ListGroups: the groups that a broker coordinates.
//!
//! v4 filtered by state.

use crate::wire::message::table::message;

message! {
    ListGroups, versions 0-4, flexible 3+;

    /// Which states; all without any.
    request ListGroupsRequest -> ListGroupsResponse {
        /// Only groups in these states; all without any.
        states_filter: Vec<String> [4+],
    }

    /// The groups.
    response ListGroupsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The groups.
        groups: Vec<ListedGroup> [0+],
    }

    /// A group.
    struct ListedGroup {
        /// The group.
        group_id: String [0+],
        /// The kind of group: `consumer` or `connect`.
        protocol_type: String [0+],
        /// The group's state, as Kafka spells it.
        group_state: String [4+, ignorable],
    }
}
