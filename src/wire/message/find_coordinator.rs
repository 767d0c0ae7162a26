//! FindCoordinator: which broker coordinates a group or a transactional id.
//!
//! v1 transactional ids.

use crate::wire::message::table::message;

message! {
    FindCoordinator, versions 0-3, flexible 3+;

    /// The group or transactional id whose coordinator is asked for.
    request FindCoordinatorRequest -> FindCoordinatorResponse {
        /// The group or transactional id.
        key: String [0+],
        /// 0 for a group, 1 for a transactional id.
        key_type: i8 [1+],
    }

    /// The coordinator.
    response FindCoordinatorResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [1+, nullable 1+, ignorable],
        /// The broker's id.
        node_id: i32 [0+],
        /// A host name or address.
        host: String [0+],
        /// Its port.
        port: i32 [0+],
    }
}
