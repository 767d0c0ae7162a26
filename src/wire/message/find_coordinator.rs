//! FindCoordinator

use crate::wire::message::table::message;

message! {
    FindCoordinator, versions 0-3, flexible 3+;

    request FindCoordinatorRequest -> FindCoordinatorResponse {
        key: String [0+],
        key_type: i8 [1+],
    }

    response FindCoordinatorResponse {
        throttle_time_ms: i32 [1+, ignorable],
        error_code: i16 [0+],
        error_message: Option<String> [1+, nullable 1+, ignorable],
        node_id: i32 [0+],
        host: String [0+],
        port: i32 [0+],
    }
}
