//! ControlledShutdown: a broker asks the controller to move its leaderships away.
//!
//! v0 has a request header without client id · v2 broker epoch.

use crate::wire::message::table::message;

message! {
    ControlledShutdown, versions 0-3, flexible 3+;

    /// The broker that is about to stop.
    request ControlledShutdownRequest -> ControlledShutdownResponse {
        /// A broker's id.
        broker_id: i32 [0+],
        /// The receiver's broker epoch as the sender knows it (KIP-380); -1 for unknown.
        broker_epoch: i64 [2+, ignorable] = -1,
    }

    /// What it still leads.
    response ControlledShutdownResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What the broker still leads.
        remaining_partitions: Vec<RemainingPartition> [0+],
    }

    /// A partition still led.
    struct RemainingPartition {
        /// The topic's name.
        topic_name: String [0+],
        /// The partition's number.
        partition_index: i32 [0+],
    }
}
