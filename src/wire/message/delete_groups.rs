//! DeleteGroups: groups without members removed.
//!
//! v1 throttled.

use crate::wire::message::table::message;

message! {
    DeleteGroups, versions 0-2, flexible 2+;

    /// Which groups.
    request DeleteGroupsRequest -> DeleteGroupsResponse {
        /// The groups to delete.
        groups_names: Vec<String> [0+],
    }

    /// What came of each.
    response DeleteGroupsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<DeletableGroupResult> [0+],
    }

    /// A group's result.
    struct DeletableGroupResult {
        /// The group.
        group_id: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
