//! ListGroups

use crate::wire::message::table::message;

message! {
    ListGroups, versions 0-4, flexible 3+;

    request ListGroupsRequest -> ListGroupsResponse {
        states_filter: Vec<String> [4+],
    }

    response ListGroupsResponse {
        throttle_time_ms: i32 [1+, ignorable],
        error_code: i16 [0+],
        groups: Vec<ListedGroup> [0+],
    }

    struct ListedGroup {
        group_id: String [0+],
        protocol_type: String [0+],
        group_state: String [4+, ignorable],
    }
}
